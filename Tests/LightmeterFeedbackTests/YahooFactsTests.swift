import Foundation
import LightmeterFeedback
import Testing

/// Facts of Yahoo! R3's log (METHODS §1.1, §18). Its licence binds every user: these run only where LIGHTMETER_DATA names
/// a folder that has it, and are reported as skipped elsewhere.
private let yahooFile = ProcessInfo.processInfo.environment["LIGHTMETER_DATA"].map {
  $0 + "/yahoo-r3/ydata-ymusic-rating-study-v1_0-train.txt"
}

@Suite(
  "Yahoo! R3 facts",
  .enabled(
    if: yahooFile.map { FileManager.default.fileExists(atPath: $0) } ?? false,
    "LIGHTMETER_DATA names no folder with yahoo-r3"))
struct YahooFactsTests {
  private func log() throws -> FeedbackLog {
    let read = try InteractionReader(options: ReadOptions(preset: .yahooR3)).read(path: try #require(yahooFile))
    let ratings = try #require(read.interactions.ratings)
    return FeedbackLog(read.interactions) { ratings[$0] >= 4 }
  }

  @Test("125,077 of 311,704 ratings are positive, of 15,400 users and 1,000 items; popularity exposure is 0.034 to 1")
  func counts() throws {
    let log = try log()
    #expect(log.userCount == 15_400 && log.itemCount == 1000)
    #expect(log.positives.count == 125_077 && log.positives.count + log.negatives.count == 311_704)
    let positives = FeedbackMatrix(
      userCount: log.userCount, itemCount: log.itemCount, users: log.positives.users, items: log.positives.items)
    let popularity = Popularity.exposure(of: positives)
    #expect(popularity.max() == 1)
    #expect(abs((popularity.min() ?? 0) - 0.034) < 0.0005)
  }

  @Test(
    "3,080 users give 5,957 validation pairs with rated and 6,008 with unrated negative items",
    arguments: [(UnbiasedValidation.Reading.rated, 5957), (.unrated, 6008)])
  func validation(_ reading: UnbiasedValidation.Reading, pairs: Int) throws {
    let options = TrainingDataOptions(validation: .carved(reading: reading), seed: 1)
    let (_, summary) = try TrainingDataBuilder.build(try log(), options: options)
    #expect(summary.validation.users == 3080)
    #expect(summary.validation.pairs == pairs)
  }
}
