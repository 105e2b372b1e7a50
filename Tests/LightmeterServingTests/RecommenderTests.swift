import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import TestSupport
import Testing

@testable import LightmeterServing

@Suite struct RecommenderTests {
  /// Two users, five items; user a likes low indices, b high ones; a has clicked item "i0".
  private func model(history: Bool = true, exposure: StoredExposure? = .perItem([1, 0.5, 0.25, 0.1, 0])) -> StoredModel
  {
    var (users, items) = (IdentifierTable(), IdentifierTable())
    for name in ["a", "b"] { _ = users.intern(name) }
    for name in ["i0", "i1", "i2", "i3", "i4"] { _ = items.intern(name) }
    var (left, right) = (
      Table<Float>(name: "user_factors", rows: 2, factorWidth: 1),
      Table<Float>(name: "item_factors", rows: 5, factorWidth: 1)
    )
    (left.values[0], left.values[4]) = (1, -1)
    for item in 0..<5 { right.values[item * 4] = Float(2 - item) }
    return StoredModel(
      scorer: .factors(FactorModel(users: left, items: right, intercept: 0)), exposure: exposure, users: users,
      items: items, popularity: [1, 1, 1, 1, 0],
      seen: history ? FeedbackMatrix(userCount: 2, itemCount: 5, users: [0], items: [0]) : nil, manifest: "{}")
  }

  @Test func bestUnseenItemsComeFirst() throws {
    let recommender = Recommender(model())
    #expect(try recommender.recommend(user: "a", count: 2).map(\.item) == ["i1", "i2"])
    #expect(try recommender.recommend(user: "b", count: 2).map(\.item) == ["i4", "i3"])
    #expect(try recommender.recommend(user: "a", count: 1, filterSeen: false).map(\.item) == ["i0"])
    #expect(try recommender.recommend(user: "a", count: 2, excluding: ["i1", "none"]).map(\.item) == ["i2", "i3"])
    #expect(try recommender.recommend(user: "a", count: 99).count == 4)
    #expect(try recommender.recommend(user: "a", count: 0).isEmpty)
  }

  @Test func modesWeighRelevanceByExposure() throws {
    let recommender = Recommender(model())
    let explore = try recommender.recommend(user: "a", count: 4, mode: .explore)
    for recommendation in explore {
      let expected = (recommendation.relevance ?? -1) * (1 - (recommendation.exposure ?? -1))
      #expect(abs(recommendation.score - expected) < 1e-6)
    }
    #expect(try recommender.recommend(user: "b", count: 1, mode: .click).map(\.item) == ["i1"])
  }

  @Test func questionsWithoutAnswerNameTheReason() {
    #expect(throws: Recommender.Problem.unknownUser("z")) { try Recommender(model()).recommend(user: "z", count: 1) }
    #expect(throws: Recommender.Problem.noHistory) {
      try Recommender(model(history: false)).recommend(user: "a", count: 1)
    }
    #expect(throws: Recommender.Problem.noExposure) {
      try Recommender(model(exposure: nil)).recommend(user: "a", count: 1, mode: .click)
    }
    #expect(throws: Recommender.Problem.unknownItem("i9")) { try Recommender(model()).explain(user: "a", item: "i9") }
  }

  @Test func anUnclickedPairIsEitherUnseenOrDeclined() throws {
    let recommender = Recommender(model())
    let explanation = try recommender.explain(user: "a", item: "i1")
    let (m, p) = (try #require(explanation.exposure), explanation.relevance)
    #expect(abs(m - 0.5) < 1e-7)
    #expect(abs(try #require(explanation.neverSeen) - (1 - m) / (1 - m * p)) < 1e-6)
    #expect(abs(try #require(explanation.neverSeen) + (try #require(explanation.declined)) - 1) < 1e-12)
    #expect(try recommender.explain(user: "a", item: "i0").neverSeen == nil, "a clicked pair was seen")
    #expect(try recommender.explain(user: "b", item: "i0").declined == 1, "always shown and not clicked is declined")
    #expect(try recommender.explain(user: "b", item: "i4").neverSeen == 1, "never shown is unseen")
  }

  @Test func topKEqualsAFullSortForAnyOrderWithTies() {
    var generator = SeededGenerator(seed: 3, stream: .ties)
    for _ in 0..<50 {
      let scores = (0..<40).map { _ in Float(generator.below(8)) }
      let full = scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
      var order = Array(scores.indices)
      generator.shuffle(&order)
      var best = TopK(7)
      for item in order { best.offer(Int32(item), scores[item]) }
      #expect(best.ranked.map { Int($0.item) } == Array(full.prefix(7)))
    }
  }

  @Test func listsForAllUsersEqualSingleLists() throws {
    let recommender = Recommender(model())
    var lists: [String: [Recommender.Recommendation]] = [:]
    try recommender.recommendForAll(count: 3) { lists[$0] = $1 }
    for user in ["a", "b"] { #expect(try recommender.recommend(user: user, count: 3) == lists[user]) }
  }
}
