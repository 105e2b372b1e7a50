/// The 64-bit xxHash of a stream of bytes: a fast checksum against damage, no protection against intent.
///
///     var hash = XXH64()
///     hash.update([1, 2, 3] as [UInt8])
///     hash.finish()
///
/// The same bytes give the same value however they are cut into updates, on every machine.
///
/// - Complexity: O(bytes) time, 32 bytes of memory.
/// - Source: xxHash fast digest algorithm, specification 0.1.1, section "XXH64".
public struct XXH64: Sendable {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

  private let seed: UInt64
  private var lanes: SIMD4<UInt64>
  private var tail: [UInt8] = []
  private var total: UInt64 = 0

  /// An empty stream under `seed`.
  public init(seed: UInt64 = 0) {
    self.seed = seed
    lanes = SIMD4(seed &+ Self.prime1 &+ Self.prime2, seed &+ Self.prime2, seed, seed &- Self.prime1)
    tail.reserveCapacity(32)
  }

  /// Appends the memory of `values` in the machine's byte order.
  public mutating func update<T: BitwiseCopyable>(_ values: [T]) { update(values.span.bytes) }

  /// Appends `text` in UTF-8.
  public mutating func update(_ text: String) { update(Array(text.utf8)) }

  /// Appends `bytes`.
  public mutating func update(_ bytes: RawSpan) {
    total &+= UInt64(bytes.byteCount)
    var at = 0
    if !tail.isEmpty {
      at = min(32 - tail.count, bytes.byteCount)
      for k in 0..<at { tail.append(bytes.unsafeLoad(fromByteOffset: k, as: UInt8.self)) }
      guard tail.count == 32 else { return }
      lanes = Self.mixed(lanes, tail.span.bytes, 0, 32)
      tail.removeAll(keepingCapacity: true)
    }
    let whole = at + (bytes.byteCount - at) / 32 * 32
    lanes = Self.mixed(lanes, bytes, at, whole)
    for k in whole..<bytes.byteCount { tail.append(bytes.unsafeLoad(fromByteOffset: k, as: UInt8.self)) }
  }

  /// The hash of everything so far; the stream may go on.
  public func finish() -> UInt64 {
    var hash = seed &+ Self.prime5
    if total >= 32 {
      hash = Self.rotate(lanes[0], 1) &+ Self.rotate(lanes[1], 7)
      hash = hash &+ Self.rotate(lanes[2], 12) &+ Self.rotate(lanes[3], 18)
      for k in 0..<4 {
        hash = (hash ^ Self.round(0, lanes[k])) &* Self.prime1 &+ Self.prime4
      }
    }
    hash &+= total
    let bytes = tail.span.bytes
    var at = 0
    while at + 8 <= tail.count {
      hash = Self.rotate(hash ^ Self.round(0, Self.load(bytes, at)), 27) &* Self.prime1 &+ Self.prime4
      at += 8
    }
    if at + 4 <= tail.count {
      let word = UInt32(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt32.self))
      hash = Self.rotate(hash ^ UInt64(word) &* Self.prime1, 23) &* Self.prime2 &+ Self.prime3
      at += 4
    }
    while at < tail.count {
      hash = Self.rotate(hash ^ UInt64(tail[at]) &* Self.prime5, 11) &* Self.prime1
      at += 1
    }
    hash = (hash ^ hash >> 33) &* Self.prime2
    hash = (hash ^ hash >> 29) &* Self.prime3
    return hash ^ hash >> 32
  }

  private static func mixed(_ lanes: SIMD4<UInt64>, _ bytes: RawSpan, _ start: Int, _ end: Int) -> SIMD4<UInt64> {
    var (a, b, c, d) = (lanes[0], lanes[1], lanes[2], lanes[3])
    var at = start
    while at < end {
      a = round(a, load(bytes, at))
      b = round(b, load(bytes, at + 8))
      c = round(c, load(bytes, at + 16))
      d = round(d, load(bytes, at + 24))
      at += 32
    }
    return SIMD4(a, b, c, d)
  }

  // Bounds are checked; "unsafe" is only that the type may have invalid bit patterns, which integers have not.
  @inline(__always)
  private static func load(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  private static func round(_ accumulator: UInt64, _ lane: UInt64) -> UInt64 {
    rotate(accumulator &+ lane &* prime2, 31) &* prime1
  }

  @inline(__always)
  private static func rotate(_ x: UInt64, _ bits: UInt64) -> UInt64 { x &<< bits | x &>> (64 &- bits) }
}
