public import LightmeterFeedback
internal import LightmeterKernels

/// A ranking that knows nothing: a seeded number per pair.
public struct RandomRanking: Scorer, Equatable {
  /// Number of users.
  public let userCount: Int
  /// Number of items.
  public let itemCount: Int
  /// What it is drawn from.
  public let seed: UInt64
  /// A ranking by `seed`.
  public init(userCount: Int, itemCount: Int, seed: UInt64) {
    (self.userCount, self.itemCount, self.seed) = (userCount, itemCount, seed)
  }

  /// Scores of one user for a run of items.
  public func scores(user: Int, items: Range<Int>, into scores: inout [Float]) {
    let key = SeededGenerator.key(seed: seed, stream: .initialise)
    for (k, item) in items.enumerated() {
      scores[k] = Float(SeededGenerator.unit(SeededGenerator.hash(key, UInt64(user), UInt64(item))))
    }
  }
}
