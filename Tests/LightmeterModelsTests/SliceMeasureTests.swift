import LightmeterFeedback
import LightmeterKernels
import Testing

@testable import LightmeterModels

@Suite struct SliceMeasureTests {
  @Test func areaWithinUsersDoesNotSeeDifferencesBetweenThem() {
    var pairs = PairBatch()
    for (user, feedback) in [(0, 1), (0, 0), (0, 0), (1, 1), (1, 1), (1, 0), (2, 1), (3, 0)] {
      pairs.append(user: Int32(user), item: 0, feedback: UInt8(feedback))
    }
    // User 0: above one, tied with one of two; user 1: one of two above; users 2 and 3 have one kind only.
    let scores: [Float] = [5, 5, 1, 100, 80, 90, 7, 8]
    #expect(SliceMeasure.areaWithinUsers(scores: scores, pairs: pairs) == (1.5 + 1) / 4)
    let shifted = zip(scores, pairs.users).map { $0 + 1000 * Float($1) }
    #expect(SliceMeasure.areaWithinUsers(scores: shifted, pairs: pairs) == 0.625)
    #expect(
      SliceMeasure.areaWithinUsers(scores: [1, 2], pairs: PairBatch(users: [0, 1], items: [0, 0], feedback: [1, 0]))
        == nil)
  }

  /// A table of scores.
  private struct Listed: Scorer {
    let rows: [[Float]]
    var userCount: Int { rows.count }
    var itemCount: Int { rows[0].count }
    func scores(user: Int, items: Range<Int>, into scores: inout [Float]) {
      for (k, item) in items.enumerated() { scores[k] = rows[user][item] }
    }
  }

  private static let scorer = Listed(rows: [[4, 3, 3, 1, 0], [9, 8, 7, 6, 5]])
  private static let pairs = PairBatch(
    users: [0, 1, 0, 1, 0], items: [1, 3, 4, 0, 2], feedback: [1, 1, 0, 1, 0])
  /// User 1 has clicked items 0 and 2 in the log.
  private static let seen = FeedbackMatrix(userCount: 2, itemCount: 5, users: [1, 1], items: [0, 2])

  @Test func placesAreThoseAmongUnseenItemsAndTiesCountOneHalf() {
    // (0, 1): one above, one tied: place 2.5 of 5. (1, 3): one unseen item above: place 2 of 3. (1, 0) is seen.
    let percentile = SliceMeasure.percentile.value(of: Self.scorer, on: Self.pairs, seen: Self.seen)
    #expect(percentile == (2.5 / 4 + 1.0 / 2) / 2)
    let discount = SliceMeasure.discount.value(of: Self.scorer, on: Self.pairs, seen: Self.seen)
    let expected = (Portable.log(2) / Portable.log(3.5) + Portable.log(2) / Portable.log(3)) / 2
    #expect(discount == expected)
  }

  @Test func onlyItemsThatTheSliceOffersAreRankedAgainst() {
    // Item 0, above the click of user 0, is offered to nobody: places 1.5 of 4 and 1 of 2.
    let pairs = PairBatch(users: [0, 1, 0, 0], items: [1, 3, 4, 2], feedback: [1, 1, 0, 0])
    let seen = FeedbackMatrix(userCount: 2, itemCount: 5, users: [1, 1], items: [1, 2])
    #expect(
      SliceMeasure.percentile.value(of: Self.scorer, on: pairs, seen: seen) == (2.5 / 3 + 1.0) / 2)
  }

  @Test func rankingsDoNotSeeDifferencesBetweenUsers() {
    let shifted = Listed(rows: [Self.scorer.rows[0], Self.scorer.rows[1].map { $0 + 100 }])
    for measure in [SliceMeasure.percentile, .discount, .withinUser] {
      #expect(
        measure.value(of: shifted, on: Self.pairs, seen: Self.seen)
          == measure.value(of: Self.scorer, on: Self.pairs, seen: Self.seen))
    }
    let other = Listed(rows: [Self.scorer.rows[0].map { $0 + 200 }, Self.scorer.rows[1]])
    #expect(
      SliceMeasure.pooled.value(of: shifted, on: Self.pairs, seen: Self.seen)
        != SliceMeasure.pooled.value(of: other, on: Self.pairs, seen: Self.seen))
  }

  @Test func pairsWithoutAnUnseenClickGiveNoAnswer() {
    let pairs = PairBatch(users: [1, 0], items: [2, 3], feedback: [1, 0])
    #expect(SliceMeasure.percentile.value(of: Self.scorer, on: pairs, seen: Self.seen) == nil)
    #expect(SliceMeasure.discount.value(of: Self.scorer, on: pairs, seen: Self.seen) == nil)
  }
}
