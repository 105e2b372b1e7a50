internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

extension Recommender {
  /// The best items for several users, in the order asked.
  ///
  /// - Parameters:
  ///   - users: raw ids.
  /// - Returns: nil in the place of a user whom the model does not know.
  /// - Throws: ``Problem``.
  /// - Complexity: as for each user alone; item tiles are shared by blocks of users, blocks by threads.
  public func recommend(
    users: [String], count: Int, mode: Mode = .relevance, excluding excluded: some Sequence<String> = [],
    filterSeen: Bool = true
  ) throws(Problem) -> [[Recommendation]?] {
    let ranking = try Ranking(self, count: count, mode: mode, excluding: excluded, filterSeen: filterSeen)
    let indices = users.map { model.users.index(of: $0) }
    let known = indices.compactMap { $0 }
    let block = 64
    let blocks = stride(from: 0, to: known.count, by: block).map { Array(known[$0..<min($0 + block, known.count)]) }
    var lists = Threads.map(shards: blocks.count) { ranking.lists(of: blocks[$0]) }.joined().makeIterator()
    return indices.map { $0 == nil ? nil : lists.next() }
  }

  /// The best of given candidates for a user.
  ///
  /// - Parameters:
  ///   - candidates: raw item ids; repeated ones count once.
  /// - Throws: ``Problem``; `unknownItem` names the first candidate that the model lacks.
  /// - Complexity: O(candidates · d).
  public func recommend(
    user: String, among candidates: [String], count: Int, mode: Mode = .relevance,
    excluding excluded: some Sequence<String> = [], filterSeen: Bool = true
  ) throws(Problem) -> [Recommendation] {
    guard let index = model.users.index(of: user) else { throw .unknownUser(user) }
    if filterSeen, model.seen == nil { throw .noHistory }
    let (exposure, scorer) = (model.exposure, model.scorer.relevanceScorer)
    if mode != .relevance {
      if exposure == nil { throw .noExposure }
      if scorer == nil { throw .noProbability }
    }
    let excluded = Set(excluded)
    var best = TopK(min(count, candidates.count))
    var (offered, single): (Set<Int32>, [Float]) = ([], [0])
    var details: [Int32: (relevance: Float?, exposure: Float?)] = [:]
    for id in candidates {
      guard let item = model.items.index(of: id) else { throw .unknownItem(id) }
      if excluded.contains(id) || !offered.insert(item).inserted { continue }
      if filterSeen, model.seen?.contains(user: Int(index), item: item) == true { continue }
      model.scorer.scores(user: Int(index), items: Int(item)..<Int(item) + 1, into: &single)
      let relevance = scorer?.relevance(ofScore: single[0])
      let exposed = exposure?.exposure(user: Int(index), item: Int(item))
      let score =
        switch mode {
        case .relevance: single[0]
        case .click: (relevance ?? 0) * (exposed ?? 0)
        case .explore: (relevance ?? 0) * (1 - (exposed ?? 0))
        }
      details[item] = (relevance, exposed)
      best.offer(item, score)
    }
    return best.ranked.map { item, score in
      Recommendation(
        item: model.items[Int(item)], score: score, relevance: details[item]?.relevance,
        exposure: details[item]?.exposure)
    }
  }
}
