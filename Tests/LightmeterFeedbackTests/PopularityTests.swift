import LightmeterFeedback
import Testing

@Suite("Popularity")
struct PopularityTests {
  private let positives = FeedbackMatrix(
    userCount: 4, itemCount: 4, users: [0, 1, 2, 3, 0], items: [2, 2, 2, 2, 1])

  @Test("the most popular item has exposure 1, an item without positives 0, the rest the root of their share")
  func squareRoot() {
    #expect(Popularity.exposure(of: positives) == [0, 0.5, 1, 0])
  }

  @Test("the exponent is a parameter", arguments: [(0.0, Float(1)), (1, 0.25), (0.25, 0.70710677), (2, 0.0625)])
  func exponent(_ exponent: Double, expected: Float) {
    let exposure = Popularity.exposure(of: positives, exponent: exponent)
    #expect(abs(exposure[1] - expected) < 1e-7)
    #expect(exposure[2] == 1)
    #expect(exposure[0] == 0)
  }

  @Test("without positives every exposure is 0")
  func noPositives() {
    let none = FeedbackMatrix(userCount: 2, itemCount: 3, users: [], items: [])
    #expect(Popularity.exposure(of: none) == [0, 0, 0])
  }
}
