import LightmeterEvaluation
import LightmeterFeedback
import Testing

@testable import LightmeterExperiments

@Suite struct StudiesTraceTests {
  @Test func exposureIsFollowedStepByStepWithoutChangingTraining() async throws {
    let folder = try ScratchFolder()
    let methods = """
      { method: umf, epochs: 4, dimension: 2, batch: 128 }, { method: jointopt, epochs: 4, dimension: 2, batch: 128 },
      { method: mf, epochs: 4, dimension: 2, batch: 128 }
      """
    func run(_ trace: Bool) async throws -> (StudyReport, StudyRunner) {
      let text = SmallStudy.text(
        methods: methods, search: "", tuning: "metric: none", extra: "seeds: [1], trace: \(trace), controls: [\"MF\"],")
      let runner = try StudyRunner(Study(text: text), data: ".", store: RunStore(folder: folder.path("\(trace)")))
      try await runner.run()
      return (try StudyReport(runner, command: "test"), runner)
    }
    let (plain, _) = try await run(false)
    let (traced, runner) = try await run(true)
    #expect(plain.csv == traced.csv && plain.trace == nil)
    let results = try StudyResults.read(runner, runner.datasets[0], partial: false)
    let points = try #require(results.rows[1].records[0].trace)
    // 600 pairs in batches of 128 are five steps an epoch; the start, 20 steps and 4 epochs are told.
    #expect(points.compactMap(\.step) == Array(0...20) && points.compactMap(\.epoch) == [1, 2, 3, 4])
    let correlations = points.compactMap(\.correlation)
    #expect(Set(correlations).count > 20, "learned exposure moves")
    let ends = points.filter { $0.step == 5 || $0.epoch == 1 }
    #expect(ends.count == 2 && ends[0].correlation == ends[1].correlation, "the fifth step ends the first epoch")
    #expect(
      Set(results.rows[0].records[0].trace?.compactMap(\.correlation) ?? []).count == 1, "UMF's exposure is fixed")
    #expect(results.rows[2].records[0].trace?.isEmpty == true, "MF has no exposure")
    let csv = try #require(traced.trace)
    #expect(csv.split(separator: "\n").count == 1 + 2 * 25)
    #expect(traced.markdown.contains("| JointOpt |") && traced.markdown.contains("during training"))
  }

  @Test func ratingsAreFilteredUsersFirstThenItemsThenTheFirstOnes() {
    // User 0 has one rating; without it item 5 has one, which is too few.
    let users: [Int32] = [0, 1, 1, 1, 2, 2, 2, 3, 3]
    let items: [Int32] = [5, 5, 7, 6, 6, 7, 8, 8, 7]
    let filter = RatingsFilter(leastPerUser: 2, leastPerItem: 2, firstUsers: .max, firstItems: .max)
    let all = filter.apply(users: users, items: items, userCount: 4, itemCount: 9)
    #expect(all.rows == [2, 3, 4, 5, 6, 7, 8] && all.userCount == 3 && all.itemCount == 3)
    #expect(all.users == [0, 0, 1, 1, 1, 2, 2] && all.items == [0, 1, 1, 0, 2, 2, 0])
    let first = RatingsFilter(leastPerUser: 2, leastPerItem: 2, firstUsers: 2, firstItems: 2)
      .apply(users: users, items: items, userCount: 4, itemCount: 9)
    #expect(first.rows == [2, 3, 4, 5] && first.userCount == 2 && first.itemCount == 2)
    #expect(RatingsFilter().isEmpty && !filter.isEmpty)
  }

  /// Amazon's form of 2014, user first, with more users and items than are kept; users 0 to 9 have too few ratings.
  @Test func aWorldIsFittedToTheFirstUsersAndItemsOfAFilteredFile() throws {
    let folder = try ScratchFolder()
    var file = ""
    for user in 0..<60 {
      for k in 0..<(user < 10 ? 3 : 12) {
        file += "A\(user),B\((user * 5 + k * 7) % 55),\((user + k) % 5 + 1).0,14000000\(k)\n"
      }
    }
    try folder.write("ratings.csv", file)
    let keys = "kind: ratings-world, path: ratings.csv, form: amazon-2014"
    func facts(_ rest: String) throws -> String {
      let study = try Study(text: "name: x\ndata: { \(keys)\(rest) }\nmethods: [mf]\n")
      return try StudyDataset.open(study.data[0], folder: folder.path("")).facts
    }
    #expect(try facts("").hasPrefix("60 users × 55 items"))
    #expect(try facts(", leastPerUser: 10, leastPerItem: 8").hasPrefix("50 users × 55 items"))
    #expect(
      try facts(", leastPerUser: 10, leastPerItem: 8, firstUsers: 30, firstItems: 20").hasPrefix("30 users × 20 items"))
    #expect(throws: StudyError.self) { try facts(", leastPerUser: 100") }
  }

  /// The paper's numbers on more than 3,000 qualifying users and items, at the size of its file's part that counts.
  @Test func threeThousandUsersAndItemsAreKept() {
    var (users, items): ([Int32], [Int32]) = ([], [])
    for user in 0..<Int32(3400) {
      for k in 0..<Int32(user % 17 == 0 ? 9 : 12) {
        users.append(user)
        items.append((user &* 31 &+ k &* 977) % 3300)
      }
    }
    let filter = RatingsFilter(leastPerUser: 10, leastPerItem: 8, firstUsers: 3000, firstItems: 3000)
    let kept = filter.apply(users: users, items: items, userCount: 3400, itemCount: 3300)
    #expect(kept.userCount == 3000 && kept.itemCount == 3000)
    #expect(kept.users.max() == 2999 && kept.items.max() == 2999 && kept.rows.allSatisfy { users[$0] % 17 != 0 })
  }

  @Test func aWorldWithDrawnLabelsIsScoredByThemAndByTheProbabilities() throws {
    let folder = try ScratchFolder()
    let text = SmallStudy.text(methods: "popularity", search: "", tuning: "metric: none")
      .replacing("cutoffs: [5], stream", with: "presets: [strict], metrics: [dcg], cutoffs: [5], stream")
      .replacing("NDCG@5", with: "DCG@5").replacing("slice: 0.2", with: "labels: draws, slice: 0.2")
      .replacing("controls: [\"MF\"]", with: "controls: [\"Popularity\"]")
    let runner = try StudyRunner(Study(text: text), data: ".", store: RunStore(folder: folder.path("r")))
    let run = try #require(try runner.finalRuns(runner.datasets[0], runner.study.methods[0])?.first)
    let record = try run.execute()
    #expect(record.results.count == 2 && record.results[0].preset == "strict")
    #expect(record.results[0].values().map(\.name) == ["DCG@5"])
    guard case .drawn(let test, _) = try runner.datasets[0].test(1) else {
      Issue.record("no drawn labels")
      return
    }
    #expect(test.relevant.count > 0 && test.seen?.count ?? 0 > 0)
  }
}
