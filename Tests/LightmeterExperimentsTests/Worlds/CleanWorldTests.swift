import LightmeterFeedback
import LightmeterKernels
import Testing

@testable import LightmeterExperiments

@Suite struct CleanWorldTests {
  /// Mean over the calibration pairs is exact, so over all cells it lies within 4 standard errors of a mean of that many
  /// pairs: confidence 99.99 % per check.
  @Test(arguments: WorldPreset.allCases)
  func meansAreTheOnesAskedForWithinFourSigma(preset: WorldPreset) {
    let world = Small.world(preset)
    var (exposures, relevances): ([Double], [Double]) = ([], [])
    var row = TruthRow()
    for user in 0..<world.userCount {
      world.truth(user: user, items: 0..<world.itemCount, into: &row)
      exposures += row.exposure
      relevances += row.relevance
    }
    for (values, asked) in [(exposures, world.parameters.meanExposure), (relevances, world.parameters.meanRelevance)] {
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      #expect(abs(mean - asked) < 4 * (variance / Double(world.parameters.calibrationPairs)).squareRoot())
    }
  }

  @Test func theInterceptSolvesItsEquation() {
    let logits = [-3.0, 0, 0.5, 4, 12]
    for mean in [1e-6, 0.1, 0.5, 0.99] {
      let c = CleanWorld.intercept(of: logits, mean: mean)
      let found = logits.reduce(0) { $0 + Portable.sigmoid(c + $1) } / 5
      #expect(abs(found - mean) < 1e-11 * mean + 1e-15)
    }
  }

  @Test func correlationOfExposureWithRelevanceRisesWithTheDial() {
    let correlations = [-0.5, 0, 0.9].map { dial in
      var parameters = Small.parameters()
      parameters.correlation = dial
      let world = try! CleanWorld(parameters)
      return WorldStatistics(world, clicks: WorldDraws(world).clicks()).correlation
    }
    for (lower, higher) in zip(correlations, correlations.dropFirst()) { #expect(lower < higher) }
    #expect(correlations[0] < 0 && correlations[2] > 0.3)
  }

  @Test func usersDerivedFromTheSeedEqualStoredOnes() throws {
    let stored = try CleanWorld(Small.parameters())
    let derived = try CleanWorld(Small.parameters(), storingUsersUpTo: 10)
    #expect(stored.storedUserRows != nil && derived.storedUserRows == nil)
    #expect(stored.relevanceIntercept == derived.relevanceIntercept)
    for user in [0, 17, 199] {
      #expect(stored.truth(user: user, item: 3) == derived.truth(user: user, item: 3))
    }
  }

  @Test func probabilitiesMatchTheFormulaWrittenOut() {
    let world = Small.world(.entangled)
    let (user, item, rank) = (5, 7, world.parameters.rank)
    let u = Array(world.userRow(user))
    let i = Array(world.itemRows[item * (2 + 2 * rank)..<(item + 1) * (2 + 2 * rank)])
    let taste = (0..<rank).reduce(0.0) { $0 + Double(u[1 + $1]) * Double(i[2 + $1]) }
    let logit = world.relevanceIntercept + Double(i[0]) + taste / 8.0.squareRoot()
    #expect(abs(world.truth(user: user, item: item).relevance - Portable.sigmoid(logit)) < 1e-14)
  }

  @Test func badDialsAreNamedInOneSentence() {
    var parameters = CleanWorldParameters()
    parameters.correlation = 1.5
    #expect(throws: WorldError.parameter(name: "correlation", value: "1.5", allowed: "between -1.0 and 1.0")) {
      try CleanWorld(parameters)
    }
    parameters = CleanWorldParameters()
    parameters.meanExposure = .nan
    #expect(throws: WorldError.self) { try CleanWorld(parameters) }
    let error = WorldError.parameter(name: "rank", value: "0", allowed: "between 1 and 256")
    #expect(error.description == "The world's rank is 0, but it must be between 1 and 256.")
  }

  @Test func theWorldIsItsOwnOracle() {
    let world = Small.world()
    var (scores, exposures): ([Float], [Float]) = ([0, 0], [0, 0])
    world.scores(user: 3, items: 10..<12, into: &scores)
    world.exposures(user: 3, items: 10..<12, into: &exposures)
    #expect(scores[1] == Float(world.truth(user: 3, item: 11).relevance))
    #expect(exposures[0] == Float(world.truth(user: 3, item: 10).exposure))
    var listed: [Float] = [0]
    world.exposures(users: [3], items: [10], into: &listed)
    #expect(listed[0] == exposures[0] && world.relevance(ofScore: scores[0]) == scores[0])
  }
}
