public import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels

/// Logistic matrix factorisation on all pairs, by alternating full gradients.
///
///     calibrated: κ softplus(−s) on clicks, softplus(s) on zeros;   ∂/∂s = κ (p − 1), p
///     johnson:    (1 + κ) softplus(s) − κ s on clicks, softplus(s) on zeros;   ∂/∂s = (1 + κ) p − κ, p
///     plus λ/2 (Σ‖x_u‖² + Σ‖z_i‖²);   s = intercept + b_u + b_i + x_u·z_i
///
/// An epoch is one Adam step of all user rows along the exact gradient of the summed loss, then one of all item rows.
/// Every pair is data: the stream has no say. A pair's weight multiplies κ. With κ = 1 the calibrated form gives
/// probabilities of a click; Johnson's form fits an isolated click to κ/(1 + κ).
///
/// - Complexity: an epoch costs 4 · users · items · d; one tile of memory per thread beyond the tables.
/// - Numerics: the same bits at any number of threads.
/// - Source: Johnson 2014; METHODS §9.2.
/// - Stability: experimental
public struct LogisticMatrixFactorization: Method {
  /// Which likelihood.
  public enum Form: String, Sendable, Hashable, Codable, CaseIterable {
    /// Weighted cross-entropy.
    case calibrated
    /// A click counts as κ clicks and one zero.
    case johnson
  }

  /// Number of factors d.
  public var dimension = 50
  /// Which biases it has.
  public var biases = BiasTerms.userAndItem
  /// Added to every score.
  public var intercept = Intercept.baseRate
  /// Which likelihood.
  public var form = Form.calibrated
  /// κ.
  public var confidence = 1.0
  /// λ on the factors; biases are free.
  public var regularization = 1.0
  /// Step length of Adam.
  public var learningRate = 0.05
  /// Standard deviation of the initial factors.
  public var initialDeviation = 0.1
  /// Steps of each side.
  public var epochs = 100
  /// A resume file to go on from.
  public var resumeFrom: ResumeFile?
  /// Tables to start from instead of random ones; not together with a resume file.
  public var warmStart: WarmStart?

  /// The defaults: METHODS §9.2 with κ = 1.
  public init() {}

  /// Learns from `data`; see ``Method``.
  public func fit(
    _ data: TrainingData, seed: UInt64, observer: any TrainingObserver
  ) throws(TrainingError) -> TrainedModel {
    var run = LogisticRun(method: self, data: data, seed: seed)
    return try run.train(from: warmStart, resumeFrom, epochs: epochs, observer: observer)
  }
}

/// Loss and gradient of one side, generic so that tests can hold them to reference values in double.
struct LogisticSides<S: TrainingScalar>: Sendable {
  var backbone: MatrixFactorization<S>
  let clicks: WeightedRows<S>
  let clicksOfItems: WeightedRows<S>
  let form: LogisticMatrixFactorization.Form

  init(backbone: MatrixFactorization<S>, clicks: WeightedRows<S>, form: LogisticMatrixFactorization.Form) {
    (self.backbone, self.clicks, self.form) = (backbone, clicks, form)
    clicksOfItems = clicks.transposed
  }

  /// The summed loss without penalty, and its gradient by the rows of table `side`, users 0, items 1.
  func gradient(side: Int, into gradient: inout RowGradient<S>) -> Double {
    let (own, other) = (backbone.tables[side], backbone.tables[1 - side])
    if gradient.rows.count != own.rows {
      gradient.reset(rows: (0..<Int32(own.rows)).map { $0 }, stride: own.stride)
    }
    let loss = S.logisticGradient(
      of: own.view, against: other.view, clicks: side == 0 ? clicks : clicksOfItems, width: own.width,
      intercept: Double(backbone.intercept), extra: form == .johnson ? 1 : 0, into: &gradient.values)
    if let fixed = own.fixedColumn {
      S.clearColumns(&gradient.values, count: own.rows, stride: own.stride, columns: fixed..<fixed + 1)
    }
    return loss
  }
}

private struct LogisticRun: WarmStartingRun {
  var history: [EpochRecord] = []
  private var sides: LogisticSides<Float>
  private var optimizers: [Adam<Float>]
  private var gradients = [RowGradient<Float>(), RowGradient<Float>()]
  private let isProbability: Bool

  init(method: LogisticMatrixFactorization, data: TrainingData, seed: UInt64) {
    let clicks = WeightedRows<Float>(data, base: 0, weight: method.confidence)
    let backbone = MatrixFactorization<Float>(
      userCount: data.userCount, itemCount: data.itemCount, dimension: method.dimension, biases: method.biases,
      intercept: LogisticRun.intercept(method, clicks, cells: data.userCount * data.itemCount),
      deviation: Float(method.initialDeviation), seed: seed)
    sides = LogisticSides(backbone: backbone, clicks: clicks, form: method.form)
    let settings = OptimizerSettings(
      learningRate: method.learningRate, weightDecay: method.regularization, biasDecay: 0)
    optimizers = backbone.tables.map { Adam<Float>(settings, for: [$0], deferAfter: .max) }
    isProbability = method.form == .calibrated && method.confidence == 1
  }

  /// The base rate is that of all pairs, a click counted κ times.
  private static func intercept(
    _ method: LogisticMatrixFactorization, _ clicks: WeightedRows<Float>, cells: Int
  ) -> Float {
    switch method.intercept {
    case .none: return 0
    case .value(let value): return Float(value)
    case .baseRate:
      let weight = clicks.confidences.reduce(0) { $0 + Double($1) }
      let all = weight + Double(cells - clicks.columns.count)
      let rate = all > 0 ? min(0.5, max(weight / all, 1e-6)) : 0.5
      return Float(Portable.log(rate) - Portable.log(1 - rate))
    }
  }

  mutating func start(at start: WarmStart) throws(TrainingError) {
    try start.check(sides.backbone.tables)
    sides.backbone = MatrixFactorization(
      users: start.modelTables[0], items: start.modelTables[1], biases: sides.backbone.biases,
      intercept: start.intercept)
  }

  mutating func resume(_ file: ResumeFile) throws(TrainingError) {
    let state = try file.state(models: sides.backbone.tables)
    history = state.history
    sides.backbone.tables = state.modelTables
    for side in 0..<2 { optimizers[side].state = [state.modelOptimizer[side]] }
  }

  mutating func runEpoch(
    _ number: Int, progress: (Int, Int) throws(TrainingError) -> Void
  ) throws(TrainingError) -> EpochRecord {
    var record = EpochRecord()
    record.pairs = sides.clicks.rowCount * sides.clicks.columnCount
    for side in 0..<2 {
      try progress(side, 2)
      let loss = sides.gradient(side: side, into: &gradients[side])
      if side == 0 { record.trainingLoss = loss / Double(max(record.pairs, 1)) }
      var table = [sides.backbone.tables[side]]
      sides.backbone.tables[side].values = []
      optimizers[side].step(&table, along: [gradients[side]])
      sides.backbone.tables[side] = table[0]
    }
    record.gradientNorm = gradients.reduce(0) { $0 + $1.squaredNorm }.squareRoot()
    (record.meanExposure, record.leastExposure, record.greatestExposure) = (1, 1, 1)
    guard record.gradientNorm.isFinite else {
      throw .diverged(epoch: number + 1, batch: 1, what: "the gradient is not finite")
    }
    return record
  }

  func model() -> TrainedModel {
    let tables = sides.backbone.tables
    return TrainedModel(
      scorer: FactorModel(
        users: tables[0], items: tables[1], intercept: sides.backbone.intercept,
        meaning: isProbability ? .logit : .ranking),
      exposure: nil, history: history)
  }

  func state() -> TrainingState {
    TrainingState(
      epochsDone: history.count, modelTables: sides.backbone.tables, exposureTables: [],
      modelOptimizer: optimizers.flatMap(\.state), exposureOptimizer: [], history: history)
  }
}
