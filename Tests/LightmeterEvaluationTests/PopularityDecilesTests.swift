import LightmeterEvaluation
import LightmeterFeedback
import Testing

@Suite("Popularity deciles")
struct PopularityDecilesTests {
  /// Twenty items, item i with i clicks; twenty users.
  private let popularity = FeedbackMatrix(
    userCount: 20, itemCount: 20, users: (0..<20).flatMap { item in (0..<Int32(item)).map { $0 } },
    items: (0..<20).flatMap { item in [Int32](repeating: Int32(item), count: item) })

  @Test("a popularity ranker gives every place to the top tenth, its reverse to the bottom tenth")
  func shares() throws {
    let relevant = matrix((0..<20).map { [$0, 19 - $0] }, itemCount: 20)
    let test = CatalogueTest(relevant: relevant)
    let popular = TableScorer(userCount: 20, itemCount: 20) { _, item in Float(item) }
    let rare = TableScorer(userCount: 20, itemCount: 20) { _, item in Float(-item) }
    let top = try PopularityDeciles(of: popular, on: test, popularity: popularity, cutoff: 2)
    let bottom = try PopularityDeciles(of: rare, on: test, popularity: popularity, cutoff: 2)
    #expect(top.recommendedShare == [0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    #expect(bottom.recommendedShare == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(top.recall[9] == 1 && top.recall[0] == 0 && bottom.recall[0] == 1)
    #expect(top.clicks == [1, 5, 9, 13, 17, 21, 25, 29, 33, 37])
  }

  @Test("the contributions of the tenths add up to NDCG@K, and so do the users' means")
  func contributions() throws {
    let sample = Sample(users: 20, items: 20, levels: 50, seed: 12)
    let test = CatalogueTest(relevant: sample.relevant, seen: sample.seen)
    let deciles = try PopularityDeciles(of: sample.scorer, on: test, popularity: popularity, cutoff: 5)
    let preset = ProtocolPreset(
      name: "ndcg", users: UserRule(positives: 1), convention: MetricConvention(), metrics: [.ndcg], cutoffs: [5])
    let value = try RankingEvaluator(presets: [preset]).evaluate(sample.scorer, on: test)[0].mean(.ndcg, cutoff: 5)
    #expect(near(deciles.contribution.reduce(0, +), value, 1e-12))
    #expect(near(deciles.recommendedShare.reduce(0, +), 1, 1e-12))
  }

  @Test("against true probabilities the contributions add up to NDCG@K of the truth")
  func trueRelevance() throws {
    let sample = Sample(users: 20, items: 20, levels: 50, seed: 13)
    let test = TrueRelevanceTest(userCount: 20, itemCount: 20, seen: sample.seen) { user, items, out in
      for item in items { out[item - items.lowerBound] = Float((user * 7 + item * 3) % 20) / 20 }
    }
    let deciles = try PopularityDeciles(of: sample.scorer, on: test, popularity: popularity, cutoff: 5)
    // The evaluator averages ties, the deciles rank them: equal scores differ by little.
    let distinct = TableScorer(userCount: 20, itemCount: 20) { user, item in
      sample.scorer.values[user * 20 + item] + Float(item) / 100
    }
    let exact = try PopularityDeciles(of: distinct, on: test, popularity: popularity, cutoff: 5)
    let value = try RankingEvaluator().evaluate(distinct, on: test, cutoffs: [5]).mean(.ndcg, cutoff: 5)
    #expect(near(exact.contribution.reduce(0, +), value, 1e-9))
    #expect(deciles.recall.allSatisfy { $0 == nil })
  }
}
