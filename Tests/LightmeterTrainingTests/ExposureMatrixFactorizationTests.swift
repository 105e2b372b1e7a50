import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import TestSupport
import Testing

@testable import LightmeterTraining

/// METHODS §8, test 11 of §18.
@Suite struct ExposureMatrixFactorizationTests {
  private typealias Problem = FactorizationProblem

  private func sweeps<S: TrainingScalar>(
    _ matrix: [[Double]], dimension: Int = 3, prior: Double = 0.3, ridge: Double = 0.1, precision: Double = 1.5,
    as: S.Type = S.self
  ) -> ExposureSweeps<S> {
    ExposureSweeps(
      users: Problem.table("u", Problem.draws(matrix.count, dimension, deviation: 0.4, salt: 1)),
      items: Problem.table("i", Problem.draws(matrix[0].count, dimension, deviation: 0.4, salt: 2)),
      prior: [Double](repeating: prior, count: matrix[0].count), clicks: Problem.clicks(matrix, confidence: 1),
      regularization: (ridge, ridge), precision: precision, betaPrior: (1, 1))
  }

  @Test func sweepsAreTheReferencesAlsoWhereUsersAreAsManyAsItems() {
    for golden in Golden.load("methods")["expoMF"].array {
      let matrix = golden["click"].matrix
      var sweeps = ExposureSweeps<Double>(
        users: Problem.table("u", golden["userFactors"].matrix),
        items: Problem.table("i", golden["itemFactors"].matrix), prior: golden["prior"].doubles,
        clicks: Problem.clicks(matrix, confidence: 1),
        regularization: (golden["lambdaTheta"].double, golden["lambdaBeta"].double),
        precision: golden["lambdaY"].double, betaPrior: (golden["betaPrior"][0].double, golden["betaPrior"][1].double))
      for iteration in golden["iterations"].array {
        #expect(sweeps.sweepUsers() == 0 && sweeps.sweepItems() == 0)
        _ = sweeps.sweepPrior()
        #expect(largestDifference(Problem.flat(sweeps.users), iteration["userFactors"].flatMatrix) < 1e-11)
        #expect(largestDifference(Problem.flat(sweeps.items), iteration["itemFactors"].flatMatrix) < 1e-11)
        #expect(largestDifference(sweeps.prior, iteration["prior"].doubles) < 1e-11)
      }
    }
    let shapes = Golden.load("methods")["expoMF"].array.map { ($0["click"].array.count, $0["click"][0].array.count) }
    #expect(shapes.contains { $0.0 == $0.1 } && shapes.contains { $0.0 != $0.1 })
  }

  /// −log p(y, factors) up to the constants of the factors' priors, by plain loops.
  private func cost(_ sweeps: ExposureSweeps<Double>, _ matrix: [[Double]]) -> Double {
    let (users, items, precision) = (Problem.rows(sweeps.users), Problem.rows(sweeps.items), sweeps.precision)
    var sum = 0.5 * sweeps.regularization.users * users.reduce(0) { $0 + Problem.dot($1, $1) }
    sum += 0.5 * sweeps.regularization.items * items.reduce(0) { $0 + Problem.dot($1, $1) }
    for (user, row) in matrix.enumerated() {
      for (item, click) in row.enumerated() {
        let miss = click - Problem.dot(users[user], items[item])
        let density = (precision / (2 * .pi)).squareRoot() * exp(-precision * miss * miss / 2)
        sum -= log(sweeps.prior[item] * density + (click == 0 ? 1 - sweeps.prior[item] : 0))
      }
    }
    return sum
  }

  @Test func everyUpdateLowersTheNegativeLogPosterior() {
    let matrix = Problem.matrix(11, 9)
    var sweeps = sweeps(matrix, as: Double.self)
    var last = cost(sweeps, matrix)
    let first = last
    for _ in 0..<10 {
      _ = sweeps.sweepUsers()
      let users = cost(sweeps, matrix)
      _ = sweeps.sweepItems()
      let items = cost(sweeps, matrix)
      let reported = sweeps.sweepPrior()
      let priors = cost(sweeps, matrix)
      #expect(users <= last + 1e-10 && items <= users + 1e-10 && priors <= items + 1e-10)
      #expect(abs(reported - items) < 1e-9, "the report is the cost before the prior moves")
      last = priors
    }
    #expect(last < first - 1)
  }

  /// The posterior by its formula, in both updates that use it.
  @Test func exposureOfAnUnclickedPairIsTheGaussianPosterior() {
    let matrix = Problem.matrix(7, 7, density: 0.4)
    var sweeps = sweeps(matrix, as: Double.self)
    sweeps.prior = (0..<7).map { 0.1 + 0.1 * Double($0) }
    let (users, items) = (Problem.rows(sweeps.users), Problem.rows(sweeps.items))
    func posterior(_ factors: [Double], _ user: Int, _ item: Int) -> Double {
      if matrix[user][item] != 0 { return 1 }
      let s = Problem.dot(factors, items[item])
      let f = (1.5 / (2 * .pi)).squareRoot() * exp(-1.5 * s * s / 2)
      return sweeps.prior[item] * f / (sweeps.prior[item] * f + 1 - sweeps.prior[item])
    }
    let expected = (0..<7).map { item in (0..<7).reduce(0.0) { $0 + posterior(users[$1], $1, item) } / 7 }
    var priors = sweeps
    _ = priors.sweepPrior()
    #expect(largestDifference(priors.prior, expected) < 1e-12)
    // The users' equations hold with these weights: gradient of Σ e (y − s)² + ridge ‖x‖².
    let weights = (0..<7).map { user in (0..<7).map { posterior(users[user], user, $0) } }
    _ = sweeps.sweepUsers()
    let solved = Problem.rows(sweeps.users)
    for user in 0..<7 {
      for k in 0..<3 {
        var slope = 0.1 / 1.5 * solved[user][k]
        for item in 0..<7 {
          slope += weights[user][item] * (Problem.dot(solved[user], items[item]) - matrix[user][item]) * items[item][k]
        }
        #expect(abs(slope) < 1e-12, "user \(user): with as many users as items the prior is still the items'")
      }
    }
    // The items' equations hold with the weights at the users' new factors.
    _ = sweeps.sweepItems()
    let moved = Problem.rows(sweeps.items)
    for item in 0..<7 {
      for k in 0..<3 {
        var slope = 0.1 / 1.5 * moved[item][k]
        for user in 0..<7 {
          let weight = posterior(solved[user], user, item)
          slope += weight * (Problem.dot(solved[user], moved[item]) - matrix[user][item]) * solved[user][k]
        }
        #expect(abs(slope) < 1e-12, "item \(item)")
      }
    }
  }

  @Test func certainExposureIsPlainFactorisation() {
    let matrix = Problem.matrix(8, 6)
    var sweeps = sweeps(matrix, prior: 1 - 1e-12, precision: 1, as: Double.self)
    var plain = LeastSquaresSweeps<Double>(
      users: sweeps.users, items: sweeps.items, clicks: Problem.clicks(matrix, confidence: 1), regularization: 0.1,
      solver: .cholesky)
    _ = sweeps.sweepUsers()
    _ = plain.sweepUsers()
    #expect(largestDifference(Problem.flat(sweeps.users), Problem.flat(plain.users)) < 1e-9)
    _ = sweeps.sweepItems()
    _ = plain.sweepItems()
    #expect(largestDifference(Problem.flat(sweeps.items), Problem.flat(plain.items)) < 1e-9)
  }

  @Test func singlePrecisionFollowsDouble() {
    let matrix = Problem.matrix(20, 15)
    var (narrow, wide) = (sweeps(matrix, as: Float.self), sweeps(matrix, as: Double.self))
    for _ in 0..<3 {
      _ = (narrow.sweepUsers(), narrow.sweepItems(), wide.sweepUsers(), wide.sweepItems())
      let costs = (narrow.sweepPrior(), wide.sweepPrior())
      #expect(abs(costs.0 - costs.1) < 1e-4 * abs(costs.1))
    }
    #expect(largestDifference(Problem.flat(narrow.users), Problem.flat(wide.users)) < 1e-3)
    #expect(largestDifference(narrow.prior, wide.prior) < 1e-4)
  }

  /// More factors than pairs say anything about, and a penalty far below the rounding of single precision.
  @Test func aPenaltyBelowRoundingIsEnoughForMoreFactorsThanRows() throws {
    var method = ExposureMatrixFactorization()
    (method.dimension, method.epochs) = (40, 12)
    let model = try method.fit(SmallTrainingData.make(), seed: 1, observer: SilentObserver())
    #expect(model.history.count == 12 && model.history.allSatisfy { $0.trainingLoss.isFinite })
  }

  @Test func itExportsThePriorOfItsItems() throws {
    var method = ExposureMatrixFactorization()
    (method.dimension, method.epochs, method.regularization) = (3, 4, 0.1)
    let data = SmallTrainingData.make()
    let model = try method.fit(data, seed: 1, observer: SilentObserver())
    guard case .perItem(let prior)? = model.exposure else {
      Issue.record("the exposure is \(String(describing: model.exposure))")
      return
    }
    #expect(prior.count == data.itemCount && prior.allSatisfy { $0 > 0 && $0 < 1 } && Set(prior).count > 1)
    #expect(zip(model.history, model.history.dropFirst()).allSatisfy { $1.trainingLoss <= $0.trainingLoss + 1e-6 })
  }
}
