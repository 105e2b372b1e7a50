internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterObjectives

/// One side of a factor model that gets a new row while the other side holds still.
struct FoldInSide: Sendable {
  /// The side that grows: the layout of the new row.
  let own: Table<Float>
  /// The side that is read.
  let other: Table<Float>
  let intercept: Float
  let objective: FoldInObjective
  /// Whether the new row is an item's.
  var isOfItem = false

  /// A pair of the new row: a row of the other side, what happened, how much it counts.
  struct Pairs: Sendable {
    var rows: [Int32] = []
    var feedback: [UInt8] = []
    var weights: [Double] = []
    var exposures: [Double] = []
    /// Taken off the score: of triples, the score of the item on the other end.
    var shifts: [Double]?

    mutating func append(_ row: Int32, feedback label: UInt8, weight: Double, exposure: Double, shift: Double = 0) {
      rows.append(row)
      feedback.append(label)
      weights.append(weight)
      exposures.append(exposure)
      shifts?.append(shift)
    }
  }

  /// A new row and how it was found.
  struct Solution: Sendable {
    /// Laid out like a row of the own table.
    var row: [Float]
    var steps: Int
    /// The largest absolute derivative at the row in double precision.
    var slope: Double
  }

  /// Columns of the own row that are free.
  var columns: [Int] { (0..<own.width).filter { $0 != own.fixedColumn } }

  /// The least penalty of any column, so that every row exists: clicks alone would drive a free bias to infinity.
  static let leastRidge = 1e-4

  private func ridge(pairs: Double) -> [Double] {
    let share = objective.ridgeShare(pairs: pairs)
    return columns.map { column in
      let ofFactors = isOfItem ? objective.itemRidge ?? objective.factorRidge : objective.factorRidge
      let decay = column < own.factorWidth ? ofFactors : objective.biasRidge
      return max(decay * share, FoldInSide.leastRidge)
    }
  }

  /// What a row of the other side adds whatever the new row is.
  func offset(of row: Int32) -> Double {
    Double(intercept) + (own.fixedColumn.map { Double(other.values[Int(row) * other.stride + $0]) } ?? 0)
  }

  /// The objective over given pairs.
  func problem(_ pairs: Pairs) -> FoldInProblem {
    FoldInProblem(
      rows: DenseRows(other.view, rows: pairs.rows, columns: columns),
      offsets: pairs.rows.indices.map { offset(of: pairs.rows[$0]) - (pairs.shifts?[$0] ?? 0) },
      feedback: pairs.feedback, weights: pairs.weights, exposures: pairs.exposures,
      ridge: ridge(pairs: pairs.weights.reduce(0, +)), estimator: objective.estimator ?? Naive())
  }

  /// The objective over triples: clicked minus drawn rows, each to be above 0.
  func problem(clicked: [Int32], drawn: [Int32], weight: Double) -> FoldInProblem {
    var rows = DenseRows(other.view, rows: clicked, columns: columns)
    rows.subtract(DenseRows(other.view, rows: drawn, columns: columns))
    return FoldInProblem(
      rows: rows, offsets: zip(clicked, drawn).map { offset(of: $0) - offset(of: $1) },
      feedback: [UInt8](repeating: 1, count: clicked.count),
      weights: [Double](repeating: weight, count: clicked.count),
      exposures: [Double](repeating: 1, count: clicked.count),
      ridge: ridge(pairs: weight * Double(clicked.count)), estimator: Naive())
  }

  /// Minimises the objective; from 0, since a loss that is not convex may have several minima.
  ///
  /// - Parameters:
  ///   - typical: a row of the own table to start from where the loss is convex and every start ends in the same row.
  func solve(_ problem: FoldInProblem, typical: () -> [Float] = { [] }) -> Solution {
    var start = [Double](repeating: 0, count: columns.count)
    if case .logistic = objective.loss {
      let row = typical()
      if !row.isEmpty { start = columns.map { Double(row[$0]) } }
    }
    let (point, steps) = problem.minimized(from: start)
    return Solution(row: row(of: point.x), steps: steps, slope: point.slope)
  }

  /// Solves the normal equations of weighted least squares.
  ///
  ///     x = (G + κ Σ z zᵀ + λI)⁻¹ (1 + κ) Σ z,   G = Σ z zᵀ over all rows, sums over the clicked ones
  func solveLeastSquares(clicked: [Int32], confidence: Double, gram: [Double]) -> Solution? {
    let rows = DenseRows(other.view, rows: clicked, columns: columns)
    let order = columns.count
    var (matrix, right) = (gram, [Double](repeating: 0, count: order))
    rows.addWeightedSquares([Double](repeating: confidence, count: clicked.count), to: &matrix)
    rows.addWeighted([Double](repeating: 1 + confidence, count: clicked.count), to: &right)
    for c in 0..<order { matrix[c * order + c] += objective.factorRidge }
    return SymmetricSystem(factoring: matrix, order: order).map { system in
      Solution(row: row(of: system.solve(right)), steps: 1, slope: 0)
    }
  }

  /// Σ z zᵀ over all rows of the other side, the upper triangle.
  func gram() -> [Double] {
    let order = columns.count
    var matrix = [Double](repeating: 0, count: order * order)
    for first in stride(from: 0, to: other.rows, by: 8192) {
      let block = (first..<min(first + 8192, other.rows)).map { Int32($0) }
      DenseRows(other.view, rows: block, columns: columns).addWeightedSquares(
        [Double](repeating: 1, count: block.count), to: &matrix)
    }
    return matrix
  }

  /// Free columns as a row of the own table.
  private func row(of x: [Double]) -> [Float] {
    var row = [Float](repeating: 0, count: own.stride)
    if let fixed = own.fixedColumn { row[fixed] = 1 }
    for (value, column) in zip(x, columns) { row[column] = Float(value) }
    return row
  }

  /// Rows of the other side that are not in `excluded`: all in order, or `limit` of them in a fixed shuffled order.
  func sample(excluding excluded: Set<Int32>, limit: Int?) -> [Int32] {
    let all = 0..<Int32(other.rows)
    guard let limit, other.rows - excluded.count > limit else { return all.filter { !excluded.contains($0) } }
    let order = KeyedPermutation(
      count: other.rows, key: SeededGenerator.key(seed: 0, stream: .negatives, epoch: -1, shard: other.rows))
    var chosen: [Int32] = []
    var position = 0
    while chosen.count < limit {
      let row = Int32(order(position))
      if !excluded.contains(row) { chosen.append(row) }
      position += 1
    }
    return chosen
  }
}

extension Table<Float> {
  /// One row with the layout of this table.
  func single(_ row: [Float]) -> Table<Float> { Table(like: self, rows: 1, values: row) }
}
