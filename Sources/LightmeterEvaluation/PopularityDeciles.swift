public import LightmeterFeedback

/// Who gains: what a scorer recommends and finds, by popularity of the items and by activity of the users.
///
/// - Shapes: ten entries per array, from the least popular (active) tenth to the most popular; each tenth has the same
///   number of items (users) ±1, ties by index.
/// - Stability: stable
public struct PopularityDeciles: Codable, Sendable, Hashable {
  /// K of the lists.
  public let cutoff: Int
  /// Share of all recommended places that go to the tenth's items; sums to 1.
  public let recommendedShare: [Double]
  /// Part of the mean NDCG@K that the tenth's items earn; sums to NDCG@K.
  public let contribution: [Double]
  /// Share of the tenth's relevant pairs that are recommended; nil where it has none. With probabilities the sum of
  /// probabilities takes the place of the count and the whole list is nil.
  public let recall: [Double?]
  /// Training clicks of the tenth's items.
  public let clicks: [Int]
  /// Mean NDCG@K of users by their number of training clicks; nil where no user counts.
  public let userMean: [Double?]

  /// Ranks the catalogue for every test user and divides what comes out.
  ///
  /// - Parameters:
  ///   - popularity: training clicks, which order items and users.
  /// - Throws: ``EvaluationError``.
  public init(
    of scorer: any Scorer, on test: CatalogueTest, popularity: FeedbackMatrix, cutoff: Int = 20, tieSeed: UInt64 = 0
  ) throws(EvaluationError) {
    let preset = ProtocolPreset(
      name: "deciles", candidates: .catalogue, users: UserRule(positives: 1), convention: MetricConvention(),
      metrics: [.ndcg], cutoffs: [cutoff])
    let work = try CatalogueWork(RankingEvaluator(presets: [preset], tieSeed: tieSeed), scorer, test, nil)
    var tally = Tally(popularity, cutoff: cutoff)
    for shard in work.shards {
      for ranking in try work.scan.rankings(of: shard) {
        tally.add(ranking)
        for item in work.scan.positives(of: Int(ranking.user)) {
          tally.relevant[tally.itemDecile[Int(item)]] += 1
        }
      }
    }
    self.init(tally, countsRelevant: true)
  }

  /// The same against true probabilities of relevance.
  ///
  /// - Throws: ``EvaluationError``.
  public init(
    of scorer: any Scorer, on test: TrueRelevanceTest, popularity: FeedbackMatrix, cutoff: Int = 20,
    tieSeed: UInt64 = 0
  ) throws(EvaluationError) {
    let preset = ProtocolPreset(
      name: "deciles", candidates: .catalogue, users: UserRule(), convention: MetricConvention(), metrics: [.ndcg],
      cutoffs: [cutoff])
    let work = try CatalogueWork(RankingEvaluator(presets: [preset], tieSeed: tieSeed), scorer, test)
    var tally = Tally(popularity, cutoff: cutoff)
    for shard in work.shards {
      for ranking in try work.scan.rankings(of: shard) { tally.add(ranking) }
    }
    self.init(tally, countsRelevant: false)
  }

  private init(_ tally: Tally, countsRelevant: Bool) {
    let places = Double(max(1, tally.places.reduce(0, +)))
    let users = Double(max(1, tally.users))
    cutoff = tally.cutoff
    recommendedShare = tally.places.map { Double($0) / places }
    contribution = tally.gain.map { $0 / users }
    recall = (0..<10).map { decile in
      countsRelevant && tally.relevant[decile] > 0 ? Double(tally.hits[decile]) / Double(tally.relevant[decile]) : nil
    }
    clicks = tally.clicks
    userMean = (0..<10).map { tally.userCount[$0] > 0 ? tally.userSum[$0] / Double(tally.userCount[$0]) : nil }
  }

  /// The tenth of each entry by ascending count, 0 for the least popular; ties by index.
  public static func deciles(_ counts: [Int]) -> [Int] {
    var deciles = [Int](repeating: 0, count: counts.count)
    for (rank, index) in counts.indices.sorted(by: { (counts[$0], $0) < (counts[$1], $1) }).enumerated() {
      deciles[index] = rank * 10 / counts.count
    }
    return deciles
  }
}

private struct Tally {
  let cutoff: Int
  let itemDecile: [Int]
  let userDecile: [Int]
  var clicks = [Int](repeating: 0, count: 10)
  var places = [Int](repeating: 0, count: 10)
  var hits = [Int](repeating: 0, count: 10)
  var relevant = [Int](repeating: 0, count: 10)
  var gain = [Double](repeating: 0, count: 10)
  var userSum = [Double](repeating: 0, count: 10)
  var userCount = [Int](repeating: 0, count: 10)
  var users = 0

  init(_ popularity: FeedbackMatrix, cutoff: Int) {
    self.cutoff = cutoff
    let counts = popularity.itemCounts
    itemDecile = PopularityDeciles.deciles(counts)
    userDecile = PopularityDeciles.deciles(popularity.userCounts)
    for item in counts.indices { clicks[itemDecile[item]] += counts[item] }
  }

  /// Users without any gain have no NDCG and are left out.
  mutating func add(_ ranking: UserRanking) {
    guard let ndcg = RankingMetrics.ndcg(ranking.list, cutoff: cutoff),
      let dcg = RankingMetrics.dcg(ranking.list, cutoff: cutoff)
    else { return }
    users += 1
    userSum[userDecile[Int(ranking.user)]] += ndcg
    userCount[userDecile[Int(ranking.user)]] += 1
    for (rank, item) in ranking.items.prefix(cutoff).enumerated() {
      let decile = itemDecile[Int(item)]
      places[decile] += 1
      if ranking.list.hits[rank] { hits[decile] += 1 }
      guard dcg > 0 else { continue }
      let part = ranking.list.gains[rank] * DiscountConvention.logRankPlusOne.weight(rank: rank + 1)
      gain[decile] += part * ndcg / dcg
    }
  }
}
