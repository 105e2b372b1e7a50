import Foundation
import LightmeterEvaluation
import LightmeterFeedback
import Testing

@testable import LightmeterExperiments

@Suite struct StudyGroupsRecordTests {
  @Test func finalRunsRecordDecilesAndExposureAndTheReportShowsThem() async throws {
    let folder = try ScratchFolder()
    let runner = try StudyRunner(SmallStudy.study(), data: ".", store: RunStore(folder: folder.path("runs")))
    try await runner.run()
    let results = try StudyResults.read(runner, runner.datasets[0], partial: false)
    let byLabel = Dictionary(uniqueKeysWithValues: results.rows.map { ($0.label, $0.records) })
    let umf = try #require(byLabel["UMF"]?.first)
    let deciles = try #require(umf.deciles)
    let ndcg = try #require(results.rows.first { $0.label == "UMF" }?.runs("NDCG@5").first?.mean)
    #expect(abs(deciles.contribution.reduce(0, +) - ndcg) < 1e-9, "the parts add up to NDCG@5")
    let map = try #require(umf.exposureMap)
    #expect(map.learned.count == 100 && map.learnedByItem.count == 10 && map.truthByItem?.count == 10)
    #expect(try #require(map.learnedByItem.first) < (map.learnedByItem.last ?? 0), "UMF's exposure is popularity")
    let oracle = try #require(byLabel["Oracle"]?.first?.exposureMap)
    #expect(zip(oracle.learnedByItem, oracle.truthByItem ?? []).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(byLabel["MF"]?.first?.exposureMap == nil && byLabel["MF"]?.first?.deciles != nil)
    let report = try StudyReport(runner, command: "lightmeter experiment report small.yaml")
    let html = report.page.html()
    for part in [
      "Where the gain over MF comes from", "What is recommended", "Exposure by popularity of the items",
      "UMF on small world: learned minus true exposure", "lightmeter experiment report small.yaml",
      runner.datasets[0].digest, lightmeterVersion, "What chose, while tuning", "Cost by method",
      "Protocol of small world",
    ] { #expect(html.contains(part), "the page lacks “\(part)”") }
    let paths = try report.write(to: folder.path("out"), name: "small", format: .html)
    #expect(paths.map { $0.suffix(12) } == ["t/small.html", "small_files/"])
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path("out/small_files"))
    #expect(Set(files) == Set(report.page.attachments().map(\.name)))
    try PagesChecks.expectBalanced(html)
  }

  @Test func recordsOfOlderVersionsAreRead() throws {
    var record = RunRecord(
      key: "k", phase: .final, data: "d", dataDigest: "0", method: "m", recipe: Recipe("mf"), seed: 1)
    let old = try JSONEncoder().encode(record)
    #expect(!String(decoding: old, as: UTF8.self).contains("deciles"))
    #expect(try JSONDecoder().decode(RunRecord.self, from: old).exposureMap == nil)
    record.exposureMap = ExposureMap(of: SlopedExposure(slope: 0.01), truth: nil, popularity: SlopedExposure.clicks)
    let map = try #require(try JSONDecoder().decode(RunRecord.self, from: JSONEncoder().encode(record)).exposureMap)
    #expect(map == record.exposureMap && map.truth == nil)
    // Items are ordered by clicks, so the first tenth holds items 0 and 1.
    #expect(abs(map.learnedByItem[0] - 0.015) < 1e-6 && abs(map.learnedByItem[9] - 0.195) < 1e-6)
  }

  @Test func tenthsWithoutItemsAreNaNAndSurviveTheFile() throws {
    let few = ExposureMap(
      of: SlopedExposure(slope: 0.1), truth: nil,
      popularity: .init(userCount: 2, itemCount: 3, users: [0, 1, 1], items: [1, 1, 2]))
    #expect(few.learnedByItem.count { $0.isNaN } == 7)
    let read = try JSONDecoder().decode(ExposureMap.self, from: JSONEncoder().encode(few))
    #expect(zip(read.learned, few.learned).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) })
  }
}
