internal import CLightmeterKernels

/// A table's rows laid out for scoring: panels of as many rows as a vector has lanes, column by column within a panel.
///
/// A copy of the table. Scores are summed column by column in every call, so a pair has the same bits alone, in a run and
/// in a block.
///
/// - Shapes: `count` rows of `width` columns.
public struct PackedRows<S: TrainingScalar>: Sendable {
  /// Number of rows.
  public let count: Int
  /// Columns of a row.
  public let width: Int
  private let panels: [S]

  /// Packs the leading `width` columns of `count` rows.
  ///
  /// - Complexity: O(count · width), once.
  public init(_ rows: RowsView<S>, count: Int, width: Int) {
    precondition(count * rows.stride <= rows.values.count, "\(count) rows are not in the table")
    precondition(width <= rows.stride, "a row has \(rows.stride) values, not \(width)")
    let lanes = Int(S.kernels.table.pointee.lanes)
    (self.count, self.width) = (count, width)
    panels = [S](unsafeUninitializedCapacity: (count + lanes - 1) / lanes * lanes * width) { buffer, initialized in
      S.kernels.table.pointee.pack_rows(buffer.baseAddress, rows.values, count, rows.stride, width)
      initialized = (count + lanes - 1) / lanes * lanes * width
    }
  }

  /// Writes `out[u][k] = offset + left[rows[u]] · row(range.lowerBound + k)`.
  ///
  /// - Shapes: out (rows.count × range.count), row-major; longer columns keep their tail.
  public func scores(_ left: RowsView<S>, rows: [Int32], range: Range<Int>, offset: S, into out: inout [S]) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= count, "rows \(range) are outside the \(count) packed rows")
    precondition(left.stride >= width, "a row has \(left.stride) values, the packed rows \(width)")
    S.reserve(&out, rows.count * range.count)
    for row in rows {
      precondition(row >= 0 && (Int(row) + 1) * left.stride <= left.values.count, "row \(row) is outside its table")
    }
    S.kernels.table.pointee.panel_scores(
      &out, left.values, rows, rows.count, left.stride, panels, range.lowerBound, range.count, width, Double(offset))
  }
}

extension TrainingScalar {
  /// The same as ``PackedRows/scores(_:rows:range:offset:into:)`` for one row against a short run of unpacked rows.
  ///
  /// - Shapes: out (range.count); longer columns keep their tail.
  public static func rowScores(
    _ left: RowsView<Self>, row: Int, _ right: RowsView<Self>, range: Range<Int>, width: Int, offset: Self,
    into out: inout [Self]
  ) {
    reserve(&out, range.count)
    precondition(row >= 0 && (row + 1) * left.stride <= left.values.count, "row \(row) is outside its table")
    precondition(
      range.lowerBound >= 0 && range.upperBound * right.stride <= right.values.count,
      "rows \(range) are outside their table")
    left.values.withUnsafeBufferPointer { rows in
      kernels.table.pointee.row_scores(
        &out, rows.baseAddress.map { $0 + row * left.stride }, right.values, range.lowerBound, range.count,
        right.stride, width, Double(offset))
    }
  }

  /// Finds the places of scores that are at least `least`, ascending; NaN never is.
  ///
  /// - Parameters:
  ///   - range: where in `scores` to look; places count from its start.
  ///   - places: a reused column; what is beyond the returned number means nothing.
  /// - Returns: how many were found.
  public static func placesAbove(
    _ least: Self, in scores: [Self], range: Range<Int>, into places: inout [Int32]
  ) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= scores.count, "\(range) is outside the scores")
    if places.count < range.count { places = [Int32](repeating: 0, count: range.count) }
    return scores.withUnsafeBufferPointer { all in
      Int(
        kernels.table.pointee.places_above(
          &places, all.baseAddress.map { $0 + range.lowerBound }, range.count, Double(least)))
    }
  }
}
