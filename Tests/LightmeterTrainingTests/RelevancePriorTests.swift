import Foundation
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

  @Test func theInterceptIsTheClickRateOverTheMeanExposure() throws {
    var method = PointwiseMethod()
    (method.estimator, method.exposure) = (LowVariance(), .popularity(power: 0.5, weight: 1, level: 0))
    (method.dimension, method.epochs, method.batchSize, method.intercept) = (2, 1, 64, .baseRate)
    let scorer = try #require(
      method.fit(data, seed: 1, observer: SilentObserver()).scorer as? FactorModel)
    // 120 clicks on 440 pairs; ten items of eleven have exposure 1, the last one 0.
    let rate = 120.0 / 440 / (10.0 / 11)
    #expect(abs(Double(scorer.intercept) - log(rate / (1 - rate))) < 1e-5)
    method.intercept = .none
    let without = try #require(method.fit(data, seed: 1, observer: SilentObserver()).scorer as? FactorModel)
    #expect(without.intercept == 0)
  }

  @Test(arguments: BiasTerms.allCases) func biasesCarryWhatIsCommonWhenFactorsAreDecayedAway(biases: BiasTerms) throws {
    var (users, items): ([Int32], [Int32]) = ([], [])
    for item in 0..<6 {
      for user in 0..<(3 + 6 * item) {
        users.append(Int32(user))
        items.append(Int32(item))
      }
    }
    let positives = FeedbackMatrix(userCount: 40, itemCount: 6, users: users, items: items)
    let skewed = TrainingData(positives: positives, popularity: Popularity.exposure(of: positives), stream: .all)
    var method = PointwiseMethod()
    (method.dimension, method.epochs, method.batchSize, method.biases) = (3, 60, 60, biases)
    method.inner = OptimizerSettings(learningRate: 0.03, weightDecay: 10, biasDecay: 0)
    let model = try method.fit(skewed, seed: 1, observer: SilentObserver())
    var (first, last) = ([Float](repeating: 0, count: 6), [Float](repeating: 0, count: 6))
    model.scorer.scores(user: 0, items: 0..<6, into: &first)
    model.scorer.scores(user: 39, items: 0..<6, into: &last)
    let rises = zip(first, first.dropFirst()).allSatisfy { $1 > $0 + 0.1 }
    #expect(rises == (biases != .none), "an item's bias follows its clicks: \(first)")
    #expect((first[0] > last[0] + 0.5) == (biases == .userAndItem), "a user's bias follows theirs")
  }
}
