import LightmeterFeedback
import LightmeterKernels
import Testing

@testable import LightmeterTraining

/// METHODS §1.3: all of D_val up to the cap, beyond it seeded mini-batches of the outer loss.
@Suite struct ValidationDrawTests {
  private static let size = 40

  /// 40 distinct pairs of 4 × 10, clicked where the item is even.
  private static let pairs: PairBatch = {
    var pairs = PairBatch()
    for k in 0..<Int32(size) { pairs.append(user: k / 10, item: k % 10, feedback: k % 2 == 0 ? 1 : 0) }
    return pairs
  }()

  private func codes(_ batch: PairBatch) -> [Int] {
    batch.users.indices.map { Int(batch.users[$0]) * 10 + Int(batch.items[$0]) }
  }

  @Test(arguments: [40, 41, nil]) func upToTheCapEveryStepTakesEveryPair(cap: Int?) {
    let batches = ValidationBatches(Self.pairs, most: cap, seed: 1).batches(epoch: 3)
    #expect(batches == [Self.pairs])
  }

  @Test(arguments: [1, 7, 8, 39]) func beyondItAnEpochCutsTheSetIntoEqualBatches(cap: Int) {
    for epoch in 0..<5 {
      let batches = ValidationBatches(Self.pairs, most: cap, seed: 1).batches(epoch: epoch)
      #expect(batches.count == (Self.size + cap - 1) / cap)
      let counts = batches.map(\.count)
      #expect((counts.max() ?? 0) <= cap && (counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
      #expect(batches.flatMap(codes).sorted() == Array(0..<Self.size), "every pair once")
      for batch in batches {
        #expect(codes(batch) == codes(batch).sorted(), "the order of the set")
        for k in batch.items.indices {
          #expect(batch.feedback[k] == (batch.items[k] % 2 == 0 ? 1 : 0), "its own label")
        }
      }
    }
  }

  @Test func theCutFollowsFromSeedAndEpoch() {
    let first = ValidationBatches(Self.pairs, most: 8, seed: 1)
    #expect(first.batches(epoch: 2) == ValidationBatches(Self.pairs, most: 8, seed: 1).batches(epoch: 2))
    #expect(first.batches(epoch: 2) != first.batches(epoch: 3))
    #expect(first.batches(epoch: 2) != ValidationBatches(Self.pairs, most: 8, seed: 2).batches(epoch: 2))
  }

  @Test func everyPairIsAsLikelyAsAnyOtherInABatch() {
    // Draws of n of N without replacement: the sum times (N − 1)/(N − n) is χ² with 39 degrees of freedom, outside
    // [10, 96.6] once in a million seeds; the seed is fixed.
    let batches = ValidationBatches(Self.pairs, most: 8, seed: 1)
    var counts = [Int](repeating: 0, count: Self.size)
    let epochs = 3000
    for epoch in 0..<epochs { for code in codes(batches.batches(epoch: epoch)[1]) { counts[code] += 1 } }
    let expected = Double(epochs * 8) / Double(Self.size)
    let sum = counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    let statistic = sum * Double(Self.size - 1) / Double(Self.size - 8)
    #expect(statistic < 96.6 && statistic > 10, "χ² = \(statistic)")
  }
}
