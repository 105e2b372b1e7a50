import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import TestSupport

@testable import LightmeterTraining

/// The 6 × 8 problem of golden/core.json in either precision.
struct GoldenProblem<S: TrainingScalar> {
  let golden = Golden.load("core")
  let backbone: MatrixFactorization<S>
  let exposure: BlendedExposure<S>
  let batch: PairBatch
  let validation: PairBatch

  init() {
    let problem = golden["problem"]
    var users = Table<S>(name: "u", rows: 6, factorWidth: 4)
    var items = Table<S>(name: "i", rows: 8, factorWidth: 4)
    users.values = problem["userEmbedding"].flatMatrix.map { S($0) }
    items.values = problem["itemEmbedding"].flatMatrix.map { S($0) }
    backbone = MatrixFactorization(users: users, items: items, biases: .none, intercept: 0)
    var blended = BlendedExposure<S>(
      userCount: 6, dimension: 4, popularity: problem["popularity"].doubles.map { S($0) }, seed: 0)
    blended.tables[0].values = problem["exposureUserEmbedding"].flatMatrix.map { S($0) }
    for (column, weight) in problem["gateWeight"].doubles.enumerated() { blended.tables[1].values[column] = S(weight) }
    blended.tables[1].values[4] = S(problem["gateBias"].double)
    exposure = blended
    batch = GoldenProblem.pairs(problem["batch"])
    validation = GoldenProblem.pairs(problem["validation"])
  }

  private static func pairs(_ value: GoldenValue) -> PairBatch {
    var batch = PairBatch()
    for row in value.array {
      batch.append(user: Int32(row[0].int), item: Int32(row[1].int), feedback: UInt8(row[2].int))
    }
    return batch
  }

  func trainer(
    _ strategy: Strategy, estimator: any Estimator = LowVariance(), inner: (any Optimizer<S>)? = nil,
    outer: (any Optimizer<S>)? = nil
  ) -> Trainer<S> {
    Trainer(
      backbone: backbone, exposure: exposure, estimator: estimator, strategy: strategy,
      inner: inner ?? GradientDescent(learningRate: 0.5), outer: outer ?? GradientDescent(learningRate: 0.5),
      userCount: 6, itemCount: 8)
  }
}

/// Plain gradient descent with coupled decay: Eq. (16) and (17) taken literally; only reference runs use it.
struct GradientDescent<S: TrainingScalar>: Optimizer {
  var learningRate: S
  var decay: S = 0
  var state: [OptimizerState<S>] = []

  mutating func step(_ tables: inout [Table<S>], along gradient: [RowGradient<S>]) {
    for table in tables.indices {
      var dense = tables[table].values.map { $0 * decay }
      for (slot, row) in gradient[table].rows.enumerated() {
        for column in 0..<gradient[table].stride {
          dense[Int(row) * gradient[table].stride + column] +=
            gradient[table].values[slot * gradient[table].stride + column]
        }
      }
      for k in dense.indices { tables[table].values[k] -= learningRate * dense[k] }
    }
  }
}

extension RowGradient {
  /// The whole table's gradient, without padding.
  func dense(rows count: Int, width: Int) -> [Double] {
    var out = [Double](repeating: 0, count: count * width)
    for (slot, row) in rows.enumerated() {
      for column in 0..<width { out[Int(row) * width + column] = Double(values[slot * stride + column]) }
    }
    return out
  }
}

/// The largest absolute difference of two lists of one length.
func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
  precondition(a.count == b.count, "lists of \(a.count) and \(b.count) values")
  return zip(a, b).map { abs($0 - $1) }.max() ?? 0
}
