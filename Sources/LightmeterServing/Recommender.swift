internal import LightmeterFeedback
public import LightmeterModels

/// Answers from a model file, in raw ids: top-K lists and explanations. Knows no trainer.
///
/// - Stability: stable
public struct Recommender: Sendable {
  /// The model.
  public let model: StoredModel

  /// Answers from `model`.
  public init(_ model: StoredModel) { self.model = model }

  /// One recommended item.
  public struct Recommendation: Sendable, Hashable, Codable {
    /// Raw item id.
    public var item: String
    /// What the list is ranked by.
    public var score: Float
    /// P(relevant); nil where the score is no probability in disguise.
    public var relevance: Float?
    /// P(exposed); nil where the model says nothing of exposure.
    public var exposure: Float?
  }

  /// What a list is ranked by.
  public enum Mode: String, Sendable, Hashable, Codable, CaseIterable {
    /// P(relevant): what the user wants.
    case relevance
    /// P(relevant) · P(exposed): what the user would click if shown as before.
    case click
    /// P(relevant) · (1 − P(exposed)): what is wanted and was hardly shown.
    case explore
  }

  /// What is wrong with a question.
  public enum Problem: Error, Sendable, Equatable, CustomStringConvertible {
    case unknownUser(String)
    case unknownItem(String)
    case noHistory
    case noProbability
    case noExposure

    /// One sentence, or the text that a recipe holds.
    public var description: String {
      switch self {
      case .unknownUser(let id): "the model knows no user '\(id)': the log it was trained on lacks that id"
      case .unknownItem(let id): "the model knows no item '\(id)': the log it was trained on lacks that id"
      case .noHistory:
        "the model was saved without the users' history, so seen items cannot be left out; pass them as an exclude list, "
          + "or ask for lists with seen items"
      case .noProbability: "this model ranks, but holds no probability of relevance; train a method that does"
      case .noExposure: "this model says nothing of exposure; train a method that estimates it, such as biif or relmf"
      }
    }
  }

  /// The best items for a user.
  ///
  /// Exact: every item is scored, in tiles, and K are kept without sorting the rest. Ties go to the item first seen in
  /// the training log.
  ///
  /// - Parameters:
  ///   - user: raw id.
  ///   - count: K.
  ///   - excluded: raw item ids to leave out; unknown ones exclude nothing.
  ///   - filterSeen: whether to leave out what the user clicked in the training log.
  /// - Throws: ``Problem``.
  /// - Complexity: O(items · d) time, O(K + tile) memory.
  public func recommend(
    user: String, count: Int, mode: Mode = .relevance, excluding excluded: some Sequence<String> = [],
    filterSeen: Bool = true
  ) throws(Problem) -> [Recommendation] {
    guard let index = model.users.index(of: user) else { throw .unknownUser(user) }
    let indices = Set(excluded.compactMap { model.items.index(of: $0) })
    return try recommend(userIndex: Int(index), count: count, mode: mode, excluding: indices, filterSeen: filterSeen)
  }

  /// The best items for every user, in the order of the training log.
  ///
  /// - Parameters:
  ///   - body: called with each user's raw id and list; throwing ends the run.
  public func recommendForAll(
    count: Int, mode: Mode = .relevance, excluding excluded: some Sequence<String> = [], filterSeen: Bool = true,
    _ body: (_ user: String, _ list: [Recommendation]) throws -> Void
  ) throws {
    let indices = Set(excluded.compactMap { model.items.index(of: $0) })
    for user in 0..<model.users.count {
      let list = try recommend(
        userIndex: user, count: count, mode: mode, excluding: indices, filterSeen: filterSeen)
      try body(model.users[user], list)
    }
  }

  private func recommend(
    userIndex: Int, count: Int, mode: Mode, excluding: Set<Int32>, filterSeen: Bool
  ) throws(Problem) -> [Recommendation] {
    if filterSeen, model.seen == nil { throw .noHistory }
    if mode != .relevance {
      if model.exposure == nil { throw .noExposure }
      if !givesProbability { throw .noProbability }
    }
    let seen = filterSeen ? model.seen?.items(of: userIndex) ?? [] : []
    var best = TopK(min(count, model.items.count))
    var cursor = seen.startIndex
    let tile = 4096
    for first in stride(from: 0, to: model.items.count, by: tile) {
      let range = first..<min(first + tile, model.items.count)
      let scores = rankingScores(user: userIndex, items: range, mode: mode)
      for (k, item) in range.enumerated() {
        while cursor < seen.endIndex, Int(seen[cursor]) < item { cursor += 1 }
        if cursor < seen.endIndex, Int(seen[cursor]) == item { continue }
        if !excluding.isEmpty, excluding.contains(Int32(item)) { continue }
        best.offer(Int32(item), scores[k])
      }
    }
    return best.ranked.map { describe(user: userIndex, item: Int($0.item), score: $0.score) }
  }

  private func rankingScores(user: Int, items: Range<Int>, mode: Mode) -> [Float] {
    var scores = [Float](repeating: 0, count: items.count)
    model.scorer.scores(user: user, items: items, into: &scores)
    guard mode != .relevance, let exposure = model.exposure else { return scores }
    var exposures = scores
    exposure.exposures(user: user, items: items, into: &exposures)
    for k in scores.indices {
      let relevance = relevance(ofScore: scores[k]) ?? 0
      scores[k] = relevance * (mode == .click ? exposures[k] : 1 - exposures[k])
    }
    return scores
  }

  private var givesProbability: Bool { model.scorer.relevanceScorer != nil }

  private func relevance(ofScore score: Float) -> Float? { model.scorer.relevanceScorer?.relevance(ofScore: score) }

  private func describe(user: Int, item: Int, score: Float) -> Recommendation {
    var raw: [Float] = [0]
    model.scorer.scores(user: user, items: item..<item + 1, into: &raw)
    return Recommendation(
      item: model.items[item], score: score, relevance: relevance(ofScore: raw[0]),
      exposure: model.exposure?.exposure(user: user, item: item))
  }
}
