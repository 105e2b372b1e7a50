import Foundation
import LightmeterEvaluation
import LightmeterFeedback
import Testing

@testable import LightmeterExperiments

@Suite struct StudiesRunTests {
  /// Everything that must be the same bytes.
  private func pages(_ store: RunStore, workers: Int, witness: StudyWitness = StudyWitness()) async throws -> String {
    let runner = try StudyRunner(
      SmallStudy.study(), data: ".", store: store, workers: workers, report: { witness.hear($0) })
    try await runner.run()
    let report = try StudyReport(runner, command: "test")
    return report.markdown + report.latex + report.csv + report.json
  }

  @Test func oneAndThreeWorkersGiveTheSameBytesAndFinishedRunsAreNotRepeated() async throws {
    let folder = try ScratchFolder()
    let (first, second) = (try RunStore(folder: folder.path("a")), try RunStore(folder: folder.path("b")))
    let witness = StudyWitness()
    let alone = try await pages(first, workers: 1, witness: witness)
    // Three tuned rows × two configurations, and four rows × two seeds.
    #expect(witness.finished.count == 6 + 8)
    #expect(try await pages(second, workers: 3) == alone)

    // As after a kill: some records are missing, the rest stays.
    let names = try FileManager.default.contentsOfDirectory(atPath: first.folder).sorted()
    for name in names.prefix(5) { try FileManager.default.removeItem(atPath: "\(first.folder)/\(name)") }
    let again = StudyWitness()
    #expect(try await pages(first, workers: 2, witness: again) == alone)
    #expect(again.finished.count == 5)
    let idle = StudyWitness()
    #expect(try await pages(first, workers: 2, witness: idle) == alone && idle.finished.isEmpty)
  }

  @Test func testResultsAreInFinalRecordsOnlyAndTuningPicksTheBestMean() async throws {
    let folder = try ScratchFolder()
    let store = try RunStore(folder: folder.path("runs"))
    let witness = StudyWitness()
    let runner = try StudyRunner(SmallStudy.study(), data: ".", store: store, report: { witness.hear($0) })
    try await runner.run()
    let tuning = witness.finished.filter { $0.phase == .tune }
    #expect(tuning.allSatisfy { $0.results.isEmpty && $0.scores.map(\.epoch) == [1, 3] })
    #expect(witness.finished.filter { $0.phase == .final }.allSatisfy { !$0.results.isEmpty })
    for method in runner.study.methods[1...3] {
      let choice = try #require(try runner.choice(runner.datasets[0], method))
      let scores = tuning.filter { $0.method == method.label }.flatMap { record in record.scores.map(\.value) }
      #expect(choice.score == scores.max())
      let chosen = try #require(tuning.first { $0.method == method.label && $0.recipe == choice.recipe })
      #expect(chosen.scores.contains { $0.epoch == choice.epoch && $0.value == choice.score })
      let final = witness.finished.filter { $0.phase == .final && $0.method == method.label }
      #expect(final.allSatisfy { $0.recipe == choice.recipe && $0.epoch == choice.epoch })
    }
  }

  @Test func aRowThatSelectsTakesTheHighestScoreOfEachSeed() async throws {
    let folder = try ScratchFolder()
    let runner = try StudyRunner(SmallStudy.study(), data: ".", store: RunStore(folder: folder.path("runs")))
    try await runner.run()
    let results = try StudyResults.read(runner, runner.datasets[0], partial: false)
    let selected = try #require(results.rows.first { $0.label == "Selected" })
    for (k, taken) in selected.taken.enumerated() {
      let rivals = results.rows.filter { ["MF", "UMF"].contains($0.label) }
      let best = rivals.max { a, b in
        (a.records[k].scores.last?.value ?? 0) < (b.records[k].scores.last?.value ?? 0)
      }
      #expect(taken == best?.label)
    }
  }

  @Test func aReportOfUnfinishedRunsIsRefusedUnlessPartial() async throws {
    let folder = try ScratchFolder()
    let store = try RunStore(folder: folder.path("runs"))
    let runner = try StudyRunner(SmallStudy.study(), data: ".", store: store)
    #expect(throws: StudyError.unfinished(missing: 8, of: 8)) { try StudyReport(runner, command: "test") }
    try await runner.run()
    let run = try #require(try runner.finalRuns(runner.datasets[0], runner.study.methods[1])?.last)
    try FileManager.default.removeItem(atPath: "\(store.folder)/\(run.key).json")
    #expect(throws: StudyError.unfinished(missing: 1, of: 8)) { try StudyReport(runner, command: "test") }
    let partial = try StudyReport(runner, command: "test", partial: true)
    #expect(partial.markdown.contains("**Unfinished**: 1 of 2 seeds"))
    let status = try runner.status()
    #expect(status.tuning == 6 && status.tuningDone == 6 && status.final == 8 && status.finalDone == 7)
  }

  @Test func theKeyFollowsEverythingThatNumbersDependOn() throws {
    let folder = try ScratchFolder()
    let store = try RunStore(folder: folder.path("runs"))
    func keys(_ right: String = "", _ wrong: String = "") throws -> Set<String> {
      let text = right.isEmpty ? SmallStudy.text() : SmallStudy.text().replacing(right, with: wrong, maxReplacements: 1)
      return Set(try StudyRunner(Study(text: text), data: ".", store: store).knownTuningRuns().map(\.key))
    }
    let base = try keys()
    #expect(base.count == 6)
    #expect(try keys() == base)
    #expect(try keys("summary: \"A small world.\"", "summary: \"Other words.\"") == base)
    #expect(try keys("rank: 2", "rank: 3").isDisjoint(with: base))
    #expect(try keys("seeds: [101]", "seeds: [102]").isDisjoint(with: base))
    #expect(try keys("stream: \"all\"", "stream: \"sampled:5\"").isDisjoint(with: base))
    #expect(try keys("weightDecay: [1e-5, 1e-2]", "weightDecay: [2e-5, 2e-2]").isDisjoint(with: base))
  }

  @Test func scoresOfTheTestFollowTheProtocolAndOthersDoNot() throws {
    let folder = try ScratchFolder()
    let store = try RunStore(folder: folder.path("runs"))
    func keys(_ tuning: String, _ scoring: String) throws -> Set<String> {
      let text = SmallStudy.text(
        methods: "{ method: mf, epochs: 3, dimension: 2, batch: 256 }", tuning: tuning,
        extra: "seeds: [1, 2], controls: [\"MF\"], chosenOnTest: true,"
      ).replacing("cutoffs: [5]", with: scoring)
      return Set(try StudyRunner(Study(text: text), data: ".", store: store).knownTuningRuns().map(\.key))
    }
    let onTest = SmallStudy.standardTuning.replacing("slice-auc", with: "test:NDCG@5")
    for other in ["cutoffs: [5, 10]", "cutoffs: [5], presets: [uplift-kuairec2024]"] {
      #expect(try keys(onTest, other).isDisjoint(with: keys(onTest, "cutoffs: [5]")), "\(other)")
      #expect(try keys(SmallStudy.standardTuning, other) == keys(SmallStudy.standardTuning, "cutoffs: [5]"), "\(other)")
    }
  }

  @Test func whenEveryConfigurationDivergesTheFirstOneOfTheGridStandsForTheRow() throws {
    let folder = try ScratchFolder()
    let store = try RunStore(folder: folder.path("runs"))
    let runner = try StudyRunner(SmallStudy.study(), data: ".", store: store)
    for run in try runner.knownTuningRuns() {
      var record = RunRecord(
        key: run.key, phase: .tune, data: "d", dataDigest: "0", method: run.method.label, recipe: run.recipe, seed: 101)
      record.failure = "the loss became NaN"
      try store.save(record)
    }
    for method in runner.study.methods[1...3] {
      let choice = try #require(try runner.choice(runner.datasets[0], method))
      #expect(choice.score == nil && choice.recipe == method.grid[0] && method.grid[0] != method.recipe)
    }
  }

  @Test func aRecordComesBackWithTheSameBits() throws {
    let folder = try ScratchFolder()
    let store = try RunStore(folder: folder.path("runs"))
    let card = ProtocolCard(
      preset: "strict", binarise: "as given", candidates: "all", itemsDropped: "none", usersKept: "all",
      usersKeptCount: 3, usersTotal: 3, emptyUserValue: nil, convention: MetricConvention(), cutoffs: [5],
      userInterval: "none", run: RunProtocol())
    let values = [0.1, 1 / 3, .pi]
    let value = MeasuredValue(metric: .ndcg, cutoff: 5, users: [0, 2, 300_000], perUser: values, card: card)
    var record = RunRecord(
      key: "k", phase: .final, data: "d", dataDigest: "0", method: "m", recipe: Recipe("mf"), seed: .max)
    record.results = [StoredResult(card: card, values: [value])]
    try store.save(record)
    let back = try #require(try store.record("k"))
    #expect(back.results[0].values() == [value] && back.seed == .max && back.recipe == record.recipe)
    #expect(try store.record("other") == nil)
    try folder.write("runs/k.json", "{ \"half\": ")
    #expect(throws: StudyError.self) { try store.record("k") }
  }

  @Test func numbersThatAreNotFiniteComeBack() throws {
    let folder = try ScratchFolder()
    let store = try RunStore(folder: folder.path("runs"))
    var record = RunRecord(
      key: "k", phase: .tune, data: "d", dataDigest: "0", method: "m", recipe: Recipe("mf"), seed: 1)
    record.scores = [.infinity, -.infinity, .nan].map { RunRecord.Score(epoch: 1, value: $0) }
    try store.save(record)
    let values = try #require(try store.record("k")).scores.map(\.value)
    #expect(values[0] == .infinity && values[1] == -.infinity && values[2].isNaN)
  }

  @Test(arguments: ["!", "AAAA", "AAAAAAAA8D8="]) func damagedColumnsAreNoEmptyColumns(_ damage: String) throws {
    let folder = try ScratchFolder()
    let store = try RunStore(folder: folder.path("runs"))
    let card = ProtocolCard(
      preset: "strict", binarise: "as given", candidates: "all", itemsDropped: "none", usersKept: "all",
      usersKeptCount: 2, usersTotal: 2, emptyUserValue: nil, convention: MetricConvention(), cutoffs: [5],
      userInterval: "none", run: RunProtocol())
    var record = RunRecord(
      key: "k", phase: .final, data: "d", dataDigest: "0", method: "m", recipe: Recipe("mf"), seed: 1)
    record.results = [
      StoredResult(
        card: card, values: [MeasuredValue(metric: .ndcg, cutoff: 5, users: [0, 1], perUser: [1, 1], card: card)])
    ]
    try store.save(record)
    let text = try String(contentsOfFile: folder.path("runs/k.json"), encoding: .utf8)
    let ones = "AAAAAAAA8D8AAAAAAADwPw=="
    try #require(text.contains(ones))
    try folder.write("runs/k.json", text.replacing(ones, with: damage))
    #expect(throws: StudyError.self) { try store.record("k") }
  }
}
