import LightmeterFeedback
import LightmeterKernels
import LightmeterTraining
import Testing

@testable import LightmeterExperiments

/// METHODS §20.2: what is learned from a complete log of impressions, against a world that knows the truth.
@Suite struct ImpressionFitTests {
  /// 250 users × 80 items, half of the pairs shown: at random, or rather what is liked.
  private func world(skewed: Bool) throws -> CleanWorld {
    var parameters = (skewed ? WorldPreset.entangled : .independent).parameters
    (parameters.userCount, parameters.itemCount, parameters.rank) = (250, 80, 2)
    (parameters.meanRelevance, parameters.meanExposure, parameters.calibrationPairs) = (0.3, 0.5, 20_000)
    (parameters.skew, parameters.activitySpread, parameters.personalExposure) = (skewed ? 1.2 : 0, 0, 0)
    parameters.correlation = skewed ? 0.9 : 0
    return try CleanWorld(parameters)
  }

  /// Every impression with its click and the probability with which it was shown.
  private func log(_ world: CleanWorld, propensities: Bool) -> FeedbackLog {
    var (clicked, rest) = (ListedPairs(propensities: []), ListedPairs(propensities: []))
    WorldDraws(world).forEachImpression { user, item, isClicked in
      let exposure = Float(world.truth(user: Int(user), item: Int(item)).exposure)
      func add(to pairs: inout ListedPairs) {
        pairs.users.append(user)
        pairs.items.append(item)
        pairs.propensities?.append(exposure)
      }
      if isClicked { add(to: &clicked) } else { add(to: &rest) }
    }
    if !propensities { (clicked.propensities, rest.propensities) = (nil, nil) }
    return FeedbackLog(
      userCount: world.userCount, itemCount: world.itemCount, positives: clicked, negatives: rest)
  }

  /// Mean fitted relevance over all pairs, shown or not; the share of clicks among the impressions, by their weights; and
  /// how many equally weighted impressions they rest on.
  private func fitted(_ log: FeedbackLog) throws -> (mean: Double, share: Double, pairs: Double) {
    let (data, summary) = try TrainingDataBuilder.build(
      log,
      options: TrainingDataOptions(
        validation: .absent, hyperValidationFraction: 0, seed: 1, impressions: .complete,
        largestPropensityWeight: log.positives.propensities == nil ? nil : 1000))
    let recipe = Recipe(
      "mf",
      [
        "dimension": .number(2), "epochs": .number(30), "batch": .number(512), "learningRate": .number(0.03),
        "weightDecay": .number(1e-3), "biases": .text("userAndItem"), "intercept": .text("baseRate"),
      ])
    let model = try recipe.validated().fit(data, seed: 1)
    let scorer = try #require(model.scorer as? any RelevanceScorer)
    var scores = [Float](repeating: 0, count: log.itemCount)
    var sum = 0.0
    for user in 0..<log.userCount {
      scorer.scores(user: user, items: 0..<log.itemCount, into: &scores)
      for score in scores { sum += Double(scorer.relevance(ofScore: score)) }
    }
    func weight(_ weights: [Float]?, _ count: Int) -> Double { weights?.reduce(0) { $0 + Double($1) } ?? Double(count) }
    let clicked = weight(data.positiveWeights, data.positives.count)
    let rest = weight(data.extraNegatives.weights, data.extraNegatives.count)
    let listed = Double(log.positives.count + log.negatives.count)
    return (
      sum / Double(log.userCount * log.itemCount), clicked / (clicked + rest), summary.effectivePairs ?? listed
    )
  }

  private func truth(_ world: CleanWorld) -> Double {
    var (row, sum) = (TruthRow(), 0.0)
    for user in 0..<world.userCount {
      world.truth(user: user, items: 0..<world.itemCount, into: &row)
      sum += row.relevance.reduce(0, +)
    }
    return sum / Double(world.userCount * world.itemCount)
  }

  @Test func uniformShowingGivesTheMeanRelevanceOfAllPairs() throws {
    let world = try world(skewed: false)
    let fit = try fitted(log(world, propensities: false))
    // The fit matches the mean of the clicks shown: four standard errors of that.
    #expect(abs(fit.mean - truth(world)) < 4 * (0.21 / fit.pairs).squareRoot(), "\(fit) and \(truth(world))")
  }

  @Test func weightsUndoShowingWhatIsLiked() throws {
    let world = try world(skewed: true)
    let (weighted, plain) = (
      try fitted(log(world, propensities: true)), try fitted(log(world, propensities: false))
    )
    let error = (0.21 / weighted.pairs).squareRoot()
    for value in [weighted.mean, weighted.share] {
      #expect(abs(value - truth(world)) < 4 * error, "\(weighted) and \(truth(world)), error \(error)")
    }
    #expect(plain.share - truth(world) > 8 * error, "what is shown is liked more: \(plain) and \(truth(world))")
  }
}
