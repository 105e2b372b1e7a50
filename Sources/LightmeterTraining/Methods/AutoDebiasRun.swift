internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// One training run of AutoDebias: starting values, blocks and epochs.
struct AutoDebiasRun: EpochwiseRun {
  private let method: AutoDebiasMethod
  private let data: TrainingData
  private let seed: UInt64
  private let blocks: AutoDebiasBlocks
  private(set) var trainer: AutoDebiasTrainer<Float>
  var history: [EpochRecord] = []

  init(method: AutoDebiasMethod, data: TrainingData, seed: UInt64) throws(TrainingError) {
    guard !data.validation.isEmpty else {
      throw .missing(
        "AutoDebias needs a validation set, and the log is too small to carve one from: pass random traffic "
          + "(--validation-random FILE) or take another method, such as mf")
    }
    (self.method, self.data, self.seed) = (method, data, seed)
    blocks = AutoDebiasBlocks(
      userCount: data.userCount, itemCount: data.itemCount, cells: method.blockCells, seed: seed)
    let backbone = MatrixFactorization<Float>(
      userCount: data.userCount, itemCount: data.itemCount, dimension: method.dimension, biases: .userAndItem,
      deviation: 0, seed: seed)
    // Gradients of the weights are tiny beside their decay, where missed steps have no closed form and would be replayed one
    // by one: the plain loop over these narrow tables is faster.
    let settings = [method.clickWeights, method.pairWeights, method.imputation]
    trainer = AutoDebiasTrainer(
      backbone: backbone, learningRate: Float(method.learningRate), imputationWeight: Float(method.imputationWeight),
      decay: Float(method.weightDecay)
    ) { tables, group in Adam<Float>(settings[group], for: tables, deferAfter: .max) }
    drawStart()
    if let file = method.resumeFrom { try resume(file) }
  }

  /// N(0, 2/rows) for factors, biases and weights; a thousandth for the few weights and labels by outcome.
  private mutating func drawStart() {
    let seed = seed
    func draw(_ table: inout Table<Float>, salt: Int, scale: Double = 1) {
      let deviation = scale * (2 / Double(max(table.rows, 1))).squareRoot()
      var generator = SeededGenerator(seed: seed, stream: .initialise, epoch: salt)
      for row in 0..<table.rows {
        for column in 0..<table.width where column != table.fixedColumn {
          table.values[row * table.stride + column] = Float(deviation * generator.normal())
        }
      }
    }
    draw(&trainer.backbone.tables[0], salt: 4)
    draw(&trainer.backbone.tables[1], salt: 5)
    draw(&trainer.clickWeights[0], salt: 6)
    draw(&trainer.clickWeights[1], salt: 7)
    draw(&trainer.pairWeights[0], salt: 8)
    draw(&trainer.pairWeights[1], salt: 9)
    draw(&trainer.pairWeights[2], salt: 10, scale: 1e-3)
    draw(&trainer.imputation[0], salt: 11, scale: 1e-3)
  }

  mutating func runEpoch(
    _ number: Int, progress: (_ part: Int, _ parts: Int) throws(TrainingError) -> Void
  ) throws(TrainingError) -> EpochRecord {
    let partition = blocks.partition(epoch: number)
    var record = EpochRecord()
    var (loss, outer, outerSteps, gradient, weightGradient) = (0.0, 0.0, 0, 0.0, 0.0)
    let quantum = max(1, 65_536 / method.blockCells)
    for index in 0..<blocks.count {
      if index % quantum == 0 {
        try progress(index, blocks.count)
      }
      let block = partition.block(index, positives: data.positives, weights: data.positiveWeights)
      let step = trainer.step(on: block, validation: data.validation, movesWeights: number >= method.frozenEpochs)
      let squares = (model: step.gradientSquared ?? 0, weights: step.exposureGradientSquared ?? 0)
      guard step.trainingLoss.isFinite, squares.model.isFinite, squares.weights.isFinite else {
        throw .diverged(epoch: number + 1, batch: index + 1, what: "the training loss is \(step.trainingLoss)")
      }
      record.pairs += step.pairs
      loss += step.trainingLoss * Double(step.pairs)
      gradient += squares.model
      weightGradient += squares.weights
      if let value = step.outerLoss { (outer, outerSteps) = (outer + value, outerSteps + 1) }
    }
    trainer.settle()
    record.trainingLoss = loss / Double(max(record.pairs, 1))
    record.outerLoss = outerSteps > 0 ? outer / Double(outerSteps) : nil
    (record.meanExposure, record.leastExposure, record.greatestExposure) = (1, 1, 1)
    record.gradientNorm = (gradient / Double(max(blocks.count, 1))).squareRoot()
    record.exposureGradientNorm = (weightGradient / Double(max(blocks.count, 1))).squareRoot()
    return record
  }

  func model() -> TrainedModel {
    let tables = trainer.backbone.tables
    return TrainedModel(
      scorer: FactorModel(users: tables[0], items: tables[1], intercept: 0, meaning: .centred), exposure: nil,
      history: history, weights: trainer.weights)
  }

  func state() -> TrainingState {
    // Plain gradient steps have no moments.
    let still = trainer.backbone.tables.map {
      OptimizerState<Float>(moments: AdamMoments(count: $0.values.count), steps: [0])
    }
    return TrainingState(
      epochsDone: history.count, modelTables: trainer.backbone.tables,
      exposureTables: trainer.clickWeights + trainer.pairWeights + trainer.imputation, modelOptimizer: still,
      exposureOptimizer: trainer.clickOptimizer.state + trainer.pairOptimizer.state + trainer.imputationOptimizer.state,
      history: history)
  }

  private mutating func resume(_ file: ResumeFile) throws(TrainingError) {
    let state = try file.state(
      models: trainer.backbone.tables, exposures: trainer.clickWeights + trainer.pairWeights + trainer.imputation)
    trainer.backbone.tables = state.modelTables
    trainer.clickWeights = Array(state.exposureTables[0..<2])
    trainer.pairWeights = Array(state.exposureTables[2..<5])
    trainer.imputation = [state.exposureTables[5]]
    trainer.clickOptimizer.state = Array(state.exposureOptimizer[0..<2])
    trainer.pairOptimizer.state = Array(state.exposureOptimizer[2..<5])
    trainer.imputationOptimizer.state = [state.exposureOptimizer[5]]
    history = state.history
  }
}
