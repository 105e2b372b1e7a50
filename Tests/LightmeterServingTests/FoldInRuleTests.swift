import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import Testing

@testable import LightmeterServing

/// A value as JSON text.
func encoded(_ value: some Encodable) throws -> String {
  String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
}

@Suite struct FoldInRuleTests {
  @Test(arguments: FoldInSample.losses) func anObjectiveComesBackFromAManifest(loss: FoldInObjective.Loss) throws {
    let objective = FoldInSample.objective(loss)
    #expect(FoldInRule(manifest: try FoldInSample.text(of: objective)) == .objective(objective))
  }

  @Test func modelsWithoutAnObjectiveSayWhy() throws {
    let bare = Recommender(try FoldInSample.model(.naive, manifest: "{}"))
    let named = Recommender(
      try FoldInSample.model(.naive, manifest: #"{"foldInUnavailable": "it keeps weights of users while it trains"}"#))
    for (recommender, part) in [(bare, "train it again"), (named, "while it trains")] {
      let error = #expect(throws: Recommender.Problem.self) { try recommender.foldIn(session: ["i1"]) }
      #expect(error?.description.contains(part) == true)
      #expect(try recommender.recommend(session: [], count: 3).isFallback, "the fallback needs no objective")
    }
  }

  /// Every member of an ensemble gets the row that it would get alone.
  @Test func ensemblesGetARowForEveryMember() throws {
    var model = try FoldInSample.model(.lowVariance)
    let other = MatrixFactorization<Float>(
      userCount: 25, itemCount: 30, dimension: 5, biases: .userAndItem, intercept: -2, deviation: 0.6, seed: 8
    ).factorModel
    let single = Recommender(model)
    let members = [try #require(model.scorer.members.first), other]
    model.scorer = .factors(other)
    let second = Recommender(model)
    model.scorer = .ensemble(EnsembleModel(members: members))
    let both = Recommender(model)
    let session = ["i1", "i4"]
    #expect(try both.foldIn(session: session).rows == [single, second].map { try $0.foldIn(session: session).row })
    let users = ["u1", "u2", "u9"]
    #expect(
      try both.foldIn(itemClickedBy: users).rows == [single, second].map { try $0.foldIn(itemClickedBy: users).row })
    let list = try both.recommend(session: session, count: 5)
    #expect(list.items.count == 5 && !list.isFallback && list.items.allSatisfy { $0.relevance != nil })
    #expect(try both.fallback.recommend(count: 3).count == 3)
  }

  @Test func modelsWithoutFactorsSayWhy() throws {
    var model = try FoldInSample.model(.naive)
    model.scorer = .random(RandomRanking(userCount: 25, itemCount: 30, seed: 1))
    #expect(throws: Recommender.Problem.self) { try Recommender(model).foldIn(itemClickedBy: ["u1"]) }
    let most = model.popularity.indices.max { model.popularity[$0] < model.popularity[$1] }
    let best = try Recommender(model).fallback.recommend(count: 1)[0]
    #expect(best.score == model.popularity[most ?? 0], "by popularity")
  }

  @Test func lazyDecayActsInTheBatchesThatHoldTheRow() {
    var objective = FoldInSample.objective(.naive)
    #expect(objective.ridgeShare(pairs: 3) == 1)
    objective.lazyBatches = 100
    #expect(abs(objective.ridgeShare(pairs: 1) - 0.01) < 1e-12)
    #expect(objective.ridgeShare(pairs: 1e6) > 0.999)
  }

  /// The exposure of a new user: that of everybody, of an average user, or of a known one with as many clicks.
  @Test func newUsersGetTheExposureThatTheTableSays() throws {
    let constant = StoredExposure.constant(0.3).ofNewUser(activity: 2) { [] }
    #expect(constant?.exposure(user: 0, item: 0) == 0.3)
    let calibrated = CalibratedExposure(
      itemRates: [0.1, 0.2], activities: [0.5, 1, 3],
      relevance: CalibratedRelevance(userCount: 3, itemMeans: [0.5, 0.5]))
    let active = StoredExposure.calibrated(calibrated).ofNewUser(activity: 2.8) { [] }
    #expect(active?.exposure(user: 0, item: 1) == calibrated.exposure(user: 2, item: 1))
    let model = try FoldInSample.model(.lowVariance)
    guard case .factors(let factors) = model.scorer else { return }
    let blended = BlendedEstimate(
      users: factors.users, items: factors.items,
      gate: Table(name: "gate", rows: 1, factorWidth: 5, extraColumns: 1), popularity: model.popularity)
    let average = StoredExposure.blended(blended).ofNewUser(activity: 1) { factors.users.meanRow }
    let exposure = try #require(average?.exposure(user: 0, item: 3))
    #expect(exposure > 0 && exposure < 1)
  }

  @Test func theNearestActivityIsTheOneThatGoingThroughAllFinds() {
    var generator = SeededGenerator(seed: 3, stream: .world)
    for count in [0, 1, 2, 7, 60] {
      let all = (0..<count).map { _ in Float(generator.below(20)) / 4 }
      let order = ActivityOrder(all)
      // The last one is so far that distances are rounded to the same number.
      for wanted in (-2...24).map({ Float($0) / 4 + 0.125 }) + (-2...24).map({ Float($0) / 8 }) + [1e8] {
        let expected = all.indices.min { abs(all[$0] - wanted) < abs(all[$1] - wanted) }
        #expect(order.user(nearest: wanted) == expected, "\(wanted) among \(all)")
      }
    }
  }

  /// Every activity that occurs is asked for in the same model: the order is kept.
  @Test func sessionsShareTheOrderOfActivitiesAndTheGates() throws {
    let calibrated = CalibratedExposure(
      itemRates: [Float](repeating: 0.2, count: 30), activities: (0..<25).map { Float($0) / 5 },
      relevance: CalibratedRelevance(userCount: 25, itemMeans: [Float](repeating: 0.5, count: 30)))
    let recommender = Recommender(try FoldInSample.model(.lowVariance, exposure: .calibrated(calibrated)))
    _ = try recommender.guest(session: ["i1", "i2"])
    var made = 0
    let kept = recommender.cache.activityOrder {
      made += 1
      return ActivityOrder([])
    }
    #expect(made == 0 && kept.user(nearest: 4) == 20)
  }
}
