import Testing

@testable import LightmeterFeedback

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Counts of the public files. They may not be redistributed: the tests run where LIGHTMETER_DATA names the folder that
/// holds `coat`, `kuairec` and `ml-100k`, and are reported as skipped elsewhere.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["LIGHTMETER_DATA"] != nil, "LIGHTMETER_DATA is not set"))
struct RealFilesTests {
  static func read(_ file: String, _ preset: DataPreset) throws -> (interactions: Interactions, report: ReadReport) {
    let folder = ProcessInfo.processInfo.environment["LIGHTMETER_DATA"] ?? ""
    return try InteractionReader(options: ReadOptions(preset: preset)).read(path: folder + "/" + file)
  }

  @Test func coatHasItsPublishedCounts() throws {
    let (train, report) = try Self.read("coat/train.ascii", .coat)
    let (test, _) = try Self.read("coat/test.ascii", .coat)
    #expect((report.users, report.items, train.count, test.count) == (290, 300, 6960, 4640))
    #expect(train.users == test.users && train.items == test.items)
    #expect(try PositiveRule.ratingAtLeast(4).apply(to: train).count { $0 == 1 } == 1905)
  }

  @Test func kuaiRecHasItsRepeats() throws {
    let (log, report) = try Self.read("kuairec/train_positives.csv", .kuaiRec)
    #expect((report.rows, report.users, report.items) == (936_568, 7175, 10_611))
    let labels = try PositiveRule.everyRow.apply(to: log)
    #expect(try log.deduplicated(.anyPositive, positives: labels).duplicates == 90_154)
  }

  @Test func movieLens100KHasItsCounts() throws {
    let (log, report) = try Self.read("ml-100k/u.data", .movieLens100K)
    #expect((log.count, report.users, report.items) == (100_000, 943, 1682))
    #expect((report.lowestRating, report.highestRating) == (1, 5))
  }
}
