internal import LightmeterModels

/// A factor model with its biases apart, as other programs expect them.
///
///     score(u, i) = intercept + user_biases[u] + item_biases[i] + user_factors[u] · item_factors[i]
///
/// - Shapes: factors (users × d), (items × d), biases (users), (items).
struct FactorArrays {
  let dimension: Int
  let userFactors: [Float]
  let itemFactors: [Float]
  let userBiases: [Float]
  let itemBiases: [Float]
  let intercept: Float

  init(_ model: FactorModel) {
    let (users, items) = (model.users, model.items)
    // What stands beside a constant 1 is the bias of the other side; all other columns are factors.
    let columns = (0..<users.width).filter { $0 != users.fixedColumn && $0 != items.fixedColumn }
    func factors(_ table: Table<Float>) -> [Float] {
      var out: [Float] = []
      out.reserveCapacity(table.rows * columns.count)
      for row in 0..<table.rows {
        for column in columns { out.append(table.values[row * table.stride + column]) }
      }
      return out
    }
    func biases(_ table: Table<Float>, column: Int?) -> [Float] {
      guard let column else { return [Float](repeating: 0, count: table.rows) }
      return (0..<table.rows).map { table.values[$0 * table.stride + column] }
    }
    dimension = columns.count
    (userFactors, itemFactors) = (factors(users), factors(items))
    userBiases = biases(users, column: items.fixedColumn)
    itemBiases = biases(items, column: users.fixedColumn)
    intercept = model.intercept
  }

  /// Item vectors whose inner product with ``queries`` is the score less intercept and user bias: (z, b).
  var innerProductItems: [Float] { augmented(itemFactors, rows: itemBiases.count) { [itemBiases[$0]] } }

  /// (x, 1).
  var innerProductUsers: [Float] { augmented(userFactors, rows: userBiases.count) { _ in [1] } }

  /// The largest squared norm of (z, b), Φ².
  var largestSquare: Double { squares.max() ?? 0 }

  /// Item vectors for libraries that only know distances: (z, b, √(Φ² − |z|² − b²)), all of length Φ. The nearest one to
  /// (x, 1, 0) has the largest inner product.
  var distanceItems: [Float] {
    let (squares, largest) = (squares, largestSquare)
    return augmented(itemFactors, rows: itemBiases.count) {
      [itemBiases[$0], Float(max(largest - squares[$0], 0).squareRoot())]
    }
  }

  /// (x, 1, 0).
  var distanceUsers: [Float] { augmented(userFactors, rows: userBiases.count) { _ in [1, 0] } }

  private var squares: [Double] {
    itemBiases.indices.map { item in
      (0..<dimension).reduce(Double(itemBiases[item]) * Double(itemBiases[item])) { sum, k in
        let value = Double(itemFactors[item * dimension + k])
        return sum + value * value
      }
    }
  }

  private func augmented(_ factors: [Float], rows: Int, _ more: (Int) -> [Float]) -> [Float] {
    var out: [Float] = []
    for row in 0..<rows {
      out += factors[row * dimension..<(row + 1) * dimension]
      out += more(row)
    }
    return out
  }
}
