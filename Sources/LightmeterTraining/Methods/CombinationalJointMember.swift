internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// One base or residual model of CJMF with its optimizers. A residual model's tables are added to those of its base model.
struct CombinationalJointMember: Sendable {
  static let clip: Float = 0.01
  // logit(0.99)
  fileprivate static let clipLogit: Float = 4.595_119_9

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
    // Three rows, all moved at every step: none ever waits.
    self.outer = Adam(outer, for: gates, deferAfter: .max)
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
  var popularity: [Float] = []
  var byExposure: [Float] = []
  var modelGradient: [RowGradient<Float>] = []
  var gateGradient = [RowGradient<Float>()]
  /// Targets per pair: exposure M and relevance P.
  var targetExposures: [Float] = []
  var targetRelevances: [Float] = []
  // Rows of a residual model added to those of its base model, by slots of the batch.
  fileprivate var sums: [[Float]] = [[], []]
  private var ones: [Float] = []
  private var order: [Int32] = []

  /// 0, 1, … for at least `count` slots.
  fileprivate mutating func slots(_ count: Int) -> [Int32] {
    if order.count < count { order = (0..<Int32(count)).map { $0 } }
    return order.count == count ? order : Array(order.prefix(count))
  }

  /// Adds the batch's rows of `tables` into the sums of a side.
  fileprivate mutating func add(_ tables: [Table<Float>], side: Int, rows: [Int32]) {
    let stride = tables[0].stride
    if ones.count < rows.count { ones = [Float](repeating: 1, count: rows.count) }
    let slots = slots(rows.count)
    Float.clear(&sums[side], rows.count * stride)
    for table in tables {
      Float.scatterRows(
        ones, table.view, rows, slots: slots, width: stride, into: &sums[side], targetStride: stride)
    }
  }
}

/// What one member's step did; squared norms of gradients where they were measured.
struct CombinationalJointStep {
  var loss = 0.0
  var gradientSquared: Double?
  var gateGradientSquared: Double?
}

extension CombinationalJointMember {
  /// One step on relevance, then one on exposure, on the batch and targets of the workspace.
  ///
  /// - Parameters:
  ///   - base: the base model under a residual one; nil where this is a base model.
  ///   - measuresGradients: whether the record has the gradients' norms, a pass over every touched row.
  mutating func step(
    on base: CombinationalJointMember?, popularity: [Float], hardClip: Bool, measuresGradients: Bool = true,
    _ work: inout CombinationalJointWorkspace
  ) -> CombinationalJointStep {
    inner.settle(&backbone.tables, rows: backbone.touchedRows(of: work.batch))
    var record = CombinationalJointStep()
    record.loss = relevanceGradient(on: base, hardClip: hardClip, &work)
    if measuresGradients {
      record.gradientSquared = work.modelGradient[0].squaredNorm + work.modelGradient[1].squaredNorm
    }
    inner.step(&backbone.tables, along: work.modelGradient)
    exposureGradient(on: base, popularity: popularity, hardClip: hardClip, &work)
    if measuresGradients { record.gateGradientSquared = work.gateGradient[0].squaredNorm }
    outer.step(&gates, along: work.gateGradient)
    return record
  }

  /// The batch's rows of one side and where in them each pair reads: the table itself, or for a residual model the sums
  /// with its base model's, so that each pair costs one product instead of four.
  private func rows(
    on base: CombinationalJointMember?, side: Int, _ work: inout CombinationalJointWorkspace
  ) -> (view: RowsView<Float>, ofPairs: [Int32]) {
    let (table, batch) = (backbone.tables[side], work.batch)
    guard let base else { return (table.view, side == 0 ? batch.pairs.users : batch.pairs.items) }
    work.add([base.backbone.tables[side], table], side: side, rows: side == 0 ? batch.userRows : batch.itemRows)
    return (RowsView(work.sums[side], stride: table.stride), side == 0 ? batch.userSlots : batch.itemSlots)
  }

  /// Leaves the gradient by the member's own tables in the workspace and returns the summed loss.
  private func relevanceGradient(
    on base: CombinationalJointMember?, hardClip: Bool, _ work: inout CombinationalJointWorkspace
  ) -> Double {
    let batch = work.batch
    let (users, items) = (rows(on: base, side: 0, &work), rows(on: base, side: 1, &work))
    let stride = users.view.stride
    Float.reserve(&work.logits, batch.count)
    Float.dotRows(
      users.view, users.ofPairs, items.view, items.ofPairs, width: stride,
      offset: (base ?? self).backbone.intercept, accumulate: false, into: &work.logits)
    if base == nil {
      Float.inversePropensityTerms(
        feedback: batch.pairs.feedback, logits: work.logits, exposures: work.targetExposures, into: &work.terms)
    } else {
      Float.lowVarianceTerms(
        feedback: batch.pairs.feedback, logits: work.logits, exposures: work.targetExposures, into: &work.terms)
    }
    let loss = work.weigh(hardClip: hardClip)
    backbone.resetGradient(&work.modelGradient, for: batch)
    Float.scatterRows(
      work.cotangents, items.view, items.ofPairs, slots: batch.userSlots, width: stride,
      into: &work.modelGradient[0].values, targetStride: stride)
    Float.scatterRows(
      work.cotangents, users.view, users.ofPairs, slots: batch.itemSlots, width: stride,
      into: &work.modelGradient[1].values, targetStride: stride)
    for side in 0..<2 {
      guard let fixed = backbone.tables[side].fixedColumn else { continue }
      Float.clearColumns(
        &work.modelGradient[side].values, count: work.modelGradient[side].rows.count, stride: stride,
        columns: fixed..<fixed + 1)
    }
    return loss
  }

  /// m of items: the rows of `embeddings` at `rows`, with the popularity of each.
  func evaluateExposures(
    on base: CombinationalJointMember?, embeddings: ItemEmbeddings<Float>, rows: [Int32], popularity: [Float],
    into gated: inout GatedExposure<Float>
  ) {
    var sum = gates[0]
    if let base { for k in sum.values.indices { sum.values[k] += base.gates[0].values[k] } }
    gated.evaluate(gates: sum, embeddings: embeddings, rows: rows, popularity: popularity)
  }

  /// Leaves the gradient by the member's own gates in the workspace.
  private func exposureGradient(
    on base: CombinationalJointMember?, popularity: [Float], hardClip: Bool, _ work: inout CombinationalJointWorkspace
  ) {
    let batch = work.batch
    let itemRows = batch.itemRows
    let embeddings = ItemEmbeddings(rows: rows(on: base, side: 1, &work).view, width: backbone.dimension)
    let places = base == nil ? itemRows : work.slots(itemRows.count)
    Float.reserve(&work.popularity, itemRows.count)
    for slot in itemRows.indices { work.popularity[slot] = popularity[Int(itemRows[slot])] }
    evaluateExposures(
      on: base, embeddings: embeddings, rows: places, popularity: work.popularity, into: &work.gated)
    work.sumExposureSlopes(isResidual: base != nil, hardClip: hardClip)
    work.gateGradient[0].reset(rows: [0, 1, 2], stride: gates[0].stride)
    work.gated.pullback(
      work.byExposure, dimension: backbone.dimension, embeddings: embeddings, rows: places,
      into: &work.gateGradient[0])
  }

  /// ∂loss/∂m of a pair.
  @inline(__always)
  static func exposureSlope<S: TrainingScalar>(clicked: Bool, exposure: S, relevance: S, isResidual: Bool) -> S {
    if isResidual { return clicked ? -1 / exposure : relevance / (1 - relevance * exposure) }
    let weight = clicked ? 1 / relevance : 0
    return (1 - weight) / (1 - exposure) - weight / exposure
  }
}

extension CombinationalJointWorkspace {
  /// Cotangents of the logits from the terms; returns the summed loss.
  fileprivate mutating func weigh(hardClip: Bool) -> Double {
    let count = batch.count
    let weights = batch.pairs.weights
    let scale = 1 / Float(count)
    var loss = 0.0
    Float.reserve(&cotangents, count)
    for k in 0..<count {
      let weight = weights?[k] ?? 1
      let stopped = hardClip && abs(logits[k]) > CombinationalJointMember.clipLogit
      cotangents[k] = stopped ? 0 : scale * weight * terms.byLogit[k]
      loss += Double(weight * terms.loss[k])
    }
    return loss
  }

  /// Sums ∂loss/∂m over the pairs of each item.
  fileprivate mutating func sumExposureSlopes(isResidual: Bool, hardClip: Bool) {
    let (pairs, slots, exposures) = (batch.pairs, batch.itemSlots, gated.exposures)
    let (known, weights) = (pairs.knownExposures, pairs.weights)
    let scale = 1 / Float(pairs.count)
    Float.clear(&byExposure, batch.itemRows.count)
    for k in 0..<pairs.count {
      if let known, !known[k].isNaN { continue }
      let slot = Int(slots[k])
      let m = min(max(exposures[slot], CombinationalJointMember.clip), 1 - CombinationalJointMember.clip)
      if hardClip && m != exposures[slot] { continue }
      let slope = CombinationalJointMember.exposureSlope(
        clicked: pairs.feedback[k] != 0, exposure: m, relevance: targetRelevances[k], isResidual: isResidual)
      byExposure[slot] += scale * (weights?[k] ?? 1) * slope
    }
  }
}
