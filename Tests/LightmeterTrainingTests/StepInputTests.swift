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

  /// Two epochs with mini-batches of the validation set: by pairs that the test draws itself, and by inputs. Only some of the
  /// latter are measured, which moves no parameter otherwise.
  @Test(arguments: [1, 3], 0..<6) func aStepOnAnInputIsTheStepOnItsPairs(threads: Int, strategy: Int) {
    Threads.use(threads)
    let (data, strategy) = (SmallTrainingData.make(), Self.strategies[strategy])
    let sampler = BatchSampler(data: data, batchSize: Self.batchSize, seed: 1)
    let validation = ValidationBatches(data.validation.itemMajor(), most: Self.most, seed: 1)
    #expect(validation.batches(epoch: 0).count > 1)
    var (byPairs, byInputs) = (trainer(strategy, data), trainer(strategy, data))
    let inputs = StepInputs(
      sampler, userCount: data.userCount, itemCount: data.itemCount, strategy: strategy, estimator: LowVariance())
    var (batch, input) = (PairBatch(), StepInput())
    for epoch in 0..<2 {
      let outer = validation.batches(epoch: epoch)
      for index in 0..<sampler.batchCount {
        sampler.fill(&batch, epoch: epoch, index: index)
        let wanted = byPairs.step(on: batch, validation: outer[index % outer.count])
        let measured = index % 3 == 1
        inputs.begin(epoch: epoch, index: index, validation: outer[index % outer.count], measured: measured)
        inputs.take(&input)
        let record = byInputs.step(on: &input)
        #expect(record.trainingLoss == wanted.trainingLoss && wanted.gradientSquared != nil)
        if measured {
          #expect(record.outerLoss == wanted.outerLoss && record.gradientSquared == wanted.gradientSquared)
        } else {
          #expect(record.gradientSquared == nil)
          if case .bilevel(let settings) = strategy, settings.outerSet == .validation {
            #expect(record.outerLoss == nil && wanted.outerLoss != nil)
          }
        }
      }
    }
    #expect(byInputs.backbone.tables.map(\.values) == byPairs.backbone.tables.map(\.values))
    #expect(byInputs.exposure.tables.map(\.values) == byPairs.exposure.tables.map(\.values))
  }

  /// Rows of validation pairs that a step does not read wait under dense Adam; those that it reads do not.
  @Test func denseAdamHasUpToDateWhatAStepReads() {
    let (users, items) = (400, 60)
    var (generator, validation) = (SeededGenerator(seed: 3, stream: .initialise, epoch: 0), PairBatch())
    func draw(_ count: Int, items: Int) -> PairBatch {
      var pairs = PairBatch()
      for _ in 0..<count {
        pairs.append(
          user: Int32(generator.below(users)), item: Int32(generator.below(items)), feedback: UInt8(generator.below(2)))
      }
      return pairs
    }
    validation = draw(120, items: 30).itemMajor()
    let batches = (0..<90).map { _ in draw(12, items: items) }
    func trained(deferAfter: Int, measured: Bool) -> (start: [Table<Double>], end: [Table<Double>]) {
      let backbone = MatrixFactorization<Double>(userCount: users, itemCount: items, dimension: 4, seed: 1)
      let exposure = BlendedExposure<Double>(
        userCount: users, dimension: 4, popularity: (0..<items).map { 0.2 + 0.01 * Double($0) }, seed: 1)
      let settings = OptimizerSettings(learningRate: 0.02, weightDecay: 1e-5, biasDecay: 0)
      var trainer = Trainer<Double>(
        backbone: backbone, exposure: exposure, estimator: LowVariance(), strategy: .bilevel(Bilevel()),
        inner: Adam(settings, for: backbone.tables, deferAfter: deferAfter),
        outer: Adam(settings, for: exposure.tables, deferAfter: deferAfter), userCount: users, itemCount: items)
      for batch in batches { _ = trainer.step(on: batch, validation: validation, measured: measured) }
      trainer.settle()
      return (backbone.tables + exposure.tables, trainer.backbone.tables + trainer.exposure.tables)
    }
    let plain = trained(deferAfter: .max, measured: true)
    let waiting = trained(deferAfter: 20, measured: false)
    for table in plain.end.indices {
      let pairs = zip(plain.end[table].values, zip(plain.start[table].values, waiting.end[table].values))
      let moved = pairs.map { abs($0 - $1.0) }.max() ?? 0
      let apart = pairs.map { abs($0 - $1.1) }.max() ?? 0
      #expect(moved > 1e-3 && apart > 0 && apart <= 2e-5 * moved, "table \(table): \(apart) of \(moved)")
    }
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
