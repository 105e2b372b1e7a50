import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import Testing

@testable import LightmeterTraining

/// The matrix every factor model must learn: clicks where user and item are both even or both odd, a seventh held out.
@Suite struct CheckerboardTests {
  private static let side = 18

  private static func isHeldOut(_ user: Int, _ item: Int) -> Bool { (5 * user + 3 * item) % 7 == 0 }

  private func board() -> TrainingData {
    var (users, items): ([Int32], [Int32]) = ([], [])
    var validation = PairBatch()
    for user in 0..<Self.side {
      for item in 0..<Self.side {
        let isLiked = (user + item) % 2 == 0
        if isLiked && !Self.isHeldOut(user, item) {
          users.append(Int32(user))
          items.append(Int32(item))
          if (user + 2 * item) % 5 == 0 { validation.append(user: Int32(user), item: Int32(item), feedback: 1) }
        } else if !isLiked && (user + 2 * item) % 5 == 0 {
          validation.append(user: Int32(user), item: Int32(item), feedback: 0)
        }
      }
    }
    let positives = FeedbackMatrix(userCount: Self.side, itemCount: Self.side, users: users, items: items)
    return TrainingData(
      positives: positives, validation: validation, popularity: Popularity.exposure(of: positives, exponent: 0.5),
      stream: .sampled(negativesPerPositive: 3))
  }

  private static func risk(_ weighting: WeightedRisk.Weighting) -> PointwiseMethod {
    var method = PointwiseMethod()
    (method.estimator, method.exposure) = (WeightedRisk(weighting: weighting), .blended(power: 0.5))
    (method.strategy, method.dimension, method.epochs, method.batchSize) = (.joint(throughExposure: true), 4, 30, 64)
    (method.inner.learningRate, method.outer.learningRate) = (0.05, 0.01)
    return method
  }

  static let methods: [(name: String, method: any Method)] = {
    var joint = CombinationalJointMethod()
    (joint.parts, joint.dimension, joint.epochs, joint.batchSize) = (3, 4, 12, 64)
    (joint.inner.learningRate, joint.initialDeviation) = (0.05, 0.1)
    var debias = AutoDebiasMethod()
    (debias.dimension, debias.epochs, debias.frozenEpochs, debias.blockCells) = (4, 40, 5, 81)
    (debias.learningRate, debias.imputationWeight, debias.weightDecay) = (0.02, 0.3, 0.01)
    return WeightedRisk.Weighting.allCases.map { ("CEB \($0)", risk($0)) } + [("CJMF", joint), ("AutoDebias", debias)]
  }()

  @Test(arguments: methods.indices) func heldOutSquaresRankAboveThoseOfTheOtherColour(index: Int) throws {
    let (name, method) = Self.methods[index]
    let model = try method.fit(board(), seed: 1, observer: SilentObserver())
    var (right, all) = (0, 0)
    var scores = [Float](repeating: 0, count: Self.side)
    for user in 0..<Self.side {
      model.scorer.scores(user: user, items: 0..<Self.side, into: &scores)
      for held in 0..<Self.side where (user + held) % 2 == 0 && Self.isHeldOut(user, held) {
        for other in 0..<Self.side where (user + other) % 2 == 1 {
          all += 1
          if scores[held] > scores[other] { right += 1 }
        }
      }
    }
    #expect(Double(right) > 0.95 * Double(all), "\(name): \(right) of \(all)")
  }
}
