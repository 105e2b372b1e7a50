public import LightmeterFeedback
public import LightmeterKernels
internal import LightmeterModels

/// WMF, also called implicit ALS: weighted squared loss over all pairs by alternating closed forms.
///
///     Σ over all pairs c (y − x_u·z_i)² + λ (Σ‖x_u‖² + Σ‖z_i‖²);   c = 1 on zeros, 1 + κ on clicks
///     x_u = (ZᵀZ + κ Σ z_i z_iᵀ + λI)⁻¹ (1 + κ) Σ z_i,   sums over the user's clicks; items likewise
///
/// Users first, then items. Every pair is data: the stream has no say. A pair's weight multiplies κ.
///
/// - Complexity: a sweep costs O(clicks · d² + (users + items) · d³) exactly, and O(steps · (clicks · d + (users + items)
///   · d²)) by conjugate gradient; memory beyond the tables is one matrix of order d per thread.
/// - Numerics: the same bits at any number of threads.
/// - Source: Hu, Koren and Volinsky 2008; METHODS §9.1.
/// - Stability: experimental
public struct WeightedMatrixFactorization: Method {
  /// Number of factors d.
  public var dimension = 50
  /// κ: how much more a click weighs than a zero.
  public var confidence = 10.0
  /// λ.
  public var regularization = 0.01
  /// Standard deviation of the initial factors.
  public var initialDeviation = 0.01
  /// Exact, or conjugate gradient from the sweep before.
  public var solver = RowSolver.cholesky
  /// Sweeps.
  public var epochs = 15
  /// A resume file to go on from.
  public var resumeFrom: ResumeFile?
  /// Tables to start from instead of random ones; not together with a resume file.
  public var warmStart: WarmStart?

  /// The defaults of METHODS §9.1.
  public init() {}

  /// Learns from `data`; see ``Method``.
  public func fit(
    _ data: TrainingData, seed: UInt64, observer: any TrainingObserver
  ) throws(TrainingError) -> TrainedModel {
    var run = LeastSquaresRun(method: self, data: data, seed: seed)
    return try run.train(from: warmStart, resumeFrom, epochs: epochs, observer: observer)
  }
}

/// The sweeps of weighted alternating least squares, generic so that tests can hold them to reference values in double.
struct LeastSquaresSweeps<S: TrainingScalar>: Sendable {
  var users: Table<S>
  var items: Table<S>
  let clicks: WeightedRows<S>
  let clicksOfItems: WeightedRows<S>
  let regularization: Double
  let solver: RowSolver
  private var itemGram: GramMatrix<S>

  init(users: Table<S>, items: Table<S>, clicks: WeightedRows<S>, regularization: Double, solver: RowSolver) {
    (self.users, self.items, self.clicks, self.solver) = (users, items, clicks, solver)
    (clicksOfItems, self.regularization) = (clicks.transposed, regularization)
    itemGram = GramMatrix(of: items.view, count: items.rows, width: items.width)
  }

  /// Solves every user's row.
  ///
  /// - Returns: rows that could not be solved.
  mutating func sweepUsers() -> Int {
    S.solveLeastSquares(
      &users.values, stride: users.stride, from: items.view, gram: itemGram, clicks: clicks, width: users.width,
      ridge: regularization, solver: solver
    ).failed
  }

  /// Solves every item's row.
  ///
  /// - Returns: rows that could not be solved, and the objective at the end of the sweep.
  mutating func sweepItems() -> (failed: Int, objective: Double) {
    let userGram = GramMatrix(of: users.view, count: users.rows, width: users.width)
    let solved = S.solveLeastSquares(
      &items.values, stride: items.stride, from: users.view, gram: userGram, clicks: clicksOfItems,
      width: items.width, ridge: regularization, solver: solver)
    itemGram = GramMatrix(of: items.view, count: items.rows, width: items.width)
    // The clicks' sum leaves out s² over all pairs, which the two Gram matrices give.
    let squares = S.summarize(users.values).squares + S.summarize(items.values).squares
    return (solved.failed, userGram.product(with: itemGram) + solved.clickLoss + regularization * squares)
  }
}

private struct LeastSquaresRun: WarmStartingRun {
  var history: [EpochRecord] = []
  private var sweeps: LeastSquaresSweeps<Float>
  private let method: WeightedMatrixFactorization
  private let clicks: WeightedRows<Float>

  init(method: WeightedMatrixFactorization, data: TrainingData, seed: UInt64) {
    let start = MatrixFactorization<Float>(
      userCount: data.userCount, itemCount: data.itemCount, dimension: method.dimension,
      deviation: Float(method.initialDeviation), seed: seed)
    clicks = WeightedRows(data, base: 1, weight: method.confidence)
    self.method = method
    sweeps = LeastSquaresSweeps(
      users: start.tables[0], items: start.tables[1], clicks: clicks, regularization: method.regularization,
      solver: method.solver)
  }

  mutating func start(at start: WarmStart) throws(TrainingError) {
    try start.check([sweeps.users, sweeps.items])
    sweeps = LeastSquaresSweeps(
      users: start.modelTables[0], items: start.modelTables[1], clicks: clicks, regularization: method.regularization,
      solver: method.solver)
  }

  mutating func resume(_ file: ResumeFile) throws(TrainingError) {
    let state = try file.state(models: [sweeps.users, sweeps.items])
    history = state.history
    sweeps = LeastSquaresSweeps(
      users: state.modelTables[0], items: state.modelTables[1], clicks: clicks, regularization: method.regularization,
      solver: method.solver)
  }

  mutating func runEpoch(
    _ number: Int, progress: (Int, Int) throws(TrainingError) -> Void
  ) throws(TrainingError) -> EpochRecord {
    try progress(0, 2)
    let failedUsers = sweeps.sweepUsers()
    try progress(1, 2)
    let (failedItems, objective) = sweeps.sweepItems()
    guard failedUsers + failedItems == 0 else {
      throw .diverged(
        epoch: number + 1, batch: failedUsers > 0 ? 1 : 2,
        what: "\(failedUsers + failedItems) rows have no positive definite system; raise the regularization")
    }
    var record = EpochRecord()
    record.pairs = sweeps.users.rows * sweeps.items.rows
    record.trainingLoss = objective / Double(max(record.pairs, 1))
    (record.meanExposure, record.leastExposure, record.greatestExposure) = (1, 1, 1)
    return record
  }

  func model() -> TrainedModel {
    TrainedModel(
      scorer: FactorModel(users: sweeps.users, items: sweeps.items, intercept: 0, meaning: .ranking),
      exposure: nil, history: history)
  }

  func state() -> TrainingState { TrainingState(tables: [sweeps.users, sweeps.items], history: history) }
}
