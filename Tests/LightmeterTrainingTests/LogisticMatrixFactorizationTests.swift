import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import TestSupport
import Testing

@testable import LightmeterTraining

/// METHODS §9.2, test 13 of §18.
@Suite struct LogisticMatrixFactorizationTests {
  private typealias Problem = FactorizationProblem
  private typealias Form = LogisticMatrixFactorization.Form

  private func sides(_ matrix: [[Double]], confidence: Double, form: Form, intercept: Double = 0) -> LogisticSides<
    Double
  > {
    var backbone = MatrixFactorization<Double>(
      userCount: matrix.count, itemCount: matrix[0].count, dimension: 2, biases: .userAndItem, intercept: intercept,
      deviation: 0.5, seed: 3)
    // A user's bias stands before its 1, an item's behind.
    for user in 0..<matrix.count { backbone.tables[0].values[user * 4 + 2] = 0.1 * Double(user) - 0.2 }
    for item in 0..<matrix[0].count { backbone.tables[1].values[item * 4 + 3] = 0.2 - 0.1 * Double(item) }
    return LogisticSides(backbone: backbone, clicks: Problem.clicks(matrix, confidence: confidence), form: form)
  }

  @Test(arguments: LogisticMatrixFactorization.Form.allCases) func lossAndGradientAreTheReferences(
    form: LogisticMatrixFactorization.Form
  ) {
    let golden = Golden.load("methods")["logisticMF"]
    let (parameters, expected) = (golden["parameters"], golden[form.rawValue])
    var sides = sides(golden["click"].matrix, confidence: golden["kappa"].double, form: form)
    let names = [("X", "bu"), ("Z", "bi")]
    var ridge = 0.0
    for side in 0..<2 {
      let biasColumn = side == 0 ? 2 : 3
      for (row, values) in parameters[names[side].0].matrix.enumerated() {
        for k in 0..<2 { sides.backbone.tables[side].values[row * 4 + k] = values[k] }
        sides.backbone.tables[side].values[row * 4 + biasColumn] = parameters[names[side].1].doubles[row]
        ridge += golden["ridgeHalf"].double * Problem.dot(values, values)
      }
    }
    for side in 0..<2 {
      var gradient = RowGradient<Double>()
      let loss = sides.gradient(side: side, into: &gradient)
      #expect(abs(loss + ridge - expected["loss"].double) < 1e-11)
      let own = sides.backbone.tables[side]
      for row in 0..<own.rows {
        for k in 0..<2 {
          let full = gradient.values[row * 4 + k] + 2 * golden["ridgeHalf"].double * own.values[row * 4 + k]
          #expect(abs(full - expected["gradient"][names[side].0].matrix[row][k]) < 1e-11)
        }
        let bias = gradient.values[row * 4 + (side == 0 ? 2 : 3)]
        #expect(abs(bias - expected["gradient"][names[side].1].doubles[row]) < 1e-11)
        #expect(gradient.values[row * 4 + (side == 0 ? 3 : 2)] == 0, "the 1 beside a bias has no gradient")
      }
    }
  }

  @Test(arguments: LogisticMatrixFactorization.Form.allCases) func gradientsAreCentralDifferences(
    form: LogisticMatrixFactorization.Form
  ) {
    let sides = sides(Problem.matrix(5, 6), confidence: 1.7, form: form, intercept: -0.8)
    for side in 0..<2 {
      var (gradient, unused) = (RowGradient<Double>(), RowGradient<Double>())
      _ = sides.gradient(side: side, into: &gradient)
      let table = sides.backbone.tables[side]
      for place in table.values.indices where place % 4 != table.fixedColumn {
        var moved = sides
        moved.backbone.tables[side].values[place] += 1e-5
        let above = moved.gradient(side: side, into: &unused)
        moved.backbone.tables[side].values[place] -= 2e-5
        let slope = (above - moved.gradient(side: side, into: &unused)) / 2e-5
        #expect(abs(slope - gradient.values[place]) < 1e-8, "table \(side), place \(place)")
      }
    }
  }

  @Test func smallStepsNeverRaiseTheLoss() {
    var sides = sides(Problem.matrix(8, 9), confidence: 2, form: .calibrated)
    var gradient = [RowGradient<Double>(), RowGradient<Double>()]
    var last = Double.infinity
    for _ in 0..<40 {
      for side in 0..<2 {
        let loss = sides.gradient(side: side, into: &gradient[side])
        #expect(loss <= last)
        last = loss
        for k in sides.backbone.tables[side].values.indices {
          sides.backbone.tables[side].values[k] -= 0.01 * gradient[side].values[k]
        }
      }
    }
  }

  /// A single clicked pair: 1 is what the calibrated form runs to, κ/(1 + κ) is where Johnson's stands still.
  @Test func aLoneClickIsFittedToOneOrToKappaOverOnePlusKappa() {
    func slope(_ p: Double, _ form: Form, confidence: Double) -> Double {
      var backbone = MatrixFactorization<Double>(
        userCount: 1, itemCount: 1, dimension: 1, intercept: log(p / (1 - p)), deviation: 0, seed: 1)
      backbone.tables[1].values[0] = 1
      let sides = LogisticSides<Double>(
        backbone: backbone, clicks: Problem.clicks([[1]], confidence: confidence), form: form)
      var gradient = RowGradient<Double>()
      _ = sides.gradient(side: 0, into: &gradient)
      return gradient.values[0]
    }
    for confidence in [1.0, 3.0] {
      #expect(abs(slope(confidence / (1 + confidence), .johnson, confidence: confidence)) < 1e-14)
      #expect(slope(0.95, .johnson, confidence: confidence) > 0)
      #expect(abs(slope(0.95, .calibrated, confidence: confidence) + 0.05 * confidence) < 1e-14)
    }
  }

  @Test func freeBiasesCalibrateTheMeanOfEveryUserAndItem() throws {
    var method = LogisticMatrixFactorization()
    (method.dimension, method.epochs, method.regularization, method.learningRate) = (2, 500, 2, 0.01)
    let matrix = Problem.matrix(14, 12, density: 0.4)
    var (users, items): ([Int32], [Int32]) = ([], [])
    for (user, row) in matrix.enumerated() {
      for (item, click) in row.enumerated() where click != 0 {
        users.append(Int32(user))
        items.append(Int32(item))
      }
    }
    let positives = FeedbackMatrix(userCount: 14, itemCount: 12, users: users, items: items)
    let data = TrainingData(positives: positives, popularity: Popularity.exposure(of: positives), stream: .all)
    let model = try method.fit(data, seed: 2, observer: SilentObserver())
    let scorer = try #require(model.scorer as? FactorModel)
    #expect(scorer.isProbability)
    var columns = [Double](repeating: 0, count: 12)
    var scores = [Float](repeating: 0, count: 12)
    for user in 0..<14 {
      scorer.scores(user: user, items: 0..<12, into: &scores)
      let probabilities = scores.map { Double(scorer.relevance(ofScore: $0)) }
      #expect(abs(probabilities.reduce(0, +) - Double(positives.range(of: user).count)) < 0.02, "user \(user)")
      for item in 0..<12 { columns[item] += probabilities[item] }
    }
    for (item, count) in positives.itemCounts.enumerated() {
      #expect(abs(columns[item] - Double(count)) < 0.02, "item \(item)")
    }
    method.form = .johnson
    let johnson = try method.fit(data, seed: 2, observer: SilentObserver())
    #expect((johnson.scorer as? FactorModel)?.isProbability == false)
  }
}
