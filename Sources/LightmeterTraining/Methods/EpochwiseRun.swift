internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// A run that goes epoch by epoch through something other than pointwise batches: closed-form sweeps, triples.
protocol EpochwiseRun: Sendable {
  /// Records of the epochs done.
  var history: [EpochRecord] { get set }
  /// Does one epoch. `progress` is to be called before each part of it and may end the run.
  mutating func runEpoch(
    _ number: Int, progress: (_ part: Int, _ parts: Int) throws(TrainingError) -> Void
  ) throws(TrainingError) -> EpochRecord
  /// What it has learned so far.
  func model() -> TrainedModel
  /// What a resumed run needs.
  func state() -> TrainingState
}

extension EpochwiseRun {
  /// Runs up to `epochs`, from what `history` says is done.
  mutating func train(epochs: Int, observer: any TrainingObserver) throws(TrainingError) -> TrainedModel {
    for epoch in history.count..<max(epochs, history.count) {
      let clock = ContinuousClock()
      let start = clock.now
      var record = try runEpoch(epoch) { (part, parts) throws(TrainingError) in
        let event = TrainingEvent.progress(epoch: epoch + 1, epochs: epochs, batch: part, batches: parts)
        if observer.observe(event) == .stop { throw .interrupted(epochsDone: epoch) }
      }
      guard record.trainingLoss.isFinite else {
        throw .diverged(epoch: epoch + 1, batch: 1, what: "the training loss is \(record.trainingLoss)")
      }
      record.epoch = epoch + 1
      record.seconds = (clock.now - start) / .seconds(1)
      history.append(record)
      let snapshot = self
      let decision = observer.observe(
        .epoch(
          record, epochs: epochs, TrainingSnapshot(model: { snapshot.model() }, state: { snapshot.state() })))
      if decision == .stop { break }
    }
    return model()
  }
}

/// A run that can also start from a model's tables.
protocol WarmStartingRun: EpochwiseRun {
  /// Takes the tables in place of random ones.
  mutating func start(at start: WarmStart) throws(TrainingError)
  /// Takes the state of a run that was stopped.
  mutating func resume(_ file: ResumeFile) throws(TrainingError)
}

extension WarmStartingRun {
  /// Runs from a warm start, from a resume file, or anew, with denormal numbers flushed on this thread.
  mutating func train(
    from start: WarmStart?, _ file: ResumeFile?, epochs: Int, observer: any TrainingObserver
  ) throws(TrainingError) -> TrainedModel {
    if let start { try self.start(at: start) }
    if let file { try resume(file) }
    return try Denormals.flushed { () throws(TrainingError) -> TrainedModel in
      try train(epochs: epochs, observer: observer)
    }
  }
}

extension ResumeFile {
  /// The state of a run whose tables have the given layouts, whatever else is wrong as a resume error.
  func state(models: [Table<Float>], exposures: [Table<Float>] = []) throws(TrainingError) -> TrainingState {
    do { return try read(modelLayouts: models, exposureLayouts: exposures) } catch let error as TrainingError {
      throw error
    } catch { throw .resume("\(error)") }
  }
}

extension TrainingState {
  /// The state of a run without an optimizer: closed forms remember nothing but their tables.
  init(tables: [Table<Float>], exposures: [Table<Float>] = [], history: [EpochRecord]) {
    func still(_ tables: [Table<Float>]) -> [OptimizerState<Float>] {
      tables.map { OptimizerState(moments: AdamMoments(count: $0.values.count), steps: [0]) }
    }
    self.init(
      epochsDone: history.count, modelTables: tables, exposureTables: exposures, modelOptimizer: still(tables),
      exposureOptimizer: still(exposures), history: history)
  }
}

extension WeightedRows {
  /// The training clicks with confidence `base + weight · (the pair's weight)`.
  init(_ data: TrainingData, base: Double, weight: Double) {
    let positives = data.positives
    let uniform = S(base + weight)
    var confidences = [S](repeating: uniform, count: positives.count)
    if let weights = data.positiveWeights {
      for k in confidences.indices { confidences[k] = S(base + weight * Double(weights[k])) }
    }
    self.init(
      offsets: positives.offsets, columns: positives.items, confidences: confidences,
      columnCount: positives.itemCount)
  }
}
