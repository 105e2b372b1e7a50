internal import LightmeterKernels

/// Rows of text in memory.
struct RowText: Sendable {
  private(set) var bytes: [UInt8] = []
  /// How many rows were ended.
  private(set) var lines = 0

  /// Ends a row; `rest` is what follows the ids, without the end of line.
  mutating func endRow(_ rest: StaticString = "") {
    rest.withUTF8Buffer { bytes.append(contentsOf: $0) }
    bytes.append(UInt8(ascii: "\n"))
    lines += 1
  }

  mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// The two ids of a row, such as `u17,i3`.
  mutating func append(user: Int32, item: Int32) {
    append(UInt8(ascii: "u"), user)
    bytes.append(UInt8(ascii: ","))
    append(UInt8(ascii: "i"), item)
  }

  private mutating func append(_ letter: UInt8, _ number: Int32) {
    bytes.append(letter)
    let start = bytes.count
    var rest = UInt32(number)
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    var (low, high) = (start, bytes.count - 1)
    while low < high {
      bytes.swapAt(low, high)
      (low, high) = (low + 1, high - 1)
    }
  }

  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
}

/// Rows of text into a file that appears whole or not at all.
struct RowWriter {
  private let file: AtomicFile
  /// What is not written yet; ``append(_:)-(String)`` sees to its size.
  var text = RowText()
  private static let capacity = 1 << 20

  /// Opens `path` aside.
  ///
  /// - Throws: `FileError`.
  init(path: String) throws { file = try AtomicFile(path) }

  mutating func append(_ more: String) throws {
    text.append(more)
    if text.bytes.count >= RowWriter.capacity { try flush() }
  }

  mutating func append(_ rows: RowText) throws {
    try flush()
    try file.write(rows.bytes)
  }

  private mutating func flush() throws {
    try file.write(text.bytes)
    text.removeAll()
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
