internal import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels

/// The ranking for a user whom the model does not know.
///
///     relevance_i = mean over users of P(relevant | user, item i),   exposure_i likewise
///
/// The mean relevance is popularity corrected for exposure: what people want of an item, shown or not. It is taken over
/// users evenly spaced in the training log. A model that holds no probability of relevance gives θ, the popularity of
/// the log, which rewards what was shown.
///
/// - Complexity: O(min(`budget`, users · items) · d) once, on all threads; 4 to 8 bytes per item.
/// - Stability: experimental
public struct CorrectedPopularity: Sendable {
  /// What stands behind the list.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// Mean relevance over users.
    case correctedPopularity = "corrected-popularity"
    /// θ of the training log.
    case popularity
  }

  /// What stands behind the list.
  public let kind: Kind
  /// How many users the mean goes over; 0 for θ.
  public let users: Int
  private let model: StoredModel
  private let relevance: [Float]
  private let exposure: [Float]?

  /// Prepares the ranking.
  ///
  /// - Parameters:
  ///   - budget: scores to compute at most, apart from a least number of 32 users.
  public init(_ model: StoredModel, budget: Int = 1 << 24) {
    self.model = model
    let count = model.items.count
    guard let scorer = model.scorer.relevanceScorer, model.users.count > 0 else {
      (kind, users, relevance, exposure) = (.popularity, 0, model.popularity, nil)
      return
    }
    let sampled = min(model.users.count, max(32, budget / max(count, 1)))
    let members = (0..<sampled).map { Int32($0 * model.users.count / sampled) }
    let tile = 2048
    let tiles = Threads.map(shards: (count + tile - 1) / tile) { shard in
      Self.means(of: members, items: shard * tile..<min((shard + 1) * tile, count), scorer, model.exposure)
    }
    (kind, users) = (.correctedPopularity, sampled)
    relevance = tiles.flatMap(\.relevance)
    exposure = model.exposure == nil ? nil : tiles.flatMap(\.exposure)
  }

  /// Means over users for a run of items, in the order of the users.
  private static func means(
    of members: [Int32], items range: Range<Int>, _ scorer: any RelevanceScorer, _ exposure: StoredExposure?
  ) -> (relevance: [Float], exposure: [Float]) {
    var relevances = [Float](repeating: 0, count: range.count)
    var (exposures, row) = (relevances, relevances)
    var (scores, column): ([Float], [Float]) = ([], [])
    let share = 1 / Float(members.count)
    for first in stride(from: 0, to: members.count, by: 64) {
      let block = Array(members[first..<min(first + 64, members.count)])
      scorer.scores(users: block, items: range, into: &scores)
      if column.count < scores.count { column = scores }
      scorer.relevances(ofScores: scores, count: block.count * range.count, into: &column)
      for place in block.indices {
        for k in 0..<range.count { relevances[k] += share * column[place * range.count + k] }
      }
      guard let exposure, !exposure.isSameForAllUsers else { continue }
      for user in block {
        exposure.exposures(user: Int(user), items: range, into: &row)
        for k in 0..<range.count { exposures[k] += share * row[k] }
      }
    }
    if let exposure, exposure.isSameForAllUsers { exposure.exposures(user: 0, items: range, into: &exposures) }
    return (relevances, exposures)
  }

  /// The best items for anybody.
  ///
  /// - Parameters:
  ///   - count: K.
  ///   - mode: what ranks; only `relevance` where the kind is `popularity`.
  ///   - excluded: raw item ids to leave out; unknown ones exclude nothing.
  ///   - candidates: raw item ids to choose from; all items if nil.
  /// - Throws: ``Recommender/Problem``.
  public func recommend(
    count: Int, mode: Recommender.Mode = .relevance, excluding excluded: some Sequence<String> = [],
    among candidates: [String]? = nil
  ) throws(Recommender.Problem) -> [Recommender.Recommendation] {
    if mode != .relevance {
      if kind == .popularity { throw .noProbability }
      if exposure == nil { throw .noExposure }
    }
    var scores: [Float] = relevance
    if mode != .relevance, let exposure {
      for k in scores.indices { scores[k] *= mode == .click ? exposure[k] : 1 - exposure[k] }
    }
    if let candidates {
      var kept = [Float](repeating: .nan, count: scores.count)
      for candidate in candidates {
        guard let item = model.items.index(of: candidate) else { throw .unknownItem(candidate) }
        kept[Int(item)] = scores[Int(item)]
      }
      scores = kept
    }
    for id in excluded {
      if let item = model.items.index(of: id) { scores[Int(item)] = .nan }
    }
    var best = TopK(min(count, scores.count))
    best.offer(scores, range: 0..<scores.count, base: 0)
    return best.ranked.map { item, score in
      Recommender.Recommendation(
        item: model.items[Int(item)], score: score,
        relevance: kind == .popularity ? nil : relevance[Int(item)], exposure: exposure?[Int(item)])
    }
  }
}
