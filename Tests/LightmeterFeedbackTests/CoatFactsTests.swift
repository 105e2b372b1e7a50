import Foundation
import LightmeterFeedback
import Testing

/// Facts of the Coat log (METHODS §1.1). The data may not be handed on, so these run only where the environment variable
/// LIGHTMETER_DATA names a folder with `coat/train.ascii`, and are reported as skipped elsewhere.
private let coatFile = ProcessInfo.processInfo.environment["LIGHTMETER_DATA"].map { $0 + "/coat/train.ascii" }

private func coat() throws -> FeedbackLog {
  let text = try String(contentsOfFile: try #require(coatFile), encoding: .utf8)
  var log = FeedbackLog(userCount: 290, itemCount: 300, positives: ListedPairs())
  for (user, line) in text.split(whereSeparator: \.isNewline).enumerated() {
    for (item, rating) in line.split(whereSeparator: \.isWhitespace).compactMap({ Int($0) }).enumerated()
    where rating > 0 {
      if rating >= 4 {
        log.positives.users.append(Int32(user))
        log.positives.items.append(Int32(item))
      } else {
        log.negatives.users.append(Int32(user))
        log.negatives.items.append(Int32(item))
      }
    }
  }
  return log
}

@Suite("Coat facts", .enabled(if: coatFile != nil, "set LIGHTMETER_DATA to the folder that holds coat/train.ascii"))
struct CoatFactsTests {
  @Test("1,905 of 6,960 ratings are positive, 16 items have none and so popularity exposure 0")
  func counts() throws {
    let log = try coat()
    #expect(log.positives.count == 1905)
    #expect(log.positives.count + log.negatives.count == 6960)
    let positives = FeedbackMatrix(
      userCount: 290, itemCount: 300, users: log.positives.users, items: log.positives.items)
    #expect(positives.itemCounts.count { $0 > 0 } == 284)
    let popularity = Popularity.exposure(of: positives)
    #expect(popularity.count { $0 == 0 } == 16)
    #expect(popularity.max() == 1)
    let smallest = try #require(popularity.filter { $0 > 0 }.min())
    #expect(abs(smallest - 0.139) < 0.0005)
  }

  @Test(
    "58 users give 116 validation pairs, on 28 rated or 2 unrated negative items",
    arguments: [(UnbiasedValidation.Reading.rated, 28), (.unrated, 2)])
  func validation(_ reading: UnbiasedValidation.Reading, negativeItems: Int) throws {
    let options = TrainingDataOptions(validation: .carved(reading: reading), seed: 1)
    let (data, summary) = try TrainingDataBuilder.build(try coat(), options: options)
    #expect(summary.validation.users == 58)
    #expect(summary.validation.pairs == 116)
    #expect(summary.validation.distinctNegativeItems == negativeItems)
    #expect(data.validation.count == 116)
  }
}
