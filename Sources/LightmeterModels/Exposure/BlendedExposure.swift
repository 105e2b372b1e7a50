internal import LightmeterFeedback
public import LightmeterKernels

/// The paper's exposure model: a gate per item between a user's affinity and popularity.
///
///     m_ui = r q + (1 − r) θ_i,   q = σ(e_u · w_i),   r = σ(a · w_i + b)
///
/// It reads the relevance model's item factors w_i, never its biases. A convex combination, so m is in (0, 1) wherever
/// θ_i is in [0, 1].
///
/// - Shapes: exposure factors e (users × d); gate a with bias b (1 × d + 1); popularity θ (items).
/// - Source: Biif, Eq. (14); derivatives in METHODS §6.1 and §6.5.
public struct BlendedExposure<S: TrainingScalar>: ExposureModel {
  /// The parameter tables.
  public var tables: [Table<S>]
  /// θ_i.
  public let popularity: [S]

  /// Draws e and a from N(0, deviation²), b = 0: m starts near ¼ + θ/2, not at θ.
  public init(userCount: Int, dimension: Int, popularity: [S], deviation: S = 0.1, seed: UInt64) {
    tables = [
      Table(name: "exposure.user_factors", rows: userCount, factorWidth: dimension),
      Table(name: "exposure.gate", rows: 1, factorWidth: dimension, extraColumns: 1),
    ]
    self.popularity = popularity
    tables[0].randomize(deviation: deviation, seed: seed, salt: 2)
    tables[1].randomize(deviation: deviation, seed: seed, salt: 3)
  }

  private var dimension: Int { tables[0].factorWidth }

  /// The rows of the batch's users, and the gate.
  public func touchedRows(of batch: IndexedBatch) -> [[Int32]] { [batch.userRows, [0]] }

  /// m of every pair, into the tape.
  @_specialize(where S == Float)
  public func exposures(for batch: IndexedBatch, items: ItemEmbeddings<S>, tape: inout ExposureTape<S>) {
    tape.reserve(batch.count)
    S.reserve(&tape.gateLogits, batch.itemRows.count)
    let width = items.paddedWidth
    // The gate depends on the item alone: one dot product per distinct item of the batch.
    var dots = [
      RowDots(
        RowDots.Rows(tables[0].view, batch.pairs.users, items.rows, batch.pairs.items), width: width, offset: 0,
        into: tape.first),
      RowDots(
        RowDots.Rows(tables[1].view, tape.zeros, items.rows, batch.itemRows), width: width,
        offset: tables[1].values[dimension], into: tape.gateLogits),
    ]
    // One holder at a time: a second one would have the arrays copied.
    (tape.first, tape.gateLogits) = ([], [])
    S.dotRows(&dots)
    tape.gateLogits = dots.removeLast().out
    tape.first = dots.removeLast().out
    S.blend(
      affinities: tape.first, gateLogits: tape.gateLogits, popularity: popularity, gateSlots: batch.itemSlots,
      items: batch.pairs.items, into: &tape.blend)
    swap(&tape.exposures, &tape.blend.exposure)
  }

  /// Adds Σ cotangent · derivative by the parameters.
  @_specialize(where S == Float)
  public func pullback(
    _ cotangents: [S], for batch: IndexedBatch, items: ItemEmbeddings<S>, tape: inout ExposureTape<S>,
    into gradient: inout [RowGradient<S>]
  ) {
    S.blendPullback(
      cotangents, of: tape.blend, popularity: popularity, items: batch.pairs.items, affinities: &tape.first,
      gates: &tape.second)
    addToParameters(
      users: tape.first, gates: tape.second, rows: items.rows, width: items.paddedWidth, index: batch.pairs.items,
      batch, tape.zeros, &gradient)
    gradient[1].values[dimension] += S(S.sum(tape.second, count: batch.count))
  }

  /// Adds users[k]·rows[index[k]] to the pair's e_u and gates[k]·rows[index[k]] to a.
  private func addToParameters(
    users: [S], gates: [S], rows: RowsView<S>, width: Int, index: [Int32], _ batch: IndexedBatch, _ gateSlots: [Int32],
    _ gradient: inout [RowGradient<S>]
  ) {
    var sums = [
      gradient[0].begin(users, rows, index, slots: batch.userSlots, slotRows: batch.userRows, width: width),
      // Zeroed first, so that the columns of its one row are cut, not the pairs.
      gradient[1].begin(gates, rows, index, slots: gateSlots, slotRows: [], width: width),
    ]
    S.scatterRows(&sums)
    gradient[1].end(sums.removeLast())
    gradient[0].end(sums.removeLast())
  }

  /// Adds Σ cotangent · ∂m/∂w_i to the item rows.
  @_specialize(where S == Float)
  public func itemPullback(
    _ cotangents: [S], for batch: IndexedBatch, tape: inout ExposureTape<S>, into gradient: inout RowGradient<S>
  ) {
    S.blendPullback(
      cotangents, of: tape.blend, popularity: popularity, items: batch.pairs.items, affinities: &tape.first,
      gates: &tape.second)
    S.scatterRows(
      tape.first, tables[0].view, batch.pairs.users, slots: batch.itemSlots, width: dimension, into: &gradient.values,
      targetStride: gradient.stride)
    S.scatterRows(
      tape.second, tables[1].view, [Int32](repeating: 0, count: batch.count), slots: batch.itemSlots,
      width: dimension, into: &gradient.values, targetStride: gradient.stride)
  }

  /// Adds the derivative by the parameters of the slope along an item displacement.
  public func mixedPullback(
    _ cotangents: [S], along direction: RowGradient<S>, for batch: IndexedBatch, items: ItemEmbeddings<S>,
    tape: inout ExposureTape<S>, into gradient: inout [RowGradient<S>]
  ) {
    let moved = RowsView(direction.values, stride: direction.stride)
    let gateRow = [Int32](repeating: 0, count: batch.count)
    var (alongGate, alongUser): ([S], [S]) = ([], [])
    S.reserve(&alongGate, batch.count)
    S.reserve(&alongUser, batch.count)
    S.dotRows(
      moved, batch.itemSlots, tables[1].view, gateRow, width: dimension, offset: 0, accumulate: false,
      into: &alongGate)
    S.dotRows(
      moved, batch.itemSlots, tables[0].view, batch.pairs.users, width: dimension, offset: 0, accumulate: false,
      into: &alongUser)
    S.blendSecond(
      cotangents, of: tape.blend, popularity: popularity, items: batch.pairs.items, alongGate: alongGate,
      alongUser: alongUser, slopes: &tape.slopes, users: &tape.first, gates: &tape.second)
    addToParameters(
      users: tape.first, gates: tape.second, rows: items.rows, width: items.paddedWidth, index: batch.pairs.items,
      batch, tape.zeros, &gradient)
    gradient[1].values[dimension] += S(S.sum(tape.second, count: batch.count))
    S.blendPullback(
      cotangents, of: tape.blend, popularity: popularity, items: batch.pairs.items, affinities: &tape.third,
      gates: &tape.fourth)
    addToParameters(
      users: tape.third, gates: tape.fourth, rows: moved, width: items.paddedWidth, index: batch.itemSlots, batch,
      tape.zeros, &gradient)
  }

  /// What the model says now, for export.
  public func estimate(items: Table<S>) -> StoredExposure {
    .blended(
      BlendedEstimate(
        users: tables[0].inFloat, items: items.inFloat, gate: tables[1].inFloat,
        popularity: popularity.map { Float($0) }))
  }
}
