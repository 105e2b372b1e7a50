/// The text between the source and the scanner: two blocks, filled behind what is not yet used.
struct BlockBuffer: ~Copyable {
  /// Bytes read at once, and the longest line.
  static let block = 1 << 20

  let base: UnsafeMutablePointer<UInt8>
  /// First byte not yet used.
  var start = 0
  /// One past the last byte.
  private(set) var end = 0
  /// Whether the source has no more.
  private(set) var isAtEnd = false
  /// Bytes that came out of the source.
  private(set) var textBytes: Int64 = 0
  private static let capacity = 2 * block + 64

  init() {
    base = .allocate(capacity: BlockBuffer.capacity)
    // The scanner may look one byte past a line feed at the end of what was read.
    base.initialize(repeating: 10, count: BlockBuffer.capacity)
  }

  deinit { base.deallocate() }

  /// Moves the unused bytes to the front and reads up to a block behind them.
  mutating func fill(from source: ByteSource) throws(ReadError) {
    if start > 0 {
      base.update(from: base + start, count: end - start)
      end -= start
      start = 0
    }
    let count = try source.read(into: base + end, capacity: BlockBuffer.block)
    end += count
    textBytes += Int64(count)
    isAtEnd = count == 0
    base[end] = 10
  }

  /// One past the last line feed, or nil.
  var completeLimit: Int? {
    var p = end
    while p > start {
      if base[p - 1] == 10 { return p }
      p -= 1
    }
    return nil
  }

  /// Ends the last line at the end of the file; says whether it lacked its line feed.
  mutating func terminate() -> Bool {
    guard end > start, base[end - 1] != 10 else { return false }
    base[end] = 10
    end += 1
    base[end] = 10
    return true
  }
}
