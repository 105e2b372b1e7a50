/// A run of a file's bytes that stays readable as long as this value lives.
public struct FileBytes: Sendable {
  private let file: MappedFile
  /// Where in the file.
  public let range: Range<Int>

  /// The bytes `range` of `file`.
  ///
  /// - Precondition: `range` lies within the file.
  public init(_ file: MappedFile, _ range: Range<Int>) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= file.count, "FileBytes: \(range) is outside 0..<\(file.count)")
    (self.file, self.range) = (file, range)
  }

  /// Bytes in memory.
  public init(content: [UInt8]) { self.init(MappedFile(content: content, path: ""), 0..<content.count) }

  /// Number of bytes.
  public var count: Int { range.count }

  /// Whether the bytes are the system's pages rather than a copy.
  public var isMapped: Bool { file.isMapped }

  /// The bytes as numbers in the machine's byte order, copied.
  public func array<T: BitwiseCopyable>(of type: T.Type) -> [T] { file.array(of: type, in: range) }

  /// Calls `body` with the address of the first byte, which it must not keep.
  public func withUnsafeBytes<R>(_ body: (UnsafeRawPointer) throws -> R) rethrows -> R {
    try file.withBytes(range) { span in
      try span.withUnsafeBytes { try body($0.baseAddress ?? UnsafeRawPointer(bitPattern: 8)!) }
    }
  }

  /// These bytes where their address is a multiple of `alignment`, else a copy of them.
  public func aligned(to alignment: Int) -> FileBytes {
    let fits = withUnsafeBytes { UInt(bitPattern: $0) % UInt(alignment) == 0 }
    return fits ? self : FileBytes(content: array(of: UInt8.self))
  }
}
