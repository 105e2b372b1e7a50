public import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// ExpoMF: Gaussian matrix factorisation with a latent exposure of every pair, by expectation–maximisation.
///
///     a ~ Bernoulli(μ_i);  y | a = 1 ~ N(θ_u·β_i, 1/λ_y);  y = 0 if a = 0;  factors N(0, I/λ), μ_i ~ Beta(A, B)
///     E[a] = 1 on clicks, else μ f / (μ f + 1 − μ),  f = √(λ_y/2π) exp(−λ_y (θ_u·β_i)² / 2)
///     θ_u = (Σ_i E[a] β_i β_iᵀ + (λ/λ_y) I)⁻¹ Σ_{clicks} β_i;  β_i likewise;  μ_i = mean of E[a] where A = B = 1
///
/// E[a] is computed anew before each of the three updates, row by row, and never stored. Every pair is data: the stream
/// has no say. What it exports as exposure is the prior μ_i.
///
/// - Complexity: a sweep costs 2 · users · items · d² + O(users · items · d); memory beyond the tables is one matrix of
///   order d and one tile per thread.
/// - Numerics: log-odds throughout; μ is kept in [1e-6, 1 − 1e-6]; the same bits at any number of threads. λ is often below
///   the rounding of the matrix: where that leaves it indefinite, 2⁻²² to 2⁻¹³ of its trace join the diagonal.
/// - Source: Liang, Charlin, McInerney and Blei 2016; METHODS §8, whose list of the reference program's defects (density
///   too large by π, users and items told apart by their number) is not copied.
/// - Stability: experimental
public struct ExposureMatrixFactorization: Method {
  /// Number of factors d.
  public var dimension = 50
  /// λ of both factor tables.
  public var regularization = 1e-5
  /// λ_y, precision of the score of an exposed pair.
  public var precision = 1.0
  /// μ of every item at the start.
  public var initialExposure = 0.01
  /// A and B of the prior of μ; 1 and 1 leave it flat.
  public var betaPrior = (shown: 1.0, hidden: 1.0)
  /// Standard deviation of the initial factors.
  public var initialDeviation = 0.01
  /// Sweeps.
  public var epochs = 15
  /// A resume file to go on from.
  public var resumeFrom: ResumeFile?
  /// Tables to start from instead of random ones; not together with a resume file.
  public var warmStart: WarmStart?

  /// The defaults of METHODS §8.
  public init() {}

  /// Learns from `data`; see ``Method``.
  public func fit(
    _ data: TrainingData, seed: UInt64, observer: any TrainingObserver
  ) throws(TrainingError) -> TrainedModel {
    var run = ExposureRun(method: self, data: data, seed: seed)
    return try run.train(from: warmStart, resumeFrom, epochs: epochs, observer: observer)
  }
}

/// The sweeps of expectation–maximisation, generic so that tests can hold them to reference values in double.
struct ExposureSweeps<S: TrainingScalar>: Sendable {
  var users: Table<S>
  var items: Table<S>
  /// μ of each item.
  var prior: [Double]
  let clicks: WeightedRows<S>
  let clicksOfItems: WeightedRows<S>
  let regularization: (users: Double, items: Double)
  let precision: Double
  let betaPrior: (shown: Double, hidden: Double)

  init(
    users: Table<S>, items: Table<S>, prior: [Double], clicks: WeightedRows<S>,
    regularization: (users: Double, items: Double), precision: Double, betaPrior: (shown: Double, hidden: Double)
  ) {
    precondition(prior.count == items.rows, "\(prior.count) priors for \(items.rows) items")
    (self.users, self.items, self.prior, self.clicks) = (users, items, prior, clicks)
    (clicksOfItems, self.regularization) = (clicks.transposed, regularization)
    (self.precision, self.betaPrior) = (precision, betaPrior)
  }

  private var shift: Double { 0.5 * Portable.log(precision / (2 * .pi)) }

  private var priorOdds: [S] { prior.map { S(Portable.log($0) - Portable.log(1 - $0)) } }

  private func odds(_ prior: ExposureOdds<S>.Prior) -> ExposureOdds<S> {
    ExposureOdds(prior: prior, shift: shift, half: precision / 2)
  }

  /// Updates every user's factors. Returns rows that could not be solved.
  mutating func sweepUsers() -> Int {
    S.solveUnderExposure(
      &users.values, stride: users.stride, from: items.view, clicks: clicks, width: users.width,
      odds: odds(.ofFixedRows(priorOdds)), ridge: regularization.users / precision)
  }

  /// Updates every item's factors. Returns rows that could not be solved.
  mutating func sweepItems() -> Int {
    S.solveUnderExposure(
      &items.values, stride: items.stride, from: users.view, clicks: clicksOfItems, width: items.width,
      odds: odds(.ofSolvedRows(priorOdds)), ridge: regularization.items / precision)
  }

  /// Updates μ. Returns the negative log posterior, up to a constant, at the factors as they are and the μ before.
  mutating func sweepPrior() -> Double {
    let sums = S.exposureSums(
      items.view, against: users.view, clicks: clicksOfItems, width: items.width, odds: odds(.ofSolvedRows(priorOdds)))
    let (shown, hidden) = betaPrior
    let userCount = Double(users.rows)
    var cost = 0.5 * regularization.users * S.summarize(users.values).squares
    cost += 0.5 * regularization.items * S.summarize(items.values).squares
    for (item, sum) in sums.enumerated() {
      let clicked = Double(clicksOfItems.offsets[item + 1] - clicksOfItems.offsets[item])
      let (logPrior, logRest) = (Portable.log(prior[item]), Portable.log(1 - prior[item]))
      // A click has density μ N(1; s, 1/λ_y), a zero μ N(0; s, 1/λ_y) + 1 − μ.
      cost -= clicked * (logPrior + shift) - precision / 2 * sum.squares
      cost -= (userCount - clicked) * logRest + sum.normaliser
      cost -= (shown - 1) * logPrior + (hidden - 1) * logRest
      let updated = (shown + sum.exposed - 1) / (shown + hidden + userCount - 2)
      prior[item] = min(max(updated, 1e-6), 1 - 1e-6)
    }
    return cost
  }
}

private struct ExposureRun: WarmStartingRun {
  var history: [EpochRecord] = []
  private var sweeps: ExposureSweeps<Float>

  init(method: ExposureMatrixFactorization, data: TrainingData, seed: UInt64) {
    let start = MatrixFactorization<Float>(
      userCount: data.userCount, itemCount: data.itemCount, dimension: method.dimension,
      deviation: Float(method.initialDeviation), seed: seed)
    sweeps = ExposureSweeps(
      users: start.tables[0], items: start.tables[1],
      prior: [Double](repeating: method.initialExposure, count: data.itemCount),
      clicks: WeightedRows(data, base: 1, weight: 0), regularization: (method.regularization, method.regularization),
      precision: method.precision, betaPrior: method.betaPrior)
  }

  /// μ as a table of a resume file. Single precision keeps about seven digits, and the run itself keeps no more.
  private var priorTable: Table<Float> {
    var table = Table<Float>(name: "exposure.prior", rows: sweeps.prior.count, factorWidth: 1)
    for (item, value) in sweeps.prior.enumerated() { table.values[item * table.stride] = Float(value) }
    return table
  }

  mutating func start(at start: WarmStart) throws(TrainingError) {
    try start.check([sweeps.users, sweeps.items])
    (sweeps.users, sweeps.items) = (start.modelTables[0], start.modelTables[1])
    guard case .perItem(let prior)? = start.exposure else { return }
    sweeps.prior = prior.map { min(max(Double($0), 1e-6), 1 - 1e-6) }
  }

  mutating func resume(_ file: ResumeFile) throws(TrainingError) {
    let state = try file.state(models: [sweeps.users, sweeps.items], exposures: [priorTable])
    history = state.history
    (sweeps.users, sweeps.items) = (state.modelTables[0], state.modelTables[1])
    let stored = state.exposureTables[0]
    sweeps.prior = (0..<stored.rows).map { Double(stored.values[$0 * stored.stride]) }
  }

  mutating func runEpoch(
    _ number: Int, progress: (Int, Int) throws(TrainingError) -> Void
  ) throws(TrainingError) -> EpochRecord {
    try progress(0, 3)
    let failedUsers = sweeps.sweepUsers()
    try progress(1, 3)
    let failedItems = sweeps.sweepItems()
    guard failedUsers + failedItems == 0 else {
      throw .diverged(
        epoch: number + 1, batch: failedUsers > 0 ? 1 : 2,
        what: "\(failedUsers + failedItems) rows have no positive definite system; raise the regularization")
    }
    try progress(2, 3)
    let cost = sweeps.sweepPrior()
    // Rounded as a resume file keeps it, so that a resumed run goes on with the same bytes.
    sweeps.prior = sweeps.prior.map { Double(min(Float($0), Float(1).nextDown)) }
    var record = EpochRecord()
    record.pairs = sweeps.users.rows * sweeps.items.rows
    record.trainingLoss = cost / Double(max(record.pairs, 1))
    record.meanExposure = sweeps.prior.reduce(0, +) / Double(max(sweeps.prior.count, 1))
    record.leastExposure = sweeps.prior.min() ?? 0
    record.greatestExposure = sweeps.prior.max() ?? 0
    return record
  }

  func model() -> TrainedModel {
    TrainedModel(
      scorer: FactorModel(users: sweeps.users, items: sweeps.items, intercept: 0, meaning: .ranking),
      exposure: .perItem(sweeps.prior.map { Float($0) }), history: history)
  }

  func state() -> TrainingState {
    TrainingState(tables: [sweeps.users, sweeps.items], exposures: [priorTable], history: history)
  }
}
