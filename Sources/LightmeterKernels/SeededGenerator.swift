internal import CLightmeterKernels

/// The streams of randomness; each consumer has its own, so that adding one never moves another.
public enum RandomStream: String, Sendable, CaseIterable {
  case split, initialise, shuffle, negatives, validation, bootstrap, world, tuning, ties
}

/// The one source of randomness: a generator keyed by (seed, stream, epoch, shard).
///
/// xoshiro256** started by SplitMix64 over the key. Same key, same numbers, on every machine and thread count.
///
/// - Complexity: O(1) to create and to draw.
/// - Source: Blackman and Vigna, xoshiro256** 1.0.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// Starts the stream of one consumer.
  ///
  /// - Parameters:
  ///   - seed: the run's seed.
  ///   - stream: who draws.
  ///   - epoch: which pass over the data; 0 where there is none.
  ///   - shard: which fixed piece of the work; 0 where it is not cut.
  public init(seed: UInt64, stream: RandomStream, epoch: Int = 0, shard: Int = 0) {
    var key = SeededGenerator.key(seed: seed, stream: stream, epoch: epoch, shard: shard)
    state = (0, 0, 0, 0)
    state.0 = SeededGenerator.splitMix(&key)
    state.1 = SeededGenerator.splitMix(&key)
    state.2 = SeededGenerator.splitMix(&key)
    state.3 = SeededGenerator.splitMix(&key)
  }

  /// The 64-bit key of a stream, for counter-based draws (``hash(_:_:_:)``).
  public static func key(seed: UInt64, stream: RandomStream, epoch: Int = 0, shard: Int = 0) -> UInt64 {
    var name: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in stream.rawValue.utf8 { name = (name ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash(hash(seed, name), UInt64(bitPattern: Int64(epoch)), UInt64(bitPattern: Int64(shard)))
  }

  /// A well-mixed function of up to three words: a draw that needs no order, for worlds whose tiles come in any order.
  @inlinable
  public static func hash(_ a: UInt64, _ b: UInt64, _ c: UInt64 = 0) -> UInt64 {
    mix(mix(a &+ 0x9e37_79b9_7f4a_7c15 &* (b &+ 1)) &+ 0xd1b5_4a32_d192_ed03 &* (c &+ 1))
  }

  /// Maps 64 random bits to [0, 1) with 53 bits of precision.
  @inlinable
  public static func unit(_ bits: UInt64) -> Double { Double(bits >> 11) * 0x1p-53 }

  @inlinable
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  private static func splitMix(_ state: inout UInt64) -> UInt64 {
    state = state &+ 0x9e37_79b9_7f4a_7c15
    return mix(state)
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    let product = state.1 &* 5
    let result = ((product << 7) | (product >> 57)) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = (state.3 << 45) | (state.3 >> 19)
    return result
  }

  /// Uniform in [0, 1).
  public mutating func uniform() -> Double { SeededGenerator.unit(next()) }

  /// Uniform in 0 ..< bound, without modulo bias.
  ///
  /// - Precondition: `bound` is positive.
  public mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "a draw below \(bound) is impossible")
    return Int(next(upperBound: UInt64(bound)))
  }

  /// Standard normal (Box and Muller, one of the pair), from portable functions.
  public mutating func normal() -> Double {
    let radius = (-2 * Portable.log(1 - uniform())).squareRoot()
    return radius * Portable.cosineOfTurn(uniform())
  }

  /// Shuffles in place (Fisher and Yates).
  public mutating func shuffle<T>(_ values: inout [T]) {
    guard values.count > 1 else { return }
    for last in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(last, below(last + 1)) }
  }
}

/// A keyed permutation of 0 ..< count that is computed, not stored: a shuffle of any size in no memory.
///
/// A four-round Feistel network on the smallest even number of bits that holds `count`, walked until it lands inside.
/// On average fewer than four walks.
///
/// - Complexity: O(1) per index.
public struct KeyedPermutation: Sendable {
  let network: lm_permutation

  /// How many indices are permuted.
  public var count: Int { Int(network.count) }

  /// The permutation of `count` indices that belongs to `key`.
  public init(count: Int, key: UInt64) {
    precondition(count >= 0, "a permutation of \(count) indices is impossible")
    var bits: UInt64 = 1
    while bits < 31, (1 as UInt64) << (2 * bits) < UInt64(max(count, 1)) { bits += 1 }
    let keys = (
      SeededGenerator.hash(key, 1), SeededGenerator.hash(key, 2), SeededGenerator.hash(key, 3),
      SeededGenerator.hash(key, 4)
    )
    network = lm_permutation(count: UInt64(count), half: bits, mask: (1 << bits) - 1, keys: keys)
  }

  /// Where index `position` of the shuffled order comes from.
  public func callAsFunction(_ position: Int) -> Int {
    withUnsafePointer(to: network) { Int(lm_permute($0, UInt64(position))) }
  }
}

/// Runs `body` with denormal numbers flushed to zero on this thread: Adam's moments decay into them otherwise.
public enum Denormals {
  /// Flushes while `body` runs and puts the thread's state back.
  public static func flushed<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    let before = flushDenormals()
    defer { restoreDenormals(before) }
    return try body()
  }
}
