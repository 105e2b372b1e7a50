import LightmeterEvaluation
import LightmeterKernels
import TestSupport
import Testing

@Suite("Ranking metrics")
struct RankingMetricsTests {
  static let users = Golden.load("metrics")["users"].array

  private func ranked(_ user: GoldenValue) -> RankedRelevance {
    let labels = user["label"].doubles
    return RankedRelevance(
      scores: user["score"].doubles.map { Float($0) }, gains: labels, hits: labels.map { $0 > 0 },
      keys: labels.indices.map { UInt64($0) })
  }

  @Test("every reference value per user, cutoff and convention is reproduced", arguments: 0..<12)
  func reference(index: Int) {
    let user = Self.users[index]
    let list = ranked(user)
    #expect(near(RankingMetrics.auc(list), user["auc"].optionalDouble))
    #expect(!user["at"].keys.isEmpty)
    for key in user["at"].keys {
      let want = user["at"][key]
      let cutoff = Int(key) ?? 0
      let names = [
        "dcg", "ndcg", "apByHits", "apByMinKPositives", "apByPositives", "apUnnormalised", "recall", "precision", "hit",
        "mrr", "dcgRankTwoUndiscounted",
      ]
      #expect(want.keys == names.sorted())
      for ties in TieRule.allCases {
        let got: [Double?] = [
          RankingMetrics.dcg(list, cutoff: cutoff, ties: ties), RankingMetrics.ndcg(list, cutoff: cutoff, ties: ties),
          RankingMetrics.averagePrecision(list, cutoff: cutoff, normaliser: .hits, ties: ties),
          RankingMetrics.averagePrecision(list, cutoff: cutoff, normaliser: .cutoffOrPositives, ties: ties),
          RankingMetrics.averagePrecision(list, cutoff: cutoff, normaliser: .positives, ties: ties),
          RankingMetrics.averagePrecision(list, cutoff: cutoff, normaliser: .none, ties: ties),
          RankingMetrics.recall(list, cutoff: cutoff, ties: ties),
          RankingMetrics.precision(list, cutoff: cutoff, ties: ties),
          RankingMetrics.hitRate(list, cutoff: cutoff, ties: ties),
          RankingMetrics.reciprocalRank(list, cutoff: cutoff, ties: ties),
          RankingMetrics.dcg(list, cutoff: cutoff, discount: .rankTwoUndiscounted, ties: ties),
        ]
        for (name, value) in zip(names, got) {
          #expect(near(value, want[name].optionalDouble), "\(name)@\(cutoff) of user \(index), ties \(ties)")
        }
      }
    }
  }

  @Test("the worked patterns of the average precision by hits and of plain DCG")
  func patterns() {
    func both(_ labels: [UInt8]) -> (Double?, Double?) {
      let list = RankedRelevance(labels: labels)
      return (
        RankingMetrics.dcg(list, cutoff: 3), RankingMetrics.averagePrecision(list, cutoff: 3, normaliser: .hits)
      )
    }
    #expect(both([1, 0, 0, 0]) == (1, 1))
    let second = both([0, 1, 1, 0])
    #expect(near(second.0, 0.6309297535714575 + 0.5) && near(second.1, (0.5 + 2.0 / 3) / 2))
    #expect(near(both([1, 0, 1, 0]).1, (1 + 2.0 / 3) / 2))
    #expect(both([0, 0, 0, 1]) == (0, 0))
  }

  @Test("DCG@1 equals AP@1 for any scores, and a rising map of the scores changes nothing")
  func identities() {
    var generator = SeededGenerator(seed: 11, stream: .world)
    for _ in 0..<200 {
      let count = 3 + generator.below(10)
      let scores = (0..<count).map { _ in Float(generator.below(6)) - 3 }
      let gains = (0..<count).map { _ in Double(generator.below(2)) }
      let keys = (0..<count).map { _ in generator.next() }
      let list = RankedRelevance(scores: scores, gains: gains, hits: gains.map { $0 > 0 }, keys: keys)
      let mapped = RankedRelevance(
        scores: scores.map { $0 * $0 * $0 + 7 }, gains: gains, hits: gains.map { $0 > 0 }, keys: keys)
      #expect(list == mapped)
      for ties in TieRule.allCases {
        #expect(
          near(
            RankingMetrics.dcg(list, cutoff: 1, ties: ties),
            RankingMetrics.averagePrecision(list, cutoff: 1, normaliser: .hits, ties: ties), 1e-15))
      }
    }
  }

  @Test("without positives NDCG, recall, AP by positives and AUC are undefined and the others 0")
  func noPositive() {
    let list = RankedRelevance(labels: [0, 0, 0])
    #expect(RankingMetrics.ndcg(list, cutoff: 3) == nil)
    #expect(RankingMetrics.recall(list, cutoff: 3) == nil)
    #expect(RankingMetrics.averagePrecision(list, cutoff: 3, normaliser: .positives) == nil)
    #expect(RankingMetrics.averagePrecision(list, cutoff: 3, normaliser: .cutoffOrPositives) == nil)
    #expect(RankingMetrics.auc(list) == nil)
    #expect(RankingMetrics.auc(RankedRelevance(labels: [1, 1])) == nil)
    #expect(RankingMetrics.dcg(list, cutoff: 3) == 0)
    #expect(RankingMetrics.averagePrecision(list, cutoff: 3, normaliser: .hits) == 0)
    #expect(RankingMetrics.precision(list, cutoff: 3) == 0)
    #expect(RankingMetrics.hitRate(list, cutoff: 3) == 0)
    #expect(RankingMetrics.reciprocalRank(list, cutoff: 3) == 0)
  }

  @Test("the tie-averaged value is the mean over all orders of the tied items, for every metric", arguments: 0..<12)
  func tieAverage(seed: Int) {
    // Five candidates on up to three scores: the mean over all 120 orders by permuted keys is the definition.
    var generator = SeededGenerator(seed: UInt64(seed), stream: .world)
    let scores = (0..<5).map { _ in Float(generator.below(3)) }
    let hits = (0..<5).map { _ in generator.below(2) == 1 }
    let graded = seed % 3 == 2
    let gains = hits.map { hit in graded ? (hit ? 0.5 + generator.uniform() : 0.2 * generator.uniform()) : (hit ? 1 : 0)
    }
    let average = RankedRelevance(scores: scores, gains: gains, hits: hits, keys: [0, 1, 2, 3, 4])
    let orders = permutations([0, 1, 2, 3, 4]).map {
      RankedRelevance(scores: scores, gains: gains, hits: hits, keys: $0)
    }
    let normalisers = graded ? [.none, .totalGain, .hits] : AveragePrecisionNormaliser.allCases
    for cutoff in [1, 2, 3, 7] {
      for normaliser in normalisers {
        for metric in RankingMetric.allCases where metric == .averagePrecision || normaliser == .none {
          var convention = MetricConvention(averagePrecisionNormaliser: normaliser)
          let each = orders.map { convention.value(metric, of: $0, cutoff: cutoff) }
          let mean = each[0] == nil ? nil : each.reduce(0) { $0 + ($1 ?? .nan) } / Double(each.count)
          convention.ties = .average
          let got = convention.value(metric, of: average, cutoff: cutoff)
          #expect(near(got, mean, 1e-12), "\(metric)@\(cutoff) over \(normaliser)")
        }
      }
    }
  }

  @Test("a tie is never broken by the label: swapping labels within a tie swaps what is ranked first")
  func labelsDoNotBreakTies() {
    let keys: [UInt64] = [5, 3]
    let first = RankedRelevance(scores: [1, 1], gains: [1, 0], hits: [true, false], keys: keys)
    let second = RankedRelevance(scores: [1, 1], gains: [0, 1], hits: [false, true], keys: keys)
    #expect(RankingMetrics.dcg(first, cutoff: 1) == 0)
    #expect(RankingMetrics.dcg(second, cutoff: 1) == 1)
    #expect(RankingMetrics.dcg(first, cutoff: 1, ties: .average) == 0.5)
  }

  @Test("discounts are exact where they are powers of two and tables agree with the formula beyond them")
  func discounts() {
    #expect(DiscountConvention.logRankPlusOne.weight(rank: 1) == 1)
    #expect(DiscountConvention.logRankPlusOne.weight(rank: 3) == 0.5)
    #expect(DiscountConvention.rankTwoUndiscounted.weight(rank: 2) == 1)
    #expect(DiscountConvention.rankTwoUndiscounted.weight(rank: 4) == 0.5)
    #expect(near(DiscountConvention.logRankPlusOne.weight(rank: 2047), 1.0 / 11, 1e-15))
  }

  private func permutations(_ values: [UInt64]) -> [[UInt64]] {
    guard values.count > 1 else { return [values] }
    return values.indices.flatMap { index in
      var rest = values
      let first = rest.remove(at: index)
      return permutations(rest).map { [first] + $0 }
    }
  }
}
