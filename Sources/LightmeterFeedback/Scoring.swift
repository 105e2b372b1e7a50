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
  /// Writes the scores of several users for a run of items; the default asks user by user.
  ///
  /// - Shapes: `scores` (users.count × items.count), row-major, overwritten; a longer column keeps its tail.
  /// - Precondition: `users` and `items` are in range.
  func scores(users: [Int32], items: Range<Int>, into scores: inout [Float])
}

extension Scorer {
  /// The scores of several users for a run of items.
  public func scores(users: [Int32], items: Range<Int>, into scores: inout [Float]) {
    let needed = users.count * items.count
    if scores.count < needed { scores = [Float](repeating: 0, count: needed) }
    var row = [Float](repeating: 0, count: items.count)
    for (place, user) in users.enumerated() {
      self.scores(user: Int(user), items: items, into: &row)
      scores.replaceSubrange(place * items.count..<(place + 1) * items.count, with: row)
    }
  }
}

/// A model whose scores are probabilities of relevance in disguise.
public protocol RelevanceScorer: Scorer {
  /// P(relevant) that belongs to a score, in [0, 1].
  func relevance(ofScore score: Float) -> Float
  /// Writes P(relevant) of the leading `count` scores; the default asks one by one.
  ///
  /// - Shapes: `scores` and `relevances` (at least count); longer columns keep their tail.
  func relevances(ofScores scores: [Float], count: Int, into relevances: inout [Float])
}

extension RelevanceScorer {
  /// P(relevant) of the leading `count` scores.
  public func relevances(ofScores scores: [Float], count: Int, into relevances: inout [Float]) {
    for k in 0..<count { relevances[k] = relevance(ofScore: scores[k]) }
  }
}

/// Anything that says how likely a user was to see an item.
///
/// - Stability: stable
public protocol ExposureEstimate: Sendable {
  /// Writes P(exposed) of `user` for a run of items, each in [0, 1].
  ///
  /// - Shapes: `exposures` (items.count), overwritten.
  func exposures(user: Int, items: Range<Int>, into exposures: inout [Float])
  /// Writes P(exposed) of scattered pairs; the default asks pair by pair.
  ///
  /// - Shapes: `exposures` (users.count), overwritten.
  func exposures(users: [Int32], items: [Int32], into exposures: inout [Float])
}

extension ExposureEstimate {
  /// P(exposed) of scattered pairs.
  public func exposures(users: [Int32], items: [Int32], into exposures: inout [Float]) {
    var single: [Float] = [0]
    for k in users.indices {
      let item = Int(items[k])
      self.exposures(user: Int(users[k]), items: item..<item + 1, into: &single)
      exposures[k] = single[0]
    }
  }

  /// P(exposed) of one pair.
  public func exposure(user: Int, item: Int) -> Float {
    var single: [Float] = [0]
    exposures(user: user, items: item..<item + 1, into: &single)
    return single[0]
  }
}
