import LightmeterFeedback
import LightmeterTraining
import Testing

@testable import LightmeterExperiments

@Suite struct SliceChoiceTests {
  /// Item 0 is what every user clicks; it stands at the given place among ten.
  private struct Placed: Scorer {
    let places: [Int]
    let userCount = 40
    let itemCount = 10
    func scores(user: Int, items: Range<Int>, into scores: inout [Float]) {
      let place = places[user % places.count]
      for (k, item) in items.enumerated() {
        scores[k] = item == 0 ? Float(-place) - 0.5 : Float(-item)
      }
    }
  }

  private func verdict(_ candidates: [[Int]]) -> Int? {
    var pairs = PairBatch()
    for user in 0..<40 { pairs.append(user: Int32(user), item: 0, feedback: 1) }
    for item in 1..<10 { pairs.append(user: 0, item: Int32(item), feedback: 0) }
    var choice = SliceChoice(
      pairs: pairs, seen: FeedbackMatrix(userCount: 40, itemCount: 10, users: [], items: []))
    for (k, places) in candidates.enumerated() {
      _ = choice.add(TrainedModel(scorer: Placed(places: places), exposure: nil, history: []), candidate: k)
    }
    return choice.best?.candidate
  }

  @Test func theBestIsTakenWhereItIsClearlyBetterThanNaiveTraining() {
    #expect(verdict([[5], [7], [2], [3]]) == 2)
    #expect(verdict([[5], [1, 4]]) == 1)
  }

  @Test func naiveTrainingStaysWhereTheSliceCannotTell() {
    // Better for two users in forty, worse for one: better on average, by less than a standard error.
    #expect(verdict([[5], Array(repeating: 5, count: 37) + [4, 4, 6]]) == 0)
    #expect(verdict([[2], [5], [7]]) == 0)
  }

  @Test func aSliceWithoutNewClicksGivesNoAnswer() {
    let seen = FeedbackMatrix(userCount: 1, itemCount: 10, users: [0], items: [0])
    var choice = SliceChoice(pairs: PairBatch(users: [0, 0], items: [0, 1], feedback: [1, 0]), seen: seen)
    let model = TrainedModel(scorer: Placed(places: [1]), exposure: nil, history: [])
    #expect(choice.add(model, candidate: 0) == nil && choice.best == nil)
  }
}
