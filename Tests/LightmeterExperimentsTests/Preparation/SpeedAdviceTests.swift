import LightmeterTraining
import Testing

@testable import LightmeterExperiments

@Suite struct SpeedAdviceTests {
  private func advice(
    _ method: String, _ settings: [String: RecipeValue] = [:], users: Int = 1_000_000, given: Set<String> = []
  ) throws -> SpeedAdvice? {
    let plan = try Recipe(method, settings).validated()
    let size = MemoryForecast.Size(
      users: users, items: users / 10, rows: 10 * users, positives: 10 * users, textBytes: 8 * users)
    let forecast = MemoryForecast(plan.pointwise, size: size, holdsOut: false, controls: false)
    return SpeedAdvice(plan, forecast: forecast, given: given)
  }

  @Test func aLargeLogIsToldOfBothSettingsInOneSentence() throws {
    let found = try #require(try advice("biif"))
    #expect(found.options == ["--set optimizer=lazyAdam", "--set shuffle=blocks"])
    #expect(found.description.contains("GiB, fit into no cache; --set optimizer=lazyAdam moves"))
    #expect(!found.description.contains("\n"))
  }

  @Test func whatIsChosenAlreadyIsNotAdvised() throws {
    #expect(try advice("biif", ["optimizer": .text("lazyAdam")])?.options == ["--set shuffle=blocks"])
    #expect(try advice("biif", given: ["optimizer"])?.options == ["--set shuffle=blocks"])
    #expect(try advice("mf", ["stream": .text("all")])?.options == ["--set optimizer=lazyAdam"])
    #expect(try advice("biif", ["optimizer": .text("lazyAdam"), "shuffle": .text("blocks")]) == nil)
  }

  @Test func thereIsNoneForSmallLogsAndForMethodsWithoutSuchSteps() throws {
    #expect(try advice("biif", users: 10_000) == nil)
    #expect(try advice("popularity") == nil && advice("wmf") == nil)
  }
}
