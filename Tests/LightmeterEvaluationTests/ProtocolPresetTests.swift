import LightmeterEvaluation
import LightmeterFeedback
import TestSupport
import Testing

/// One user with four rated items, ranked in the order of `ratings`; a second user without any positive.
@Suite("Protocol presets")
struct ProtocolPresetTests {
  private static let second = 0.6309297535714575  // 1 / log₂ 3
  private static let fourth = 0.43067655807339306  // 1 / log₂ 5

  /// Mean of a metric for users ranked as listed, every user and item with a training click.
  private func mean(
    _ preset: ProtocolPreset, _ metric: RankingMetric, at cutoff: Int, _ users: [[Float]]
  ) throws -> (mean: Double?, kept: Int) {
    let items = users[0].count
    let test = try RatedTest(
      userCount: users.count, itemCount: items,
      users: users.indices.flatMap { user in users[user].map { _ in Int32(user) } },
      items: users.flatMap { $0.indices.map { Int32($0) } }, labels: users.flatMap { $0.map { $0 >= 4 ? 1 : 0 } },
      ratings: users.flatMap { $0 })
    let training = matrix(users.map { _ in Array(0..<items) }, itemCount: items)
    let scorer = TableScorer(users.map { row in row.indices.map { Double(-$0) } })
    let evaluator = RankingEvaluator(presets: [preset.at(cutoff)])
    let result = try evaluator.evaluate(scorer, on: test, training: training)[0]
    return (result.mean(metric, cutoff: cutoff), result.card.usersKeptCount)
  }

  private let users: [[Float]] = [[2, 5, 3, 4], [1, 2, 1, 3]]

  @Test("cjmf2020: AP by hits, plain DCG, users with both kinds")
  func cjmf() throws {
    let dcg = try mean(.cjmf2020, .dcg, at: 4, users)
    #expect(near(dcg.mean, Self.second + Self.fourth) && dcg.kept == 1)
    #expect(near(try mean(.cjmf2020, .averagePrecision, at: 4, users).mean, (0.5 + 0.5) / 2))
    #expect(near(try mean(.cjmf2020, .averagePrecision, at: 2, users).mean, 0.5))
  }

  @Test("relmf2020: softened labels, rank 2 undiscounted, AP not normalised, all users")
  func relmf() throws {
    let dcg = try mean(.relmf2020, .dcg, at: 2, users)
    #expect(dcg.kept == 2)
    #expect(near(dcg.mean, ((0.001 + 1) + (0.001 + 0.001)) / 2))
    #expect(near(try mean(.relmf2020, .averagePrecision, at: 4, users).mean, (1.001 / 2 + 2.002 / 4) / 2))
    #expect(near(try mean(.relmf2020, .recall, at: 2, users).mean, (1.001 / 2.002 + 0.002 / 0.004) / 2))
  }

  @Test("ubpr2020: graded gains, everything over the total gain, a user without gain counts 0")
  func ubpr() throws {
    let graded: [[Float]] = [[2, 5, 3, 4], [1, 1, 1, 1]]
    // Gains 1/15, 1, 3/15, 7/15; their sum is 26/15.
    let dcg = try mean(.ubpr2020, .dcg, at: 2, graded)
    #expect(dcg.kept == 2)
    #expect(near(dcg.mean, (16.0 / 15) / (26.0 / 15) / 2))
    #expect(near(try mean(.ubpr2020, .recall, at: 3, graded).mean, 19.0 / 26 / 2))
    let precisions = 1.0 / 15 + 16.0 / 30 + 19.0 / 45
    #expect(near(try mean(.ubpr2020, .averagePrecision, at: 3, graded).mean, precisions / (26.0 / 15) / 2))
  }

  @Test("biser2022: AP by all positives, a user without positives counts 0")
  func biser() throws {
    let ap = try mean(.biser2022, .averagePrecision, at: 3, users)
    #expect(ap.kept == 2 && near(ap.mean, 0.5 / 2 / 2))
    #expect(near(try mean(.biser2022, .ndcg, at: 1, users).mean, 0))
    #expect(near(try mean(.biser2022, .recall, at: 2, users).mean, 0.5 / 2))
  }

  @Test("recrec2024: NDCG on softened labels, users with a positive")
  func recrec() throws {
    let ndcg = try mean(.recrec2024, .ndcg, at: 2, users)
    #expect(ndcg.kept == 1 && near(ndcg.mean, (0.001 + Self.second) / (1 + Self.second)))
    #expect(near(try mean(.recrec2024, .averagePrecision, at: 2, users).mean, 1.001 / 2))
  }

  @Test("autodebias2021: NDCG and recall of users with a positive")
  func autodebias() throws {
    let ndcg = try mean(.autodebias2021, .ndcg, at: 3, users)
    #expect(ndcg.kept == 1 && near(ndcg.mean, Self.second / (1 + Self.second)))
    #expect(near(try mean(.autodebias2021, .recall, at: 3, users).mean, 0.5))
  }

  @Test("dr-family: positives from rating 3, an empty user has NDCG 1 and recall 0")
  func drFamily() throws {
    let ratings: [[Float]] = [[2, 5, 3, 4], [1, 2, 1, 2]]
    let best = 1 + Self.second
    let ndcg = try mean(.drFamily, .ndcg, at: 2, ratings)
    #expect(ndcg.kept == 2 && near(ndcg.mean, (Self.second / best + 1) / 2))
    #expect(near(try mean(.drFamily, .recall, at: 2, ratings).mean, (1.0 / 3 + 0) / 2))
  }

  @Test("mrdr2021: recall is a hit count that can exceed 1")
  func mrdr() throws {
    let recall = try mean(.mrdr2021, .recall, at: 4, users)
    #expect(recall.kept == 1 && near(recall.mean, 2))
    #expect(near(try mean(.mrdr2021, .dcg, at: 4, users).mean, Self.second + Self.fourth))
  }

  @Test("uplift-kuairec2024: full ranking, NDCG over the best of min(K, positives), users with a positive")
  func upliftKuairec() throws {
    let test = CatalogueTest(relevant: matrix([[1, 3], []], itemCount: 4), users: [0, 1])
    let scorer = TableScorer([[4, 3, 2, 1], [4, 3, 2, 1]])
    let result = try RankingEvaluator(presets: [.upliftKuairec2024.at(2)]).evaluate(scorer, on: test)[0]
    #expect(near(result.mean(.ndcg, cutoff: 2), Self.second / (1 + Self.second)))
    #expect(near(result.mean(.recall, cutoff: 2), 0.5))
    #expect(result.card.usersKeptCount == 1 && result.card.usersTotal == 2)
  }

  @Test("strict: ties averaged, users with both kinds, NDCG and plain DCG both")
  func strict() throws {
    let test = try RatedTest(
      userCount: 2, itemCount: 2, users: [0, 0, 1, 1], items: [0, 1, 0, 1], labels: [1, 0, 1, 1])
    let scorer = TableScorer([[7, 7], [2, 1]])
    let result = try RankingEvaluator().evaluate(scorer, on: test)[0]
    #expect(result.card.usersKeptCount == 1 && result.card.usersTotal == 2)
    #expect(near(result.mean(.dcg, cutoff: 1), 0.5))
    #expect(near(result.mean(.ndcg, cutoff: 3), (1 + Self.second) / 2))
    #expect(near(result.mean(.auc), 0.5))
  }

  @Test("the reference block of cjmf2020 is reproduced from scores")
  func goldenBlock() throws {
    let golden = Golden.load("metrics")
    let rows = golden["users"].array
    var columns: (users: [Int32], items: [Int32], labels: [UInt8]) = ([], [], [])
    for (user, row) in rows.enumerated() {
      for (item, label) in row["label"].ints.enumerated() {
        columns.users.append(Int32(user))
        columns.items.append(Int32(item))
        columns.labels.append(UInt8(label))
      }
    }
    let scorer = TableScorer(rows.map { $0["score"].doubles })
    let test = try RatedTest(
      userCount: rows.count, itemCount: scorer.itemCount, users: columns.users, items: columns.items,
      labels: columns.labels)
    let training = matrix(rows.map { _ in [0] }, itemCount: scorer.itemCount)
    let result = try RankingEvaluator(presets: [.cjmf2020]).evaluate(scorer, on: test, training: training)[0]
    let want = golden["cjmf2020"]
    #expect(result.card.usersKeptCount == want["usersKept"].int)
    for cutoff in 1...3 {
      #expect(near(result.mean(.dcg, cutoff: cutoff), want["DCG@\(cutoff)"].double))
      #expect(near(result.mean(.averagePrecision, cutoff: cutoff), want["MAP@\(cutoff)"].double))
    }
  }

  @Test("every preset is found by its name and survives JSON", arguments: ProtocolPreset.all)
  func names(preset: ProtocolPreset) {
    #expect(ProtocolPreset.named(preset.name) == preset)
    #expect(ProtocolPreset.all.count { $0.name == preset.name } == 1)
  }

  @Test("dropping items without a training positive changes the list as CJMF's program does")
  func droppedItems() throws {
    let test = try RatedTest(
      userCount: 1, itemCount: 3, users: [0, 0, 0], items: [0, 1, 2], labels: [0, 1, 0])
    let training = matrix([[1, 2]], itemCount: 3)
    let scorer = TableScorer([[3, 2, 1]])
    var dropping = ProtocolPreset.cjmf2020
    dropping.dropped = .withoutTrainingPositive
    let results = try RankingEvaluator(presets: [.cjmf2020, dropping]).evaluate(scorer, on: test, training: training)
    #expect(results[0].mean(.dcg, cutoff: 1) == 0)
    #expect(results[1].mean(.dcg, cutoff: 1) == 1)
    #expect(results[1].card.itemsDropped == "1 items without a training positive")
  }

  @Test("a protocol that the test cannot serve is refused with the way out")
  func refusals() throws {
    let test = try RatedTest(userCount: 1, itemCount: 2, users: [0, 0], items: [0, 1], labels: [0, 1])
    let scorer = TableScorer([[1, 2]])
    #expect(throws: EvaluationError.presetNeedsRatings(preset: "ubpr2020")) {
      try RankingEvaluator(presets: [.ubpr2020]).evaluate(scorer, on: test)
    }
    #expect(throws: EvaluationError.presetNeedsTraining(preset: "cjmf2020")) {
      try RankingEvaluator(presets: [.cjmf2020]).evaluate(scorer, on: test)
    }
    #expect(throws: EvaluationError.presetNeedsOtherCandidates(preset: "uplift-kuairec2024", wanted: .catalogue)) {
      try RankingEvaluator(presets: [.upliftKuairec2024]).evaluate(scorer, on: test)
    }
    #expect(!test.supports(.ubpr2020) && !test.supports(.upliftKuairec2024) && test.supports(.cjmf2020))
    #expect(throws: EvaluationError.repeatedTestPair(user: 0, item: 1)) {
      try RatedTest(userCount: 1, itemCount: 2, users: [0, 0], items: [1, 1], labels: [0, 1])
    }
  }
}
