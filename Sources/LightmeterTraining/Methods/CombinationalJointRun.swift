internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterObjectives

/// One training run of CJMF: parts, targets and the epoch's passes.
struct CombinationalJointRun {
  private let method: CombinationalJointMethod
  private let data: TrainingData
  private let seed: UInt64
  private let popularity: [Float]
  /// Part of each positive, parallel to `data.positives.items`.
  let partOfPositive: [UInt8]
  // A batch of the wide sampler holds about one batch of each part.
  private let wideSampler: BatchSampler
  private let sampler: BatchSampler
  private var indexer: BatchIndexer
  var bases: [CombinationalJointMember] = []
  var residuals: [CombinationalJointMember] = []
  private var history: [EpochRecord] = []
  private var work = CombinationalJointWorkspace()
  private var drawn = PairBatch()
  private var targets = CombinationalJointTargets()

  init(method: CombinationalJointMethod, data: TrainingData, seed: UInt64) throws(TrainingError) {
    (self.method, self.data, self.seed) = (method, data, seed)
    let counts = data.positives.itemCounts
    let most = Float((counts.max() ?? 0) + 1)
    popularity = counts.map { Float($0 + 1) / most }
    let positives = data.positives.count
    // Epoch −1 belongs to no pass over the stream.
    let order = KeyedPermutation(
      count: positives, key: SeededGenerator.key(seed: seed, stream: .shuffle, epoch: -1))
    partOfPositive = (0..<positives).map { UInt8(order($0) % method.parts) }
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

  mutating func train(observer: any TrainingObserver) throws(TrainingError) -> TrainedModel {
    for epoch in history.count..<max(method.epochs, history.count) {
      history.append(try trainEpoch(epoch, observer: observer))
      let snapshot = self
      let decision = observer.observe(
        .epoch(
          history[history.count - 1], epochs: method.epochs,
          TrainingSnapshot(model: { snapshot.model() }, state: { snapshot.state() })))
      if decision == .stop { break }
    }
    return model()
  }

  private mutating func trainEpoch(_ epoch: Int, observer: any TrainingObserver) throws(TrainingError) -> EpochRecord {
    let clock = ContinuousClock()
    let start = clock.now
    var tally = CombinationalJointTally()
    var order = Array(0..<method.parts)
    var generator = SeededGenerator(seed: seed, stream: .shuffle, epoch: epoch, shard: 1)
    generator.shuffle(&order)
    for (done, part) in order.enumerated() {
      try basePass(part, epoch: epoch, done: done, observer: observer, &tally)
    }
    try residualPass(epoch: epoch, observer: observer, &tally)
    return tally.record(epoch: epoch + 1, seconds: (clock.now - start) / .seconds(1))
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
    _ part: Int, epoch: Int, done: Int, observer: any TrainingObserver, _ tally: inout CombinationalJointTally
  ) throws(TrainingError) {
    freeze()
    let batches = wideSampler.batchCount
    for index in 0..<batches {
      if index % max(1, 65_536 / wideSampler.batchSize) == 0 {
        try progress(epoch: epoch, batch: done * batches + index, observer)
      }
      wideSampler.fill(&drawn, epoch: epoch, index: index)
      keep(part, epoch: epoch)
      if work.batch.pairs.isEmpty { continue }
      indexer.index(&work.batch)
      targets.evaluate(parts: partsOfBatch(), &work)
      tally.addTargets(work)
      for k in bases.indices where k != part {
        let step = bases[k].step(on: nil, popularity: popularity, hardClip: method.hardClip, &work)
        try tally.add(step, pairs: work.batch.count, epoch: epoch, batch: index)
      }
    }
  }

  /// The pass on all pairs: every residual model, the base models held.
  mutating func residualPass(
    epoch: Int, observer: any TrainingObserver, _ tally: inout CombinationalJointTally
  ) throws(TrainingError) {
    freeze()
    for index in 0..<sampler.batchCount {
      if index % max(1, 65_536 / method.batchSize) == 0 {
        try progress(epoch: epoch, batch: method.parts * wideSampler.batchCount + index, observer)
      }
      sampler.fill(&work.batch.pairs, epoch: epoch, index: index)
      if work.batch.pairs.isEmpty { continue }
      indexer.index(&work.batch)
      targets.evaluate(parts: partsOfBatch(), &work)
      for k in residuals.indices {
        let step = residuals[k].step(on: bases[k], popularity: popularity, hardClip: method.hardClip, &work)
        try tally.check(step, epoch: epoch, batch: index)
      }
    }
    for k in residuals.indices { residuals[k].settle() }
  }

  private func progress(epoch: Int, batch: Int, _ observer: any TrainingObserver) throws(TrainingError) {
    let batches = method.parts * wideSampler.batchCount + sampler.batchCount
    let event = TrainingEvent.progress(epoch: epoch + 1, epochs: method.epochs, batch: batch, batches: batches)
    if observer.observe(event) == .stop { throw .interrupted(epochsDone: epoch) }
  }

  /// Moves the pairs of a part from the drawn batch to the workspace. Unclicked pairs fall to a part by chance, anew in
  /// every epoch, so that an epoch's passes go through the stream once.
  private mutating func keep(_ part: Int, epoch: Int) {
    work.batch.pairs.removeAll(known: drawn.knownExposures != nil, weighted: drawn.weights != nil)
    let key = SeededGenerator.key(seed: seed, stream: .shuffle, epoch: epoch, shard: 2)
    for k in 0..<drawn.count {
      let (user, item, label) = (drawn.users[k], drawn.items[k], drawn.feedback[k])
      let own =
        self.part(ofClick: label, user: user, item: item)
        ?? Int(SeededGenerator.hash(key, UInt64(user), UInt64(item)) % UInt64(method.parts))
      if own != part { continue }
      work.batch.pairs.append(
        user: user, item: item, feedback: label, knownExposure: drawn.knownExposures?[k] ?? .nan,
        weight: drawn.weights?[k] ?? 1)
    }
  }

  /// The part of a click; nil for a pair without one. Clicks that are no training positives have a fixed part too.
  private func part(ofClick label: UInt8, user: Int32, item: Int32) -> Int? {
    guard label != 0 else { return nil }
    if let place = data.positives.position(user: Int(user), item: item) { return Int(partOfPositive[place]) }
    return Int(SeededGenerator.hash(seed, UInt64(user), UInt64(item)) % UInt64(method.parts))
  }

  private func partsOfBatch() -> [Int] {
    let pairs = work.batch.pairs
    return (0..<pairs.count).map {
      part(ofClick: pairs.feedback[$0], user: pairs.users[$0], item: pairs.items[$0]) ?? -1
    }
  }

  private func model() -> TrainedModel {
    var exposures = [Float](repeating: 0, count: data.itemCount)
    var gated = GatedExposure<Float>()
    for base in bases {
      base.evaluateExposures(
        on: nil, rows: (0..<Int32(data.itemCount)).map { $0 }, popularity: popularity, into: &gated)
      for item in exposures.indices { exposures[item] += gated.exposures[item] / Float(bases.count) }
    }
    let members = bases.indices.map { residuals[$0].added(to: bases[$0]) }
    return TrainedModel(scorer: EnsembleModel(members: members), exposure: .perItem(exposures), history: history)
  }
}

// MARK: - Resuming

extension CombinationalJointRun {
  private func state() -> TrainingState {
    let members = bases + residuals
    return TrainingState(
      epochsDone: history.count, modelTables: members.flatMap(\.backbone.tables),
      exposureTables: members.flatMap(\.gates),
      modelOptimizer: members.flatMap(\.inner.state), exposureOptimizer: members.flatMap(\.outer.state),
      history: history)
  }

  private mutating func resume(_ file: ResumeFile) throws(TrainingError) {
    let members = bases + residuals
    let state: TrainingState
    do {
      state = try file.read(
        modelLayouts: members.flatMap(\.backbone.tables), exposureLayouts: members.flatMap(\.gates))
    } catch let error as TrainingError { throw error } catch { throw .resume("\(error)") }
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
