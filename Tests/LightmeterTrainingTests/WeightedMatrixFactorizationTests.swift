import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import TestSupport
import Testing

@testable import LightmeterTraining

/// METHODS §9.1, test 12 of §18.
@Suite struct WeightedMatrixFactorizationTests {
  private typealias Problem = FactorizationProblem

  private func sweeps(_ matrix: [[Double]], dimension: Int, solver: RowSolver = .cholesky) -> LeastSquaresSweeps<Double>
  {
    LeastSquaresSweeps(
      users: Problem.table("u", Problem.draws(matrix.count, dimension, deviation: 0.3, salt: 1)),
      items: Problem.table("i", Problem.draws(matrix[0].count, dimension, deviation: 0.3, salt: 2)),
      clicks: Problem.clicks(matrix, confidence: 5), regularization: 0.2, solver: solver)
  }

  private func objective(_ sweeps: LeastSquaresSweeps<Double>, _ matrix: [[Double]]) -> Double {
    let (users, items) = (Problem.rows(sweeps.users), Problem.rows(sweeps.items))
    var sum = 0.2 * (users + items).reduce(0) { $0 + Problem.dot($1, $1) }
    for (user, row) in matrix.enumerated() {
      for (item, click) in row.enumerated() {
        let miss = click - Problem.dot(users[user], items[item])
        sum += (click != 0 ? 5 : 1) * miss * miss
      }
    }
    return sum
  }

  @Test func sweepsAreTheReferences() {
    let golden = Golden.load("methods")["wmf"]
    let matrix = golden["click"].matrix
    var sweeps = LeastSquaresSweeps<Double>(
      users: Problem.table("u", golden["userFactors"].matrix), items: Problem.table("i", golden["itemFactors"].matrix),
      clicks: Problem.clicks(matrix, confidence: golden["clickConfidence"].double),
      regularization: golden["lambda"].double, solver: .cholesky)
    for iteration in golden["iterations"].array {
      #expect(sweeps.sweepUsers() == 0)
      let (failed, objective) = sweeps.sweepItems()
      #expect(failed == 0)
      #expect(largestDifference(Problem.flat(sweeps.users), iteration["userFactors"].flatMatrix) < 1e-12)
      #expect(largestDifference(Problem.flat(sweeps.items), iteration["itemFactors"].flatMatrix) < 1e-12)
      #expect(abs(objective - iteration["objective"].double) < 1e-11)
    }
  }

  /// Central differences of the objective, computed by plain loops, by every number of the side that was just solved.
  @Test func theGradientIsZeroAfterAnExactHalfSweep() {
    let matrix = Problem.matrix(9, 7)
    var sweeps = sweeps(matrix, dimension: 3)
    func largestSlope(_ side: WritableKeyPath<LeastSquaresSweeps<Double>, Table<Double>>) -> Double {
      var worst = 0.0
      for row in 0..<sweeps[keyPath: side].rows {
        for column in 0..<3 {
          var moved = sweeps
          let place = row * sweeps[keyPath: side].stride + column
          moved[keyPath: side].values[place] += 1e-4
          let above = objective(moved, matrix)
          moved[keyPath: side].values[place] -= 2e-4
          worst = max(worst, abs(above - objective(moved, matrix)) / 2e-4)
        }
      }
      return worst
    }
    #expect(largestSlope(\.users) > 0.1)
    _ = sweeps.sweepUsers()
    #expect(largestSlope(\.users) < 1e-8)
    #expect(largestSlope(\.items) > 0.1)
    let reported = sweeps.sweepItems().objective
    #expect(largestSlope(\.items) < 1e-8)
    #expect(abs(reported - objective(sweeps, matrix)) < 1e-10)
  }

  @Test(arguments: [RowSolver.cholesky, .conjugateGradient(steps: 1), .conjugateGradient(steps: 3)])
  func theObjectiveNeverRises(solver: RowSolver) {
    let matrix = Problem.matrix(12, 10)
    var sweeps = sweeps(matrix, dimension: 4, solver: solver)
    var last = objective(sweeps, matrix)
    let first = last
    for _ in 0..<12 {
      _ = sweeps.sweepUsers()
      let between = objective(sweeps, matrix)
      let after = sweeps.sweepItems().objective
      #expect(between <= last + 1e-10 && after <= between + 1e-10)
      last = after
    }
    #expect(last < 0.6 * first)
  }

  @Test func noExtraConfidenceIsPlainFactorisationOfTheDenseMatrix() {
    let matrix = Problem.matrix(8, 6)
    let items = Problem.draws(6, 2, salt: 5)
    var sweeps = LeastSquaresSweeps<Double>(
      users: Problem.table("u", Problem.draws(8, 2, salt: 6)), items: Problem.table("i", items),
      clicks: Problem.clicks(matrix, confidence: 1), regularization: 0.2, solver: .cholesky)
    _ = sweeps.sweepUsers()
    // Ridge regression of a row on the items, of order two, by Cramer's rule.
    let (a, b, d) = items.reduce((0.2, 0.0, 0.2)) {
      ($0.0 + $1[0] * $1[0], $0.1 + $1[0] * $1[1], $0.2 + $1[1] * $1[1])
    }
    for (user, row) in matrix.enumerated() {
      let (p, q) = zip(row, items).reduce((0.0, 0.0)) { ($0.0 + $1.0 * $1.1[0], $0.1 + $1.0 * $1.1[1]) }
      let expected = [(d * p - b * q) / (a * d - b * b), (a * q - b * p) / (a * d - b * b)]
      #expect(largestDifference(Problem.rows(sweeps.users)[user], expected) < 1e-12)
    }
  }

  @Test func aPairsWeightMultipliesItsExtraConfidence() {
    var data = SmallTrainingData.make()
    data.positiveWeights = (0..<data.positives.count).map { Float($0 % 2 + 1) }
    let rows = WeightedRows<Double>(data, base: 1, weight: 10)
    #expect(rows.confidences[0] == 11 && rows.confidences[1] == 21)
    data.positiveWeights = nil
    #expect(WeightedRows<Double>(data, base: 1, weight: 10).confidences.allSatisfy { $0 == 11 })
  }
}
