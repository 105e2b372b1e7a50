internal import LightmeterKernels

/// The text between the source and the scanner, up to two blocks, filled behind what is not yet used.
struct BlockBuffer: ~Copyable {
  /// The longest line.
  static let block = 1 << 20
  /// Bytes read at once: with the tables they stay in a core's own cache.
  private static let readAtOnce = 1 << 18

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

  /// Runs are scanned in whole blocks, which may reach a little past the end.
  init() {
    base = .allocate(capacity: BlockBuffer.capacity + DelimitedRun.margin)
    (base + BlockBuffer.capacity).initialize(repeating: 0, count: DelimitedRun.margin)
  }

  deinit { base.deallocate() }

  /// Moves the unused bytes to the front and reads some more behind them.
  mutating func fill(from source: ByteSource) throws(ReadError) {
    if start > 0 {
      base.update(from: base + start, count: end - start)
      end -= start
      start = 0
    }
    let count = try source.read(into: base + end, capacity: BlockBuffer.readAtOnce)
    end += count
    textBytes += Int64(count)
    isAtEnd = count == 0
    // The scanner may look one byte past the last line feed.
    base[end] = 10
  }

  /// One past the last line feed, or nil.
  var completeLimit: Int? {
    guard lineFeed(from: start) != nil else { return nil }
    var p = end
    while base[p - 1] != 10 { p -= 1 }
    return p
  }

  /// Where the next line feed stands, or nil.
  func lineFeed(from position: Int) -> Int? {
    DelimitedRun.lineFeed(in: base, position..<max(position, end))
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
