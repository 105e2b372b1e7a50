import LightmeterFeedback
import LightmeterKernels
import Testing

@testable import LightmeterExperiments

@Suite struct WorldDrawsTests {
  @Test func clicksAreExposedAndRelevantPairs() {
    let draws = WorldDraws(Small.world())
    let tile = draws.tile(users: 0..<200, items: 0..<150)
    let clicks = draws.clicks()
    let relevant = draws.relevantPairs()
    for user in 0..<200 {
      for item in 0..<150 {
        let cell = user * 150 + item
        let clicked = clicks.contains(user: user, item: Int32(item))
        #expect(clicked == (tile.exposed[cell] == 1 && tile.relevant[cell] == 1))
        #expect(relevant.contains(user: user, item: Int32(item)) == (tile.relevant[cell] == 1))
      }
    }
    #expect(clicks.count == tile.clicked.count { $0 == 1 })
  }

  @Test func tilesInAnyOrderHaveTheSameBytes() {
    let draws = WorldDraws(Small.world())
    let whole = draws.tile(users: 20..<30, items: 0..<150)
    for user in (20..<30).reversed() {
      for items in [100..<150, 0..<100] {
        let tile = draws.tile(users: user..<user + 1, items: items)
        let start = (user - 20) * 150
        #expect(tile.exposed == Array(whole.exposed[start + items.lowerBound..<start + items.upperBound]))
        #expect(tile.relevant == Array(whole.relevant[start + items.lowerBound..<start + items.upperBound]))
      }
    }
    #expect(draws.clicks() == WorldDraws(Small.world()).clicks())
    #expect(draws.clicks() != WorldDraws(Small.world(), seed: 2).clicks())
  }

  /// Number of clicks against Σ m γ, number of impressions against Σ m: 4 σ, confidence 99.99 % per check.
  @Test(arguments: [UInt64(1), 2])
  func clicksAndImpressionsHaveTheirExpectedNumber(seed: UInt64) {
    let world = Small.world(.entangled, seed: seed)
    let draws = WorldDraws(world)
    var (clicks, clickVariance, shown, shownVariance) = (0.0, 0.0, 0.0, 0.0)
    var row = TruthRow()
    for user in 0..<world.userCount {
      world.truth(user: user, items: 0..<world.itemCount, into: &row)
      for (m, g) in zip(row.exposure, row.relevance) {
        clicks += m * g
        clickVariance += m * g * (1 - m * g)
        shown += m
        shownVariance += m * (1 - m)
      }
    }
    let impressions = draws.impressions()
    #expect(abs(Double(draws.clicks().count) - clicks) < 4 * clickVariance.squareRoot())
    #expect(abs(Double(impressions.count) - shown) < 4 * shownVariance.squareRoot())
    #expect(impressions.feedback.count { $0 == 1 } == draws.clicks().count)
    #expect(impressions.knownExposures?.allSatisfy { $0 == 1 } == true)
  }

  @Test func randomTrafficIsDistinctUniformAndAgreesWithTheLog() {
    let world = Small.world()
    let draws = WorldDraws(world)
    let slice = draws.randomTraffic(count: 6000)
    let pairs = Set(zip(slice.users, slice.items).map { Int($0) * 150 + Int($1) })
    #expect(pairs.count == 6000)
    for k in 0..<50 {
      let (user, item) = (Int(slice.users[k]), Int(slice.items[k]))
      #expect((slice.feedback[k] == 1) == draws.isRelevant(user: user, item: item))
    }
    // 6,000 of 30,000 pairs without replacement: a cell of 150 items × 200 users has 40 expected, χ² on item margins with
    // 149 degrees of freedom, upper 0.01 % point 224.
    var counts = [Double](repeating: 0, count: 150)
    for item in slice.items { counts[Int(item)] += 1 }
    #expect(counts.reduce(0) { $0 + ($1 - 40) * ($1 - 40) / 40 } < 224)
    #expect(draws.randomTraffic(count: 100).items == Array(slice.items[..<100]))
  }
}

@Suite struct SkippingSamplerTests {
  /// Ten logs of the skipping sampler against the expected margins Σ m γ (or Σ m): χ² over items and users whose expected
  /// count is above 5, rejected at the normal approximation's 99.99 % point.
  @Test(arguments: [SkippingSampler.Target.clicks, .impressions], [WorldPreset.entangled])
  func skipsHaveTheMarginsOfTheWorld(target: SkippingSampler.Target, preset: WorldPreset) {
    let world = Small.world(preset)
    var observed = Margins()
    for seed in 1...4 {
      SkippingSampler(world, target: target, seed: UInt64(seed)).forEachUser { rows in
        for item in rows.items { observed.add(user: Int(rows.user), item: Int(item), 1) }
      }
    }
    #expect(observed.agrees(with: expected(world, target, logs: 4)))
  }

  /// The same test on the sampler that visits every cell, so that both are held to one distribution.
  @Test func cellsHaveTheMarginsOfTheWorld() {
    let world = Small.world()
    var observed = Margins()
    for seed in 1...4 {
      let clicks = WorldDraws(world, seed: UInt64(seed)).clicks()
      for user in 0..<world.userCount {
        for item in clicks.items(of: user) { observed.add(user: user, item: Int(item), 1) }
      }
    }
    #expect(observed.agrees(with: expected(world, .clicks, logs: 4)))
  }

  @Test func usersAreDrawnAloneWithTheSameBytes() {
    let sampler = SkippingSampler(Small.world(), seed: 3)
    var (streamed, alone) = ([SkippingSampler.UserRows](), SkippingSampler.UserRows())
    sampler.forEachUser { streamed.append($0) }
    for user in [199, 0, 42] {
      sampler.draw(user: user, into: &alone)
      #expect(alone == streamed[user])
      #expect(alone.items == alone.items.sorted() && Set(alone.items).count == alone.items.count)
    }
  }

  @Test func skippingVisitsFewCellsOfASparseWorld() throws {
    var parameters = Small.parameters()
    (parameters.meanExposure, parameters.meanRelevance) = (0.01, 0.01)
    (parameters.personalExposure, parameters.personalRelevance) = (0.5, 0.5)
    let proposals = SkippingSampler(try CleanWorld(parameters)).forEachUser { _ in }
    #expect(proposals < 200 * 150 / 20)
  }

  /// Click rate among impressions is the mean relevance weighted by exposure: 4 σ.
  @Test func impressionsAreClickedAtTheirRelevance() {
    let world = Small.world(.entangled)
    var (clicks, mean, variance) = (0.0, 0.0, 0.0)
    SkippingSampler(world, target: .impressions, seed: 5).forEachUser { rows in
      for (item, clicked) in zip(rows.items, rows.clicked) {
        let relevance = world.truth(user: Int(rows.user), item: Int(item)).relevance
        clicks += Double(clicked)
        mean += relevance
        variance += relevance * (1 - relevance)
      }
    }
    #expect(abs(clicks - mean) < 4 * variance.squareRoot())
  }

  private func expected(_ world: CleanWorld, _ target: SkippingSampler.Target, logs: Double) -> Margins {
    var margins = Margins()
    var row = TruthRow()
    for user in 0..<world.userCount {
      world.truth(user: user, items: 0..<world.itemCount, into: &row)
      for item in 0..<world.itemCount {
        let p = row.exposure[item] * (target == .clicks ? row.relevance[item] : 1)
        margins.add(user: user, item: item, logs * p)
      }
    }
    return margins
  }
}

/// Sums per user and per item.
private struct Margins {
  var users = [Double](repeating: 0, count: 200)
  var items = [Double](repeating: 0, count: 150)

  mutating func add(user: Int, item: Int, _ value: Double) {
    users[user] += value
    items[item] += value
  }

  /// χ² against expected counts is at most its mean plus 3.72 standard deviations (a Bernoulli sum varies less than a
  /// Poisson count, so the test is conservative), and at least a quarter of its mean.
  func agrees(with expected: Margins) -> Bool {
    for (observed, wanted) in [(users, expected.users), (items, expected.items)] {
      let kept = wanted.indices.filter { wanted[$0] > 5 }
      let chi = kept.reduce(0.0) { $0 + (observed[$1] - wanted[$1]) * (observed[$1] - wanted[$1]) / wanted[$1] }
      let freedom = Double(kept.count)
      guard kept.count > 20, chi < freedom + 3.72 * (2 * freedom).squareRoot(), chi > freedom / 4 else { return false }
    }
    return true
  }
}
