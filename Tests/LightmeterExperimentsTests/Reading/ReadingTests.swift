import Foundation
import LightmeterFeedback
import LightmeterModels
import Testing

@testable import LightmeterExperiments

@Suite struct LogProfileTests {
  @Test func aSmallLogIsMeasuredByHand() {
    // Items with 4, 1, 0 clicks: θ = 1, ½; weights 1 (four times) and 2 (once).
    let log = FeedbackMatrix(userCount: 4, itemCount: 3, users: [0, 1, 2, 3, 0], items: [0, 0, 0, 0, 1])
    let profile = LogProfile(log)
    #expect(profile.clicks == 5 && profile.itemClicks.quantiles.last == 4 && profile.itemClicks.quantiles[3] == 1)
    #expect(abs(profile.itemClicks.gini - (2 * (1.0 * 0 + 2 * 1 + 3 * 4) / 15 - 4.0 / 3)) < 1e-12)
    #expect(abs(profile.effectiveClicks - 36.0 / 8) < 1e-12)
    #expect(profile.largestWeight == 2)
    #expect(abs(profile.topPercentWeightShare - 0.05 * 2 / 6) < 1e-12)
    #expect(profile.support.map(\.share) == [2.0 / 3, 0, 0])
    #expect(profile.itemClicks.topPercentShare == 0.8)
  }

  @Test func equalCountsHaveNoInequality() {
    #expect(abs(CountDistribution([3, 3, 3, 3]).gini) < 1e-12)
    #expect(CountDistribution([]).mean == 0 && CountDistribution([0, 0]).gini == 0)
    #expect(abs(CountDistribution([0, 0, 0, 8]).gini - 0.75) < 1e-12)
  }
}

@Suite struct ReadingTests {
  /// Enough clicks that counts are not mostly noise: half of the pairs are seen, items differ.
  private func world(_ skew: Double, correlation: Double = 0) throws -> WorldDraws {
    var parameters = Small.parameters()
    parameters.skew = skew
    parameters.correlation = correlation
    (parameters.meanExposure, parameters.meanRelevance) = (0.4, 0.25)
    return WorldDraws(try CleanWorld(parameters))
  }

  @Test func evenExposureReadsAsDeserved() throws {
    let draws = try world(0)
    let reading = try Reading(log: draws.clicks(), shown: draws.randomTraffic(count: 4000))
    let traffic = try #require(reading.traffic)
    #expect(abs(traffic.popularity.value - traffic.deservedPopularity) < 4 * traffic.popularityError)
    #expect(reading.advice == .trainNaively && reading.randomPairsToCollect == 0)
    #expect(reading.sentence.hasPrefix("Train naively"))
  }

  @Test func exposureThatDecidesPopularityReadsAsToBeCorrected() throws {
    let draws = try world(2.5)
    let reading = try Reading(log: draws.clicks(), shown: draws.randomTraffic(count: 4000))
    let traffic = try #require(reading.traffic)
    #expect(traffic.popularity.value < 0.6)
    #expect(reading.advice == .correct)
    #expect((traffic.headroom?.low ?? 0) > 0)
    let even = try #require(
      try Reading(
        log: try world(0).clicks(), shown: try world(0).randomTraffic(count: 4000)
      ).traffic)
    #expect(traffic.logExposureSpread > 2 * even.logExposureSpread)
  }

  @Test func entangledExposureExaggeratesPopularityButLeavesItsOrder() throws {
    let draws = try world(1.5, correlation: 1)
    let reading = try Reading(log: draws.clicks(), shown: draws.randomTraffic(count: 4000))
    let traffic = try #require(reading.traffic)
    #expect(traffic.popularity.high < 0.9 * traffic.deservedPopularity)
    #expect(reading.advice == .trainNaively)
  }

  @Test func aSmallSliceAsksForMoreByTheSquareLaw() throws {
    let draws = try world(0.3)
    let reading = try Reading(log: draws.clicks(), shown: draws.randomTraffic(count: 150))
    let traffic = try #require(reading.traffic)
    #expect(reading.advice == .collectRandomTraffic)
    let ratio = traffic.popularityError / 0.1
    #expect(traffic.pairsNeeded == Int((150 * ratio * ratio).rounded(.up)))
    #expect(reading.randomPairsToCollect == traffic.pairsNeeded - 150)
    #expect(reading.sentence.contains("more randomly shown pairs first"))
  }

  @Test func withoutKnownExposureItSaysWhatCannotBeKnown() throws {
    let reading = Reading(log: try world(1.5).clicks())
    #expect(reading.traffic == nil && reading.advice == .collectRandomTraffic && reading.randomPairsToCollect > 100)
    #expect(reading.description.contains("From clicks alone nobody can know"))
    #expect(reading.sentence.hasPrefix("Clicks alone cannot tell"))
  }

  @Test func impressionsAreReadWithTheirCaution() throws {
    let draws = try world(2.5)
    let reading = try Reading(log: draws.clicks(), shown: draws.impressions(), source: .impressions)
    #expect(reading.traffic?.source == .impressions)
    #expect(reading.sentence.contains("the system chose"))
    #expect(reading.description.contains("click rates given shown"))
  }

  @Test func aReadingSurvivesJSONAndRepeats() throws {
    let draws = try world(1.5)
    let slice = draws.randomTraffic(count: 2000)
    let reading = try Reading(log: draws.clicks(), shown: slice)
    #expect(try JSONDecoder().decode(Reading.self, from: JSONEncoder().encode(reading)) == reading)
    #expect(try Reading(log: draws.clicks(), shown: slice) == reading)
    #expect(throws: CalibrationError.emptySlice) { try Reading(log: draws.clicks(), shown: PairBatch()) }
  }

  @Test func placementsGiveTheAreaAndItsInfluence() throws {
    let placements = try #require(Placements(scores: [1, 2, 2, 3], feedback: [0, 1, 0, 1]))
    // Pairs (clicked, unclicked): 2>1, 2=2, 3>1, 3>2.
    #expect(placements.auc == 3.5 / 4)
    #expect(abs(placements.influence.reduce(0, +)) < 1e-12)
    #expect(placements.influence[1] == (0.75 - 0.875) / 2 && placements.influence[0] == (1 - 0.875) / 2)
  }

  @Test func numbersAreRenderedPlainly() {
    #expect(
      fixed(1.005, 1) == "1.0" && fixed(-0.26, 1) == "−0.3" && fixed(0.04, 2) == "0.04" && fixed(-0.001, 2) == "0.00")
    #expect(grouped(1_234_567) == "1,234,567" && grouped(999) == "999" && grouped(-1000) == "−1,000")
    #expect(percent(0.5) == "50 %" && percent(0.034) == "3.4 %" && percent(0) == "0 %")
  }
}
