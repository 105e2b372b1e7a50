import LightmeterFeedback
import Testing

/// Five users, six items. Clicks per item: 0 → 3, 1 → 3, 2 → 2, 3 → 1, 4 → 0, 5 → 1.
private let positives = FeedbackMatrix(
  userCount: 5, itemCount: 6, users: [0, 0, 0, 1, 1, 1, 2, 2, 2, 3], items: [0, 1, 2, 0, 1, 3, 0, 1, 2, 5])
/// Ratings in all: user 0 has 4, user 1 has 4, user 2 has 3, user 3 has 5, user 4 none.
private let negatives = FeedbackMatrix(
  userCount: 5, itemCount: 6, users: [0, 1, 3, 3, 3, 3], items: [4, 5, 0, 1, 3, 4])

private func triples(_ pairs: PairBatch) -> [[Int]] {
  (0..<pairs.count).map { [Int(pairs.users[$0]), Int(pairs.items[$0]), Int(pairs.feedback[$0])] }
}

@Suite("Unbiased validation set")
struct UnbiasedValidationTests {
  @Test("users come by ratings, then positives, then the smaller index; items by clicks, then the smaller index")
  func orderAndTies() {
    let two = UnbiasedValidation(positives: positives, negatives: negatives, fraction: 0.4)
    #expect(two.reading == .rated)
    #expect(triples(two.pairs) == [[3, 5, 1], [3, 0, 0], [0, 0, 1], [0, 4, 0]])
    let three = UnbiasedValidation(positives: positives, negatives: negatives, fraction: 0.6)
    #expect(three.pairs.users.suffix(2) == [1, 1])
  }

  @Test("more positives win among users with equally many ratings")
  func tieByPositives() {
    let listed = FeedbackMatrix(userCount: 2, itemCount: 4, users: [0, 0], items: [0, 1])
    let clicked = FeedbackMatrix(userCount: 2, itemCount: 4, users: [0, 1, 1, 1], items: [2, 0, 1, 2])
    let set = UnbiasedValidation(positives: clicked, negatives: listed, fraction: 0.5)
    #expect(triples(set.pairs) == [[1, 2, 1]])
  }

  @Test("activity by positives ignores low ratings")
  func positiveCount() {
    let set = UnbiasedValidation(positives: positives, negatives: negatives, fraction: 0.4, activity: .positiveCount)
    #expect(triples(set.pairs) == [[0, 0, 1], [0, 4, 0], [1, 0, 1], [1, 5, 0]])
  }

  @Test("the unrated reading takes the most popular item that the user did not click, rated or not")
  func unratedReading() {
    let set = UnbiasedValidation(positives: positives, negatives: negatives, fraction: 0.6, reading: .unrated)
    #expect(triples(set.pairs) == [[3, 5, 1], [3, 0, 0], [0, 0, 1], [0, 3, 0], [1, 0, 1], [1, 2, 0]])
  }

  @Test(
    "a log of clicks only is read as unrated",
    arguments: [nil, FeedbackMatrix(userCount: 5, itemCount: 6, users: [], items: [])])
  func clicksOnly(_ negatives: FeedbackMatrix?) {
    let set = UnbiasedValidation(positives: positives, negatives: negatives, fraction: 0.2)
    #expect(set.reading == .unrated)
    #expect(triples(set.pairs) == [[0, 0, 1], [0, 3, 0]])
  }

  @Test("a user without one of the sides gives the other, a user without any pair nothing")
  func missingSides() {
    let set = UnbiasedValidation(positives: positives, negatives: negatives, fraction: 1)
    #expect(set.pairs.users == [3, 3, 0, 0, 1, 1, 2])
    let unrated = UnbiasedValidation(positives: positives, negatives: negatives, fraction: 1, reading: .unrated)
    #expect(!unrated.pairs.users.contains(4))
    let allClicked = FeedbackMatrix(userCount: 1, itemCount: 2, users: [0, 0], items: [0, 1])
    #expect(UnbiasedValidation(positives: allClicked, negatives: nil, fraction: 1).pairs.feedback == [1])
    let noClick = UnbiasedValidation(
      positives: FeedbackMatrix(userCount: 1, itemCount: 2, users: [], items: []),
      negatives: FeedbackMatrix(userCount: 1, itemCount: 2, users: [0], items: [1]), fraction: 1)
    #expect(triples(noClick.pairs) == [[0, 1, 0]])
  }

  @Test("a pair listed on both sides is positive")
  func listedTwice() {
    let clicked = FeedbackMatrix(userCount: 1, itemCount: 3, users: [0, 0], items: [0, 1])
    let listed = FeedbackMatrix(userCount: 1, itemCount: 3, users: [0, 0], items: [0, 2])
    let set = UnbiasedValidation(positives: clicked, negatives: listed, fraction: 1)
    #expect(triples(set.pairs) == [[0, 0, 1], [0, 2, 0]])
  }

  @Test(
    "the share of users is rounded down, in decimal", arguments: [(0.2, 20), (0.29, 29), (0.295, 29), (0, 0), (1, 100)])
  func share(_ fraction: Double, users: Int) {
    let everyone = FeedbackMatrix(
      userCount: 100, itemCount: 3, users: (0..<100).map(Int32.init), items: (0..<100).map { $0 % 2 })
    let set = UnbiasedValidation(positives: everyone, negatives: nil, fraction: fraction)
    #expect(set.coverage.users == users)
    #expect(set.pairs.count == 2 * users)
  }

  @Test("coverage counts pairs and the concentration of negatives and prints one sentence")
  func coverage() {
    let set = UnbiasedValidation(positives: positives, negatives: negatives, fraction: 1)
    let coverage = set.coverage
    #expect([coverage.users, coverage.pairs, coverage.positives, coverage.negatives] == [4, 7, 4, 3])
    #expect(coverage.distinctNegativeItems == 3)
    #expect(coverage.topNegativeShare == 1.0 / 3)
    #expect(
      coverage.description
        == "7 validation pairs of 4 users: 4 positive, 3 negative on 3 distinct items, the most frequent one 33 % of them."
    )
  }

  @Test("item-major order moves all columns together")
  func itemMajor() {
    let pairs = PairBatch(
      users: [2, 1, 0], items: [5, 3, 5], feedback: [1, 0, 0], knownExposures: [0.2, 0.1, 0], weights: [3, 2, 1])
    let expected = PairBatch(
      users: [1, 0, 2], items: [3, 5, 5], feedback: [0, 0, 1], knownExposures: [0.1, 0, 0.2], weights: [2, 1, 3])
    #expect(pairs.itemMajor() == expected)
  }
}
