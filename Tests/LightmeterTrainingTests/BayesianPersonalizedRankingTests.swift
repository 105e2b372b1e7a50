import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import TestSupport
import Testing

@testable import LightmeterTraining

/// METHODS §10, test 15 of §18.
@Suite struct BayesianPersonalizedRankingTests {
  private typealias Problem = FactorizationProblem

  /// Three triples, one user twice, one item both liked and drawn.
  private var pairs: PairBatch {
    PairBatch(users: [0, 1, 0, 0, 1, 0], items: [2, 0, 1, 0, 3, 3], feedback: [1, 1, 1, 0, 0, 0])
  }

  private func backbone(_ biases: BiasTerms = .none, deviation: Double = 0.8) -> MatrixFactorization<Double> {
    var backbone = MatrixFactorization<Double>(
      userCount: 2, itemCount: 4, dimension: 3, biases: biases, deviation: deviation, seed: 4)
    if biases == .item {
      for item in 0..<4 { backbone.tables[1].values[item * backbone.tables[1].stride + 3] = 0.3 * Double(item) }
    }
    return backbone
  }

  private func loss(_ backbone: MatrixFactorization<Double>, _ pairs: PairBatch, weights: [Float] = [1, 1, 1]) -> Double
  {
    var step = TripleStep<Double>(userCount: 2, itemCount: 4)
    _ = step.rows(of: pairs, for: backbone)
    return step.evaluate(backbone, weights: weights)
  }

  @Test(arguments: [BiasTerms.none, .item]) func gradientsAreCentralDifferences(biases: BiasTerms) {
    let backbone = backbone(biases)
    let weights: [Float] = [1, 2, 0.5]
    var step = TripleStep<Double>(userCount: 2, itemCount: 4)
    _ = step.rows(of: pairs, for: backbone)
    _ = step.evaluate(backbone, weights: weights)
    for side in 0..<2 {
      let table = backbone.tables[side]
      let dense = step.gradient[side].dense(rows: table.rows, width: table.width)
      for row in 0..<table.rows {
        for column in 0..<table.width where column != table.fixedColumn {
          var moved = backbone
          moved.tables[side].values[row * table.stride + column] += 1e-5
          let above = loss(moved, pairs, weights: weights)
          moved.tables[side].values[row * table.stride + column] -= 2e-5
          let slope = (above - loss(moved, pairs, weights: weights)) / 2e-5
          #expect(abs(slope - dense[row * table.width + column]) < 1e-9, "table \(side), row \(row), \(column)")
        }
      }
    }
  }

  @Test func lossAndSlopesAreTheReferences() {
    let golden = Golden.load("methods")["bpr"]
    for k in golden["loss"].doubles.indices {
      // One factor of 1 on the user's side: the items' factors are the scores.
      var backbone = MatrixFactorization<Double>(
        userCount: 1, itemCount: 2, dimension: 1, deviation: 0, seed: 1)
      backbone.tables[0].values[0] = 1
      backbone.tables[1].values[0] = golden["positiveScore"].doubles[k]
      backbone.tables[1].values[4] = golden["negativeScore"].doubles[k]
      var step = TripleStep<Double>(userCount: 1, itemCount: 2)
      _ = step.rows(of: PairBatch(users: [0, 0], items: [0, 1], feedback: [1, 0]), for: backbone)
      #expect(abs(step.evaluate(backbone, weights: [1]) - golden["loss"].doubles[k]) < 1e-13)
      let slopes = step.gradient[1].dense(rows: 2, width: 1)
      #expect(abs(slopes[0] - golden["dPositive"].doubles[k]) < 1e-13)
      #expect(abs(slopes[1] - golden["dNegative"].doubles[k]) < 1e-13)
    }
  }

  @Test func scoresCountOnlyByTheirDifferences() {
    #expect(abs(loss(backbone(deviation: 0), pairs) - log(2)) < 1e-15, "ln 2 where all scores are equal")
    let plain = backbone(.item)
    var shifted = plain
    for item in 0..<4 { shifted.tables[1].values[item * shifted.tables[1].stride + 3] += 5 }
    var (a, b) = (TripleStep<Double>(userCount: 2, itemCount: 4), TripleStep<Double>(userCount: 2, itemCount: 4))
    _ = (a.rows(of: pairs, for: plain), b.rows(of: pairs, for: shifted))
    #expect(abs(a.evaluate(plain, weights: [1, 1, 1]) - b.evaluate(shifted, weights: [1, 1, 1])) < 1e-12)
    let item = (a.gradient[1], b.gradient[1])
    #expect(
      largestDifference(item.0.dense(rows: 4, width: 4), item.1.dense(rows: 4, width: 4)) < 1e-12)
    // softplus(−x) − softplus(x) = −x: swapping both items of every triple turns x around.
    let swapped = PairBatch(users: pairs.users, items: [0, 3, 3, 2, 0, 1], feedback: pairs.feedback)
    var logits: [Double] = []
    var batch = IndexedBatch()
    batch.pairs = pairs
    plain.logits(for: batch, into: &logits)
    let mean = (0..<3).reduce(0) { $0 + (logits[$1] - logits[3 + $1]) / 3 }
    #expect(abs(loss(plain, pairs) - loss(plain, swapped) + mean) < 1e-12)
  }

  @Test func aTriplesWeightMultipliesItsLoss() {
    let backbone = backbone(.item)
    let apart = (0..<3).map { k in
      loss(
        backbone,
        PairBatch(
          users: [pairs.users[k], pairs.users[k]], items: [pairs.items[k], pairs.items[3 + k]], feedback: [1, 0]),
        weights: [1])
    }
    let weighted = loss(backbone, pairs, weights: [1, 2, 0.5])
    #expect(abs(weighted - (apart[0] + 2 * apart[1] + 0.5 * apart[2]) / 3) < 1e-14)
  }

  @Test func everyEpochDrawsItemsAnew() {
    let sampler = TripleSampler(data: SmallTrainingData.make(), batchSize: 16, seed: 3)
    func triples(_ epoch: Int) -> [[Int32]] {
      var (pairs, weights, all): (PairBatch, [Float], [[Int32]]) = (PairBatch(), [], [])
      for index in 0..<sampler.batchCount {
        sampler.fill(&pairs, weights: &weights, epoch: epoch, index: index)
        let half = pairs.count / 2
        for k in 0..<half { all.append([pairs.users[k], pairs.items[k], pairs.items[half + k]]) }
      }
      return all.sorted { $0.lexicographicallyPrecedes($1) }
    }
    #expect(triples(1) == triples(1) && triples(1) != triples(2), "not only their order")
  }

  @Test func triplesAreEveryClickWithUniformUnclickedItems() {
    let data = SmallTrainingData.make(stream: .sampled(negativesPerPositive: 200))
    let sampler = TripleSampler(data: data, batchSize: 64, seed: 3)
    #expect(sampler.count == 200 * data.positives.count)
    var (pairs, weights): (PairBatch, [Float]) = (PairBatch(), [])
    var clicked: [[Int32]: Int] = [:]
    var drawn = [Int](repeating: 0, count: data.itemCount)
    for index in 0..<sampler.batchCount {
      sampler.fill(&pairs, weights: &weights, epoch: 1, index: index)
      let half = pairs.count / 2
      #expect(weights.count == half)
      for k in 0..<half {
        clicked[[pairs.users[k], pairs.items[k]], default: 0] += 1
        #expect(pairs.users[k] == pairs.users[half + k])
        if data.positives.contains(user: Int(pairs.users[k]), item: pairs.items[half + k]) {
          Issue.record("a drawn item is a click")
        }
        if pairs.users[k] == 0 { drawn[Int(pairs.items[half + k])] += 1 }
      }
    }
    #expect(clicked.count == data.positives.count && clicked.values.allSatisfy { $0 == 200 })
    let own = data.positives.range(of: 0).count
    // Binomial with the seed fixed: five standard deviations.
    let (draws, share) = (Double(200 * own), 1 / Double(data.itemCount - own))
    for item in 0..<data.itemCount where !data.positives.contains(user: 0, item: Int32(item)) {
      #expect(abs(Double(drawn[item]) - draws * share) < 5 * (draws * share * (1 - share)).squareRoot())
    }
  }

  @Test func earlierClicksAreNeverDrawn() {
    var data = SmallTrainingData.make(stream: .sampled(negativesPerPositive: 50))
    let earlier = (0..<Int32(data.itemCount)).filter { $0 % 2 == 0 }
    data.earlierClicks = FeedbackMatrix(
      userCount: data.userCount, itemCount: data.itemCount, users: [Int32](repeating: 0, count: earlier.count),
      items: earlier)
    let sampler = TripleSampler(data: data, batchSize: 64, seed: 3)
    var (pairs, weights, drawn): (PairBatch, [Float], Int) = (PairBatch(), [], 0)
    for index in 0..<sampler.batchCount {
      sampler.fill(&pairs, weights: &weights, epoch: 1, index: index)
      for k in pairs.count / 2..<pairs.count where pairs.users[k] == 0 {
        drawn += 1
        #expect(pairs.items[k] % 2 == 1, "an earlier click is drawn")
      }
    }
    #expect(drawn > 0)
  }

  @Test func aUserWhoClickedEverythingIsLeftOut() throws {
    let positives = FeedbackMatrix(userCount: 2, itemCount: 2, users: [0, 0, 1], items: [0, 1, 1])
    let data = TrainingData(positives: positives, popularity: [1, 1], stream: .sampled(negativesPerPositive: 1))
    let sampler = TripleSampler(data: data, batchSize: 8, seed: 1)
    var (pairs, weights): (PairBatch, [Float]) = (PairBatch(), [])
    sampler.fill(&pairs, weights: &weights, epoch: 0, index: 0)
    #expect(pairs.users == [1, 1] && pairs.items == [1, 0] && weights == [1])
  }
}
