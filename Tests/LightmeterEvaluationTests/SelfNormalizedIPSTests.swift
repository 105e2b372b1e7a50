import LightmeterEvaluation
import LightmeterFeedback
import LightmeterKernels
import TestSupport
import Testing

@Suite("Self-normalised inverse propensity scoring")
struct SelfNormalizedIPSTests {
  private let golden = Golden.load("metrics")["snips"]

  private func problem() -> (scorer: TableScorer, heldOut: FeedbackMatrix, training: FeedbackMatrix, weights: [Float]) {
    let scorer = TableScorer(golden["score"].matrix)
    return (
      scorer, matrix(golden["heldOutPositives"].array.map(\.ints), itemCount: scorer.itemCount),
      matrix(golden["trainingPositives"].array.map(\.ints), itemCount: scorer.itemCount),
      golden["propensity"].doubles.map { Float($0) }
    )
  }

  @Test("the reference values per user and their mean are reproduced")
  func reference() throws {
    let (scorer, heldOut, training, propensities) = problem()
    let found = try SelfNormalizedIPS().evaluate(
      scorer, heldOut: heldOut, training: training, propensities: propensities)
    let want = golden["perUserSnipsDCG@3"].doubles
    #expect(found.name == "SNIPS-DCG@3")
    // Propensities are single precision.
    #expect(zip(found.perUser, want).allSatisfy { near($0, $1, 1e-7) } && found.perUser.count == want.count)
    #expect(near(found.value, golden["mean"].double, 1e-7))
  }

  @Test(
    "equal propensities give the plain mean, and any common factor cancels", arguments: SelfNormalizedIPS.Gain.allCases)
  func invariance(gain: SelfNormalizedIPS.Gain) throws {
    let sample = Sample(users: 30, items: 50, levels: 1000, seed: 4)
    let estimator = SelfNormalizedIPS(gain: gain, cutoff: 10, floor: 1e-6)
    func value(_ propensities: [Float], _ estimator: SelfNormalizedIPS) throws -> Double {
      let found = try estimator.evaluate(
        sample.scorer, heldOut: sample.relevant, training: sample.seen, propensities: propensities)
      #expect(found.perUser.allSatisfy { $0 >= 0 && $0 <= 1 })
      return found.value
    }
    let flat = [Float](repeating: 1, count: 50)
    var plain = estimator
    plain.normalisation = .pairs
    #expect(near(try value(flat, estimator), try value(flat, plain), 1e-12))
    let uneven = (0..<50).map { Float($0 + 1) / 512 }
    #expect(near(try value(uneven, estimator), try value(uneven.map { $0 * 4 }, estimator), 1e-12))
    #expect(!near(try value(uneven, estimator), try value(flat, estimator), 1e-6))
  }

  @Test("with one held-out click per user the estimate does not depend on the propensities")
  func oneClick() throws {
    let sample = Sample(users: 20, items: 30, levels: 1000, seed: 8)
    let heldOut = matrix((0..<20).map { [$0] }, itemCount: 30)
    func value(_ propensities: [Float]) throws -> Double {
      try SelfNormalizedIPS(cutoff: 8).evaluate(
        sample.scorer, heldOut: heldOut, training: sample.seen, propensities: propensities
      ).value
    }
    #expect(
      near(try value([Float](repeating: 0.5, count: 30)), try value((0..<30).map { Float($0 + 1) / 31 }), 1e-12))
  }

  @Test("a held-out item without propensity leaves the sum but still pushes others down")
  func unseenItem() throws {
    let scorer = TableScorer([[1, 3, 2]])
    let found = try SelfNormalizedIPS(gain: .dcg, cutoff: 3).evaluate(
      scorer, heldOut: matrix([[1, 2]], itemCount: 3), training: matrix([[0]], itemCount: 3), propensities: [1, 0, 0.5])
    #expect(near(found.value, 0.6309297535714575))
    #expect(found.droppedPairs == 1 && found.weights.pairs == 1)
    #expect(throws: EvaluationError.nothingToEstimate) {
      try SelfNormalizedIPS().evaluate(
        scorer, heldOut: matrix([[1]], itemCount: 3), training: matrix([[0]], itemCount: 3), propensities: [1, 0, 0.5])
    }
  }

  @Test("a model whose scores are all one number is worth what chance is")
  func ties() throws {
    func value(_ gain: SelfNormalizedIPS.Gain, _ scores: [Double], _ heldOut: [Int]) throws -> Double {
      try SelfNormalizedIPS(gain: gain).evaluate(
        TableScorer([scores]), heldOut: matrix([heldOut], itemCount: scores.count),
        training: matrix([[]], itemCount: scores.count), propensities: [Float](repeating: 1, count: scores.count)
      ).value
    }
    let (second, third) = (0.6309297535714575, 0.5)
    let flat = [Double](repeating: 0.5, count: 5)
    #expect(near(try value(.dcg, flat, [1]), (1 + second + third) / 5))
    #expect(near(try value(.dcg, flat, [0, 4]), (1 + second + third) / 5))
    #expect(near(try value(.recall, flat, [2]), 3.0 / 5))
    #expect(near(try value(.auc, flat, [3]), 1 - 2.0 / 5))
    // One above, three tied: places 2 to 4.
    #expect(near(try value(.dcg, [9, 5, 5, 5], [2]), (second + third) / 3))
    #expect(near(try value(.dcg, [9, 5, 5, 5], [0]), 1))
  }

  @Test("training clicks are no candidates, and tied candidates count half as above in the area")
  func candidates() throws {
    let scorer = TableScorer([[9, 5, 5, 7]])
    func rank(training: [Int]) throws -> Double {
      try SelfNormalizedIPS(gain: .auc).evaluate(
        scorer, heldOut: matrix([[1]], itemCount: 4), training: matrix([training], itemCount: 4),
        propensities: [1, 1, 1, 1]
      ).value
    }
    #expect(near(try rank(training: []), 1 - 2.5 / 4))
    #expect(near(try rank(training: [0]), 1 - 1.5 / 3))
  }

  @Test("effective pairs are 1 / Σ of squared shares and few heavy weights are called out")
  func diagnostics() {
    let even = WeightDiagnostics(weights: [Double](repeating: 0.2, count: 200))
    #expect(near(even.effectivePairs, 200) && near(even.topShare, 0.01) && even.warning == nil)
    let heavy = WeightDiagnostics(weights: [Double](repeating: 1, count: 199) + [1000])
    #expect(near(heavy.effectivePairs, 1199.0 * 1199 / 1_000_199))
    #expect(near(heavy.topShare, 1001.0 / 1199))
    #expect(heavy.warning?.contains("200 pairs count as 1.4") == true)
  }

  @Test("shown pairs with logged propensities: refused below 30 effective pairs, else the weighted mean")
  func logged() throws {
    let scorer = TableScorer(userCount: 40, itemCount: 5) { user, item in Float((user + item) % 5) }
    let training = matrix((0..<40).map { _ in [] }, itemCount: 5)
    func shown(_ users: Int) -> PairBatch {
      var batch = PairBatch()
      for user in 0..<users {
        batch.append(user: Int32(user), item: 0, feedback: 1)
        batch.append(user: Int32(user), item: 1, feedback: 0)
        batch.append(user: Int32(user), item: 2, feedback: 1)
      }
      return batch
    }
    let few = shown(10)
    let refusal = #expect(throws: EvaluationError.self) {
      try SelfNormalizedIPS().evaluate(
        scorer, shown: few, propensities: [Float](repeating: 0.5, count: few.count), training: training)
    }
    #expect(refusal?.description.contains("fewer than 30") == true)
    let many = shown(40)
    let propensities = (0..<many.count).map { [Float(0.25), 0.5, 0.75][$0 % 3] }
    let found = try SelfNormalizedIPS(gain: .auc).evaluate(
      scorer, shown: many, propensities: propensities, training: training)
    // Scores of a user are 0…4 rotated: item i stands below 4 − (u + i) mod 5 others.
    let want = (0..<40).map { user in
      let worth = [0, 2].map { 1 - Double(4 - (user + $0) % 5) / 5 }
      return (worth[0] / 0.25 + worth[1] / 0.75) / (1 / 0.25 + 1 / 0.75)
    }
    #expect(zip(found.perUser, want).allSatisfy { near($0, $1, 1e-12) } && found.perUser.count == 40)
    #expect(throws: EvaluationError.badPropensity(position: 1, value: 0)) {
      try SelfNormalizedIPS().evaluate(
        scorer, shown: many, propensities: [1, 0] + [Float](repeating: 1, count: many.count - 2), training: training)
    }
  }

  @Test("popularity propensities are relative counts to a power, 0 without clicks")
  func popularity() {
    let training = matrix([[0, 1], [0], [0, 1], [0]], itemCount: 3)
    #expect(PropensityWeighting.popularity(training, exponent: 0) == [1, 1, 0])
    let half = PropensityWeighting.popularity(training)
    #expect(half[0] == 1 && near(Double(half[1]), 0.5.squareRoot(), 1e-7) && half[2] == 0)
    #expect(PropensityWeighting.exponent(yangGamma: 0) == 0.5 && PropensityWeighting.exponent(yangGamma: -1) == 0)
  }
}
