/// A file, a pipe or standard input, read in order and once.
public struct InputDescriptor: Sendable {
  private let number: Int32

  /// One that is open already.
  public init(number: Int32) { self.number = number }

  /// Opens a file.
  ///
  /// - Throws: ``FileError``.
  public init(path: String) throws(FileError) {
    number = SystemCalls.openToRead(path)
    guard number >= 0 else { throw FileError(.read, path: path, code: SystemCalls.error) }
  }

  /// Bytes of a regular file; nil of everything else.
  public var fileSize: Int? { SystemCalls.facts(of: number).flatMap { $0.kind == .file ? $0.size : nil } }

  /// Whether it is a folder, which cannot be read.
  public var isFolder: Bool { SystemCalls.facts(of: number)?.kind == .folder }

  /// Waits for some bytes and takes as many as there are; 0 at the end.
  ///
  /// - Parameters:
  ///   - name: what errors call it.
  /// - Throws: ``FileError``.
  public func read(
    into target: UnsafeMutablePointer<UInt8>, capacity: Int, name: String
  ) throws(FileError) -> Int {
    while true {
      let count = SystemCalls.read(number, into: UnsafeMutableRawBufferPointer(start: target, count: capacity))
      if count >= 0 { return count }
      if SystemCalls.error != SystemError.interrupted { throw FileError(.read, path: name, code: SystemCalls.error) }
    }
  }

  /// Gives it back.
  public func close() { SystemCalls.close(number) }
}
