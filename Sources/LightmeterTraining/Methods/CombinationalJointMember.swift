internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// One base or residual model of CJMF with its optimizers. A residual model's tables are added to those of its base model.
struct CombinationalJointMember: Sendable {
  static let clip: Float = 0.01
  // logit(0.99)
  private static let clipLogit: Float = 4.595_119_9

  var backbone: MatrixFactorization<Float>
  var gates: [Table<Float>]
  var inner: Adam<Float>
  var outer: Adam<Float>

  init(
    backbone: MatrixFactorization<Float>, inner: OptimizerSettings, outer: OptimizerSettings
  ) {
    self.backbone = backbone
    gates = [GatedExposure<Float>.table(dimension: backbone.dimension)]
    self.inner = Adam(inner, for: backbone.tables)
    self.outer = Adam(outer, for: gates)
  }

  /// Brings every row up to date.
  mutating func settle() {
    inner.settle(&backbone.tables, rows: nil)
    outer.settle(&gates, rows: nil)
  }

  /// A residual model next to `base`, as a model of its own.
  func added(to base: CombinationalJointMember) -> FactorModel {
    let sums = (0..<2).map { side in
      var table = base.backbone.tables[side]
      for k in table.values.indices { table.values[k] += backbone.tables[side].values[k] }
      return table
    }
    return FactorModel(users: sums[0], items: sums[1], intercept: base.backbone.intercept)
  }
}

/// The reused columns of CJMF's steps.
struct CombinationalJointWorkspace: Sendable {
  var batch = IndexedBatch()
  var logits: [Float] = []
  var terms = LossColumns<Float>()
  var cotangents: [Float] = []
  var gated = GatedExposure<Float>()
  var byExposure: [Float] = []
  var modelGradient: [RowGradient<Float>] = []
  var gateGradient = [RowGradient<Float>()]
  /// Targets per pair: exposure M and relevance P.
  var targetExposures: [Float] = []
  var targetRelevances: [Float] = []
}

/// What one member's step did.
struct CombinationalJointStep {
  var loss = 0.0
  var gradientSquared = 0.0
  var gateGradientSquared = 0.0
}

extension CombinationalJointMember {
  /// One step on relevance, then one on exposure, on the batch and targets of the workspace.
  ///
  /// - Parameters:
  ///   - base: the base model under a residual one; nil where this is a base model.
  mutating func step(
    on base: CombinationalJointMember?, popularity: [Float], hardClip: Bool, _ work: inout CombinationalJointWorkspace
  ) -> CombinationalJointStep {
    let batch = work.batch
    inner.settle(&backbone.tables, rows: backbone.touchedRows(of: batch))
    relevanceLogits(on: base, &work)
    var record = CombinationalJointStep()
    if base == nil {
      Float.inversePropensityTerms(
        feedback: batch.pairs.feedback, logits: work.logits, exposures: work.targetExposures, into: &work.terms)
    } else {
      Float.lowVarianceTerms(
        feedback: batch.pairs.feedback, logits: work.logits, exposures: work.targetExposures, into: &work.terms)
    }
    let scale = 1 / Float(batch.count)
    Float.reserve(&work.cotangents, batch.count)
    for k in 0..<batch.count {
      let weight = batch.pairs.weights?[k] ?? 1
      let stopped = hardClip && abs(work.logits[k]) > Self.clipLogit
      work.cotangents[k] = stopped ? 0 : scale * weight * work.terms.byLogit[k]
      record.loss += Double(weight * work.terms.loss[k])
    }
    backbone.resetGradient(&work.modelGradient, for: batch)
    base?.backbone.pullback(work.cotangents, for: batch, into: &work.modelGradient)
    backbone.pullback(work.cotangents, for: batch, into: &work.modelGradient)
    record.gradientSquared = work.modelGradient[0].squaredNorm + work.modelGradient[1].squaredNorm
    inner.step(&backbone.tables, along: work.modelGradient)
    stepExposure(on: base, popularity: popularity, hardClip: hardClip, &work)
    record.gateGradientSquared = work.gateGradient[0].squaredNorm
    return record
  }

  /// (p + Δp) · (q + Δq), the four products apart: no sum of the tables is ever stored.
  private func relevanceLogits(on base: CombinationalJointMember?, _ work: inout CombinationalJointWorkspace) {
    guard let base else { return backbone.logits(for: work.batch, into: &work.logits) }
    base.backbone.logits(for: work.batch, into: &work.logits)
    let (p, q) = (base.backbone.tables[0], base.backbone.tables[1])
    let (deltaP, deltaQ) = (backbone.tables[0], backbone.tables[1])
    for (users, items) in [(p, deltaQ), (deltaP, q), (deltaP, deltaQ)] {
      Float.dotRows(
        users.view, work.batch.pairs.users, items.view, work.batch.pairs.items, width: users.width, offset: 0,
        accumulate: true, into: &work.logits)
    }
  }

  /// m of item rows.
  func evaluateExposures(
    on base: CombinationalJointMember?, rows: [Int32], popularity: [Float], into gated: inout GatedExposure<Float>
  ) {
    var sum = gates[0]
    if let base { for k in sum.values.indices { sum.values[k] += base.gates[0].values[k] } }
    gated.evaluate(gates: sum, embeddings: embeddings(on: base), rows: rows, popularity: popularity)
  }

  private func embeddings(on base: CombinationalJointMember?) -> [ItemEmbeddings<Float>] {
    (base.map { [$0.backbone.itemEmbeddings] } ?? []) + [backbone.itemEmbeddings]
  }

  private mutating func stepExposure(
    on base: CombinationalJointMember?, popularity: [Float], hardClip: Bool, _ work: inout CombinationalJointWorkspace
  ) {
    let batch = work.batch
    evaluateExposures(on: base, rows: batch.itemRows, popularity: popularity, into: &work.gated)
    Float.clear(&work.byExposure, batch.itemRows.count)
    let scale = 1 / Float(batch.count)
    for k in 0..<batch.count {
      if let known = batch.pairs.knownExposures, !known[k].isNaN { continue }
      let slot = Int(batch.itemSlots[k])
      let m = min(max(work.gated.exposures[slot], Self.clip), 1 - Self.clip)
      if hardClip && m != work.gated.exposures[slot] { continue }
      let clicked = batch.pairs.feedback[k] != 0
      let slope = Self.exposureSlope(
        clicked: clicked, exposure: m, relevance: work.targetRelevances[k], isResidual: base != nil)
      work.byExposure[slot] += scale * (batch.pairs.weights?[k] ?? 1) * slope
    }
    work.gateGradient[0].reset(rows: [0, 1, 2], stride: gates[0].stride)
    work.gated.pullback(
      work.byExposure, dimension: backbone.dimension, embeddings: embeddings(on: base), into: &work.gateGradient[0])
    outer.step(&gates, along: work.gateGradient)
  }

  /// ∂loss/∂m of a pair.
  static func exposureSlope<S: TrainingScalar>(clicked: Bool, exposure: S, relevance: S, isResidual: Bool) -> S {
    if isResidual { return clicked ? -1 / exposure : relevance / (1 - relevance * exposure) }
    let weight = clicked ? 1 / relevance : 0
    return (1 - weight) / (1 - exposure) - weight / exposure
  }
}
