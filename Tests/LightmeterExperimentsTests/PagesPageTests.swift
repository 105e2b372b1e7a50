import Foundation
import LightmeterExperiments
import Testing

@Suite struct PagesPageTests {
  @Test func everyElementIsClosedInOrder() throws {
    try PagesChecks.expectBalanced(PagesSample.page.html())
  }

  @Test func nothingComesFromElsewhereAndNoScriptRuns() {
    let html = PagesSample.page.html()
    #expect(!html.contains("<script"))
    #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    for word in ["http://", "https://", "url(", "@import", "src="] {
      #expect(!html.contains(word), "The page contains \(word).")
    }
  }

  @Test func namesOfMethodsCannotBecomeMarkup() throws {
    let name = "<script>\"&'</title>\u{1B}"
    let chart = LineChart(
      title: name, horizontal: ChartAxis(name), vertical: ChartAxis(name),
      series: [.init(name, x: [1, 2], y: [1, 2])], references: [.init(name, at: 1.5)])
    let page = Page(
      title: name, lead: name,
      sections: [
        .init(
          name,
          [
            .paragraph(name), .note(name), .list([name]), .heading(name), .command(name),
            .table(TableValue(columns: [.init(name)], rows: [[.init(name)]]), caption: name),
            .figure(chart, caption: name), .card(name, [.init(name, name)]),
            .provenance(.init(command: name, dataDigest: name, version: name, machine: name)),
          ])
      ])
    let html = page.html()
    #expect(!html.contains("<script"))
    #expect(!html.contains("\u{1B}"))
    try PagesChecks.expectBalanced(html)
  }

  @Test func everyPictureIsDrawnForAWideAndANarrowPage() {
    let html = PagesSample.page.html()
    let figures = html.components(separatedBy: "<div class=\"wide\"><svg").count
    #expect(figures == 12)
    #expect(html.components(separatedBy: "<div class=\"narrow\"><svg").count == figures)
  }

  @Test func samePageSameBytes() {
    #expect(PagesSample.page.html() == PagesSample.page.html())
  }

  @Test func everyFigureAndTableIsAlsoAFile() {
    let files = PagesSample.page.attachments()
    #expect(files.count { $0.name.hasSuffix(".svg") } == 11)
    #expect(files.count { $0.name.hasPrefix("figure-") && $0.name.hasSuffix(".csv") } == 11)
    #expect(files.filter { $0.name.hasPrefix("table-") }.map(\.name) == ["table-1.md", "table-1.tex", "table-1.csv"])
    #expect(Set(files.map(\.name)).count == files.count)
  }

  /// Writes the sample for the eye: LIGHTMETER_SAMPLE_PAGE=/tmp/sample.html swift test --filter PagesPageTests
  @Test(.enabled(if: ProcessInfo.processInfo.environment["LIGHTMETER_SAMPLE_PAGE"] != nil))
  func samplePageIsWrittenWhereTheEnvironmentSays() throws {
    let path = try #require(ProcessInfo.processInfo.environment["LIGHTMETER_SAMPLE_PAGE"])
    try PagesSample.page.html().write(toFile: path, atomically: true, encoding: .utf8)
    for file in PagesSample.page.attachments() {
      try file.content.write(toFile: path + "." + file.name, atomically: true, encoding: .utf8)
    }
  }
}
