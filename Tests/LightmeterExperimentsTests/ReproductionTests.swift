import LightmeterEvaluation
import TestSupport
import Testing

@testable import LightmeterExperiments

@Suite struct ReproductionTests {
  @Test(arguments: Reproduction.allCases) func everyShippedStudyHolds(_ reproduction: Reproduction) throws {
    let study = try reproduction.study()
    #expect(study.name == reproduction.rawValue && !study.chosenOnTest)
    #expect(study.tuning.metric?.readsTest != true)
    #expect(study.methods.contains { $0.label.hasPrefix("Biif") })
  }

  @Test func bothTablesHaveTheSameRowsAndTheirControls() throws {
    let (first, second) = (try Reproduction.table1.study(), try Reproduction.table2.study())
    #expect(first.methods.map(\.label) == second.methods.map(\.label))
    for label in ["MF", "FixedMix", "RelMF", "UMF", "Biif (N1)", "Biif (N2)"] {
      #expect(first.methods.contains { $0.label == label })
    }
    let known = Set(first.methods.map(\.label) + Array(first.absentMethods.keys))
    for method in PublishedTables.methods {
      #expect(known.contains { Ledger.ours($0, method) }, "\(method) has no row")
    }
  }

  @Test func thePublishedTablesKeepThePapersIdentities() throws {
    let published = PublishedTables()
    for (_, table) in published.tables {
      #expect(Set(table.keys) == Set(PublishedTables.methods))
      for (method, row) in table {
        #expect(Set(row.keys) == Set(PublishedTables.metrics))
        let (dcg, map) = (try #require(row["DCG@1"]).mean, try #require(row["MAP@1"]).mean)
        #expect(abs(dcg - map) <= 0.0031, "\(method)")
      }
    }
    #expect(published.tables[.table1]?["Biif"]?["DCG@3"] == PublishedTables.Cell(mean: 0.888, sd: 0.002))
    #expect(try Reproduction.errata().count == 12)
  }

  /// A log of Yahoo! R3's form with a test of the first users only.
  private func yahoo(_ folder: ScratchFolder) throws {
    try SimulatedRatings.writeYahooR3(
      into: folder.path(""),
      SimulatedSizes(users: 80, items: 40, ratings: 1200, testUsers: 40, perTestUser: 10, likedShare: 0.2))
  }

  /// Table 1 with a few rows and epochs, so that it runs in a moment.
  static func smallTable(_ settings: String = "epochs: 2, dimension: 4, batch: 64") -> String {
    let rows = Reproduction.table1.text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
      !["method: expomf", "method: cjmf", "method: ceb", "method: bpr", "label: AD", "(N2)", "random", "method: mf"]
        .contains { line.contains($0) }
        || line.hasPrefix("#") || line.contains("N1 and N2")
    }.joined(separator: "\n")
    return rows.replacing("epochs: 100", with: settings)
      .replacing("[10, 20, 40, 60, 80, 100]", with: "[1, 2]").replacing("seeds: 5", with: "seeds: 2")
      .replacing("controls: [MF, FixedMix]", with: "controls: [FixedMix]")
  }

  @Test func tableOneRunsOnAFileOfYahoosFormatAndFillsTheLedger() async throws {
    let folder = try ScratchFolder()
    try yahoo(folder)
    let runner = try StudyRunner(
      Study(text: Self.smallTable()), data: folder.path(""), store: RunStore(folder: folder.path("runs")))
    #expect(runner.facts[0].facts.contains("1200 biased ratings of 80 users and 40 items"))
    try await runner.run()
    let ledger = try Ledger([.table1: .done(runner), .table2: .absent("no Coat here")])
    let first = ledger.entries.filter { $0.place.hasPrefix("Table 1") }
    #expect(first.count == 48)
    for method in ["RelMF", "UMF", "Biif"] {
      let rows = first.filter { $0.method == method }
      #expect(rows.allSatisfy { $0.ours != nil && $0.preset == "cjmf2020" && $0.verdict != .notTestable })
    }
    #expect(first.filter { $0.method == "CJMF" }.allSatisfy { $0.reason == "the study has no such row" })
    #expect(ledger.entries.filter { $0.place.hasPrefix("Table 2") }.allSatisfy { $0.reason == "no Coat here" })
    #expect(ledger.entries.filter { $0.place == "Section 3.2" }.map(\.published) == [1.35, 6.54])
    let page = ledger.markdown(command: "lightmeter reproduce table1")
    for part in ["## Claims", "not testable here", "no Coat here", "Eq. 6, second line", "lightmeter reproduce table1"]
    {
      #expect(page.contains(part), "the ledger lacks “\(part)”")
    }
    #expect(ledger.csv.split(separator: "\n").count == 1 + ledger.entries.count)
    let report = try StudyReport(runner, command: "lightmeter reproduce table1", reproduction: .table1)
    for html in [report.page.html(), ledger.page(command: "lightmeter reproduce table1").html()] {
      try PagesChecks.expectBalanced(html)
      #expect(html.contains("Measured here and published: Table 1") && html.contains("not testable here"))
      #expect(html.contains("What the paper says, and what was found here."))
    }
    let own = try Ledger(
      of: .table1, [StudyResults.read(runner, runner.datasets[0], partial: false)], absentMethods: [:])
    #expect(own.entries.map(\.verdict) == first.map(\.verdict) && own.entries.map(\.ours) == first.map(\.ours))
    #expect(own.claims.allSatisfy { $0.study == .table1 } && !own.claims.isEmpty)
  }

  @Test func aLedgerOfNothingSaysHowToFillIt() throws {
    let ledger = try Ledger([:])
    #expect(ledger.entries.count == 2 * 48 + 2 && ledger.entries.allSatisfy { $0.verdict == .notTestable })
    #expect(ledger.claims.count == LedgerClaim.all.count)
    #expect(ledger.claims[0].evidence.contains("lightmeter reproduce table1"))
  }

  @Test func aTestWithUsersThatTrainingLacksIsRefused() throws {
    let folder = try ScratchFolder()
    try yahoo(folder)
    try folder.write("yahoo-r3/ydata-ymusic-rating-study-v1_0-test.txt", "99\t1\t5\n")
    let set = try StudyDataset.open(Study(text: Self.smallTable()).data[0], folder: folder.path(""))
    #expect(throws: StudyError.self) { try set.test(1) }
  }

  /// A row whose runs have these correlations by seed; nil for a run that diverged.
  private func row(_ label: String, _ correlations: [(seed: UInt64, value: Double?)]) -> StudyRow {
    let records = correlations.map { seed, value in
      var record = RunRecord(
        key: "\(label)\(seed)", phase: .final, data: "d", dataDigest: "0", method: label, recipe: Recipe("mf"),
        seed: seed)
      record.exposure = value.map { RunRecord.Exposure(correlation: $0, error: 0.1) }
      return record
    }
    return StudyRow(label: label, records: records, choice: nil, taken: [])
  }

  @Test func correlationsAreComparedSeedBySeed() throws {
    let data = try SmallStudy.study().data[0]
    let dataset = try StudyDataset.open(data, folder: ".")
    let claim = try #require(LedgerClaim.all.first { $0.metric == nil && $0.rivals == ["JointOpt"] })
    func verdict(_ own: [(seed: UInt64, value: Double?)], _ rival: [(seed: UInt64, value: Double?)]) throws
      -> Ledger.Verdict
    {
      let rows = [row("Biif", own), row("JointOpt", rival)]
      let results = StudyResults(dataset: dataset, rows: rows, seeds: [1, 2, 3], controls: [])
      return try claim.judge([claim.study: LedgerReading(results: [results], absentMethods: [:])])[0].verdict
    }
    let own: [(seed: UInt64, value: Double?)] = [(1, 0.2), (2, 0.6)]
    // In the order of the rows 0.2 would stand against 0.5.
    #expect(try verdict(own, [(2, 0.5), (1, 0.1)]) == .reproduced)
    #expect(try verdict(own, [(2, 0.1), (1, 0.5)]) == .notReproduced)
    #expect(try verdict([(1, 0.9), (2, nil), (3, 0.9)], [(1, nil), (2, 0.5), (3, 0.5)]) == .notTestable)
  }

  private func cell(_ values: [Double], users: [Double]) -> StudyCell {
    let card = ProtocolCard(
      preset: "cjmf2020", binarise: "b", candidates: "all", itemsDropped: "none", usersKept: "all", usersKeptCount: 3,
      usersTotal: 3, emptyUserValue: nil, convention: MetricConvention(), cutoffs: [3], userInterval: "none",
      run: RunProtocol())
    let value = MeasuredValue(
      metric: .dcg, cutoff: 3, users: users.indices.map { Int32($0) }, perUser: users, card: card)
    return StudyCell(summary: RunSummary(values), averaged: value, interval: value.interval())
  }

  @Test(arguments: [
    ([0.90, 0.91, 0.92, 0.93, 0.94], 0.925, Ledger.Verdict.reproduced, "within the scatter"),
    ([0.90, 0.91, 0.92, 0.93, 0.94], 0.96, .notReproduced, "within that of users"),
    ([0.90, 0.91, 0.92, 0.93, 0.94], 3, .notReproduced, "beyond both"), ([0.9], 0.9, .notTestable, "one seed"),
  ])
  func aVerdictFollowsTheScatterOfTheRuns(
    _ values: [Double], _ published: Double, _ verdict: Ledger.Verdict, _ reason: String
  ) throws {
    var entry = Ledger.Entry(
      place: "Table 2", method: "UMF", metric: "DCG@3", published: published, publishedDeviation: 0.004,
      verdict: .notTestable, reason: "")
    entry.judge(
      cell(values, users: [0, 2, 0.5, 1.3, 0.8, 0.9]), against: PublishedTables.Cell(mean: published, sd: 0.004))
    #expect(entry.verdict == verdict && entry.reason.contains(reason), "\(entry)")
    guard values.count > 1 else { return }
    // sd 0.0158 over five runs and 0.004 over five.
    let half = 2.306 * (0.00025 / 5 + 0.000016 / 5).squareRoot()
    let difference = try #require(entry.difference)
    #expect(abs(difference.upperBound - difference.lowerBound - 2 * half) < 1e-12)
  }
}
