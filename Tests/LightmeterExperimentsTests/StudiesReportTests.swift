import LightmeterEvaluation
import Testing

@testable import LightmeterExperiments

@Suite struct StudiesReportTests {
  private static let card = ProtocolCard(
    preset: "strict", binarise: "as given", candidates: "all", itemsDropped: "none", usersKept: "all",
    usersKeptCount: 60, usersTotal: 60, emptyUserValue: nil, convention: MetricConvention(), cutoffs: [5],
    userInterval: "bootstrap", run: RunProtocol())

  /// A row whose user u has the value `base(u)` in seed 0 and a little more in seed 1.
  private func row(
    _ label: String, users: Range<Int32> = 0..<60, failed: Int? = nil, _ base: (Int32) -> Double
  ) -> StudyRow {
    let records = (0..<2).map { seed in
      var record = RunRecord(
        key: "\(label)\(seed)", phase: .final, data: "d", dataDigest: "0", method: label, recipe: Recipe("mf"),
        seed: UInt64(seed))
      if seed == failed {
        record.failure = "the loss became NaN"
        return record
      }
      let list = users.map { base($0) + 0.01 * Double(seed) }
      let value = MeasuredValue(metric: .ndcg, cutoff: 5, users: Array(users), perUser: list, card: Self.card)
      record.results = [StoredResult(card: Self.card, values: [value])]
      return record
    }
    return StudyRow(label: label, records: records, choice: nil, taken: [])
  }

  private func results(_ rows: [StudyRow], controls: [String]) throws -> StudyResults {
    let folder = try ScratchFolder()
    let text =
      "{ name: 'x', data: { kind: 'clean-world', users: 5, items: 5, calibrationPairs: 500 }, methods: ['mf'] }"
    let dataset = try StudyDataset.open(Study(text: text).data[0], folder: folder.path(""))
    return StudyResults(dataset: dataset, rows: rows, seeds: [0, 1], controls: controls)
  }

  @Test func cellsHoldSpreadIntervalAndPairedDifference() throws {
    let noise = { (user: Int32) in Double((user * 37) % 11) / 20 }
    let rows = [
      row("control") { noise($0) }, row("better") { noise($0) + 0.2 + 0.01 * Double($0 % 3) },
      row("same") { noise($0) + ($0 % 2 == 0 ? 0.211 : 0.2) }, row("worse") { noise($0) - 0.3 - 0.01 * Double($0 % 2) },
    ]
    let cells = try results(rows, controls: ["control", "better"]).cells("NDCG@5").compactMap(\.self)
    try #require(cells.count == 4)
    #expect(abs((cells[0].summary.standardDeviation ?? 0) - 0.01 / 2.0.squareRoot()) < 1e-12)
    #expect(cells[0].comparisons["control"] == nil && cells[0].comparisons["better"] != nil)
    let better = try #require(cells[1].comparisons["control"])
    #expect(abs(better.paired.difference.mean - 0.21) < 1e-9 && better.isSignificant)
    #expect(better.corrected >= better.paired.probability, "Holm's correction never lowers a p-value")
    #expect(try #require(cells[3].comparisons["control"]).paired.difference.high < 0)
    #expect(cells[1].mark == .best && cells[0].mark == .plain && cells[3].mark == .plain)
    // The row "same" is .0045 below the best in every other user only.
    #expect(cells[2].mark == .plain || cells[2].mark == .tied)
  }

  @Test func aRowThatDiffersByChanceIsTied() throws {
    let rows = [row("first") { Double($0 % 7) / 10 }, row("second") { Double(($0 + 1) % 7) / 10 }]
    let cells = try results(rows, controls: ["first"]).cells("NDCG@5").compactMap(\.self)
    #expect(Set(cells.map(\.mark)) == [.best, .tied])
  }

  @Test func aMeanOfFewerSeedsSaysOfHowMany() throws {
    let rows = [row("whole") { Double($0 % 7) / 10 }, row("half", failed: 1) { Double(($0 + 1) % 7) / 10 }]
    let results = try results(rows, controls: ["whole"])
    let metric = (name: "NDCG@5", cells: try results.cells("NDCG@5"))
    let tables = StudyTables(study: try SmallStudy.study())
    let (main, paired) = (tables.main(results, [metric]), tables.differences(results, metric, "whole"))
    for table in [main.table, paired.table] {
      #expect(table.rows[1][1].text.hasSuffix(" (1 of 2 seeds)"), "\(table.rows[1])")
      #expect(!table.rows[0][1].text.contains("seeds"), "\(table.rows[0])")
    }
    #expect(main.caption.contains("2 seeds (fewer where a cell says so)"))
  }

  @Test func usersThatCountInOneRunOnlyKeepTheirValue() throws {
    func value(_ users: [Int32], _ values: [Double]) -> MeasuredValue {
      MeasuredValue(metric: .ndcg, cutoff: 5, users: users, perUser: values, card: Self.card)
    }
    let averaged = try StudyResults.averaged([value([1, 2], [0.2, 0.4]), value([2, 9], [0.8, 1])])
    #expect(averaged.users == [1, 2, 9])
    #expect(zip(averaged.perUser, [0.2, 0.6, 1]).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test func theReportSaysWhatWasDoneAndStandsBesidePublishedValues() async throws {
    let folder = try ScratchFolder()
    let reference =
      "reference: { title: 'A paper', values: { UMF: { 'NDCG@5': [0.5, 0.01] }, Other: { 'NDCG@5': [0.4] } } }"
    let text = SmallStudy.text().replacing(
      "metrics: [\"NDCG@5\"]", with: "metrics: [\"NDCG@5\"], lastEpoch: true, \(reference)")
    let runner = try StudyRunner(Study(text: text), data: ".", store: RunStore(folder: folder.path("runs")))
    try await runner.run()
    let report = try StudyReport(runner, command: "lightmeter experiment run small.yaml")
    for part in [
      "lightmeter experiment run small.yaml", "pooled AUC on a held-out third", "at most 2 configurations a method",
      "mean ± standard deviation of 2 seeds", "paired differences from MF", "| Selected | one of 2 rows | took ",
      "at their last epoch",
      "A paper", "| UMF | 0.500 ± 0.010 |", "| Other | 0.400 | – |", "Exposure against the truth", "Protocol card",
      "| Random | 1, fixed |", "| MF | 2 × 2 epochs |", "| UMF | 2 × 2 epochs |",
      "Data digest `\(runner.datasets[0].digest)`",
    ] { #expect(report.markdown.contains(part), "the report lacks “\(part)”") }
    #expect(report.csv.split(separator: "\n").count == 1 + 5 * runner.datasets.count * 2, "\(report.csv)")
    let paths = try report.write(to: folder.path(""), name: "small", format: .tables)
    #expect(paths.map { $0.suffix(3) } == [".md", "tex", "csv", "son", "csv"])
  }
}
