import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import Testing

@testable import LightmeterTraining

/// The same bytes for any number of threads, on batches that are large enough to be split.
@Suite struct ThreadCountTests {
  private func data() -> TrainingData {
    var generator = SeededGenerator(seed: 4, stream: .world)
    let (userCount, itemCount) = (900, 300)
    let users = (0..<4_000).map { _ in Int32(generator.below(userCount)) }
    let items = (0..<4_000).map { _ in Int32(generator.uniform() * generator.uniform() * Double(itemCount)) }
    var validation = PairBatch()
    for k in 0..<1_200 {
      validation.append(user: Int32(k % userCount), item: Int32(generator.below(20)), feedback: UInt8(k % 2))
    }
    let positives = FeedbackMatrix(userCount: userCount, itemCount: itemCount, users: users, items: items)
    return TrainingData(
      positives: positives, validation: validation, popularity: Popularity.exposure(of: positives, exponent: 0.5),
      stream: .sampled(negativesPerPositive: 5))
  }

  private static let strategies: [Strategy] = [
    .fixed, .joint(throughExposure: true), .alternating(throughExposure: false), .bilevel(Bilevel()),
    .bilevel(Bilevel(outerSet: .trainingBatch)),
  ]

  @Test(arguments: strategies, [OptimizerKind.adam, .lazyAdam])
  func anyNumberOfThreadsGivesTheSameBytes(strategy: Strategy, optimizer: OptimizerKind) throws {
    var method = PointwiseMethod()
    (method.estimator, method.exposure, method.strategy) = (LowVariance(), .blended(power: 0.5), strategy)
    (method.dimension, method.epochs, method.batchSize, method.optimizer) = (50, 1, 4_096, optimizer)
    let data = data()
    var first: [[Float]]?
    for threads in [1, 2, 3, 8] {
      Threads.use(threads)
      let model = try method.fit(data, seed: 1, observer: SilentObserver())
      let scorer = try #require(model.scorer as? FactorModel)
      let tables = [scorer.users.values, scorer.items.values]
      #expect(first == nil || first == tables, "\(threads) threads")
      first = tables
    }
  }
}
