import LightmeterFeedback
import LightmeterKernels
import Testing

@testable import LightmeterExperiments

@Suite struct SemiSyntheticTests {
  private func world(
    fit: WorldFit = .sampled(dimension: 4, steps: 100, cells: 64, rate: 0.02), transform: WorldTransform = .none
  ) throws -> SemiSyntheticWorld {
    let data = Small.ratings()
    return try SemiSyntheticWorld(
      users: data.users, items: data.items, ratings: data.ratings, userCount: 60, itemCount: 50, fit: fit,
      transform: transform)
  }

  @Test func probabilitiesLieInsideZeroAndOneAndAreRepeatable() throws {
    let (first, second) = (try world(), try world())
    var (a, b) = (TruthRow(), TruthRow())
    for user in 0..<60 {
      first.truth(user: user, items: 0..<50, into: &a)
      second.truth(user: user, items: 0..<50, into: &b)
      #expect(a == b)
      #expect((a.exposure + a.relevance).allSatisfy { $0 > 0 && $0 < 1 })
    }
  }

  /// y = R·O cell by cell, and the number of clicks within 4 σ of Σ m γ.
  @Test func clicksAreBelowBothCausesAndHaveTheirExpectedNumber() throws {
    let world = try world(transform: .permuted)
    let draws = WorldDraws(world)
    let tile = draws.tile(users: 0..<60, items: 0..<50)
    for (y, (o, r)) in zip(tile.clicked, zip(tile.exposed, tile.relevant)) { #expect(y <= o && y <= r) }
    var (mean, variance) = (0.0, 0.0)
    var row = TruthRow()
    for user in 0..<60 {
      world.truth(user: user, items: 0..<50, into: &row)
      for (m, g) in zip(row.exposure, row.relevance) {
        mean += m * g
        variance += m * g * (1 - m * g)
      }
    }
    #expect(abs(Double(draws.clicks().count) - mean) < 4 * variance.squareRoot())
  }

  /// At the optimum of a calibrated fit with a free intercept the mean probability is the mean label.
  @Test func aFullFitIsCalibrated() throws {
    let data = Small.ratings()
    let rated = FeedbackMatrix(userCount: 60, itemCount: 50, users: data.users, items: data.items)
    let factors = LogisticFit.fit(
      rated, .full(dimension: 3, penalty: 5, steps: 150, rate: 0.05), seed: 1, shard: 0)
    var mean = 0.0
    for user in 0..<60 {
      for item in 0..<50 { mean += Portable.sigmoid(factors.logit(user: user, item: item)) / 3000 }
    }
    #expect(abs(mean - Double(rated.count) / 3000) < 0.002)
    let popular = (0..<60).reduce(0.0) { $0 + Portable.sigmoid(factors.logit(user: $1, item: 0)) }
    let rare = (0..<60).reduce(0.0) { $0 + Portable.sigmoid(factors.logit(user: $1, item: 49)) }
    #expect(popular > 3 * rare)
  }

  @Test func constantColumnsOfTheFactorsStayOne() throws {
    let factors = try world().exposureFactors
    for user in 0..<60 { #expect(factors.userRows[user * factors.stride + factors.dimension + 1] == 1) }
    for item in 0..<50 { #expect(factors.itemRows[item * factors.stride + factors.dimension] == 1) }
  }

  @Test func permutingItemsBreaksTheCorrelationAndKeepsTheMeans() throws {
    let plain = try world(fit: .full(dimension: 3, penalty: 5, steps: 60, rate: 0.05))
    let moved = try plain.transformed(WorldTransform(permutesRelevance: true))
    let clicks = WorldDraws(plain).clicks()
    let (before, after) = (WorldStatistics(plain, clicks: clicks), WorldStatistics(moved, clicks: clicks))
    #expect(abs(before.meanRelevance - after.meanRelevance) < 1e-12)
    #expect(before.correlation > 0.5 && abs(after.correlation) < 0.35)
    #expect(before.itemOnlyCeiling == after.itemOnlyCeiling)
  }

  @Test func factorsScaleTheProbabilitiesAndStayBelowOne() throws {
    let plain = try world()
    let scaled = try plain.transformed(WorldTransform(exposureFactor: 2, relevanceFactor: 1000))
    let (a, b) = (plain.truth(user: 2, item: 1), scaled.truth(user: 2, item: 1))
    #expect(b.exposure == min(2 * a.exposure, 0.99) && b.relevance == 0.99)
    #expect(throws: WorldError.self) { try plain.transformed(WorldTransform(exposureFactor: 0)) }
  }

  @Test func ratingsWithoutAnythingLikedAreRefused() {
    #expect(throws: WorldError.self) {
      try SemiSyntheticWorld(users: [0, 1], items: [0, 1], ratings: [1, 2], userCount: 2, itemCount: 2)
    }
  }
}

@Suite struct WorldStatisticsTests {
  @Test func aWorldOfItemEffectsHasACeilingOfOne() throws {
    var parameters = Small.parameters()
    (parameters.personalExposure, parameters.activitySpread) = (0, 0)
    let world = try CleanWorld(parameters)
    let statistics = WorldStatistics(world, clicks: WorldDraws(world).clicks())
    #expect(abs(statistics.itemOnlyCeiling - 1) < 1e-12)
    #expect(statistics.popularityCorrelation > 0.3 && statistics.popularityCorrelation < 1)
  }

  @Test func meansAndCountsAreThoseOfTheWorld() {
    let world = Small.world(.entangled)
    let clicks = WorldDraws(world).clicks()
    let statistics = WorldStatistics(world, clicks: clicks)
    #expect(statistics.clicks == clicks.count)
    #expect(statistics.itemsWithoutClick == clicks.itemCounts.count { $0 == 0 })
    #expect(statistics.meanClick > statistics.meanExposure * statistics.meanRelevance)
  }
}
