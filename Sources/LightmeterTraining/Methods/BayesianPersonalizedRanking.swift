public import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels

/// BPR: a clicked item is to score above one that is not.
///
///     loss = softplus(−x),  x = s_ui − s_uj;   δ = σ(−x):  ∂/∂w_u = −δ (w_i − w_j),  ∂/∂w_i = −δ w_u,  ∂/∂w_j = δ w_u
///
/// An epoch takes every training click as often as the stream draws negatives per click (`sampled(k)`; once under other
/// streams), each time with an item j drawn uniformly among those that the user did not click in training or before.
/// Mean over the triples of a batch. Scores are determined up to a constant per user: they rank and are no probabilities.
///
/// - Complexity: O(triples · d) and an Adam step per batch; no list of triples is stored.
/// - Source: Rendle, Freudenthaler, Gantner and Schmidt-Thieme 2009; METHODS §10. Uniform negatives, where `implicit`
///   draws them by popularity.
/// - Stability: experimental
public struct BayesianPersonalizedRanking: Method {
  /// Number of factors d.
  public var dimension = 50
  /// Whether items have a bias; a user's own would cancel.
  public var itemBiases = false
  /// Standard deviation of the initial factors.
  public var initialDeviation = 0.1
  /// Adam or LazyAdam.
  public var optimizer = OptimizerKind.adam
  /// Rate and decays.
  public var settings = OptimizerSettings(learningRate: 1e-3, weightDecay: 1e-6, biasDecay: 0)
  /// Passes over the triples.
  public var epochs = 100
  /// Triples per batch.
  public var batchSize = 1024
  /// A resume file to go on from.
  public var resumeFrom: ResumeFile?
  /// Tables to start from instead of random ones; not together with a resume file.
  public var warmStart: WarmStart?

  /// The defaults of METHODS §10.
  public init() {}

  /// Learns from `data`; see ``Method``.
  public func fit(
    _ data: TrainingData, seed: UInt64, observer: any TrainingObserver
  ) throws(TrainingError) -> TrainedModel {
    var run = TripleRun(method: self, data: data, seed: seed)
    return try run.train(from: warmStart, resumeFrom, epochs: epochs, observer: observer)
  }
}

/// The triples of every epoch, each batch computed when asked for.
struct TripleSampler: Sendable {
  /// Triples of an epoch, before those of users who clicked every item are left out.
  let count: Int
  let batchSize: Int
  var batchCount: Int { (count + batchSize - 1) / batchSize }
  private let data: TrainingData
  private let seed: UInt64
  private let userOfPositive: [Int32]
  // No draw hits one of these.
  private let clicked: FeedbackMatrix

  init(data: TrainingData, batchSize: Int, seed: UInt64) {
    precondition(batchSize > 0, "a batch of \(batchSize) triples is impossible; it needs at least 1")
    var draws = 1
    if case .sampled(let negatives) = data.stream { draws = max(negatives, 1) }
    count = data.positives.count * draws
    (self.data, self.batchSize, self.seed) = (data, batchSize, seed)
    clicked = data.allClicks
    userOfPositive = (0..<data.userCount).flatMap { user in
      [Int32](repeating: Int32(user), count: data.positives.range(of: user).count)
    }
  }

  /// Writes the pairs of a batch: the clicked ones, then in the same order the drawn ones.
  ///
  /// - Parameters:
  ///   - weights: of each triple.
  func fill(_ pairs: inout PairBatch, weights: inout [Float], epoch: Int, index: Int) {
    let positives = data.positives
    let order = KeyedPermutation(
      count: count, key: SeededGenerator.key(seed: seed, stream: .shuffle, epoch: epoch))
    let key = SeededGenerator.key(seed: seed, stream: .negatives, epoch: epoch)
    pairs.removeAll()
    weights.removeAll(keepingCapacity: true)
    var drawn: [Int32] = []
    for position in index * batchSize..<min((index + 1) * batchSize, count) {
      let place = order(position)
      let positive = place % positives.count
      let user = userOfPositive[positive]
      guard let item = unclicked(by: Int(user), bits: SeededGenerator.hash(key, UInt64(place))) else { continue }
      pairs.append(user: user, item: positives.items[positive], feedback: 1)
      drawn.append(item)
      weights.append(data.positiveWeights?[positive] ?? 1)
    }
    for (k, item) in drawn.enumerated() { pairs.append(user: pairs.users[k], item: item, feedback: 0) }
  }

  /// One of the items that the user did not click, uniformly; nil if there is none.
  func unclicked(by user: Int, bits: UInt64) -> Int32? {
    let range = clicked.range(of: user)
    let free = data.itemCount - range.count
    guard free > 0 else { return nil }
    // The rank among unclicked items; items[t] − t of them stand before the t-th click.
    let rank = Int(bits.multipliedFullWidth(by: UInt64(free)).high)
    var (low, high) = (0, range.count)
    while low < high {
      let middle = (low + high) / 2
      if Int(clicked.items[range.lowerBound + middle]) - middle <= rank {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return Int32(rank + low)
  }
}

/// Loss and gradient of a batch of triples, generic so that tests can hold them to central differences in double.
struct TripleStep<S: TrainingScalar>: Sendable {
  private var batch = IndexedBatch()
  private var indexer: BatchIndexer
  private var logits: [S] = []
  private var gaps: [S] = []
  private var losses: [S] = []
  private var slopes: [S] = []
  private var cotangents: [S] = []
  private var ones: [UInt8] = []
  private(set) var gradient: [RowGradient<S>] = []

  init(userCount: Int, itemCount: Int) { indexer = BatchIndexer(userCount: userCount, itemCount: itemCount) }

  /// The rows that a batch reads.
  mutating func rows(of pairs: PairBatch, for backbone: MatrixFactorization<S>) -> [[Int32]] {
    batch.pairs = pairs
    indexer.index(&batch)
    return backbone.touchedRows(of: batch)
  }

  /// Mean loss of the batch last passed to ``rows(of:for:)``, whose gradient is left in ``gradient``.
  mutating func evaluate(_ backbone: MatrixFactorization<S>, weights: [Float]) -> Double {
    let count = batch.count / 2
    backbone.logits(for: batch, into: &logits)
    S.reserve(&gaps, count)
    for k in 0..<count { gaps[k] = logits[k] - logits[count + k] }
    if ones.count != count { ones = [UInt8](repeating: 1, count: count) }
    S.crossEntropy(feedback: ones, logits: gaps, loss: &losses, byLogit: &slopes)
    S.reserve(&cotangents, 2 * count)
    var sum = 0.0
    for k in 0..<count {
      let weight = S(weights[k])
      sum += Double(weight * losses[k])
      cotangents[k] = weight * slopes[k] / S(count)
      cotangents[count + k] = -cotangents[k]
    }
    backbone.resetGradient(&gradient, for: batch)
    backbone.pullback(cotangents, for: batch, into: &gradient)
    return sum / Double(count)
  }
}

private struct TripleRun: WarmStartingRun {
  var history: [EpochRecord] = []
  private let sampler: TripleSampler
  private var backbone: MatrixFactorization<Float>
  private var optimizer: any Optimizer<Float>
  private var step: TripleStep<Float>
  private var pairs = PairBatch()
  private var weights: [Float] = []

  init(method: BayesianPersonalizedRanking, data: TrainingData, seed: UInt64) {
    sampler = TripleSampler(data: data, batchSize: method.batchSize, seed: seed)
    backbone = MatrixFactorization<Float>(
      userCount: data.userCount, itemCount: data.itemCount, dimension: method.dimension,
      biases: method.itemBiases ? .item : .none, deviation: Float(method.initialDeviation), seed: seed)
    optimizer = PointwiseRun.optimizer(method.optimizer, method.settings, backbone.tables)
    step = TripleStep(userCount: data.userCount, itemCount: data.itemCount)
  }

  mutating func start(at start: WarmStart) throws(TrainingError) {
    try start.check(backbone.tables)
    backbone.tables = start.modelTables
  }

  mutating func resume(_ file: ResumeFile) throws(TrainingError) {
    let state = try file.state(models: backbone.tables)
    history = state.history
    backbone.tables = state.modelTables
    optimizer.state = state.modelOptimizer
  }

  mutating func runEpoch(
    _ number: Int, progress: (Int, Int) throws(TrainingError) -> Void
  ) throws(TrainingError) -> EpochRecord {
    var record = EpochRecord()
    var (loss, squares) = (0.0, 0.0)
    let quantum = max(1, 65_536 / sampler.batchSize)
    for index in 0..<sampler.batchCount {
      if index % quantum == 0 { try progress(index, sampler.batchCount) }
      sampler.fill(&pairs, weights: &weights, epoch: number, index: index)
      if pairs.isEmpty { continue }
      let rows = step.rows(of: pairs, for: backbone)
      optimizer.settle(&backbone.tables, rows: rows)
      let mean = step.evaluate(backbone, weights: weights)
      optimizer.step(&backbone.tables, along: step.gradient)
      let squaredNorm = step.gradient.reduce(0) { $0 + $1.squaredNorm }
      guard mean.isFinite, squaredNorm.isFinite else {
        throw .diverged(epoch: number + 1, batch: index + 1, what: "the training loss is \(mean)")
      }
      loss += mean * Double(weights.count)
      squares += squaredNorm
      record.pairs += weights.count
    }
    optimizer.settle(&backbone.tables, rows: nil)
    record.trainingLoss = loss / Double(max(record.pairs, 1))
    record.gradientNorm = (squares / Double(max(sampler.batchCount, 1))).squareRoot()
    (record.meanExposure, record.leastExposure, record.greatestExposure) = (1, 1, 1)
    return record
  }

  func model() -> TrainedModel {
    TrainedModel(
      scorer: FactorModel(users: backbone.tables[0], items: backbone.tables[1], intercept: 0, meaning: .ranking),
      exposure: nil, history: history)
  }

  func state() -> TrainingState {
    TrainingState(
      epochsDone: history.count, modelTables: backbone.tables, exposureTables: [], modelOptimizer: optimizer.state,
      exposureOptimizer: [], history: history)
  }
}
