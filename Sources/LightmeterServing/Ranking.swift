internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// One question to a model, for any users: checked, with what it leaves out.
struct Ranking: Sendable {
  private let model: StoredModel
  private let count: Int
  private let mode: Recommender.Mode
  /// Items left out for all, ascending.
  private let excluded: [Int32]
  private let filtersSeen: Bool
  /// The model's, taken once: each taking wraps the model anew.
  private let scorer: (any RelevanceScorer)?
  // Items of a tile: with a block of users its scores stay in a core's cache.
  private static let tile = 2048

  init(
    _ recommender: Recommender, count: Int, mode: Recommender.Mode, excluding: some Sequence<String>, filterSeen: Bool
  ) throws(Recommender.Problem) {
    model = recommender.model
    self.count = count
    self.mode = mode
    filtersSeen = filterSeen
    scorer = recommender.model.scorer.relevanceScorer
    excluded = excluding.compactMap { recommender.model.items.index(of: $0) }.sorted()
    if filterSeen, model.seen == nil { throw .noHistory }
    if mode != .relevance {
      if model.exposure == nil { throw .noExposure }
      if scorer == nil { throw .noProbability }
    }
  }

  /// The best items of each user.
  func lists(of users: [Int32]) -> [[Recommender.Recommendation]] {
    var best = [TopK](repeating: TopK(min(count, model.items.count)), count: users.count)
    var cursors = users.map { filtersSeen ? model.seen?.range(of: Int($0)).lowerBound ?? 0 : 0 }
    var scores: [Float] = []
    for first in stride(from: 0, to: model.items.count, by: Self.tile) {
      let range = first..<min(first + Self.tile, model.items.count)
      model.scorer.scores(users: users, items: range, into: &scores)
      for (place, user) in users.enumerated() {
        let row = place * range.count..<(place + 1) * range.count
        if mode != .relevance { weigh(&scores, row: row, user: Int(user), items: range) }
        leaveOut(&scores, row: row, user: Int(user), items: range, cursor: &cursors[place])
        best[place].offer(scores, range: row, base: first)
      }
    }
    return users.indices.map { place in
      best[place].ranked.map { describe(user: Int(users[place]), item: Int($0.item), score: $0.score) }
    }
  }

  /// Marks what is no candidate by NaN.
  private func leaveOut(_ scores: inout [Float], row: Range<Int>, user: Int, items: Range<Int>, cursor: inout Int) {
    if filtersSeen, let seen = model.seen {
      let end = seen.range(of: user).upperBound
      while cursor < end, Int(seen.items[cursor]) < items.upperBound {
        scores[row.lowerBound + Int(seen.items[cursor]) - items.lowerBound] = .nan
        cursor += 1
      }
    }
    for item in excluded where items.contains(Int(item)) {
      scores[row.lowerBound + Int(item) - items.lowerBound] = .nan
    }
  }

  /// Turns scores into what the mode ranks by.
  private func weigh(_ scores: inout [Float], row: Range<Int>, user: Int, items: Range<Int>) {
    guard let exposure = model.exposure, let scorer else { return }
    var exposures = [Float](repeating: 0, count: items.count)
    exposure.exposures(user: user, items: items, into: &exposures)
    for k in 0..<items.count {
      let relevance = scorer.relevance(ofScore: scores[row.lowerBound + k])
      scores[row.lowerBound + k] = relevance * (mode == .click ? exposures[k] : 1 - exposures[k])
    }
  }

  private func describe(user: Int, item: Int, score: Float) -> Recommender.Recommendation {
    var raw = score
    if mode != .relevance {
      var single: [Float] = [0]
      model.scorer.scores(user: user, items: item..<item + 1, into: &single)
      raw = single[0]
    }
    return Recommender.Recommendation(
      item: model.items[item], score: score, relevance: scorer?.relevance(ofScore: raw),
      exposure: model.exposure?.exposure(user: user, item: item))
  }
}
