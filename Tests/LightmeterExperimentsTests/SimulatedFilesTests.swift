import Foundation
import LightmeterEvaluation
import LightmeterFeedback
import TestSupport
import Testing

@testable import LightmeterExperiments

/// Rows of a simulated file, read by splitting its text.
private func rows(_ path: String, _ separator: Character) throws -> [(user: String, item: String, rating: Double)] {
  try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
    let fields = line.split(separator: separator)
    return (String(fields[0]), String(fields[1]), try #require(Double(fields[2])))
  }
}

/// What a file of Yahoo! R3's form must have, whatever its size.
private func expectForm(_ folder: String, _ sizes: SimulatedSizes, tolerance: Double) throws {
  let name = "\(folder)/yahoo-r3/ydata-ymusic-rating-study-v1_0-"
  let (train, test) = (try rows(name + "train.txt", "\t"), try rows(name + "test.txt", "\t"))
  #expect(train.count == sizes.ratings && test.count == sizes.testUsers * sizes.perTestUser)
  #expect(Set(train.map(\.user)) == Set((1...sizes.users).map(String.init)))
  #expect(Set(train.map(\.item)) == Set((1...sizes.items).map(String.init)))
  #expect(Dictionary(grouping: train, by: \.user).values.allSatisfy { $0.count >= 10 })
  let shown = Dictionary(grouping: test, by: \.user)
  #expect(shown.keys.count == sizes.testUsers && shown.values.allSatisfy { $0.count == sizes.perTestUser })
  let pairs = Set((train + test).map { "\($0.user) \($0.item)" })
  #expect(pairs.count == train.count + test.count, "no pair stands twice, none in both files")
  for (log, share) in [(train, sizes.likedShare), (test, 0.0879)] {
    #expect(Set(log.map(\.rating)) == [1, 2, 3, 4, 5])
    let liked = Double(log.count { $0.rating >= 4 }) / Double(log.count)
    #expect(abs(liked - share) < tolerance, "\(liked) instead of \(share)")
  }
}

/// The filter of the Biif paper, §4.1, counted again on strings.
private func expectFilter(_ path: String, _ filter: RatingsFilter) throws -> (users: Int, items: Int) {
  let all = try rows(path, ",")
  let perUser = Dictionary(grouping: all, by: \.user).mapValues(\.count)
  let active = all.filter { perUser[$0.user, default: 0] >= filter.leastPerUser }
  let perItem = Dictionary(grouping: active, by: \.item).mapValues(\.count)
  let left = active.filter { perItem[$0.item, default: 0] >= filter.leastPerItem }
  func first(_ ids: [String], _ most: Int) -> [String: Int32] {
    var index: [String: Int32] = [:]
    for id in ids where index[id] == nil { index[id] = Int32(index.count) }
    return index.filter { $0.value < most }
  }
  let (users, items) = (first(left.map(\.user), filter.firstUsers), first(left.map(\.item), filter.firstItems))
  let wanted = left.compactMap { row in users[row.user].flatMap { user in items[row.item].map { (user, $0) } } }
  let read = try InteractionReader(options: ReadOptions(preset: .amazon2014)).read(path: path).interactions
  let kept = filter.apply(
    users: read.userColumn, items: read.itemColumn, userCount: read.users.count, itemCount: read.items.count)
  #expect(kept.userCount == users.count && kept.itemCount == items.count)
  #expect(kept.users == wanted.map(\.0) && kept.items == wanted.map(\.1))
  return (Set(left.map(\.user)).count, Set(left.map(\.item)).count)
}

@Suite struct SimulatedFilesTests {
  @Test func aSmallFileHasYahoosForm() throws {
    let sizes = SimulatedSizes(
      users: 150, items: 60, ratings: 2400, testUsers: 60, perTestUser: 10, likedShare: 0.2)
    try withTemporaryFolder { folder in
      try SimulatedRatings.writeYahooR3(into: folder, sizes)
      try expectForm(folder, sizes, tolerance: 0.02)
    }
  }

  @Test func theFilterOfAmazonsRatingsIsTheCountedOne() throws {
    try withTemporaryFolder { folder in
      try SimulatedRatings.writeAmazon2014(to: folder + "/r.csv", users: 300, items: 200)
      let filter = RatingsFilter(leastPerUser: 10, leastPerItem: 8, firstUsers: 70, firstItems: 60)
      let (users, items) = try expectFilter(folder + "/r.csv", filter)
      #expect(users > 70 && items > 60 && users < 300, "both bounds bite")
    }
  }
}

private let simulated = ProcessInfo.processInfo.environment["LIGHTMETER_SIMULATED"]

/// The paper's studies on simulated files of the published sizes; half an hour each in a debug build, so they run where
/// LIGHTMETER_SIMULATED names a folder for the files, and are reported as skipped elsewhere. The files stay there:
/// `lightmeter reproduce table1 --data "$LIGHTMETER_SIMULATED"` reads them.
@Suite(
  .serialized, .enabled(if: simulated != nil, "LIGHTMETER_SIMULATED does not name a folder for the simulated files"))
struct SimulatedSizesTests {
  @Test func tableOneRunsAtYahoosSize() async throws {
    let folder = try #require(simulated)
    try SimulatedRatings.writeYahooR3(into: folder)
    // Liking decides as much as two hundred users told: three of their standard errors.
    try expectForm(folder, .yahooR3, tolerance: 0.025)
    let text = ReproductionTests.smallTable("epochs: 2, dimension: 8")
    let runner = try StudyRunner(Study(text: text), data: folder, store: RunStore(folder: ScratchFolder().path("runs")))
    #expect(runner.facts[0].facts.contains("311704 biased ratings of 15400 users and 1000 items"))
    for (validation, least) in [(StudyMethod.Validation.rated, 5500), (.unrated, 5500)] {
      // A fifth of the users, two pairs of each that has both a click and a pair without one.
      let training = try runner.datasets[0].training(
        stream: .sampled(negativesPerPositive: 5), validation: validation, seed: 1)
      #expect((least...6160).contains(training.data.validation.count), "\(training.data.validation.count)")
    }
    try await runner.run()
    let ledger = try Ledger([.table1: .done(runner)])
    for method in ["RelMF", "UMF", "Biif"] {
      let entries = ledger.entries.filter { $0.place.hasPrefix("Table 1") && $0.method == method }
      #expect(entries.count == 6 && entries.allSatisfy { $0.ours != nil && $0.verdict != .notTestable })
    }
  }

  @Test func theAmazonWorldOfFigureThreeRunsAtItsSize() async throws {
    let folder = try #require(simulated)
    let path = "\(folder)/ratings_CDs_and_Vinyl.csv"
    try SimulatedRatings.writeAmazon2014(to: path)
    let filter = RatingsFilter(leastPerUser: 10, leastPerItem: 8, firstUsers: 3000, firstItems: 3000)
    let (users, items) = try expectFilter(path, filter)
    #expect(users > 3000 && items > 3000, "\(users) users and \(items) items qualify")
    let left = ["expomf", "cjmf", "label: AD", "ceb", "bpr", "umf", "relmf, ", "method: relmf", "method: mf", "random"]
    let text = Reproduction.figure3.text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { line in !left.contains { line.hasPrefix("  - ") && line.contains($0) } || line.contains("kind:") }
      .joined(separator: "\n")
      .replacing("epochs: 20", with: "epochs: 1, dimension: 4, batch: 8192")
      .replacing("[5, 10, 15, 20, 40]", with: "[1]").replacing("[1e-6, 1e-5, 1e-4]", with: "[1e-6]")
      .replacing("configurations: 3", with: "configurations: 1").replacing("seeds: 5", with: "seeds: 1")
      .replacing("controls: [MF, FixedMix]", with: "controls: [FixedMix]")
    let runner = try StudyRunner(Study(text: text), data: folder, store: RunStore(folder: ScratchFolder().path("runs")))
    #expect(runner.facts.count == 1 && runner.facts[0].facts.contains("3000 users × 3000 items"), "\(runner.facts)")
    try await runner.run()
    let results = try StudyResults.read(runner, runner.datasets[0], partial: false)
    #expect(results.rows.map(\.label) == ["Popularity", "FixedMix", "Biif"])
    #expect(results.rows.allSatisfy { row in row.runs("DCG@3").count == 1 && row.runs("DCG@3")[0].mean ?? 0 > 0 })
  }
}
