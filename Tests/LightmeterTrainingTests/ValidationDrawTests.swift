import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import Testing

@testable import LightmeterTraining

/// METHODS §1.3: all of D_val up to the cap, beyond it a fresh seeded mini-batch of the outer loss at every step.
@Suite struct ValidationDrawTests {
  private static let size = 40

  /// 40 distinct pairs of 12 × 10, clicked where the item is even.
  private static func pairs() -> [(user: Int32, item: Int32)] {
    (0..<Int32(size)).map { (user: $0 / 10, item: $0 % 10) }
  }

  private func run(cap: Int, seed: UInt64 = 1) throws -> PointwiseRun {
    var data = SmallTrainingData.make()
    data.validation = PairBatch()
    for pair in Self.pairs() {
      data.validation.append(user: pair.user, item: pair.item, feedback: pair.item % 2 == 0 ? 1 : 0)
    }
    var method = PointwiseMethod()
    (method.estimator, method.exposure) = (LowVariance(), .blended(power: 0.5))
    method.strategy = .bilevel(Bilevel(validationPairsPerStep: cap))
    (method.dimension, method.batchSize) = (2, 16)
    return try PointwiseRun(method: method, data: data, seed: seed)
  }

  private func codes(_ batch: PairBatch) -> [Int] {
    batch.users.indices.map { Int(batch.users[$0]) * 10 + Int(batch.items[$0]) }
  }

  @Test(arguments: [40, 41, 16_384]) func upToTheCapEveryPairIsTaken(cap: Int) throws {
    let run = try run(cap: cap)
    let all = codes(run.validationPairs(epoch: 0, step: 0))
    #expect(all.sorted() == Self.pairs().map { Int($0.user) * 10 + Int($0.item) }.sorted())
    #expect(codes(run.validationPairs(epoch: 3, step: 9)) == all)
  }

  @Test(arguments: [1, 8, 39]) func aboveTheCapADrawOfThatManyPairsOfTheSet(cap: Int) throws {
    let run = try run(cap: cap)
    let set = Set(Self.pairs().map { Int($0.user) * 10 + Int($0.item) })
    for step in 0..<50 {
      let draw = run.validationPairs(epoch: step / 10, step: step)
      #expect(draw.count == cap)
      #expect(set.isSuperset(of: codes(draw)))
      #expect(Set(codes(draw)).count == cap, "a pair that comes twice is one pair less to learn from")
      for k in draw.items.indices { #expect(draw.feedback[k] == (draw.items[k] % 2 == 0 ? 1 : 0), "its own label") }
    }
  }

  @Test func theDrawFollowsFromSeedEpochAndStep() throws {
    let first = try run(cap: 8)
    let again = try run(cap: 8)
    let other = try run(cap: 8, seed: 2)
    var draws: [[Int]] = []
    for epoch in 0..<3 {
      for step in 0..<3 {
        let draw = codes(first.validationPairs(epoch: epoch, step: step))
        #expect(codes(again.validationPairs(epoch: epoch, step: step)) == draw)
        draws += [draw, codes(other.validationPairs(epoch: epoch, step: step))]
      }
    }
    #expect(Set(draws).count == draws.count, "another step, epoch or seed draws other pairs")
  }

  @Test func everyPairIsDrawnEquallyOften() throws {
    // Draws of n of N without replacement: the sum times (N − 1)/(N − n) is χ² with 39 degrees of freedom, outside
    // [10, 96.6] once in a million seeds; the seed is fixed.
    let run = try run(cap: 8)
    var counts: [Int: Int] = [:]
    let steps = 3000
    for step in 0..<steps {
      for code in codes(run.validationPairs(epoch: step / 100, step: step % 100)) { counts[code, default: 0] += 1 }
    }
    let expected = Double(steps * 8) / Double(Self.size)
    let sum = Self.pairs().reduce(0.0) { sum, pair in
      let count = Double(counts[Int(pair.user) * 10 + Int(pair.item)] ?? 0)
      return sum + (count - expected) * (count - expected) / expected
    }
    let statistic = sum * Double(Self.size - 1) / Double(Self.size - 8)
    #expect(statistic < 96.6 && statistic > 10, "χ² = \(statistic)")
  }
}
