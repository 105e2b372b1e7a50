public import LightmeterFeedback
public import LightmeterKernels
public import LightmeterModels
public import LightmeterObjectives

/// One step of a strategy on one batch, generic in precision: the very code that trains in `Float` is held against golden
/// values and central differences in `Double`.
///
/// - Stability: experimental
public struct Trainer<S: TrainingScalar>: Sendable {
  /// The relevance model ω.
  public internal(set) var backbone: any Backbone<S>
  /// The exposure model α.
  public internal(set) var exposure: any ExposureModel<S>
  /// The loss of a pair.
  public let estimator: any Estimator
  /// How the two move.
  public let strategy: Strategy
  /// Moves ω.
  public internal(set) var inner: any Optimizer<S>
  /// Moves α.
  public internal(set) var outer: any Optimizer<S>
  /// m⁰ of the pull towards a prior, per item; needed only where the strategy pulls.
  public var pullPrior: [Float] = []
  private let (userCount, itemCount): (Int, Int)
  var work = TrainingWorkspace<S>()
  // Copies of validation users' rows change no number; a test compares with and without.
  var keepsCopies = true

  /// Puts the parts together.
  public init(
    backbone: any Backbone<S>, exposure: any ExposureModel<S>, estimator: any Estimator, strategy: Strategy,
    inner: any Optimizer<S>, outer: any Optimizer<S>, userCount: Int, itemCount: Int
  ) {
    self.backbone = backbone
    self.exposure = exposure
    self.estimator = estimator
    self.strategy = strategy
    self.inner = inner
    self.outer = outer
    (self.userCount, self.itemCount) = (userCount, itemCount)
  }

  /// Moves the parameters one step.
  ///
  /// - Parameters:
  ///   - pairs: the mini-batch; not empty.
  ///   - validation: the outer set of Biif, exposure 1; ignored by other strategies.
  ///   - measured: see ``StepInput/isMeasured``.
  @_specialize(where S == Float)
  public mutating func step(on pairs: PairBatch, validation: PairBatch, measured: Bool = true) -> StepRecord {
    index(pairs, validation: validation, measured: measured)
    return step()
  }

  /// Moves the parameters one step on an input that was made before; see ``StepInputs``.
  ///
  /// - Parameter input: not empty, made for this trainer's strategy, estimator and tables; lent for the step.
  @_specialize(where S == Float)
  public mutating func step(on input: inout StepInput) -> StepRecord {
    swap(&work.input, &input)
    defer { swap(&work.input, &input) }
    return step()
  }

  /// Makes the trainer's own input.
  mutating func index(_ pairs: PairBatch, validation: PairBatch, measured: Bool = true) {
    work.input.batch.pairs = pairs
    work.input.index(
      validation: validation, for: strategy, mixing: estimator.mixedFeedback, measured: measured, userCount: userCount,
      itemCount: itemCount)
  }

  private mutating func step() -> StepRecord {
    precondition(!work.input.isEmpty, "a step needs at least one pair")
    settleRows()
    var record = forward()
    switch strategy {
    case .fixed:
      modelGradient(throughExposure: false)
      inner.step(&backbone.tables, along: work.modelGradient)
    case .joint(let through):
      modelGradient(throughExposure: through)
      directExposureGradient()
      inner.step(&backbone.tables, along: work.modelGradient)
      outer.step(&exposure.tables, along: work.exposureGradient)
    case .alternating(let through):
      modelGradient(throughExposure: through)
      inner.step(&backbone.tables, along: work.modelGradient)
      _ = forward()
      directExposureGradient()
      outer.step(&exposure.tables, along: work.exposureGradient)
    case .bilevel(let settings):
      modelGradient(throughExposure: settings.innerThroughExposure)
      record.outerLoss = hypergradient(settings)
      move(settings)
      updateCopies()
    }
    guard work.input.isMeasured else { return record }
    record.gradientSquared = work.modelGradient.reduce(0) { $0 + $1.squaredNorm }
    if strategy != .fixed {
      record.exposureGradientSquared = work.exposureGradient.reduce(0) { $0 + $1.squaredNorm }
    }
    return record
  }

  private mutating func move(_ settings: Bilevel) {
    switch settings.order {
    case .modelFirst:
      inner.step(&backbone.tables, along: work.modelGradient)
      outer.step(&exposure.tables, along: work.exposureGradient)
    case .exposureFirst:
      outer.step(&exposure.tables, along: work.exposureGradient)
      _ = forward()
      modelGradient(throughExposure: settings.innerThroughExposure)
      inner.step(&backbone.tables, along: work.modelGradient)
    }
  }

  /// Brings every row up to date, for whoever reads the tables between steps.
  public mutating func settle() {
    inner.settle(&backbone.tables, rows: nil)
    outer.settle(&exposure.tables, rows: nil)
  }

  /// The rows that this step reads: the batch's, and those of the validation pairs that count where there is an outer level
  /// on them.
  private mutating func settleRows() {
    guard inner.defers || outer.defers else { return }
    inner.settle(&backbone.tables, rows: backbone.touchedRows(of: work.input.batch))
    outer.settle(&exposure.tables, rows: exposure.touchedRows(of: work.input.batch))
    guard case .bilevel(let settings) = strategy, settings.outerSet == .validation else { return }
    inner.settle(&backbone.tables, rows: backbone.touchedRows(of: work.input.outer.chosenRows()))
  }

  /// Logits, exposures and loss terms of the batch at the current parameters.
  mutating func forward() -> StepRecord {
    backbone.logits(for: work.input.batch, into: &work.logits)
    Self.evaluate(exposure, of: work.input.batch, items: backbone.itemEmbeddings, into: &work.tape)
    Self.evaluate(
      estimator, of: work.input.batch, logits: work.logits, exposures: work.tape.exposures, into: &work.terms)
    var record = StepRecord()
    record.pairs = work.input.batch.count
    record.trainingLoss = S.sum(work.terms.loss, count: record.pairs) / Double(record.pairs)
    record.exposures = S.summarize(work.tape.exposures, count: record.pairs)
    record.gateSum = exposure is BlendedExposure<S> ? S.sum(work.tape.blend.gate, count: record.pairs) : nil
    return record
  }

  // The next two are static: a method of the trainer would hold a copy of it, and every column of the workspace that it
  // writes would be copied first.

  /// m of every pair: the model's, or what is known of the pair.
  static func evaluate(
    _ exposure: any ExposureModel<S>, of batch: IndexedBatch, items: ItemEmbeddings<S>, into tape: inout ExposureTape<S>
  ) {
    exposure.exposures(for: batch, items: items, tape: &tape)
    guard let known = batch.pairs.knownExposures else { return }
    for k in known.indices where !known[k].isNaN { tape.exposures[k] = S(known[k]) }
  }

  /// Loss terms, weighted; a known exposure has no derivative.
  static func evaluate(
    _ estimator: any Estimator, of batch: IndexedBatch, logits: [S], exposures: [S], into terms: inout LossColumns<S>
  ) {
    estimator.evaluate(feedback: batch.pairs.feedback, logits: logits, exposures: exposures, into: &terms)
    if let known = batch.pairs.knownExposures {
      for k in known.indices where !known[k].isNaN {
        (terms.byExposure[k], terms.byLogitAndExposure[k], terms.byExposureTwice[k]) = (0, 0, 0)
      }
    }
    guard let weights = batch.pairs.weights else { return }
    for k in weights.indices {
      let weight = S(weights[k])
      terms.loss[k] *= weight
      terms.byLogit[k] *= weight
      terms.byExposure[k] *= weight
      terms.byLogitAndExposure[k] *= weight
      terms.byExposureTwice[k] *= weight
    }
  }

  /// Mean gradient of the training loss by ω; the exposure is a constant unless `throughExposure`.
  mutating func modelGradient(throughExposure: Bool) {
    backbone.resetGradient(&work.modelGradient, for: work.input.batch)
    scaleToMean(work.terms.byLogit)
    backbone.pullback(work.cotangents, for: work.input.batch, into: &work.modelGradient)
    guard throughExposure else { return }
    scaleToMean(work.terms.byExposure)
    exposure.itemPullback(
      work.cotangents, for: work.input.batch, tape: &work.tape, into: &work.modelGradient[backbone.itemTable])
  }

  /// Mean gradient of the training loss by α.
  private mutating func directExposureGradient() {
    exposure.resetGradient(&work.exposureGradient, for: work.input.batch)
    scaleToMean(work.terms.byExposure)
    exposure.pullback(
      work.cotangents, for: work.input.batch, items: backbone.itemEmbeddings, tape: &work.tape,
      into: &work.exposureGradient)
  }

  private mutating func scaleToMean(_ column: [S]) {
    let count = work.input.batch.count
    S.multiply(column, nil, scale: 1 / S(count), count: count, into: &work.cotangents)
  }
}
