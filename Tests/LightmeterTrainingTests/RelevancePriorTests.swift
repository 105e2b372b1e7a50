import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import Testing

@testable import LightmeterTraining

/// METHODS §5.4: what the intercept and the biases are for.
@Suite struct RelevancePriorTests {
  /// 40 users click 3 of 10 items each; item 10 is never shown and never clicked.
  private var data: TrainingData {
    var (users, items): ([Int32], [Int32]) = ([], [])
    for user in 0..<40 {
      for step in 0..<3 {
        users.append(Int32(user))
        items.append(Int32((user + step * 3) % 10))
      }
    }
    let positives = FeedbackMatrix(userCount: 40, itemCount: 11, users: users, items: items)
    return TrainingData(positives: positives, popularity: Popularity.exposure(of: positives), stream: .all)
  }

  private func ranks(prior: Bool) throws -> (unshown: Float, best: Float, relevance: Float) {
    var method = PointwiseMethod()
    method.estimator = LowVariance()
    method.exposure = .popularity(power: 0.5, weight: 1, level: 0)
    (method.dimension, method.epochs, method.batchSize) = (4, 60, 64)
    method.inner = OptimizerSettings(learningRate: 0.02, weightDecay: 1e-3, biasDecay: 0)
    if prior { (method.biases, method.intercept) = (.userAndItem, .baseRate) }
    let model = try method.fit(data, seed: 2, observer: SilentObserver())
    let factors = try #require(model.scorer as? FactorModel)
    var scores = [Float](repeating: 0, count: 11)
    var (unshown, best): (Float, Float) = (0, 0)
    for user in 0..<40 {
      factors.scores(user: user, items: 0..<11, into: &scores)
      unshown += scores[10] / 40
      best += (scores[0..<10].max() ?? 0) / 40
    }
    return (unshown, best, factors.relevance(ofScore: unshown))
  }

  @Test func aNeverShownItemStandsAtItsPriorNotOnTop() throws {
    let with = try ranks(prior: true)
    // Clicks are 3 of 11 pairs and exposure about 10/11: a base rate near 0.3, which the item keeps.
    #expect(with.relevance > 0.15 && with.relevance < 0.5)
    #expect(with.unshown < with.best, "clicked items rank above it")
    let without = try ranks(prior: false)
    #expect(without.relevance > 0.45, "decay alone leaves it at one half, above what was seen and declined")
    #expect(without.relevance > with.relevance)
  }
}
