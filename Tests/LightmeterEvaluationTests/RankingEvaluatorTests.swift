import LightmeterEvaluation
import LightmeterFeedback
import LightmeterKernels
import TestSupport
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("Ranking evaluator")
struct RankingEvaluatorTests {
  private static let metrics = ProtocolPreset(
    name: "all", users: UserRule(positives: 1, negatives: 1), convention: MetricConvention(),
    metrics: RankingMetric.allCases, cutoffs: [1, 5, 12])

  private static func averaging(_ ties: TieRule) -> ProtocolPreset {
    var preset = metrics
    preset.convention.ties = ties
    return preset
  }

  /// Full ranking through the rated path: every candidate of a user as a rated pair.
  private func asRated(_ sample: Sample, candidates: [Int32]?, filtered: Bool) throws -> RatedTest {
    var columns: (users: [Int32], items: [Int32], labels: [UInt8]) = ([], [], [])
    for user in 0..<sample.relevant.userCount {
      for item in candidates ?? (0..<Int32(sample.relevant.itemCount)).map({ $0 })
      where !filtered || !sample.seen.contains(user: user, item: item) {
        columns.users.append(Int32(user))
        columns.items.append(item)
        columns.labels.append(sample.relevant.contains(user: user, item: item) ? 1 : 0)
      }
    }
    return try RatedTest(
      userCount: sample.relevant.userCount, itemCount: sample.relevant.itemCount, users: columns.users,
      items: columns.items, labels: columns.labels)
  }

  @Test(
    "full ranking with partial selection equals sorting everything, for both tie rules",
    arguments: [2, 7, 1_000_000], [false, true])
  func partialSelection(levels: Int, listed: Bool) throws {
    let sample = Sample(users: 40, items: 130, levels: levels, seed: 5)
    let candidates = listed ? (0..<Int32(130)).filter { $0 % 3 != 1 && $0 < 120 } : nil
    let test = CatalogueTest(relevant: sample.relevant, candidates: candidates, seen: sample.seen)
    let presets = TieRule.allCases.map(Self.averaging)
    let full = try RankingEvaluator(presets: presets, tieSeed: 3).evaluate(sample.scorer, on: test)
    let sorted = try RankingEvaluator(presets: presets, tieSeed: 3).evaluate(
      sample.scorer, on: asRated(sample, candidates: candidates, filtered: true))
    for (a, b) in zip(full, sorted) {
      #expect(a.card.usersKeptCount == b.card.usersKeptCount)
      for (x, y) in zip(a.values, b.values) {
        #expect(x.users == y.users && !x.users.isEmpty)
        #expect(zip(x.perUser, y.perUser).allSatisfy { near($0, $1, 1e-12) }, "\(x.name) \(a.preset.convention.ties)")
      }
    }
  }

  @Test("results are the same bits for one and several threads, on both kinds of test", arguments: [1, 2, 5])
  func threads(count: Int) async throws {
    let sample = Sample(users: 300, items: 40, levels: 5, seed: 9)
    let evaluator = RankingEvaluator(presets: [.strict])
    let test = CatalogueTest(relevant: sample.relevant, seen: sample.seen)
    #expect(
      try await evaluator.evaluate(sample.scorer, on: test, threads: count)
        == evaluator.evaluate(sample.scorer, on: test))
    let rated = try asRated(sample, candidates: [1, 4, 8, 12, 30], filtered: false)
    #expect(
      try await evaluator.evaluate(sample.scorer, on: rated, threads: count)
        == evaluator.evaluate(sample.scorer, on: rated))
  }

  @Test("a user without positives changes nothing")
  func emptyUser() throws {
    let scorer = TableScorer([[3, 2, 1], [3, 2, 1]])
    let with = CatalogueTest(relevant: matrix([[1], []], itemCount: 3), users: [0, 1])
    let without = CatalogueTest(relevant: matrix([[1], []], itemCount: 3), users: [0])
    let evaluator = RankingEvaluator(presets: [Self.metrics])
    let (a, b) = (try evaluator.evaluate(scorer, on: with)[0], try evaluator.evaluate(scorer, on: without)[0])
    #expect(a.values.map(\.perUser) == b.values.map(\.perUser))
    #expect(a.card.usersTotal == 2 && a.card.usersKeptCount == 1)
  }

  @Test("the seeded order of ties moves with its seed and not with the labels")
  func seededTies() throws {
    let scorer = TableScorer(userCount: 60, itemCount: 20) { _, _ in 1 }
    func hits(_ relevant: Int, seed: UInt64) throws -> [Double]? {
      let test = CatalogueTest(relevant: matrix((0..<60).map { _ in [relevant] }, itemCount: 20))
      return try RankingEvaluator(presets: [Self.metrics], tieSeed: seed).evaluate(scorer, on: test)[0]
        .value(.hitRate, cutoff: 1)?.perUser
    }
    // One item is first per user whatever the labels: over all choices of the relevant item each user hits once.
    var sums = [Double](repeating: 0, count: 60)
    for item in 0..<20 { for (user, value) in (try hits(item, seed: 1) ?? []).enumerated() { sums[user] += value } }
    #expect(sums == [Double](repeating: 1, count: 60))
    #expect(try hits(4, seed: 1) == hits(4, seed: 1))
    #expect(try (0..<20).contains { try hits($0, seed: 1) != hits($0, seed: 2) })
  }

  @Test("against true probabilities the gain of an item is its probability and the best order is theirs")
  func trueRelevance() throws {
    let gamma = TableScorer([[0.1, 0.9, 0.5, 0.3], [0.2, 0.2, 0.4, 0.8]])
    let scorer = TableScorer([[4, 3, 2, 1], [0, 0, 1, 2]])
    let seen = matrix([[2], []], itemCount: 4)
    let test = TrueRelevanceTest(userCount: 2, itemCount: 4, seen: seen) { user, items, out in
      gamma.scores(user: user, items: items, into: &out)
    }
    let result = try RankingEvaluator(run: RunProtocol(seeds: [1])).evaluate(scorer, on: test, cutoffs: [2])
    let second = 0.6309297535714575
    let first = (0.1 + 0.9 * second) / (0.9 + 0.3 * second)
    #expect(near(result.value(.ndcg, cutoff: 2)?.perUser[0], first, 1e-7))
    #expect(near(result.value(.ndcg, cutoff: 2)?.perUser[1], 1, 1e-7))
    #expect(near(result.value(.dcg, cutoff: 2)?.perUser[1], 0.8 + 0.4 * second, 1e-7))
    #expect(result.card.binarise == "true probability of relevance as gain")
    #expect(near(try RankingEvaluator().evaluate(gamma, on: test, cutoffs: [3]).mean(.ndcg, cutoff: 3), 1))
  }

  @Test("a catalogue wider than a tile is ranked as one")
  func manyTiles() throws {
    let items = 5000
    let scorer = TableScorer(userCount: 2, itemCount: items) { user, item in
      Float((item * 2_654_435 + user * 97) % 100_003)
    }
    let relevant = matrix([Array(stride(from: 0, to: items, by: 7)), [4999]], itemCount: items)
    let result = try RankingEvaluator(presets: [Self.metrics]).evaluate(scorer, on: CatalogueTest(relevant: relevant))[
      0]
    for user in 0..<2 {
      let order = (0..<items).sorted { scorer.values[user * items + $0] > scorer.values[user * items + $1] }
      let labels = order.map { UInt8(relevant.contains(user: user, item: Int32($0)) ? 1 : 0) }
      let list = RankedRelevance(labels: labels)
      #expect(near(result.value(.ndcg, cutoff: 12)?.perUser[user], RankingMetrics.ndcg(list, cutoff: 12)))
      #expect(near(result.value(.auc)?.perUser[user], RankingMetrics.auc(list)))
    }
  }

  @Test("a score that is not a number and a scorer that is too small are errors that say so")
  func errors() throws {
    let broken = TableScorer([[1, .nan, 0]])
    let test = CatalogueTest(relevant: matrix([[1]], itemCount: 3))
    #expect(throws: EvaluationError.scoreIsNotANumber(user: 0)) { try RankingEvaluator().evaluate(broken, on: test) }
    #expect(throws: EvaluationError.scorerTooSmall(users: 1, items: 2, testUsers: 1, testItems: 3)) {
      try RankingEvaluator().evaluate(TableScorer([[1, 2]]), on: test)
    }
  }

  @Test("no value is printed without its card, and the card says what is not stated")
  func printing() throws {
    let test = CatalogueTest(relevant: matrix([[1], [0]], itemCount: 3))
    let run = RunProtocol(
      trainingStream: "sampled(5)", selectionMetric: "SNIPS-DCG@3", seeds: [1, 2],
      data: RunProtocol.Dataset(name: "toy", digest: "abc", licence: "own"))
    let result = try RankingEvaluator(run: run).evaluate(TableScorer([[3, 2, 1], [3, 2, 1]]), on: test)[0]
    let value = try #require(result.value(.ndcg, cutoff: 1))
    for text in [value.description, result.description] {
      #expect(text.contains("NDCG@1 0.5000"))
      #expect(text.contains("protocol strict: label as given; candidates: all 3 items, dropped: none"))
      #expect(text.contains("stream sampled(5)") && text.contains("split not stated") && text.contains("toy abc own"))
    }
    #expect(result.card.description.split(separator: "\n").count == 4)
    let copy = try JSONDecoder().decode(EvaluationResult.self, from: JSONEncoder().encode(result))
    #expect(copy == result)
  }
}
