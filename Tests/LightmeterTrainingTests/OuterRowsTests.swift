import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import Testing

@testable import LightmeterTraining

/// Copies of the validation users' rows change no bit of a step.
@Suite(.serialized) struct OuterRowsTests {
  private func trainer(_ settings: Bilevel, _ data: TrainingData, copies: Bool) -> Trainer<Float> {
    let backbone = MatrixFactorization<Float>(
      userCount: data.userCount, itemCount: data.itemCount, dimension: 6, biases: .userAndItem, intercept: -1, seed: 1)
    let exposure = BlendedExposure<Float>(
      userCount: data.userCount, dimension: 6, popularity: Popularity.exposure(of: data.positives, exponent: 0.5),
      seed: 1)
    let optimizer = OptimizerSettings(learningRate: 0.05, weightDecay: 1e-6, biasDecay: 0)
    var trainer = Trainer<Float>(
      backbone: backbone, exposure: exposure, estimator: LowVariance(), strategy: .bilevel(settings),
      inner: LazyAdam<Float>(optimizer, for: backbone.tables), outer: LazyAdam<Float>(optimizer, for: exposure.tables),
      userCount: data.userCount, itemCount: data.itemCount)
    trainer.keepsCopies = copies
    return trainer
  }

  private static let forms = [
    Bilevel(), Bilevel(innerThroughExposure: true), Bilevel(order: .exposureFirst),
  ]

  /// The same pairs for a while, others, and the first ones again, which must not find copies of long ago.
  @Test(arguments: [1, 3], 0..<3) func aStepWithCopiesIsTheStepWithout(threads: Int, form: Int) {
    Threads.use(threads)
    defer { Threads.use(1) }
    let data = SmallTrainingData.make()
    let sampler = BatchSampler(data: data, batchSize: 16, seed: 1)
    let all = data.validation.itemMajor()
    let few = ValidationBatches(all, most: 5, seed: 1).batches(epoch: 0)[0]
    var with = trainer(Self.forms[form], data, copies: true)
    var without = trainer(Self.forms[form], data, copies: false)
    var (batch, index, copied) = (PairBatch(), 0, 0)
    for (pairs, steps) in [(all, 6), (few, 1), (all, 4), (few, 3), (all, 1), (few, 2)] {
      for _ in 0..<steps {
        sampler.fill(&batch, epoch: index / sampler.batchCount, index: index % sampler.batchCount)
        let record = with.step(on: batch, validation: pairs)
        let wanted = without.step(on: batch, validation: pairs)
        #expect(record.outerLoss == wanted.outerLoss)
        index += 1
        copied += with.work.outerRows.pairs == with.work.input.outer.indexed.pairs ? 1 : 0
        #expect(without.work.outerRows.pairs.isEmpty)
      }
      #expect(with.backbone.tables.map(\.values) == without.backbone.tables.map(\.values))
      #expect(with.exposure.tables.map(\.values) == without.exposure.tables.map(\.values))
    }
    #expect(copied == 5 + 0 + 3 + 2 + 0 + 1, "the second step on the same pairs begins to use copies")
  }
}
