import Foundation
import LightmeterEvaluation
import LightmeterExperiments
import Testing

@Suite struct DemoTests {
  /// Trained once for the whole suite.
  private static let shared = Task { try await Demo(seed: 3, userCount: 80, itemCount: 80, epochs: 2, width: 2).run() }

  private var result: DemoResult { get async throws { try await Self.shared.value } }

  @Test func everyMethodHasARow() async throws {
    let result = try await result
    #expect(
      result.rows.map(\.key) == [
        "random", "popularity", "mf", "fixedmix", "relmf", "umf", "biif", "slice-means", "calibrated-inverse",
        "calibrated", "biif-slice", "mf-impressions", "oracle",
      ])
    for row in result.rows {
      #expect(row.ndcg.mean > 0 && row.ndcg.mean < 1 && row.ndcg.contains(row.ndcg.mean), "\(row.key)")
      #expect((row.difference == nil) == (row.key == "mf"), "\(row.key)")
      #expect(row.curve.allSatisfy(\.isFinite), "\(row.key)")
    }
    #expect(result.row("biif")?.curve.count == 2)
    #expect(result.slicePairs == 64 && result.sliceClicks > 0)
    let oracle = try #require(result.row("oracle")?.exposureCorrelation)
    #expect(abs(oracle - 1) < 1e-9)
    #expect(result.row("mf")?.exposureCorrelation == nil)
    let biif = try #require(result.row("biif")?.exposureCorrelation)
    #expect(biif > -1 && biif < 1)
  }

  @Test func numbersDoNotDependOnTheWidth() async throws {
    let one = try await Demo(seed: 3, userCount: 80, itemCount: 80, epochs: 2, width: 1).run()
    let two = try await result
    for (a, b) in zip(one.rows, two.rows) {
      #expect(a.ndcg == b.ndcg && a.difference == b.difference && a.curve == b.curve, "\(a.key)")
      #expect(a.exposureCorrelation == b.exposureCorrelation && a.deciles == b.deciles, "\(a.key)")
    }
    #expect(one.digest == two.digest && one.sentences == two.sentences)
  }

  @Test(arguments: [(0.02, "beats"), (-0.02, "falls below"), (0.0, "cannot be told from")])
  func sentencesFollowTheDifferences(mean: Double, verb: String) async throws {
    let keys = ["biif", "slice-means", "calibrated", "calibrated-inverse", "biif-slice", "mf-impressions", "oracle"]
    let changed = try changing(try await result, keys: keys, mean: mean)
    let text = changed.sentences.joined(separator: " ")
    #expect(text.contains("Biif \(verb) naive MF"))
    #expect(text.contains("Slice item means \(verb) naive MF"))
    #expect(text.contains("the same naive model \(verb) itself on clicks"))
    #expect(text.contains("Told the true exposure") && text.contains("and \(verb) naive MF"))
    #expect(text.contains("So the slice bought nothing over naive MF here") == (mean <= 0))
    #expect(text.contains("in 4 of 4 uses") == (mean > 0))
  }

  @Test func noMethodOfClicksIsPraisedWithoutAGain() async throws {
    let clicksOnly = ["fixedmix", "relmf", "umf", "biif"]
    let level = try changing(try await result, keys: clicksOnly, mean: 0)
    #expect(level.sentences.contains { $0.contains("No method that learns from clicks alone beats naive MF") })
    let gain = try changing(level, keys: ["relmf", "umf"], mean: 0.02)
    #expect(gain.sentences.contains { $0.contains("From clicks alone, RelMF and UMF beat naive MF") })
  }

  @Test func theTableFitsATerminalAndNamesTheOracle() async throws {
    let lines = try await result.table.plain().split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 100 }, "\(lines.map(\.count).max() ?? 0)")
    #expect(lines.contains { $0.contains("Oracle") })
  }

  @Test func thePageHasItsFiguresAndNoGap() async throws {
    let page = try await result.page(command: "lightmeter demo", version: "1")
    let html = page.html()
    try PagesChecks.expectBalanced(html)
    #expect(!html.contains("NaN") && !html.contains("no data"))
    let figures = page.attachments().filter { $0.name.hasSuffix(".svg") }
    #expect(figures.count == 4)
    for text in ["Oracle exposure", "Protocol", "Data digest", "lightmeter train LOG"] { #expect(html.contains(text)) }
    for block in page.sections.flatMap(\.blocks) {
      guard case .figure(let chart, let caption) = block else { continue }
      for width in [360.0, 760] { PagesChecks.expectSound(chart, width: width, caption) }
    }
  }

  @Test func theWorldsDifferOnlyInTheirCorrelation() {
    for preset in WorldPreset.allCases {
      var parameters = preset.parameters
      parameters.correlation = 0
      #expect(parameters == CleanWorldParameters())
    }
  }

  /// The same result with other differences from MF in some rows.
  private func changing(_ result: DemoResult, keys: [String], mean: Double) throws -> DemoResult {
    let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(result))
    var tree = try #require(object as? [String: Any])
    var rows = try #require(tree["rows"] as? [[String: Any]])
    for place in rows.indices where keys.contains(rows[place]["key"] as? String ?? "") {
      let value = ConfidenceInterval(mean: mean, low: mean - 0.01, high: mean + 0.01, level: 0.95, resamples: 2000)
      rows[place]["difference"] = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
    }
    tree["rows"] = rows
    return try JSONDecoder().decode(DemoResult.self, from: JSONSerialization.data(withJSONObject: tree))
  }
}
