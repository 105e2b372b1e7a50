import LightmeterEvaluation
import LightmeterFeedback
import Testing

@Suite("Summaries and comparisons")
struct RunSummaryTests {
  private func value(_ scores: [[Double]], preset: ProtocolPreset = .strict, seed: UInt64 = 1) throws -> MeasuredValue {
    let test = CatalogueTest(relevant: matrix(scores.map { _ in [0] }, itemCount: 3))
    let evaluator = RankingEvaluator(presets: [preset], run: RunProtocol(seeds: [seed]))
    return try #require(try evaluator.evaluate(TableScorer(scores), on: test)[0].value(.reciprocalRank, cutoff: 3))
  }

  @Test("mean and standard deviation over seeds")
  func seeds() {
    let summary = RunSummary([1, 2, 3, 4])
    #expect(summary.mean == 2.5)
    #expect(near(summary.standardDeviation, (5.0 / 3).squareRoot()))
    #expect(summary.description == "2.5000 ± 1.2910 (4 runs)")
    #expect(RunSummary([7]).standardDeviation == nil)
  }

  @Test("a paired comparison is second minus first, user by user")
  func paired() throws {
    let first = try value([[3, 2, 1], [1, 2, 3], [2, 3, 1], [1, 3, 2]])  // 1, 1/3, 1/2, 1/3
    let second = try value([[3, 2, 1], [2, 3, 1], [3, 2, 1], [2, 3, 1]])  // 1, 1/2, 1, 1/2
    let comparison = try PairedComparison(from: first, to: second)
    #expect(near(comparison.difference.mean, (1.0 / 6 + 1.0 / 2 + 1.0 / 6) / 4))
    #expect(comparison.shareGained == 0.75 && comparison.shareLost == 0 && comparison.userCount == 4)
    #expect(near(comparison.minimumDetectable, 2.8015852 * comparison.standardError, 1e-6))
    // Of the 8 equally likely patterns of the three moved users, two are as far from 0: 1/4, sd .0097 over 2000 flips.
    #expect(abs(comparison.probability - 0.25) < 0.04)
    #expect(comparison.description.contains("protocol strict"))
    #expect(throws: EvaluationError.self) {
      try PairedComparison(from: first, to: try value([[3, 2, 1], [1, 2, 3]], preset: .strict.at(3, 7)).renamed())
    }
  }

  @Test("runs that differ in their seed are averaged user by user and the card keeps every seed")
  func averaged() throws {
    let runs = [try value([[3, 2, 1], [1, 2, 3]], seed: 4), try value([[2, 3, 1], [1, 2, 3]], seed: 9)]
    let mean = try MeasuredValue.averaged(runs)
    #expect(mean.perUser == [0.75, 1.0 / 3])
    #expect(mean.card.run.seeds == [4, 9])
    #expect(throws: EvaluationError.self) { try MeasuredValue.averaged([]) }
    #expect(throws: EvaluationError.self) { try MeasuredValue.averaged([runs[0], try value([[3, 2, 1]])]) }
  }

  @Test("the detectable difference uses z(.975) + z(.8) and is the inverse of the users needed")
  func power() {
    // z(.975) = 1.959963985, z(.8) = 0.841621234.
    let difference = Power.minimumDetectable(standardDeviation: 0.46, count: 237)
    #expect(near(difference, 2.801585219 * 0.46 / 237.0.squareRoot(), 1e-9))
    #expect(Power.usersNeeded(standardDeviation: 0.46, difference: difference * 0.999999) == 238)
    #expect(Power.usersNeeded(standardDeviation: 0.46, difference: difference * 1.000001) == 237)
    #expect(near(Power.minimumDetectable(standardDeviation: 1, count: 1, power: 0.99, size: 0.01), 4.902177, 1e-5))
  }

  @Test("Holm's correction multiplies by the tests that are left and never falls")
  func holm() {
    let corrected = Power.holm([0.04, 0.01, 0.03, 0.9])
    #expect(zip(corrected, [0.09, 0.04, 0.09, 0.9]).allSatisfy { near($0, $1) })
  }
}

extension MeasuredValue {
  /// The same values as another metric.
  fileprivate func renamed() -> MeasuredValue {
    MeasuredValue(metric: .ndcg, cutoff: cutoff, users: users, perUser: perUser, card: card)
  }
}
