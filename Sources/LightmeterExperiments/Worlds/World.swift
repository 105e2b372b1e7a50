public import LightmeterFeedback
internal import LightmeterKernels

/// A simulated world: for every pair the true probability of being relevant and of being seen.
///
///     relevant ~ Bernoulli(relevance),  exposed ~ Bernoulli(exposure),  click = relevant · exposed
///
/// As a `RelevanceScorer` it is the oracle of relevance, as an `ExposureEstimate` the oracle of exposure. Only
/// factors and seeds are kept; the probabilities of a row are recomputed when they are asked for.
///
/// - Numerics: probabilities are evaluated in `Double` from `Portable` functions, so they have the same bits on every
///   machine.
/// - Stability: experimental
public protocol World: RelevanceScorer, ExposureEstimate {
  /// The seed that the world was made from; the default seed of its draws.
  var seed: UInt64 { get }
  /// Writes the true probabilities of `user` for a run of items.
  ///
  /// - Shapes: both columns of `row` become items.count long and are overwritten.
  /// - Precondition: `user` and `items` are in range.
  func truth(user: Int, items: Range<Int>, into row: inout TruthRow)
}

/// True probabilities of one user for a run of items, parallel columns.
public struct TruthRow: Sendable, Equatable {
  /// P(relevant) per item, in (0, 1).
  public internal(set) var relevance: [Double] = []
  /// P(exposed) per item, in (0, 1).
  public internal(set) var exposure: [Double] = []
  /// An empty row.
  public init() {}

  mutating func resize(_ count: Int) {
    guard relevance.count != count else { return }
    relevance = [Double](repeating: 0, count: count)
    exposure = relevance
  }
}

extension World {
  /// The true probabilities of one pair.
  public func truth(user: Int, item: Int) -> (relevance: Double, exposure: Double) {
    var row = TruthRow()
    truth(user: user, items: item..<item + 1, into: &row)
    return (row.relevance[0], row.exposure[0])
  }

  /// Writes P(relevant): the ranking that nothing can beat on average.
  public func scores(user: Int, items: Range<Int>, into scores: inout [Float]) {
    precondition(scores.count == items.count, "\(items.count) items and room for \(scores.count) scores")
    var row = TruthRow()
    truth(user: user, items: items, into: &row)
    for k in scores.indices { scores[k] = Float(row.relevance[k]) }
  }

  /// The score is the probability.
  public func relevance(ofScore score: Float) -> Float { score }

  /// Writes P(exposed) of `user` for a run of items.
  public func exposures(user: Int, items: Range<Int>, into exposures: inout [Float]) {
    precondition(exposures.count == items.count, "\(items.count) items and room for \(exposures.count) exposures")
    var row = TruthRow()
    truth(user: user, items: items, into: &row)
    for k in exposures.indices { exposures[k] = Float(row.exposure[k]) }
  }

  /// True exposures of listed pairs: what an oracle puts into `knownExposures`.
  ///
  /// - Shapes: all columns have one length; `exposures` is overwritten.
  public func exposures(users: [Int32], items: [Int32], into exposures: inout [Float]) {
    precondition(users.count == items.count && exposures.count == users.count, "the columns of pairs have one length")
    for k in users.indices { exposures[k] = Float(truth(user: Int(users[k]), item: Int(items[k])).exposure) }
  }
}

/// The independent streams of a world's randomness, as epochs of ``RandomStream/world``.
enum WorldStream: Int {
  case users = 1, items, calibration, exposed, relevant, traffic, skips, initialise, cells, permutation, declined

  func key(_ seed: UInt64) -> UInt64 { SeededGenerator.key(seed: seed, stream: .world, epoch: rawValue) }
  func generator(_ seed: UInt64, shard: Int = 0) -> SeededGenerator {
    SeededGenerator(seed: seed, stream: .world, epoch: rawValue, shard: shard)
  }
}

/// Why a world cannot be made or written.
public enum WorldError: Error, Equatable, CustomStringConvertible {
  /// A parameter outside its range.
  case parameter(name: String, value: String, allowed: String)
  /// Ratings from which no world can be fitted.
  case ratings(String)

  /// One sentence: what is wrong, and what is allowed.
  public var description: String {
    switch self {
    case .parameter(let name, let value, let allowed): "The world's \(name) is \(value), but it must be \(allowed)."
    case .ratings(let reason): reason
    }
  }
}
