import LightmeterKernels
import Foundation
import LightmeterFeedback
import Testing

@testable import LightmeterExperiments

@Suite final class WorldFilesTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "lightmeter-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: folder) }

  private func path(_ name: String) -> String { folder.appending(path: name).path() }
  private func lines(_ name: String) throws -> [String] {
    try String(contentsOfFile: path(name), encoding: .utf8).split(separator: "\n").map(String.init)
  }

  @Test func clicksAreWrittenInOrderWithReadableIds() throws {
    let world = Small.world()
    let written = try WorldFiles(world).writeClicks(to: path("clicks.csv"))
    let clicks = WorldDraws(world).clicks()
    let lines = try lines("clicks.csv")
    #expect(lines[0] == "user,item" && lines.count == clicks.count + 1 && written.rows == clicks.count)
    #expect(lines[1] == "u\(clicks.user(at: 0)),i\(clicks.items[0])")
    #expect(lines.last == "u\(clicks.user(at: clicks.count - 1)),i\(clicks.items[clicks.count - 1])")
    #expect(written.bytes == (try Data(contentsOf: folder.appending(path: "clicks.csv"))).count)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path("")).sorted() == ["clicks.csv"])
  }

  @Test func impressionsTruthAndRandomTrafficHaveTheirColumns() throws {
    let files = WorldFiles(Small.world())
    let shown = try files.writeImpressions(to: path("impressions.csv"))
    let impressions = try lines("impressions.csv")
    #expect(impressions[0] == "user,item,shown,click" && impressions.count == shown.rows + 1)
    #expect(impressions.dropFirst().allSatisfy { $0.hasSuffix(",1,1") || $0.hasSuffix(",1,0") })
    #expect(try files.writeRandomTraffic(count: 77, to: path("random.csv")).rows == 77)
    #expect(try lines("random.csv")[0] == "user,item,click")
    #expect(try files.writeTruth(to: path("truth.csv")).rows == 30_000)
    let world = Small.world()
    let cell = world.truth(user: 1, item: 2)
    #expect(try lines("truth.csv")[1 + 150 + 2] == "u1,i2,\(Float(cell.relevance)),\(Float(cell.exposure))")
    #expect(throws: WorldError.self) { try files.writeRandomTraffic(count: 30_001, to: path("more.csv")) }
  }

  @Test func skippedClicksAreThoseOfTheSampler() throws {
    let world = Small.world()
    let written = try WorldFiles(world, seed: 4, skipping: true).writeClicks(to: path("clicks.csv"))
    var rows = 0
    SkippingSampler(world, seed: 4).forEachUser { rows += $0.items.count }
    #expect(written.rows == rows)
  }

  /// The path of worlds above 10⁸ cells, forced on a small one.
  @Test func everySkippedClickIsAnImpressionAndNoOtherImpressionIsClicked() throws {
    let files = WorldFiles(Small.world(.entangled), seed: 4, skipping: true)
    let clicks = try files.writeClicks(to: path("clicks.csv"))
    let shown = try files.writeImpressions(to: path("impressions.csv"))
    let clicked = try lines("impressions.csv").filter { $0.hasSuffix(",1,1") }.map { String($0.dropLast(4)) }
    #expect(clicked == Array(try lines("clicks.csv").dropFirst()))
    #expect(clicks.rows > 300 && shown.rows > 2 * clicks.rows)
  }

  /// 5,000 users are two shards, and every thread count must put them together alike.
  @Test func filesAreTheSameAtAnyThreadCount() throws {
    var parameters = Small.parameters()
    (parameters.userCount, parameters.itemCount, parameters.meanExposure) = (5000, 40, 0.02)
    let files = WorldFiles(try CleanWorld(parameters), seed: 4, skipping: true)
    var contents: [Data] = []
    for threads in [1, 2, 3, 8] {
      Threads.use(threads)
      _ = try files.writeClicks(to: path("clicks.csv"))
      contents.append(try Data(contentsOf: folder.appending(path: "clicks.csv")))
    }
    Threads.use(1)
    #expect(contents[0].count > 2000 && contents.allSatisfy { $0 == contents[0] })
  }

  @Test func aFailedRunLeavesNothingBehind() throws {
    struct Stop: Error {}
    let files = WorldFiles(Small.world())
    #expect(throws: Stop.self) {
      try files.writeClicks(to: path("clicks.csv")) { user, _ in if user >= 10 { throw Stop() } }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: path("")).isEmpty)
    #expect(throws: FileError.self) { try files.writeClicks(to: path("no/such/folder.csv")) }
  }
}
