import Testing

@testable import LightmeterFeedback

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite struct PositiveRuleTests {
  static func log(ratings: [Float]? = nil, clicks: [UInt8]? = nil, shown: [UInt8]? = nil) -> Interactions {
    var log = Interactions()
    for k in 0..<3 {
      log.userColumn.append(log.users.intern("u\(k)"))
      log.itemColumn.append(log.items.intern("i\(k)"))
    }
    log.ratings = ratings
    log.clicks = clicks
    log.shown = shown
    return log
  }

  @Test func eachRuleReadsItsColumn() throws {
    let log = Self.log(ratings: [3.6, 3.5, 5], clicks: [0, 1, 0])
    #expect(try PositiveRule.everyRow.apply(to: log) == [1, 1, 1])
    #expect(try PositiveRule.clickColumn.apply(to: log) == [0, 1, 0])
    // 3.6 is not a binary fraction: comparing in Double would lose the row that says exactly 3.6.
    #expect(try PositiveRule.ratingAtLeast(3.6).apply(to: log) == [1, 0, 1])
  }

  @Test func noPositiveAndMissingColumnsAreErrorsWithAWayOut() {
    let none = #expect(throws: ReadError.self) {
      try PositiveRule.ratingAtLeast(9).apply(to: Self.log(ratings: [1, 2, 3]), file: "r.csv")
    }
    #expect(
      none?.description == "r.csv: none of the 3 rows is a positive under rating>=9, so there is nothing to learn; "
        + "the ratings run from 1.0 to 3.0: choose --positive rating>=NUMBER within them")
    let missing = #expect(throws: ReadError.self) {
      try PositiveRule.clickColumn.apply(to: Self.log(), file: "r.csv")
    }
    #expect(missing?.description.contains("r.csv: has no click column") == true)
    #expect(missing?.remedy.contains("--columns click=NAME") == true)
  }

  @Test func textAndJSONRoundTrip() throws {
    for rule in [PositiveRule.everyRow, .clickColumn, .ratingAtLeast(4), .ratingAtLeast(0.75)] {
      #expect(try PositiveRule(parsing: rule.description) == rule)
      let data = try JSONEncoder().encode([rule])
      #expect(try JSONDecoder().decode([PositiveRule].self, from: data) == [rule])
    }
    #expect(PositiveRule.ratingAtLeast(4).description == "rating>=4")
    let error = #expect(throws: ReadError.self) { try PositiveRule(parsing: "rating>4") }
    #expect(error?.description.contains("\"rating>4\" is no positive rule") == true)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([PositiveRule].self, from: Data("[\"some\"]".utf8))
    }
  }

  @Test func columnsThatLeaveTwoReadingsAreNotGuessed() throws {
    #expect(try Self.log().onlyPositiveRule() == .everyRow)
    #expect(try Self.log(clicks: [0, 1, 0]).onlyPositiveRule() == .clickColumn)
    for log in [
      Self.log(ratings: [1, 2, 3]), Self.log(shown: [1, 1, 1]), Self.log(ratings: [1, 2, 3], clicks: [0, 1, 0]),
    ] {
      let error = #expect(throws: ReadError.self) { try log.onlyPositiveRule(file: "r.csv") }
      #expect(error?.kind == .unsettled)
      #expect(error?.description.contains("two ways") == true)
      #expect(error?.remedy.contains("--positive") == true)
    }
  }
}
