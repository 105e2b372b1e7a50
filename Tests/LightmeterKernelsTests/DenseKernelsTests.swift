import LightmeterKernels
import Testing

/// The dense kernels against plain loops in Double, at orders with and without padding and below one tile.
@Suite struct DenseKernelsTests {
  private static let widths = [1, 3, 8, 16, 17, 33, 50, 64, 81]

  /// Rows of clicks: some without any, one with more than a chunk holds.
  private func clicks<S: TrainingScalar>(rows: Int, columns: Int, _: S.Type) -> WeightedRows<S> {
    var generator = SeededGenerator(seed: 4, stream: .world)
    var (offsets, indices): ([Int], [Int32]) = ([0], [])
    for row in 0..<rows {
      let density = row == 0 ? 0 : row == 1 ? 1 : 0.3
      for column in 0..<columns where generator.uniform() < density { indices.append(Int32(column)) }
      offsets.append(indices.count)
    }
    return WeightedRows(
      offsets: offsets, columns: indices, confidences: indices.map { S(3 + $0 % 3) }, columnCount: columns)
  }

  private func normal(_ rows: Int, _ stride: Int, _ width: Int, _ salt: Int) -> [Double] {
    KernelDraws.normal(rows * stride, salt, as: Double.self).enumerated().map { $0 % stride < width ? $1 : 0 }
  }

  @Test(arguments: widths) func gramMatricesAreSumsOfProducts(width: Int) {
    let (count, stride) = (150, (width + 3) / 4 * 4)
    let values = normal(count, stride, width, 1)
    let gram = GramMatrix(of: RowsView(values, stride: stride), count: count, width: width)
    let narrow = GramMatrix(of: RowsView(values.map { Float($0) }, stride: stride), count: count, width: width)
    for row in 0..<width {
      for column in 0..<width {
        let expected = (0..<count).reduce(0.0) { $0 + values[$1 * stride + row] * values[$1 * stride + column] }
        #expect(abs(gram[row, column] - expected) < 1e-11)
        #expect(abs(Double(narrow[row, column]) - expected) < 2e-3)
        #expect(narrow[row, column] == narrow[column, row])
      }
    }
  }

  /// ‖A x − b‖∞ of a row's system, built by plain loops.
  private func residual(
    _ x: ArraySlice<Double>, row: Int, fixed: [Double], stride: Int, width: Int, clicks: WeightedRows<Double>,
    ridge: Double
  ) -> Double {
    let x = Array(x)
    func score(_ z: Int) -> Double { (0..<width).reduce(0) { $0 + fixed[z * stride + $1] * x[$1] } }
    var gradient = (0..<width).map { ridge * x[$0] }
    for z in 0..<clicks.columnCount {
      let s = score(z)
      for k in 0..<width { gradient[k] += s * fixed[z * stride + k] }
    }
    for entry in clicks.offsets[row]..<clicks.offsets[row + 1] {
      let (z, c) = (Int(clicks.columns[entry]), clicks.confidences[entry])
      let s = score(z)
      for k in 0..<width { gradient[k] += ((c - 1) * s - c) * fixed[z * stride + k] }
    }
    return gradient.map { abs($0) }.max() ?? 0
  }

  @Test(arguments: widths) func exactRowsSolveTheirNormalEquations(width: Int) {
    let (rows, columns, stride) = (6, 300, (width + 3) / 4 * 4)
    let fixed = normal(columns, stride, width, 2)
    let clicks = clicks(rows: rows, columns: columns, Double.self)
    let view = RowsView(fixed, stride: stride)
    let gram = GramMatrix(of: view, count: columns, width: width)
    var target = normal(rows, stride, width, 3)
    let solved = Double.solveLeastSquares(
      &target, stride: stride, from: view, gram: gram, clicks: clicks, width: width, ridge: 0.5, solver: .cholesky)
    #expect(solved.failed == 0)
    var loss = 0.0
    for row in 0..<rows {
      let x = target[row * stride..<row * stride + width]
      #expect(
        residual(x, row: row, fixed: fixed, stride: stride, width: width, clicks: clicks, ridge: 0.5) < 1e-9,
        "row \(row)")
      for entry in clicks.offsets[row]..<clicks.offsets[row + 1] {
        let z = Int(clicks.columns[entry])
        let s = (0..<width).reduce(0) { $0 + fixed[z * stride + $1] * target[row * stride + $1] }
        loss += clicks.confidences[entry] * (1 - s) * (1 - s) - s * s
      }
    }
    #expect(target[0..<width].allSatisfy { $0 == 0 }, "a row without clicks is zero")
    #expect(abs(solved.clickLoss - loss) < 1e-9 * max(1, abs(loss)))
  }

  @Test func conjugateGradientConvergesToTheExactRows() {
    let (rows, columns, width) = (6, 40, 16)
    let fixed = normal(columns, width, width, 2)
    let clicks = clicks(rows: rows, columns: columns, Double.self)
    let view = RowsView(fixed, stride: width)
    let gram = GramMatrix(of: view, count: columns, width: width)
    func solve(_ solver: RowSolver) -> [Double] {
      var target = normal(rows, width, width, 3)
      _ = Double.solveLeastSquares(
        &target, stride: width, from: view, gram: gram, clicks: clicks, width: width, ridge: 0.5, solver: solver)
      return target
    }
    let exact = solve(.cholesky)
    func distance(_ steps: Int) -> Double {
      zip(solve(.conjugateGradient(steps: steps)), exact).map { abs($0 - $1) }.max() ?? 0
    }
    #expect(distance(2) > 1e-3 && distance(6) < distance(2))
    #expect(distance(40) < 1e-8, "as many steps as the order, and some against rounding")
  }

  @Test func aSystemThatIsNotPositiveDefiniteIsReported() {
    let clicks = WeightedRows<Float>(offsets: [0, 1], columns: [0], confidences: [2], columnCount: 1)
    let fixed = RowsView<Float>([1, 0, 0, 0], stride: 4)
    let gram = GramMatrix(of: fixed, count: 1, width: 2)
    var target: [Float] = [7, 7, 0, 0]
    let solved = Float.solveLeastSquares(
      &target, stride: 4, from: fixed, gram: gram, clicks: clicks, width: 2, ridge: 0, solver: .cholesky)
    #expect(solved.failed == 1 && target == [7, 7, 0, 0])
  }

  @Test func transposingTwiceGivesTheSameRows() {
    let clicks = clicks(rows: 7, columns: 9, Float.self)
    let back = clicks.transposed.transposed
    #expect(back.offsets == clicks.offsets && back.columns == clicks.columns)
    #expect(back.confidences == clicks.confidences)
    #expect(clicks.transposed.rowCount == 9 && clicks.transposed.columnCount == 7)
  }

  /// 64-bit digests of everything the kernels write in single precision.
  private func bits() -> [UInt32] {
    let (rows, columns, width, stride) = (70, 130, 21, 24)
    let fixed = RowsView(normal(columns, stride, width, 2).map { Float($0) }, stride: stride)
    let start = normal(rows, stride, width, 3).map { Float(0.1 * $0) }
    let clicks = clicks(rows: rows, columns: columns, Float.self)
    let gram = GramMatrix(of: fixed, count: columns, width: width)
    var out = gram.values
    for solver in [RowSolver.cholesky, .conjugateGradient(steps: 3)] {
      var target = start
      let solved = Float.solveLeastSquares(
        &target, stride: stride, from: fixed, gram: gram, clicks: clicks, width: width, ridge: 0.5, solver: solver)
      out += target + [Float(solved.clickLoss)]
    }
    let odds = ExposureOdds<Float>(prior: .ofSolvedRows([Float](repeating: -1, count: rows)), shift: -0.9, half: 0.5)
    var target = start
    _ = Float.solveUnderExposure(
      &target, stride: stride, from: fixed, clicks: clicks, width: width, odds: odds, ridge: 0.5)
    out += target
    let sums = Float.exposureSums(
      RowsView(start, stride: stride), against: fixed, clicks: clicks, width: width, odds: odds)
    out += sums.flatMap { [Float($0.exposed), Float($0.normaliser), Float($0.squares)] }
    var gradient: [Float] = []
    let loss = Float.logisticGradient(
      of: RowsView(start, stride: stride), against: fixed, clicks: clicks, width: width, intercept: -1, extra: 0,
      into: &gradient)
    out += gradient[..<start.count] + [Float(loss)]
    return out.map(\.bitPattern)
  }

  @Test func threadsChangeNoBit() {
    defer { Threads.use(1) }
    Threads.use(1)
    let single = bits()
    for count in [2, 3, 8] {
      #expect(Threads.use(count) == count)
      #expect(bits() == single, "\(count) threads")
    }
  }
}
