import LightmeterEvaluation
import LightmeterFeedback
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The folder with real data, given by whoever has it; without it these tests are skipped and say so.
private let dataFolder = ProcessInfo.processInfo.environment["LIGHTMETER_DATA"]

@Suite("Coat", .enabled(if: dataFolder != nil, "LIGHTMETER_DATA does not name a folder with coat/"))
struct CoatTests {
  private func ratings(_ name: String) throws -> [[Int]] {
    let path = "\(dataFolder ?? "")/coat/\(name).ascii"
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").map { Int($0) ?? -1 } }
  }

  @Test("cjmf2020 keeps 237 of the 290 users, and a random ranking has the expected DCG@1")
  func users() throws {
    let (train, test) = (try ratings("train"), try ratings("test"))
    let training = matrix(train.map { row in row.indices.filter { row[$0] >= 4 } }, itemCount: 300)
    var columns: (users: [Int32], items: [Int32], ratings: [Float]) = ([], [], [])
    for (user, row) in test.enumerated() {
      for (item, rating) in row.enumerated() where rating > 0 {
        columns.users.append(Int32(user))
        columns.items.append(Int32(item))
        columns.ratings.append(Float(rating))
      }
    }
    let rated = try RatedTest(
      userCount: 290, itemCount: 300, users: columns.users, items: columns.items,
      labels: columns.ratings.map { $0 >= 4 ? 1 : 0 }, ratings: columns.ratings)
    #expect(rated.count == 4640 && training.count == 1905)
    let constant = TableScorer(userCount: 290, itemCount: 300) { _, _ in 0 }
    var averaging = ProtocolPreset.cjmf2020
    averaging.convention.ties = .average
    let presets = [averaging] + ProtocolPreset.all.filter(rated.supports)
    let results = try RankingEvaluator(presets: presets).evaluate(constant, on: rated, training: training)
    #expect(results[0].card.usersKeptCount == 237)
    // Precision at 1 of a random order over the kept users.
    #expect(near(results[0].mean(.dcg, cutoff: 1), 0.227, 5e-4))
    #expect(results.count == 10)
  }
}
