import LightmeterTraining
import Testing

@testable import LightmeterExperiments

@Suite struct MemoryForecastTests {
  /// The log of the scaling table's largest row: 10⁷ users, 10⁶ items, 10⁸ clicks, ids of 7 bytes.
  private let large = MemoryForecast.Size(
    users: 10_000_000, items: 1_000_000, rows: 100_000_000, positives: 100_000_000, textBytes: 86_000_000)

  private func biif(_ settings: [String: RecipeValue] = [:]) throws -> PointwiseMethod {
    try Recipe("biif", settings.merging(["optimizer": .text("lazyAdam")]) { a, _ in a }).validated().pointwise
  }

  @Test func aHundredMillionClicksFitIntoTwentyGibibytesAtSixtyFourFactors() throws {
    let forecast = MemoryForecast(
      try biif(["dimension": .number(64), "biases": .text("userAndItem")]), size: large, holdsOut: false,
      controls: false)
    #expect(forecast.bytes < 20 << 30 && forecast.bytes > 15 << 30)
    #expect(forecast.training > forecast.preparing)
  }

  @Test func aRunThatDoesNotFitIsRefusedInOneSentenceWithTheOptionThatHelps() throws {
    let forecast = MemoryForecast(
      try biif(["dimension": .number(64)]), size: large, holdsOut: false, controls: false)
    #expect(throws: Never.self) { try forecast.check(limit: 20 << 30) }
    #expect(throws: Never.self) { try forecast.check(limit: nil) }
    let refusal = try #require(throws: MemoryShortage.self) { try forecast.check(limit: 10 << 30) }
    #expect(refusal.option == "--set dimension=32" && refusal.neededThen <= 10 << 30)
    #expect(refusal.description.contains("10.0 GiB can be had; --set dimension=32 needs about "))
    #expect(!refusal.description.contains("\n"))
    let hopeless = try #require(throws: MemoryShortage.self) { try forecast.check(limit: 1 << 30) }
    #expect(hopeless.option == nil && hopeless.description.contains("fewer rows"))
  }

  @Test func controlsAreTheFirstToGo() throws {
    let method = try biif(["dimension": .number(64)])
    let alone = MemoryForecast(method, size: large, holdsOut: false, controls: false)
    let beside = MemoryForecast(try biif(["dimension": .number(64)]), size: large, holdsOut: false, controls: true)
    #expect(beside.bytes >= alone.bytes)
    let naive = try Recipe("umf").validated().pointwise
    let controlled = MemoryForecast(naive, size: large, holdsOut: false, controls: true)
    let limit = MemoryForecast(naive, size: large, holdsOut: false, controls: false).bytes
    let refusal = try #require(throws: MemoryShortage.self) { try controlled.check(limit: limit) }
    #expect(refusal.option == "--only" && refusal.neededThen == limit)
  }

  @Test func fixedExposureNeedsNoTableAndResumingNeedsASecondSet() throws {
    let method = try Recipe("umf", ["dimension": .number(64)]).validated().pointwise
    let fixed = MemoryForecast(method, size: large, holdsOut: false, controls: false)
    let learned = MemoryForecast(
      try biif(["dimension": .number(64)]), size: large, holdsOut: false, controls: false)
    // Three arrays of 10⁷ rows of 64 numbers and a step count each; the validation pairs' marks in two inputs.
    let marks = 2 * 8 * 11_000_000
    #expect(learned.training - fixed.training == 3 * 4 * 64 * 10_000_000 + 4 * 10_000_000 + marks)
    let resumed = MemoryForecast(method, size: large, holdsOut: false, controls: false, resumes: true)
    #expect(resumed.training - fixed.training == 3 * 4 * 64 * 11_000_000)
  }
}
