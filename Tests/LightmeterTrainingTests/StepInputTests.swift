import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import TestSupport
import Testing

@testable import LightmeterTraining

/// Inputs that are made ahead: a step on one is the step on its pairs, and a run takes them in the order of the stream.
@Suite(.serialized) struct StepInputTests {
  private static let (dimension, batchSize, most) = (4, 16, 5)

  private func trainer(_ strategy: Strategy, _ data: TrainingData) -> Trainer<Float> {
    let backbone = MatrixFactorization<Float>(
      userCount: data.userCount, itemCount: data.itemCount, dimension: Self.dimension, seed: 1)
    let exposure = BlendedExposure<Float>(
      userCount: data.userCount, dimension: Self.dimension,
      popularity: Popularity.exposure(of: data.positives, exponent: 0.5), seed: 1)
    let settings = OptimizerSettings(learningRate: 0.05, weightDecay: 1e-6, biasDecay: 0)
    return Trainer(
      backbone: backbone, exposure: exposure, estimator: LowVariance(), strategy: strategy,
      inner: LazyAdam<Float>(settings, for: backbone.tables), outer: LazyAdam<Float>(settings, for: exposure.tables),
      userCount: data.userCount, itemCount: data.itemCount)
  }

  private static let strategies: [Strategy] = [
    .fixed, .joint(throughExposure: true), .alternating(throughExposure: false), .bilevel(Bilevel()),
    .bilevel(Bilevel(innerThroughExposure: true)), .bilevel(Bilevel(outerSet: .trainingBatch)),
  ]

  /// Two epochs with mini-batches of the validation set: by pairs that the test draws itself, and by inputs.
  @Test(arguments: [1, 3], 0..<6) func aStepOnAnInputIsTheStepOnItsPairs(threads: Int, strategy: Int) {
    Threads.use(threads)
    let (data, strategy) = (SmallTrainingData.make(), Self.strategies[strategy])
    let sampler = BatchSampler(data: data, batchSize: Self.batchSize, seed: 1)
    let validation = ValidationBatches(data.validation.itemMajor(), most: Self.most, seed: 1)
    #expect(validation.batches(epoch: 0).count > 1)
    var (byPairs, byInputs) = (trainer(strategy, data), trainer(strategy, data))
    let inputs = StepInputs(sampler, userCount: data.userCount, itemCount: data.itemCount, strategy: strategy)
    var (batch, input) = (PairBatch(), StepInput())
    for epoch in 0..<2 {
      let outer = validation.batches(epoch: epoch)
      for index in 0..<sampler.batchCount {
        sampler.fill(&batch, epoch: epoch, index: index)
        let wanted = byPairs.step(on: batch, validation: outer[index % outer.count])
        inputs.begin(epoch: epoch, index: index, validation: outer[index % outer.count])
        inputs.take(&input)
        let record = byInputs.step(on: &input)
        #expect(record.trainingLoss == wanted.trainingLoss && record.outerLoss == wanted.outerLoss)
      }
    }
    #expect(byInputs.backbone.tables.map(\.values) == byPairs.backbone.tables.map(\.values))
    #expect(byInputs.exposure.tables.map(\.values) == byPairs.exposure.tables.map(\.values))
  }

  /// The epochs of a run are those steps, so no batch is skipped, taken twice or paired with another validation batch.
  @Test(arguments: [1, 3]) func aRunTakesTheInputsOfItsStream(threads: Int) throws {
    Threads.use(threads)
    let data = SmallTrainingData.make()
    var settings = Bilevel()
    settings.validationPairsPerStep = Self.most
    var method = PointwiseMethod()
    (method.estimator, method.exposure, method.strategy) = (LowVariance(), .blended(power: 0.5), .bilevel(settings))
    (method.dimension, method.epochs, method.batchSize) = (Self.dimension, 3, Self.batchSize)
    (method.optimizer, method.inner.learningRate, method.outer.learningRate) = (.lazyAdam, 0.05, 0.05)
    method.outer.weightDecay = method.inner.weightDecay
    let trained = try method.fit(data, seed: 1, observer: SilentObserver())

    let sampler = BatchSampler(data: data, batchSize: Self.batchSize, seed: 1)
    let validation = ValidationBatches(data.validation.itemMajor(), most: Self.most, seed: 1)
    var (byHand, batch, losses) = (trainer(method.strategy, data), PairBatch(), [Double]())
    Denormals.flushed {
      for epoch in 0..<3 {
        let outer = validation.batches(epoch: epoch)
        var (sum, pairs) = (0.0, 0)
        for index in 0..<sampler.batchCount {
          sampler.fill(&batch, epoch: epoch, index: index)
          let record = byHand.step(on: batch, validation: outer[index % outer.count])
          sum += record.trainingLoss * Double(record.pairs)
          pairs += record.pairs
        }
        losses.append(sum / Double(pairs))
      }
    }
    #expect(trained.history.map(\.trainingLoss) == losses)
    let scorer = try #require(trained.scorer as? FactorModel)
    #expect(scorer.users.values == byHand.backbone.tables[0].values)
    #expect(scorer.items.values == byHand.backbone.tables[1].values)
  }
}
