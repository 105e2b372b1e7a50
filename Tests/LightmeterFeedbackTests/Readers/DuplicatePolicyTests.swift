import LightmeterKernels
import Testing

@testable import LightmeterFeedback

@Suite struct DuplicatePolicyTests {
  /// Rows of text "user item positive time [random]".
  static func log(_ rows: [String]) -> (Interactions, [UInt8]) {
    var log = Interactions()
    var (times, random, positives): ([Int64], [UInt8], [UInt8]) = ([], [], [])
    for row in rows {
      let parts = row.split(separator: " ").map(String.init)
      log.userColumn.append(log.users.intern(parts[0]))
      log.itemColumn.append(log.items.intern(parts[1]))
      positives.append(UInt8(parts[2])!)
      times.append(Int64(parts[3])!)
      random.append(parts.count > 4 ? UInt8(parts[4])! : 0)
    }
    log.times = times
    if random.contains(1) { log.random = random }
    return (log, positives)
  }

  @Test func anyPositiveKeepsOneRowPerPairAndCounts() throws {
    let (log, labels) = Self.log(["a x 0 5", "b x 1 6", "a x 1 7", "a y 0 8", "a x 1 9", "b x 1 1"])
    let result = try log.deduplicated(.anyPositive, positives: labels)
    #expect(result.interactions.pairs == ["b x", "a x", "a y"])
    #expect(result.interactions.times == [6, 7, 8])
    #expect(result.positives == [1, 1, 0])
    #expect((result.duplicates, result.repeatedPairs, result.conflictingPairs) == (3, 2, 1))
  }

  @Test func aPairThatWasShownOutranksOneThatWasNot() throws {
    var (log, labels) = Self.log(["a x 0 1", "a x 0 2"])
    log.shown = [0, 1]
    #expect(try log.deduplicated(.anyPositive, positives: labels).interactions.times == [2])
  }

  @Test func firstAndLastGoByTimeOrElseByPlace() throws {
    var (log, labels) = Self.log(["a x 0 5", "a x 1 3", "a x 0 9", "a x 1 9", "a x 1 4"])
    #expect(try log.deduplicated(.keepFirst, positives: labels).interactions.times == [3])
    let last = try log.deduplicated(.keepLast, positives: labels)
    #expect(last.interactions.times == [9])
    #expect(last.positives == [1])
    log.times = nil
    log.weights = [1, 2, 3, 4, 5]
    #expect(try log.deduplicated(.keepFirst, positives: labels).interactions.weights == [1])
    #expect(try log.deduplicated(.keepLast, positives: labels).interactions.weights == [5])
  }

  @Test func randomTrafficIsComparedOnlyWithItself() throws {
    let (log, labels) = Self.log(["a x 1 1", "a x 0 2 1", "a x 0 3 1", "a x 0 4"])
    let result = try log.deduplicated(.anyPositive, positives: labels)
    #expect(result.interactions.times == [1, 2])
    #expect(result.interactions.random == [0, 1])
    #expect(result.positives == [1, 0])
  }

  @Test func repeatsAreAnErrorWhereAsked() throws {
    let (log, labels) = Self.log(["a x 0 5", "b x 1 6", "a x 1 7"])
    let error = #expect(throws: ReadError.self) { try log.deduplicated(.error, positives: labels, file: "r.csv") }
    #expect(
      error?.description == "r.csv: \"a, x\" is a pair with 2 rows, the first being rows 1 and 3 of the data; "
        + "remove the repeats or choose --duplicates any-positive, keep-first or keep-last")
    let (single, one) = Self.log(["a x 0 5", "b x 1 6"])
    #expect(try single.deduplicated(.error, positives: one).interactions == single)
  }

  @Test func agreesWithASetOnRandomPairs() throws {
    var generator = SeededGenerator(seed: 3, stream: .split)
    let rows = (0..<3000).map { k in "u\(generator.below(20)) i\(generator.below(30)) \(generator.below(4) / 3) \(k)" }
    let (log, labels) = Self.log(rows)
    let result = try log.deduplicated(.anyPositive, positives: labels)
    let (before, after) = (log.pairs, result.interactions.pairs)
    #expect(Set(before).count == after.count)
    #expect(Set(after).count == after.count)
    let positive = Set(zip(before, labels).filter { $1 == 1 }.map { $0.0 })
    let kept = Set(zip(after, result.positives).filter { $1 == 1 }.map { $0.0 })
    #expect(kept == positive)
    #expect(result.duplicates == log.count - result.interactions.count)
  }
}
