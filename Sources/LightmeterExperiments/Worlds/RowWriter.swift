internal import LightmeterKernels

/// Rows of text into a file that appears whole or not at all.
struct RowWriter {
  private let file: AtomicFile
  private var buffer: [UInt8] = []
  private static let capacity = 1 << 20

  /// Opens `path` aside.
  ///
  /// - Throws: `FileError`.
  init(path: String) throws {
    file = try AtomicFile(path)
    buffer.reserveCapacity(RowWriter.capacity + 4096)
  }

  mutating func append(_ text: String) throws {
    buffer.append(contentsOf: text.utf8)
    try flushWhenFull()
  }

  mutating func append(byte: UInt8) { buffer.append(byte) }

  /// A letter and a number, such as `u17`.
  mutating func append(letter: UInt8, number: Int32) {
    buffer.append(letter)
    let start = buffer.count
    var rest = number
    repeat {
      buffer.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    buffer[start...].reverse()
  }

  mutating func endLine() throws {
    buffer.append(UInt8(ascii: "\n"))
    try flushWhenFull()
  }

  private mutating func flushWhenFull() throws {
    if buffer.count >= RowWriter.capacity { try flush() }
  }

  private mutating func flush() throws {
    try file.write(buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  /// Makes the file appear under its name; returns its size.
  ///
  /// - Throws: `FileError`; nothing is left behind then.
  mutating func finish() throws -> Int {
    try flush()
    try file.commit()
    return file.byteCount
  }
}
