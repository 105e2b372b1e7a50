internal import CLightmeterKernels

/// The clicks of a 0/1 matrix as compressed rows with a confidence each, as the dense solvers read them.
///
/// - Shapes: `offsets` (rows + 1); `columns` and `confidences` one entry per click, columns ascending within a row.
public struct WeightedRows<S: TrainingScalar>: Sendable {
  /// Start of each row's entries.
  public let offsets: [Int]
  /// Column of each entry.
  public let columns: [Int32]
  /// Weight c of each entry.
  public let confidences: [S]
  /// Number of columns.
  public let columnCount: Int

  /// Number of rows.
  public var rowCount: Int { offsets.count - 1 }

  /// Wraps rows of entries.
  ///
  /// - Precondition: offsets ascend from 0 to the number of entries; columns are below `columnCount`.
  public init(offsets: [Int], columns: [Int32], confidences: [S], columnCount: Int) {
    precondition(
      offsets.first == 0 && offsets.last == columns.count && columns.count == confidences.count,
      "\(columns.count) columns, \(confidences.count) confidences and offsets up to \(offsets.last ?? -1) do not fit")
    precondition(zip(offsets, offsets.dropFirst()).allSatisfy { $0 <= $1 }, "the offsets of rows ascend")
    precondition(columns.allSatisfy { $0 >= 0 && Int($0) < columnCount }, "a column is outside 0 ..< \(columnCount)")
    (self.offsets, self.columns, self.confidences) = (offsets, columns, confidences)
    self.columnCount = columnCount
  }

  /// The same entries as rows of the transposed matrix.
  public var transposed: WeightedRows<S> {
    var starts = [Int](repeating: 0, count: columnCount + 1)
    for column in columns { starts[Int(column) + 1] += 1 }
    for column in 0..<columnCount { starts[column + 1] += starts[column] }
    var cursor = starts
    var rows = [Int32](repeating: 0, count: columns.count)
    var weights = S.zeros(columns.count)
    for row in 0..<rowCount {
      for entry in offsets[row]..<offsets[row + 1] {
        let place = cursor[Int(columns[entry])]
        cursor[Int(columns[entry])] = place + 1
        rows[place] = Int32(truncatingIfNeeded: row)
        weights[place] = confidences[entry]
      }
    }
    return WeightedRows(offsets: starts, columns: rows, confidences: weights, columnCount: rowCount)
  }
}

/// Σ x xᵀ over the rows of a table.
///
/// - Shapes: width × width, row-major, rows padded to 64 bytes; both triangles.
public struct GramMatrix<S: TrainingScalar>: Sendable {
  /// The numbers with their padding.
  public let values: [S]
  /// Order of the matrix.
  public let width: Int
  /// Elements from one row to the next.
  public let stride: Int

  /// The entry of a row and a column.
  public subscript(row: Int, column: Int) -> S { values[row * stride + column] }

  /// Sums over the first `count` rows of a table.
  ///
  /// - Complexity: O(count · width²), on all threads.
  public init(of rows: RowsView<S>, count: Int, width: Int) {
    checkRows(rows.values.count, stride: rows.stride, count: count, width: width, "the table")
    (self.width, stride) = (width, S.paddedWidth(width))
    var sums = S.zeros(stride * stride)
    lm_gram(S.kernels.table, &sums, rows.values, count, rows.stride, width)
    values = sums
  }

  /// Σ of the products of corresponding entries, in double: Σ over all pairs of (x · z)² where two tables' matrices meet.
  public func product(with other: GramMatrix<S>) -> Double {
    precondition(width == other.width, "matrices of order \(width) and \(other.width)")
    var sum = 0.0
    for row in 0..<width {
      for column in 0..<width { sum += Double(self[row, column]) * Double(other[row, column]) }
    }
    return sum
  }
}

/// How a row's linear system is solved.
public enum RowSolver: Sendable, Hashable {
  /// Exactly.
  case cholesky
  /// By steps of conjugate gradient from the values before.
  case conjugateGradient(steps: Int)
}

/// What solving rows gave.
public struct SolvedRows: Sendable {
  /// Rows whose system is not positive definite, or not finite; they keep what they held.
  public var failed: Int
  /// Σ over the clicks of c (1 − s)² − s² at the new values, s the score.
  public var clickLoss: Double
}

/// Log-odds of exposure of an unclicked pair: prior + shift − half · s².
public struct ExposureOdds<S: TrainingScalar>: Sendable {
  /// Prior log-odds, of the fixed rows or of the rows that are solved.
  public enum Prior: Sendable { case ofFixedRows([S]), ofSolvedRows([S]) }
  /// Where the prior stands.
  public var prior: Prior
  /// log √(λ/2π).
  public var shift: Double
  /// λ/2.
  public var half: Double
  /// Bundles the numbers.
  public init(prior: Prior, shift: Double, half: Double) { (self.prior, self.shift, self.half) = (prior, shift, half) }
}

private func checkRows(_ values: Int, stride: Int, count: Int, width: Int, _ name: String) {
  precondition(width > 0 && width <= stride, "\(name) has rows of \(stride) numbers; \(width) are no part of one")
  precondition(count >= 0 && count * stride <= values, "\(name) has fewer than \(count) rows")
}

extension TrainingScalar {
  static func paddedWidth(_ width: Int) -> Int {
    let lanes = 64 / MemoryLayout<Self>.size
    return (width + lanes - 1) / lanes * lanes
  }

  private static func check(
    _ target: [Self], _ stride: Int, _ fixed: RowsView<Self>, _ clicks: WeightedRows<Self>, _ width: Int
  ) {
    checkRows(target.count, stride: stride, count: clicks.rowCount, width: width, "the table to solve")
    checkRows(fixed.values.count, stride: fixed.stride, count: clicks.columnCount, width: width, "the fixed table")
  }

  /// One half-sweep of weighted alternating least squares: every row of `target` from the rows of `fixed`.
  ///
  ///     x = (G + Σ (c − 1) z zᵀ + ridge · I)⁻¹ Σ c z,   sums over the row's clicks
  ///
  /// - Parameters:
  ///   - gram: Σ z zᵀ over all rows of `fixed`.
  ///   - clicks: one row per row of `target`. Rows without clicks become 0.
  /// - Complexity: O(clicks · width² + rows · width³) exactly, O(steps · (clicks · width + rows · width²)) by conjugate
  ///   gradient; on all threads, the same bits at any number of them.
  public static func solveLeastSquares(
    _ target: inout [Self], stride: Int, from fixed: RowsView<Self>, gram: GramMatrix<Self>,
    clicks: WeightedRows<Self>, width: Int, ridge: Double, solver: RowSolver
  ) -> SolvedRows {
    check(target, stride, fixed, clicks, width)
    precondition(gram.width == width, "a Gram matrix of order \(gram.width) for rows of width \(width)")
    var steps: Int32 = 0
    if case .conjugateGradient(let count) = solver {
      precondition(count > 0, "\(count) steps of conjugate gradient are impossible; it takes at least 1")
      steps = Int32(count)
    }
    var losses = [Double](repeating: 0, count: clicks.rowCount)
    let failed = lm_least_squares_rows(
      kernels.table, &target, &losses, gram.values, fixed.values, clicks.offsets, clicks.columns, clicks.confidences,
      clicks.rowCount, stride, fixed.stride, width, ridge, steps)
    return SolvedRows(failed: failed, clickLoss: losses.reduce(0, +))
  }

  /// One half-sweep under latent exposure: every row of `target` from all rows of `fixed`.
  ///
  ///     x = (Σ e z zᵀ + ridge · I)⁻¹ Σ z over clicks;   e = 1 on clicks, else σ(odds) at the row's values before
  ///
  /// - Numerics: where rounding leaves the matrix indefinite, 2⁻²² to 2⁻¹³ of its trace join the diagonal.
  /// - Complexity: O(rows · fixed rows · width²) time, one tile of memory per thread.
  /// - Returns: rows that could not be solved.
  public static func solveUnderExposure(
    _ target: inout [Self], stride: Int, from fixed: RowsView<Self>, clicks: WeightedRows<Self>, width: Int,
    odds: ExposureOdds<Self>, ridge: Double
  ) -> Int {
    check(target, stride, fixed, clicks, width)
    let (rowCount, columnCount) = (clicks.rowCount, clicks.columnCount)
    func call(_ fixedPrior: UnsafePointer<Self>?, _ ownPrior: UnsafePointer<Self>?) -> Int {
      lm_exposure_rows(
        kernels.table, &target, fixed.values, columnCount, clicks.offsets, clicks.columns, fixedPrior, ownPrior,
        rowCount, stride, fixed.stride, width, odds.shift, odds.half, ridge)
    }
    switch odds.prior {
    case .ofFixedRows(let prior):
      precondition(prior.count == columnCount, "\(prior.count) priors for \(columnCount) fixed rows")
      return prior.withUnsafeBufferPointer { call($0.baseAddress, nil) }
    case .ofSolvedRows(let prior):
      precondition(prior.count == rowCount, "\(prior.count) priors for \(rowCount) rows")
      return prior.withUnsafeBufferPointer { call(nil, $0.baseAddress) }
    }
  }

  /// Sums of every row over all rows of `fixed`: of e, of softplus(odds) on unclicked pairs, of (1 − s)² on clicks.
  ///
  /// - Parameters:
  ///   - odds: with the prior of the solved rows, which are those of `rows`.
  public static func exposureSums(
    _ rows: RowsView<Self>, against fixed: RowsView<Self>, clicks: WeightedRows<Self>, width: Int,
    odds: ExposureOdds<Self>
  ) -> [(exposed: Double, normaliser: Double, squares: Double)] {
    check(rows.values, rows.stride, fixed, clicks, width)
    guard case .ofSolvedRows(let prior) = odds.prior, prior.count == clicks.rowCount else {
      preconditionFailure("sums of rows need the prior of each of the \(clicks.rowCount) rows")
    }
    var sums = [Double](repeating: 0, count: 3 * clicks.rowCount)
    lm_exposure_sums(
      kernels.table, &sums, rows.values, fixed.values, clicks.columnCount, clicks.offsets, clicks.columns, prior,
      clicks.rowCount, rows.stride, fixed.stride, width, odds.shift, odds.half)
    return (0..<clicks.rowCount).map { (sums[3 * $0], sums[3 * $0 + 1], sums[3 * $0 + 2]) }
  }

  /// Gradient of the summed logistic loss over all pairs by the rows of one table, and the loss.
  ///
  ///     unclicked: softplus(s);   clicked: (c + extra) softplus(s) − c s;   s = intercept + x · z
  ///
  /// - Parameters:
  ///   - gradient: overwritten; of the layout of `rows`.
  /// - Complexity: O(rows · fixed rows · width), one tile of memory per thread.
  public static func logisticGradient(
    of rows: RowsView<Self>, against fixed: RowsView<Self>, clicks: WeightedRows<Self>, width: Int, intercept: Double,
    extra: Double, into gradient: inout [Self]
  ) -> Double {
    check(rows.values, rows.stride, fixed, clicks, width)
    reserve(&gradient, rows.values.count)
    var losses = [Double](repeating: 0, count: clicks.rowCount)
    lm_logistic_rows(
      kernels.table, &gradient, &losses, rows.values, fixed.values, clicks.columnCount, clicks.offsets, clicks.columns,
      clicks.confidences, clicks.rowCount, rows.stride, fixed.stride, width, intercept, extra)
    return losses.reduce(0, +)
  }
}
