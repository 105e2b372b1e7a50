internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterObjectives

/// Which part each pair belongs to. A value of its own, so that loops over a batch copy no run.
struct ClickParts: Sendable {
  private let positives: FeedbackMatrix
  private let seed: UInt64
  let count: Int
  /// Part of each positive, parallel to `positives.items`.
  let ofPositives: [UInt8]

  init(positives: FeedbackMatrix, count: Int, seed: UInt64) {
    (self.positives, self.count, self.seed) = (positives, count, seed)
    // Epoch −1 belongs to no pass over the stream.
    let order = KeyedPermutation(
      count: positives.count, key: SeededGenerator.key(seed: seed, stream: .shuffle, epoch: -1))
    ofPositives = (0..<positives.count).map { UInt8(order($0) % count) }
  }

  /// The part of a click; nil for a pair without one. Clicks that are no training positives have a fixed part too.
  func callAsFunction(label: UInt8, user: Int32, item: Int32) -> Int? {
    guard label != 0 else { return nil }
    if let place = positives.position(user: Int(user), item: item) { return Int(ofPositives[place]) }
    return Int(SeededGenerator.hash(seed, UInt64(user), UInt64(item)) % UInt64(count))
  }

  /// The parts of a batch's pairs, -1 where a pair has none.
  func callAsFunction(_ pairs: PairBatch) -> [Int] {
    (0..<pairs.count).map { self(label: pairs.feedback[$0], user: pairs.users[$0], item: pairs.items[$0]) ?? -1 }
  }
}

/// One training run of CJMF: parts, targets and the epoch's passes.
struct CombinationalJointRun: EpochwiseRun {
  typealias Progress = (_ part: Int, _ parts: Int) throws(TrainingError) -> Void

  private let method: CombinationalJointMethod
  private let data: TrainingData
  private let seed: UInt64
  private let popularity: [Float]
  let parts: ClickParts
  // A batch of the wide sampler holds about one batch of each part.
  private let wideSampler: BatchSampler
  private let sampler: BatchSampler
  private var indexer: BatchIndexer
  var bases: [CombinationalJointMember] = []
  var residuals: [CombinationalJointMember] = []
  var history: [EpochRecord] = []
  private var work = CombinationalJointWorkspace()
  private var drawn = PairBatch()
  private var stream = CombinationalJointStream()
  /// Pairs of an epoch up to which the parts of a stream are all held at once: 9 to 17 bytes each.
  var mostHeldPairs = 1 << 23
  private var targets = CombinationalJointTargets()

  init(method: CombinationalJointMethod, data: TrainingData, seed: UInt64) throws(TrainingError) {
    (self.method, self.data, self.seed) = (method, data, seed)
    let counts = data.positives.itemCounts
    let most = Float((counts.max() ?? 0) + 1)
    popularity = counts.map { Float($0 + 1) / most }
    parts = ClickParts(positives: data.positives, count: method.parts, seed: seed)
    wideSampler = BatchSampler(data: data, batchSize: method.batchSize * method.parts, seed: seed)
    sampler = BatchSampler(data: data, batchSize: method.batchSize, seed: seed)
    indexer = BatchIndexer(userCount: data.userCount, itemCount: data.itemCount)
    let intercept = startingIntercept()
    for part in 0..<method.parts {
      let key = SeededGenerator.hash(seed, UInt64(part), 1)
      bases.append(
        CombinationalJointMember(
          backbone: backbone(intercept, method.initialDeviation, key), inner: method.inner, outer: method.outer))
      let residual = CombinationalJointMember(
        backbone: residualBackbone(SeededGenerator.hash(seed, UInt64(part), 2)),
        inner: scaled(method.inner), outer: scaled(method.outer))
      residuals.append(residual)
    }
    if let file = method.resumeFrom { try resume(file) }
  }

  private func startingIntercept() -> Float {
    var pointwise = PointwiseMethod()
    (pointwise.intercept, pointwise.estimator) = (method.intercept, InversePropensity())
    (pointwise.dimension, pointwise.batchSize) = (method.dimension, method.batchSize)
    // m at zero gates.
    let start = popularity.map { ((0.5 + $0) / 2).squareRoot() }
    return PointwiseRun.intercept(
      pointwise, sampler: sampler, exposure: FixedExposure<Float>(.perItem(start)), data: data)
  }

  private func backbone(_ intercept: Float, _ deviation: Double, _ key: UInt64) -> MatrixFactorization<Float> {
    MatrixFactorization(
      userCount: data.userCount, itemCount: data.itemCount, dimension: method.dimension, biases: method.biases,
      intercept: intercept, deviation: Float(deviation), seed: key)
  }

  /// The constant beside a bias stands in the base model; in a residual one it is 0, so that sums are models.
  private func residualBackbone(_ key: UInt64) -> MatrixFactorization<Float> {
    var residual = backbone(0, method.initialDeviation / 3, key)
    for side in 0..<2 {
      guard let fixed = residual.tables[side].fixedColumn else { continue }
      for row in 0..<residual.tables[side].rows {
        residual.tables[side].values[row * residual.tables[side].stride + fixed] = 0
      }
    }
    return residual
  }

  private func scaled(_ settings: OptimizerSettings) -> OptimizerSettings {
    OptimizerSettings(
      learningRate: settings.learningRate * method.residualRate,
      weightDecay: settings.weightDecay * method.residualDecay, biasDecay: settings.biasDecay * method.residualDecay)
  }

  mutating func runEpoch(_ number: Int, progress: Progress) throws(TrainingError) -> EpochRecord {
    var tally = CombinationalJointTally()
    var order = Array(0..<method.parts)
    var generator = SeededGenerator(seed: seed, stream: .shuffle, epoch: number, shard: 1)
    generator.shuffle(&order)
    for (done, part) in order.enumerated() {
      try basePass(part, epoch: number, done: done, progress: progress, &tally)
    }
    try residualPass(epoch: number, progress: progress, &tally)
    return tally.record
  }

  private mutating func freeze() {
    for k in bases.indices {
      bases[k].settle()
      residuals[k].settle()
    }
    targets.freeze(bases, popularity: popularity)
  }

  /// The pass on one part: every base model but the part's own.
  mutating func basePass(
    _ part: Int, epoch: Int, done: Int, progress: Progress, _ tally: inout CombinationalJointTally
  ) throws(TrainingError) {
    freeze()
    let batches = wideSampler.batchCount
    func report(_ index: Int) throws(TrainingError) {
      if index % max(1, 65_536 / wideSampler.batchSize) != 0 { return }
      try progress(done * batches + index, batches * method.parts + sampler.batchCount)
    }
    if !stream.holds(part, epoch: epoch) {
      // All parts at once where that takes little memory, so that the stream is drawn once an epoch and not once a part.
      let wanted = wideSampler.pairsPerEpoch <= mostHeldPairs ? Array(0..<method.parts) : [part]
      stream.clear(epoch: epoch)
      for index in 0..<batches {
        try report(index)
        wideSampler.fill(&drawn, epoch: epoch, index: index)
        stream.add(drawn, parts: parts, wanted: wanted, key: chanceKey(epoch))
      }
    }
    for index in 0..<batches {
      try report(index)
      stream.fill(&work.batch.pairs, part: part, index: index)
      if work.batch.pairs.isEmpty { continue }
      indexer.index(&work.batch)
      targets.evaluate(parts: parts(work.batch.pairs), &work)
      tally.addTargets(work)
      for k in bases.indices where k != part {
        let step = bases[k].step(
          on: nil, popularity: popularity, hardClip: method.hardClip,
          measuresGradients: index % PointwiseRun.stepsPerMeasure == 0, &work)
        try tally.add(step, pairs: work.batch.count, epoch: epoch, batch: index)
      }
    }
  }

  private func chanceKey(_ epoch: Int) -> UInt64 {
    SeededGenerator.key(seed: seed, stream: .shuffle, epoch: epoch, shard: 2)
  }

  /// The pass on all pairs: every residual model, the base models held.
  mutating func residualPass(
    epoch: Int, progress: Progress, _ tally: inout CombinationalJointTally
  ) throws(TrainingError) {
    freeze()
    let before = method.parts * wideSampler.batchCount
    for index in 0..<sampler.batchCount {
      if index % max(1, 65_536 / method.batchSize) == 0 {
        try progress(before + index, before + sampler.batchCount)
      }
      sampler.fill(&work.batch.pairs, epoch: epoch, index: index)
      if work.batch.pairs.isEmpty { continue }
      indexer.index(&work.batch)
      targets.evaluate(parts: parts(work.batch.pairs), &work)
      for k in residuals.indices {
        let step = residuals[k].step(
          on: bases[k], popularity: popularity, hardClip: method.hardClip,
          measuresGradients: index % PointwiseRun.stepsPerMeasure == 0, &work)
        try tally.check(step, epoch: epoch, batch: index)
      }
    }
    for k in residuals.indices { residuals[k].settle() }
  }

  func model() -> TrainedModel {
    var exposures = [Float](repeating: 0, count: data.itemCount)
    var gated = GatedExposure<Float>()
    for base in bases {
      base.evaluateExposures(
        on: nil, embeddings: base.backbone.itemEmbeddings, rows: (0..<Int32(data.itemCount)).map { $0 },
        popularity: popularity, into: &gated)
      for item in exposures.indices { exposures[item] += gated.exposures[item] / Float(bases.count) }
    }
    let members = bases.indices.map { residuals[$0].added(to: bases[$0]) }
    return TrainedModel(scorer: EnsembleModel(members: members), exposure: .perItem(exposures), history: history)
  }
}

// MARK: - Resuming

extension CombinationalJointRun {
  func state() -> TrainingState {
    let members = bases + residuals
    return TrainingState(
      epochsDone: history.count, modelTables: members.flatMap(\.backbone.tables),
      exposureTables: members.flatMap(\.gates),
      modelOptimizer: members.flatMap(\.inner.state), exposureOptimizer: members.flatMap(\.outer.state),
      history: history)
  }

  private mutating func resume(_ file: ResumeFile) throws(TrainingError) {
    let members = bases + residuals
    let state = try file.state(models: members.flatMap(\.backbone.tables), exposures: members.flatMap(\.gates))
    func restore(_ member: inout CombinationalJointMember, _ place: Int) {
      member.backbone.tables = Array(state.modelTables[2 * place..<2 * place + 2])
      member.inner.state = Array(state.modelOptimizer[2 * place..<2 * place + 2])
      member.gates = [state.exposureTables[place]]
      member.outer.state = [state.exposureOptimizer[place]]
    }
    for part in bases.indices {
      restore(&bases[part], part)
      restore(&residuals[part], bases.count + part)
    }
    history = state.history
  }
}
