internal import LightmeterFeedback
public import LightmeterKernels

/// One learned exposure per item: m_ui = σ(l_i), started at a given exposure of the items.
///
/// Far fewer parameters than Eq. (14): learnable from a slice of random traffic where that one is not (METHODS §20.1).
///
/// - Shapes: logits l (items × 1).
public struct PerItemExposure<S: TrainingScalar>: ExposureModel {
  /// The parameter tables.
  public var tables: [Table<S>]
  /// The range that starting exposures are cut to, so that items without clicks have a finite logit.
  public static var startRange: ClosedRange<Float> { 0.003...0.97 }

  /// Starts the logits at `start`, cut to ``startRange``.
  public init(start: [Float]) {
    // The logit stands in the factor column, so that the exposure model's decay acts on it.
    tables = [Table(name: "exposure.item_logits", rows: start.count, factorWidth: 1)]
    let range = PerItemExposure.startRange
    for (item, value) in start.enumerated() {
      let cut = Double(min(max(value, range.lowerBound), range.upperBound))
      tables[0].values[item * tables[0].stride] = S(Portable.log(cut) - Portable.log(1 - cut))
    }
  }

  /// The logits of the batch's items.
  public func touchedRows(of batch: IndexedBatch) -> [[Int32]] { [batch.itemRows] }

  /// m of every pair, into the tape.
  public func exposures(for batch: IndexedBatch, items: ItemEmbeddings<S>, tape: inout ExposureTape<S>) {
    tape.reserve(batch.count)
    let zeros = [Int32](repeating: 0, count: batch.count)
    S.dotRows(
      tables[0].view, batch.pairs.items, RowsView([1, 0, 0, 0], stride: 4), zeros, width: 1, offset: 0,
      accumulate: false, into: &tape.first)
    S.sigmoid(tape.first, count: batch.count, into: &tape.exposures)
  }

  /// Adds Σ cotangent · derivative by the parameters.
  public func pullback(
    _ cotangents: [S], for batch: IndexedBatch, items: ItemEmbeddings<S>, tape: inout ExposureTape<S>,
    into gradient: inout [RowGradient<S>]
  ) {
    // ∂m/∂l = m − m².
    S.multiply(tape.exposures, cotangents, scale: 1, count: batch.count, into: &tape.first)
    S.multiply(tape.first, tape.exposures, scale: -1, count: batch.count, into: &tape.second)
    let zeros = [Int32](repeating: 0, count: batch.count)
    let one = RowsView<S>([1, 0, 0, 0], stride: 4)
    for column in [tape.first, tape.second] {
      S.scatterRows(
        column, one, zeros, slots: batch.itemSlots, width: 1, into: &gradient[0].values,
        targetStride: gradient[0].stride)
    }
  }

  /// What the model says now, for export.
  public func estimate(items: Table<S>) -> StoredExposure {
    .perItem((0..<tables[0].rows).map { Float(Stable.sigmoid(tables[0].values[$0 * tables[0].stride])) })
  }
}
