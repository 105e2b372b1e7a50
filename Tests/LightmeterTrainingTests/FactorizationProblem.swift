import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import TestSupport

@testable import LightmeterTraining

/// Small problems and golden values as tables and rows, for the methods that are not a loss of one pair.
enum FactorizationProblem {
  /// Rows of numbers as a table.
  static func table<S: TrainingScalar>(_ name: String, _ matrix: [[Double]], as: S.Type = S.self) -> Table<S> {
    var table = Table<S>(name: name, rows: matrix.count, factorWidth: matrix[0].count)
    for (row, values) in matrix.enumerated() {
      for (column, value) in values.enumerated() { table.values[row * table.stride + column] = S(value) }
    }
    return table
  }

  /// The rows of a table without padding.
  static func flat<S: TrainingScalar>(_ table: Table<S>) -> [Double] {
    (0..<table.rows).flatMap { row in (0..<table.width).map { Double(table.values[row * table.stride + $0]) } }
  }

  /// A 0/1 matrix as rows with one confidence.
  static func clicks<S: TrainingScalar>(_ matrix: [[Double]], confidence: Double, as: S.Type = S.self)
    -> WeightedRows<S>
  {
    var (offsets, columns): ([Int], [Int32]) = ([0], [])
    for row in matrix {
      for (column, value) in row.enumerated() where value != 0 { columns.append(Int32(column)) }
      offsets.append(columns.count)
    }
    return WeightedRows(
      offsets: offsets, columns: columns, confidences: columns.map { _ in S(confidence) },
      columnCount: matrix[0].count)
  }

  /// Seeded standard normal rows.
  static func draws(_ rows: Int, _ columns: Int, deviation: Double = 1, salt: Int) -> [[Double]] {
    var generator = SeededGenerator(seed: 9, stream: .initialise, epoch: salt)
    return (0..<rows).map { _ in (0..<columns).map { _ in deviation * generator.normal() } }
  }

  /// A seeded 0/1 matrix.
  static func matrix(_ rows: Int, _ columns: Int, density: Double = 0.3) -> [[Double]] {
    var generator = SeededGenerator(seed: 9, stream: .world)
    return (0..<rows).map { _ in (0..<columns).map { _ in generator.uniform() < density ? 1 : 0 } }
  }

  static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  static func rows<S: TrainingScalar>(_ table: Table<S>) -> [[Double]] {
    (0..<table.rows).map { row in (0..<table.width).map { Double(table.values[row * table.stride + $0]) } }
  }
}
