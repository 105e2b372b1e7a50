/// Anything that ranks items for users: what evaluation and serving ask of a model, whatever trained it.
///
/// - Stability: stable
public protocol Scorer: Sendable {
  /// How many users it knows.
  var userCount: Int { get }
  /// How many items it knows.
  var itemCount: Int { get }
  /// Writes the scores of `user` for a run of items; higher is better, monotone in relevance.
  ///
  /// - Shapes: `scores` (items.count), overwritten.
  /// - Precondition: `user` and `items` are in range; `scores` has the length of `items`.
  func scores(user: Int, items: Range<Int>, into scores: inout [Float])
}

/// A model whose scores are probabilities of relevance in disguise.
public protocol RelevanceScorer: Scorer {
  /// P(relevant) that belongs to a score, in [0, 1].
  func relevance(ofScore score: Float) -> Float
}

/// Anything that says how likely a user was to see an item.
///
/// - Stability: stable
public protocol ExposureEstimate: Sendable {
  /// Writes P(exposed) of `user` for a run of items, each in [0, 1].
  ///
  /// - Shapes: `exposures` (items.count), overwritten.
  func exposures(user: Int, items: Range<Int>, into exposures: inout [Float])
}
