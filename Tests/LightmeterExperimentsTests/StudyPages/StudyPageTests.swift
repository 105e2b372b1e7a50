import Foundation
import LightmeterEvaluation
import Testing

@testable import LightmeterExperiments

@Suite struct StudyPageTests {
  static let cases: [(name: String, sample: StudyPageSample)] = [
    ("two methods", StudyPageSample(labels: ["MF", "Biif"], sets: ["one"])),
    ("fifteen methods", StudyPageSample(labels: StudyPageSample.labels(15), sets: ["first"])),
    (
      "seventeen methods",
      StudyPageSample(labels: StudyPageSample.labels(17), metrics: ["NDCG@5"], sets: ["a", "b", "c"])
    ),
    ("one seed", StudyPageSample(labels: StudyPageSample.labels(3), seeds: 1)),
    ("runs without a model", StudyPageSample(labels: StudyPageSample.labels(4), failed: [0, 2])),
    ("no run with a model", StudyPageSample(labels: ["MF", "Biif"], failed: [0, 1], metrics: [], sets: ["one"])),
    ("old records", StudyPageSample(labels: ["MF", "Biif"], sets: ["one"], isRich: false)),
    (
      "hostile names",
      StudyPageSample(labels: ["MF", StudyPageSample.hostile], sets: [StudyPageSample.hostile], chosenOnTest: true)
    ),
  ]

  private static let parts = cases.map { sample in Result { try sample.sample.parts() } }

  /// The parts of a case, made once.
  static func parts(_ place: Int) throws -> [StudyPart] { try parts[place].get() }

  static func page(_ place: Int) throws -> Page { try cases[place].sample.page(parts(place)) }

  @Test(arguments: cases.indices) func everyPageIsSoundAndNeedsNothingFromElsewhere(place: Int) throws {
    let name = Self.cases[place].name
    let page = try Self.page(place)
    let html = page.html()
    try PagesChecks.expectBalanced(html)
    for word in ["<script", "http://", "https://", "src=", "url(", "@import", "\u{1B}", "NaN<", "inf<"] {
      #expect(!html.contains(word), "\(name): the page contains \(word)")
    }
    for block in page.sections.flatMap(\.blocks) {
      guard case .figure(let chart, let caption) = block else { continue }
      for width in [360.0, 760] { PagesChecks.expectSound(chart, width: width, "\(name), \(chart.title)") }
      #expect(!chart.data.rows.isEmpty && !caption.isEmpty, "\(name): \(chart.title) has no data")
    }
  }

  @Test func everyFigureAndTableOfThePageIsAFileByItsNumber() throws {
    let page = try Self.page(1)
    let (html, names) = (page.html(), page.attachments().map(\.name))
    let figures = names.filter { $0.hasSuffix(".svg") }
    let tables = names.filter { $0.hasSuffix(".tex") }
    #expect(figures.count > 12 && tables.count > 6)
    for file in figures.map({ $0.dropLast(4) }) {
      #expect(names.contains("\(file).csv"))
      #expect(html.contains("<strong>Figure \(file.dropFirst("figure-".count)).</strong>"))
    }
    for file in tables.map({ $0.dropLast(4) }) {
      #expect(names.contains("\(file).csv") && names.contains("\(file).md"))
      #expect(html.contains("<strong>Table \(file.dropFirst("table-".count)).</strong>"))
    }
    for file in page.attachments() where file.name.hasSuffix(".svg") {
      #expect(file.content.contains("#0072B2") && file.content.contains("prefers-color-scheme: dark"), "\(file.name)")
    }
    #expect(!html.contains("fill=\"#"), "drawings within the page take their colours from its style sheet")
  }

  @Test func theSummarySaysWhatIsBestTiedAndAgainstTheControl() throws {
    let summary = StudySummary(study: try Self.cases[1].sample.study)
    let text = summary.points(try Self.parts(1)[0]).joined(separator: "\n")
    #expect(text.contains("By NDCG@5, oracle that knows the exposure has the highest mean of 3 seeds: 0."))
    let one = StudySummary(study: try Self.cases[3].sample.study).points(try Self.parts(3)[0]).joined(separator: "\n")
    #expect(one.contains("has the highest value of one seed: 0.") && !one.contains("highest mean"))
    #expect(text.contains("95 % interval over users") && text.contains("tied with it"))
    #expect(text.contains("Against Random") && text.contains("Higher: ") && text.contains("Holm"))
    #expect(text.contains("these 14 users would have shown"))
    let exposure = try #require(text.split(separator: "\n").first { $0.hasPrefix("Correlation of exposure") })
    // The last row of the sample comes nearest, the first one is furthest.
    let values = exposure.matches(of: /0\.\d{3}/).map { Double($0.output) ?? 0 }
    #expect(values.first == 0.78 && Array(values.prefix(15)) == values.prefix(15).sorted(by: >))
    #expect(exposure.contains("Popularity of the clicks has") && exposure.contains("same for all users can pass"))
    #expect(text.contains("Highest by the other metrics"))
    #expect(StudySummary.list(["a, b", "c"]) == "a, b; c" && StudySummary.list(["a", "b", "c"]) == "a, b and c")
  }

  @Test func oneSeedAndMissingBandsAreSaid() throws {
    let html = try Self.page(3).html()
    #expect(html.contains("One seed: how much results scatter"))
    #expect(html.contains("One seed, so there is no band."))
    #expect(!html.contains(/<path[^>]*opacity="0.16"/) && !html.contains("Bands:"))
    let several = try Self.page(1).html()
    #expect(several.contains("Bands: mean ± one standard deviation over 3 seeds"))
    #expect(several.contains(/<path[^>]*opacity="0.16"/))
  }

  @Test func aStampStandsOnThePageAndInEveryFile() throws {
    var sample = StudyPageSample(labels: ["MF", "Biif"], sets: ["one"], chosenOnTest: true)
    sample.missingSeeds = 2
    let page = try sample.page(sample.parts())
    let html = page.html()
    let head = try #require(html.range(of: "<p class=\"lead\">")).lowerBound
    #expect(html[..<head].contains("CHOSEN ON THE TEST"))
    #expect(html[..<head].contains("UNFINISHED: on one, 3 of 5 seeds"))
    for file in page.attachments() {
      // A picture breaks the stamp into lines.
      #expect(file.content.contains("CHOSEN ON THE TEST") && file.content.contains("UNFINISHED"), "\(file.name)")
    }
    let plain = try Self.page(0)
    #expect(!plain.html().contains("class=\"warning\""))
    #expect(!plain.attachments().contains { $0.content.contains("TEST") })
  }

  @Test func runsWithoutAModelAreNamed() throws {
    let html = try Self.page(4).html()
    #expect(html.contains("3 of 3 runs of Random gave no model: the loss became NaN in epoch 2"))
    #expect(html.contains("no value"))
  }

  @Test func gainsByPopularityAreDifferencesFromTheControl() throws {
    let part = try Self.parts(0)[0]
    let blocks = StudyGroups(study: try Self.cases[0].sample.study).blocks(part)
    guard case .figure(let chart, _) = blocks[0], let map = chart as? HeatMap else {
      Issue.record("the first figure is no map")
      return
    }
    #expect(map.rows == ["Biif"] && map.values.allSatisfy { abs($0 - 0.001) < 1e-12 })
    let titles = blocks.compactMap { if case .figure(let chart, _) = $0 { chart.title } else { nil } }
    #expect(titles.contains { $0.contains("What is recommended") } && titles.contains { $0.contains("What is found") })
    #expect(titles.contains { $0.contains("learned minus true exposure") })
  }

  @Test func aFarRowBecomesAnArrowAndTheOthersKeepTheirRoom() {
    var rows = (0..<9).map { IntervalChart.Row("m\($0)", 0.5 + 0.001 * Double($0), mark: $0 == 8 ? .best : .plain) }
    rows.append(IntervalChart.Row("random", 0.1))
    let chart = IntervalChart(title: "t", axis: ChartAxis("NDCG"), rows: rows)
    #expect(chart.hasFarRows && chart.drawing(width: 760).labels.contains { $0.text == IntervalChart.farNote })
    #expect((chart.range?.lower ?? 0) > 0.49)
    #expect(chart.data.rows.count == 10, "the data file keeps every row")
    rows[0] = IntervalChart.Row("wide", 0.5008, interval: 0.45...0.51)
    let wide = IntervalChart(title: "t", axis: ChartAxis("NDCG"), rows: rows)
    #expect(wide.hasFarRows && (wide.range?.lower ?? 1) <= 0.45, "a row on the axis keeps its whole interval")
    rows[0] = IntervalChart.Row("m0", 0.5)
    let even = IntervalChart(title: "t", axis: ChartAxis("NDCG"), rows: Array(rows.dropLast()))
    #expect(!even.hasFarRows)
    rows[9].mark = .best
    #expect(!IntervalChart(title: "t", axis: ChartAxis("NDCG"), rows: rows).hasFarRows, "the best row is never cut off")
  }
}
