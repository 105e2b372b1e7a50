/// A file's bytes, read-only, mapped into memory where the system allows it and read into memory otherwise.
///
/// Nothing is copied until it is asked for. The bytes stay valid when the file is replaced by ``AtomicFile``, which
/// never writes in place; whoever shortens a mapped file in place takes the pages away, and the next access ends the
/// process.
public final class MappedFile: @unchecked Sendable {
  /// The path as given.
  public let path: String
  /// Number of bytes.
  public let count: Int
  /// Whether the bytes are the system's pages rather than a copy.
  public let isMapped: Bool
  private let bytes: UnsafeMutableRawBufferPointer

  /// Opens `path`.
  ///
  /// - Parameters:
  ///   - path: a file, or a pipe, which is read to its end.
  ///   - mapping: false reads into memory always.
  /// - Throws: ``FileError`` of operation `read`.
  public init(_ path: String, mapping: Bool = true) throws {
    let descriptor = SystemCalls.openToRead(path)
    guard descriptor >= 0 else { throw FileError(.read, path: path, code: SystemCalls.error) }
    defer { SystemCalls.close(descriptor) }
    guard let facts = SystemCalls.facts(of: descriptor) else {
      throw FileError(.read, path: path, code: SystemCalls.error)
    }
    let size = facts.size
    self.path = path
    if mapping && facts.kind == .file && size > 0, let start = SystemCalls.map(descriptor, count: size) {
      (bytes, count, isMapped) = (UnsafeMutableRawBufferPointer(start: start, count: size), size, true)
      return
    }
    let content = try Self.readToEnd(descriptor, expecting: size, path: path)
    (bytes, count, isMapped) = (Self.copy(content), content.count, false)
  }

  /// The bytes of `content` as if they had been read from `path`.
  public init(content: [UInt8], path: String) {
    (self.path, bytes, count, isMapped) = (path, Self.copy(content), content.count, false)
  }

  deinit {
    if isMapped { SystemCalls.unmap(bytes) } else { bytes.deallocate() }
  }

  /// Calls `body` with the bytes of `range`, which it must not keep.
  ///
  /// - Precondition: `range` lies within 0 ..< `count`.
  public func withBytes<R>(_ range: Range<Int>, _ body: (RawSpan) throws -> R) rethrows -> R {
    check(range)
    return try body(UnsafeRawBufferPointer(rebasing: bytes[range]).bytes)
  }

  /// The bytes of `range` as numbers in the machine's byte order, copied; any alignment.
  ///
  /// - Precondition: `range` lies within 0 ..< `count` and holds a whole number of elements. Every bit pattern must be
  ///   a value of `T`.
  public func array<T: BitwiseCopyable>(of type: T.Type, in range: Range<Int>) -> [T] {
    check(range)
    let size = MemoryLayout<T>.stride
    precondition(range.count % size == 0, "MappedFile: \(range.count) bytes are no whole number of \(type)")
    // The standard library would write the length into the one empty array that all threads share.
    if range.isEmpty { return [] }
    return [T](unsafeUninitializedCapacity: range.count / size) { buffer, initialized in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
      initialized = range.count / size
    }
  }

  private func check(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "MappedFile: \(range) is outside 0..<\(count)")
  }

  private static func copy(_ content: [UInt8]) -> UnsafeMutableRawBufferPointer {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 16)
    bytes.copyBytes(from: content)
    return bytes
  }

  private static func readToEnd(_ descriptor: Int32, expecting size: Int, path: String) throws -> [UInt8] {
    var content: [UInt8] = []
    content.reserveCapacity(size)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = chunk.withUnsafeMutableBytes { SystemCalls.read(descriptor, into: $0) }
      if got == 0 { return content }
      if got < 0 {
        if SystemCalls.error == SystemError.interrupted { continue }
        throw FileError(.read, path: path, code: SystemCalls.error)
      }
      content.append(contentsOf: chunk[..<got])
    }
  }
}
