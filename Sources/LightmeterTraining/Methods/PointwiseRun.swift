internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterObjectives

/// One training run of a pointwise method: its trainer, its stream and its epoch loop.
struct PointwiseRun {
  /// Gradient norms and the mean outer loss are taken at every 16th step: training needs neither.
  static let stepsPerMeasure = 16
  private let method: PointwiseMethod
  private let data: TrainingData
  private let seed: UInt64
  private let sampler: BatchSampler
  private let validation: ValidationBatches
  private var trainer: Trainer<Float>
  private var history: [EpochRecord] = []
  private let inputs: StepInputs
  private var input = StepInput()

  init(method: PointwiseMethod, data: TrainingData, seed: UInt64) throws(TrainingError) {
    self.method = method
    self.data = data
    self.seed = seed
    sampler = BatchSampler(data: data, batchSize: method.batchSize, seed: seed, shuffle: method.shuffle)
    inputs = StepInputs(
      sampler, userCount: data.userCount, itemCount: data.itemCount, strategy: method.strategy,
      estimator: method.estimator)
    // Item-major, so that the few popular item rows stay in the cache while the outer pass walks over the users.
    var most: Int?
    if case .bilevel(let settings) = method.strategy { most = settings.validationPairsPerStep }
    validation = ValidationBatches(data.validation.itemMajor(), most: most, seed: seed)
    if case .bilevel(let settings) = method.strategy, settings.outerSet == .validation, data.validation.isEmpty {
      throw .missing(
        "bi-level training needs a validation set, and the log is too small to carve one from: pass random traffic "
          + "(--validation-random FILE) or take another method, such as mf"
      )
    }
    let exposure = try ExposureFactory(method: method, data: data, seed: seed).make()
    let intercept =
      method.warmStart?.intercept
      ?? PointwiseRun.intercept(method, sampler: sampler, exposure: exposure, data: data)
    var backbone = MatrixFactorization<Float>(
      userCount: data.userCount, itemCount: data.itemCount, dimension: method.dimension, biases: method.biases,
      intercept: intercept, deviation: Float(method.initialDeviation), seed: seed)
    if let start = method.warmStart {
      try start.check(backbone.tables)
      backbone.tables = start.modelTables
    }
    trainer = Trainer(
      backbone: backbone, exposure: exposure, estimator: method.estimator, strategy: method.strategy,
      inner: PointwiseRun.optimizer(method.optimizer, method.inner, backbone.tables),
      outer: PointwiseRun.optimizer(method.optimizer, method.outer, exposure.tables), userCount: data.userCount,
      itemCount: data.itemCount)
    if case .bilevel(let settings) = method.strategy, settings.pull > 0 {
      trainer.pullPrior = data.popularity.map { 0.25 + 0.5 * $0 }
    }
    if let start = method.warmStart, !start.exposureTables.isEmpty { trainer.exposure.tables = start.exposureTables }
    if let file = method.resumeFrom { try resume(file) }
  }

  static func optimizer(
    _ kind: OptimizerKind, _ settings: OptimizerSettings, _ tables: [Table<Float>]
  ) -> any Optimizer<Float> {
    switch kind {
    case .adam: Adam<Float>(settings, for: tables)
    case .lazyAdam: LazyAdam<Float>(settings, for: tables)
    }
  }

  /// The base rate needs the mean exposure of the stream, taken over its first 2¹⁶ pairs at the start.
  static func intercept(
    _ method: PointwiseMethod, sampler: BatchSampler, exposure: any ExposureModel<Float>, data: TrainingData
  ) -> Float {
    switch method.intercept {
    case .none: return 0
    case .value(let value): return Float(value)
    case .baseRate:
      var mean = 1.0
      if method.estimator.usesExposure {
        mean = meanExposure(method, sampler: sampler, exposure: exposure, data: data)
      }
      let rate = min(0.5, max(sampler.clickRate / max(mean, 1e-6), 1e-6))
      return Float(Portable.log(rate) - Portable.log(1 - rate))
    }
  }

  private static func meanExposure(
    _ method: PointwiseMethod, sampler: BatchSampler, exposure: any ExposureModel<Float>, data: TrainingData
  ) -> Double {
    // Learned models read item factors, which start near 0: a table of zeros stands for them.
    let items = Table<Float>(name: "items", rows: data.itemCount, factorWidth: method.dimension)
    let stored = exposure.estimate(items: items)
    var batch = PairBatch()
    var (sum, count) = (0.0, 0)
    for index in 0..<sampler.batchCount where count < 1 << 16 {
      sampler.fill(&batch, epoch: 0, index: index)
      var column = [Float](repeating: 0, count: batch.count)
      stored.exposures(users: batch.users, items: batch.items, into: &column)
      for k in column.indices {
        sum += Double(batch.knownExposures.map { $0[k].isNaN ? column[k] : $0[k] } ?? column[k])
      }
      count += batch.count
    }
    return count == 0 ? 1 : sum / Double(count)
  }

  private mutating func resume(_ file: ResumeFile) throws(TrainingError) {
    let state: TrainingState
    do {
      state = try file.read(modelLayouts: trainer.backbone.tables, exposureLayouts: trainer.exposure.tables)
    } catch let error as TrainingError { throw error } catch { throw .resume("\(error)") }
    trainer.backbone.tables = state.modelTables
    trainer.exposure.tables = state.exposureTables
    trainer.inner.state = state.modelOptimizer
    trainer.outer.state = state.exposureOptimizer
    history = state.history
  }

  mutating func train(observer: any TrainingObserver) throws(TrainingError) -> TrainedModel {
    if history.isEmpty, observer.firstSteps > 0 { tell(observer, step: 0) }
    for epoch in history.count..<max(method.epochs, history.count) {
      let record = try trainEpoch(epoch, observer: observer)
      history.append(record)
      let snapshot = self
      let decision = observer.observe(
        .epoch(
          record, epochs: method.epochs,
          TrainingSnapshot(model: { snapshot.model() }, state: { snapshot.state() })))
      if decision == .stop { break }
    }
    return model()
  }

  private mutating func trainEpoch(_ epoch: Int, observer: any TrainingObserver) throws(TrainingError) -> EpochRecord {
    let clock = ContinuousClock()
    let start = clock.now
    var tally = EpochTally()
    let batches = sampler.batchCount
    let quantum = max(1, 65_536 / method.batchSize)
    let outer = validation.batches(epoch: epoch)
    func begin(_ index: Int) {
      inputs.begin(
        epoch: epoch, index: index, validation: outer[index % outer.count],
        measured: index % PointwiseRun.stepsPerMeasure == 0)
    }
    if batches > 0 { begin(0) }
    for index in 0..<batches {
      // Before the batch, so that even an epoch of one batch can be interrupted at its start.
      if index % quantum == 0 {
        let event = TrainingEvent.progress(epoch: epoch + 1, epochs: method.epochs, batch: index, batches: batches)
        if observer.observe(event) == .stop { throw .interrupted(epochsDone: epoch) }
      }
      inputs.take(&input)
      if index + 1 < batches { begin(index + 1) }
      if input.isEmpty { continue }
      let step = trainer.step(on: &input)
      guard step.trainingLoss.isFinite, step.gradientSquared?.isFinite ?? true else {
        throw .diverged(epoch: epoch + 1, batch: index + 1, what: "the training loss is \(step.trainingLoss)")
      }
      guard step.exposureGradientSquared?.isFinite ?? true else {
        throw .diverged(epoch: epoch + 1, batch: index + 1, what: "the exposure gradient is not finite")
      }
      tally.add(step)
      let steps = epoch * batches + index + 1
      if steps <= observer.firstSteps { tell(observer, step: steps) }
    }
    trainer.settle()
    try checkTables(epoch: epoch)
    return tally.record(epoch: epoch + 1, seconds: (clock.now - start) / .seconds(1))
  }

  /// Tells of a step by a copy, so that rows which wait for their turn are settled in it alone and training is not altered.
  private func tell(_ observer: any TrainingObserver, step: Int) {
    var copy = self
    copy.trainer.settle()
    let settled = copy
    observer.observe(step: step, TrainingSnapshot(model: { settled.model() }, state: nil))
  }

  private func checkTables(epoch: Int) throws(TrainingError) {
    for table in trainer.backbone.tables + trainer.exposure.tables {
      let summary = Float.summarize(table.values)
      guard summary.sum.isFinite, summary.squares.isFinite else {
        throw .diverged(epoch: epoch + 1, batch: sampler.batchCount, what: "\(table.name) is no longer finite")
      }
    }
  }

  private func model() -> TrainedModel {
    let tables = trainer.backbone.tables
    let intercept = (trainer.backbone as? MatrixFactorization<Float>)?.intercept ?? 0
    return TrainedModel(
      scorer: FactorModel(users: tables[0], items: tables[1], intercept: intercept),
      exposure: method.estimator.usesExposure ? trainer.exposure.estimate(items: tables[1]) : nil, history: history)
  }

  private func state() -> TrainingState {
    TrainingState(
      epochsDone: history.count, modelTables: trainer.backbone.tables, exposureTables: trainer.exposure.tables,
      modelOptimizer: trainer.inner.state, exposureOptimizer: trainer.outer.state, history: history)
  }
}

/// Sums of an epoch's steps.
private struct EpochTally {
  private var (pairs, measured, outerSteps) = (0, 0, 0)
  private var (loss, outerLoss, exposures, gates, gradient, exposureGradient) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
  private var (least, greatest) = (1.0, 0.0)
  private var hasGates = false

  mutating func add(_ step: StepRecord) {
    pairs += step.pairs
    loss += step.trainingLoss * Double(step.pairs)
    exposures += step.exposures.sum
    least = min(least, step.exposures.least)
    greatest = max(greatest, step.exposures.greatest)
    if let squared = step.gradientSquared {
      gradient += squared
      exposureGradient += step.exposureGradientSquared ?? 0
      measured += 1
    }
    if let outer = step.outerLoss {
      outerLoss += outer
      outerSteps += 1
    }
    if let gate = step.gateSum {
      gates += gate
      hasGates = true
    }
  }

  func record(epoch: Int, seconds: Double) -> EpochRecord {
    var record = EpochRecord()
    let pairCount = Double(max(pairs, 1))
    record.epoch = epoch
    record.trainingLoss = loss / pairCount
    record.outerLoss = outerSteps > 0 ? outerLoss / Double(outerSteps) : nil
    record.meanExposure = exposures / pairCount
    (record.leastExposure, record.greatestExposure) = (least, greatest)
    record.meanGate = hasGates ? gates / pairCount : nil
    record.gradientNorm = (gradient / Double(max(measured, 1))).squareRoot()
    record.exposureGradientNorm = exposureGradient > 0 ? (exposureGradient / Double(measured)).squareRoot() : nil
    record.pairs = pairs
    record.seconds = seconds
    return record
  }
}
