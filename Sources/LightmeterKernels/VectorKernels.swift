internal import CLightmeterKernels

/// The batch-level arithmetic. All arrays are row-major; index arrays may hold -1 where a pair has no row.
///
/// Callers know the precision by a protocol only: without an own copy for `Float` every count of an array is looked up at run
/// time, 5 to 12 % of a step on two threads.
extension TrainingScalar {
  private static var compiled: lm_kernels { kernels.table.pointee }
  private static var table: UnsafePointer<lm_kernels> { kernels.table }

  /// Adds `scale` times row `slots[k]` of `step` to row `rows[k]` of `table` and keeps what that held before in `saved`.
  @_specialize(where Self == Float)
  public static func displace(
    _ table: inout [Self], rows: [Int32], stride: Int, by step: [Self], slots: [Int32], scale: Self,
    saved: inout [Self]
  ) {
    precondition(slots.count == rows.count, "\(slots.count) rows of the step for \(rows.count) of the table")
    reserve(&saved, rows.count * stride)
    lm_displace_rows(self.table, &table, &saved, step, rows, slots, rows.count, stride, Double(scale))
  }

  /// Writes back what ``displace(_:rows:stride:by:slots:scale:saved:)`` kept.
  @_specialize(where Self == Float)
  public static func restore(_ table: inout [Self], rows: [Int32], stride: Int, from saved: [Self]) {
    lm_restore_rows(self.table, &table, saved, rows, rows.count, stride)
  }

  /// Writes row `rows[k]` of `table` to row `places[k]` of `out`, all places being different; without places to row k. Rows
  /// with a place below 0 are left out.
  @_specialize(where Self == Float)
  public static func copyRows(
    of table: RowsView<Self>, _ rows: [Int32], into out: inout [Self], at places: [Int32]?
  ) {
    precondition(places.map { $0.count == rows.count } ?? true, "every row has a place")
    func call(_ places: UnsafePointer<Int32>?) {
      lm_copy_rows(self.table, &out, table.values, nil, places, rows, nil, rows.count, table.stride, 0)
    }
    if let places { places.withUnsafeBufferPointer { call($0.baseAddress) } } else { call(nil) }
  }

  /// The same with `scale` times row `slots[k]` of `step` added, whose rows are as long.
  @_specialize(where Self == Float)
  public static func copyRows(
    of table: RowsView<Self>, _ rows: [Int32], plus step: [Self], slots: [Int32], scale: Self, into out: inout [Self],
    at places: [Int32]
  ) {
    precondition(places.count == rows.count && slots.count == rows.count, "every row has a place and a slot")
    lm_copy_rows(
      self.table, &out, table.values, step, places, rows, slots, rows.count, table.stride, Double(scale))
  }

  /// One Adam step on every row; `slotOfRow[r] < 0` means that row r has no gradient (decay and momentum still act).
  @_specialize(where Self == Float)
  public static func adamAll(
    _ table: inout [Self], _ moments: inout AdamMoments<Self>, gradient: [Self], slotOfRow: [Int32], stride: Int,
    corrections: (first: Self, second: Self), decay: [Self], settings: AdamSettings<Self>
  ) {
    precondition(
      decay.count == stride && stride % 4 == 0, "a row is a multiple of four values and has a decay for each")
    precondition(moments.values.count == 2 * table.count, "every value has two moments")
    precondition(table.count == slotOfRow.count * stride, "every row of the table has a slot")
    lm_adam_all(
      self.table, &table, &moments.values, gradient, decay, slotOfRow, slotOfRow.count, stride,
      Double(corrections.first),
      Double(corrections.second), Double(settings.rate), Double(settings.beta1), Double(settings.beta2),
      Double(settings.epsilon))
  }

  /// The steps that rows without gradient have missed under ``adamAll(_:_:gradient:slotOfRow:stride:corrections:decay:settings:)``.
  ///
  /// - Parameters:
  ///   - last: step up to which each row of the table is done; set to `now` for the given rows.
  ///   - rows: the rows, each once; nil for `range`.
  ///   - forms: ``settleFormLength`` coefficients for 0, 1, … missed steps.
  @_specialize(where Self == Float)
  public static func adamSettle(
    _ table: inout [Self], _ moments: inout AdamMoments<Self>, last: inout [Int32], now: Int32, rows: [Int32]?,
    range: Range<Int>, stride: Int, forms: [Self], corrections: (first: [Self], second: [Self]), decay: [Self],
    settings: AdamSettings<Self>
  ) {
    precondition(moments.values.count == 2 * table.count, "every value has two moments")
    precondition(table.count == last.count * stride && range.upperBound <= last.count, "every row has a last step")
    precondition(corrections.first.count == corrections.second.count, "the two corrections have one length")
    let count = rows?.count ?? range.count
    func call(_ rows: UnsafePointer<Int32>?) {
      lm_adam_settle(
        self.table, &table, &moments.values, decay, &last, now, rows, range.lowerBound, count, stride,
        forms, Int32(forms.count / settleFormLength) - 1, corrections.first, corrections.second,
        corrections.first.count, Double(settings.rate), Double(settings.beta1), Double(settings.beta2),
        Double(settings.epsilon))
    }
    if let rows { rows.withUnsafeBufferPointer { call($0.baseAddress) } } else { call(nil) }
  }

  /// Coefficients of the closed form of one number of missed steps.
  public static var settleFormLength: Int { Int(SETTLE_FORM) }

  /// Reads `out[k] = 1 / (1 + exp(-in[k]))`.
  @_specialize(where Self == Float)
  public static func sigmoid(_ input: [Self], count: Int, into out: inout [Self]) {
    precondition(out.count >= count && input.count >= count, "input and output lengths differ")
    compiled.sigmoid(&out, input, count)
  }

  private static func check(_ feedback: [UInt8], _ columns: [Self]...) {
    for column in columns {
      precondition(column.count >= feedback.count, "\(column.count) values for \(feedback.count) pairs")
    }
  }

  /// Cross-entropy per pair; see `Naive` in the objectives.
  @_specialize(where Self == Float)
  public static func naiveTerms(feedback: [UInt8], logits: [Self], into out: inout LossColumns<Self>) {
    check(feedback, logits)
    out.reserve(feedback.count)
    lm_naive_terms(
      table, &out.loss, &out.byLogit, &out.byExposure, &out.byLogitAndExposure, &out.byExposureTwice, feedback, logits,
      feedback.count)
  }

  /// Loss and derivative by the logit of the cross-entropy, where no exposure is asked for.
  @_specialize(where Self == Float)
  public static func crossEntropy(
    feedback: [UInt8], logits: [Self], loss: inout [Self], byLogit: inout [Self]
  ) {
    check(feedback, logits)
    reserve(&loss, feedback.count)
    reserve(&byLogit, feedback.count)
    lm_naive_terms(table, &loss, &byLogit, nil, nil, nil, feedback, logits, feedback.count)
  }

  /// Cross-entropy of pairs that stand item by item, its derivatives by the logits times `scale`, and their sum over each
  /// item's user rows, added to the item's row of `target`; in one pass over the user rows, which are far away.
  ///
  /// - Parameters:
  ///   - runs: of the pairs, whose items ascend, from ``SlotMaps/itemRuns(of:into:)``; not empty.
  ///   - runSlots: the row that the item of each run has in `target`, or -1.
  ///   - losses: whether to write the losses as well.
  ///   - target: rows as far apart as those of `users`.
  @_specialize(where Self == Float)
  public static func crossEntropyRuns(
    _ users: RowsView<Self>, _ userRows: [Int32], _ items: RowsView<Self>, _ itemRows: [Int32],
    runs: [Int32], runSlots: [Int32], feedback: [UInt8], width: Int, offset: Self, scale: Self,
    losses: Bool, columns: inout CrossEntropyColumns<Self>, into target: inout [Self]
  ) {
    let count = feedback.count
    precondition(runs.count > 1 && Int(runs[runs.count - 1]) == count, "the runs are not those of \(count) pairs")
    precondition(userRows.count == count && itemRows.count == count, "a pair has a user and an item")
    precondition(runSlots.count == runs.count - 1, "a run has a slot")
    reserve(&columns.byLogit, count)
    reserve(&columns.sums, (runs.count - 1) * users.stride)
    func call(_ loss: UnsafeMutablePointer<Self>?) {
      lm_cross_entropy_runs(
        table, loss, &columns.byLogit, &columns.sums, &target, users.values, items.values, userRows, itemRows,
        runSlots, feedback, runs, runs.count - 1, users.stride, items.stride, width, Double(offset), Double(scale))
    }
    guard losses else { return call(nil) }
    var loss: [Self] = []
    swap(&loss, &columns.loss)
    reserve(&loss, count)
    loss.withUnsafeMutableBufferPointer { call($0.baseAddress) }
    swap(&loss, &columns.loss)
  }

  /// Eq. (4) per pair; see `InversePropensity` in the objectives.
  @_specialize(where Self == Float)
  public static func inversePropensityTerms(
    feedback: [UInt8], logits: [Self], exposures: [Self], into out: inout LossColumns<Self>
  ) {
    check(feedback, logits, exposures)
    out.reserve(feedback.count)
    compiled.ips_terms(
      &out.loss, &out.byLogit, &out.byExposure, &out.byLogitAndExposure, &out.byExposureTwice, feedback, logits,
      exposures, feedback.count)
  }

  /// Eq. (10) per pair; see `LowVariance` in the objectives.
  @_specialize(where Self == Float)
  public static func lowVarianceTerms(
    feedback: [UInt8], logits: [Self], exposures: [Self], into out: inout LossColumns<Self>
  ) {
    check(feedback, logits, exposures)
    out.reserve(feedback.count)
    lm_low_variance_terms(
      table, &out.loss, &out.byLogit, &out.byExposure, &out.byLogitAndExposure, &out.byExposureTwice, feedback, logits,
      exposures, feedback.count)
  }

  /// Eq. (14) per pair; see `BlendedExposure` in the models.
  @_specialize(where Self == Float)
  public static func blend(
    affinities: [Self], gateLogits: [Self], popularity: [Self], gateSlots: [Int32], items: [Int32],
    into out: inout BlendColumns<Self>
  ) {
    out.reserve(items.count)
    lm_blend(
      table, &out.exposure, &out.affinity, &out.gate, affinities, gateLogits, popularity, gateSlots, items, items.count)
  }

  /// Cotangents of Eq. (14) into the affinity logit and the gate logit of each pair.
  @_specialize(where Self == Float)
  public static func blendPullback(
    _ cotangents: [Self], of forward: BlendColumns<Self>, popularity: [Self], items: [Int32], affinities: inout [Self],
    gates: inout [Self]
  ) {
    precondition(affinities.count >= items.count && gates.count >= items.count, "cotangent lengths differ")
    compiled.blend_pullback(
      &affinities, &gates, cotangents, forward.affinity, forward.gate, popularity, items, items.count)
  }

  /// Second derivatives of Eq. (14) along a displacement of the item row (METHODS §6.5).
  ///
  /// - Parameters:
  ///   - cotangents: factor of each pair.
  ///   - alongGate: v_i · a, `alongUser`: v_i · e_u, per pair.
  ///   - slopes: overwritten with ∂m/∂w_i · v_i.
  ///   - users: overwritten with the factor on w_i in ∂slope/∂e_u, times the cotangent; `gates` likewise for ∂slope/∂a.
  @_specialize(where Self == Float)
  public static func blendSecond(
    _ cotangents: [Self], of forward: BlendColumns<Self>, popularity: [Self], items: [Int32], alongGate: [Self],
    alongUser: [Self], slopes: inout [Self], users: inout [Self], gates: inout [Self]
  ) {
    compiled.blend_second(
      &slopes, &users, &gates, cotangents, forward.affinity, forward.gate, popularity, items, alongGate, alongUser,
      items.count)
  }

  /// CJMF's exposures m = x^ε of items from their gates; see `GatedExposure` in the training room.
  @_specialize(where Self == Float)
  public static func gatePowers(of columns: inout GateColumns<Self>, count: Int) {
    compiled.gate_powers(
      &columns.exposure, &columns.logBase, columns.mixing, columns.level, columns.exponent, columns.popularity, count)
  }

  /// Cotangents of m into the three gates' logits, which are overwritten.
  @_specialize(where Self == Float)
  public static func gateSlopes(
    _ cotangents: [Self], of columns: GateColumns<Self>, mixing: inout [Self], level: inout [Self],
    exponent: inout [Self], count: Int
  ) {
    precondition(
      min(cotangents.count, mixing.count, level.count, exponent.count, columns.exposure.count) >= count,
      "a column has fewer than \(count) values")
    compiled.gate_slopes(
      &mixing, &level, &exponent, cotangents, columns.exposure, columns.logBase, columns.mixing, columns.level,
      columns.exponent, columns.popularity, count)
  }

  /// Writes `out[k] = scale * a[k] * b[k]`; a nil `b` counts as 1.
  @_specialize(where Self == Float)
  public static func multiply(_ a: [Self], _ b: [Self]?, scale: Self, count: Int, into out: inout [Self]) {
    reserve(&out, count)
    precondition(a.count >= count && (b?.count ?? count) >= count, "a factor has fewer than \(count) values")
    if let b {
      compiled.multiply(&out, a, b, count, Double(scale))
    } else {
      compiled.multiply(&out, a, nil, count, Double(scale))
    }
  }

  /// Zeroes a run of columns in every row.
  @_specialize(where Self == Float)
  public static func clearColumns(_ rows: inout [Self], count: Int, stride: Int, columns: Range<Int>) {
    precondition(rows.count >= count * stride, "\(count) rows of \(stride) are not in \(rows.count) values")
    compiled.clear_columns(&rows, count, stride, columns.lowerBound, columns.upperBound)
  }

  /// Sum, sum of squares, least and greatest of a column, summed in order in double.
  @_specialize(where Self == Float)
  public static func summarize(_ column: [Self], count: Int? = nil) -> ColumnSummary {
    let count = count ?? column.count
    precondition(column.count >= count, "a column has fewer than \(count) values")
    var result = (0.0, 0.0, 0.0, 0.0)
    withUnsafeMutableBytes(of: &result) { raw in
      compiled.summarize(raw.baseAddress?.assumingMemoryBound(to: Double.self), column, count)
    }
    return ColumnSummary(sum: result.0, squares: result.1, least: result.2, greatest: result.3)
  }

  /// Sum of the first `count` values in double: that of ``summarize(_:count:)``, for less.
  @_specialize(where Self == Float)
  public static func sum(_ column: [Self], count: Int) -> Double {
    precondition(column.count >= count, "a column has fewer than \(count) values")
    return compiled.sum(column, count)
  }
}
