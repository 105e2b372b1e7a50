import LightmeterExperiments
import Testing

@Suite struct PagesChartTests {
  static let widths = [320.0, 360, 760, 1200]

  @Test(arguments: widths) func curvesAreSoundForEveryNumberOfSeries(width: Double) {
    for count in [1, 2, 15] {
      PagesChecks.expectSound(PagesSample.curves(count), width: width, "\(count) curves")
    }
    PagesChecks.expectSound(PagesSample.curves(2, hasBands: false, gapAt: 7), width: width, "one seed and a gap")
    PagesChecks.expectSound(PagesSample.curves(1, points: 1), width: width, "one point")
    for reach in [0.571_200_9, 0.571_203, 0.571_21, 0.571_25] {
      let fine = LineChart(
        title: "Long tick labels", horizontal: ChartAxis("x"), vertical: ChartAxis("y"),
        series: [.init("s", x: [0.5712, reach], y: [0.5712, reach])])
      PagesChecks.expectSound(fine, width: width, "long tick labels")
    }
  }

  @Test(arguments: widths) func intervalsAreSound(width: Double) {
    PagesChecks.expectSound(PagesSample.intervals(["MF", "Biif"], best: 1), width: width, "two methods")
    PagesChecks.expectSound(PagesSample.intervals(PagesSample.longNames, best: 13), width: width, "long names")
    let odd = IntervalChart(
      title: "Odd", axis: ChartAxis("loss", scale: .logarithmic),
      rows: [.init("zero", 0), .init("NaN", .nan), .init("small", 1e-7), .init("large", 3e5)])
    PagesChecks.expectSound(odd, width: width, "odd values")
  }

  @Test(arguments: widths) func barsAreSound(width: Double) {
    for count in [1, 2, 15] { PagesChecks.expectSound(PagesSample.deciles(count), width: width, "\(count) bars") }
    let long = BarChart(
      title: "Long group names", groupTitle: "method", groups: PagesSample.longNames,
      axis: ChartAxis("seconds", unit: "s"),
      series: [.init("time per epoch", PagesSample.longNames.indices.map { .init(Double($0) * 1234) })])
    PagesChecks.expectSound(long, width: width, "long group names")
  }

  @Test(arguments: widths) func agreementAndMapsAreSound(width: Double) {
    for count in [1, 2, 5] {
      let chart = PagesSample.agreement(Array(PagesSample.longNames[10..<(10 + count)]))
      PagesChecks.expectSound(chart, width: width, "\(count) panels")
    }
    PagesChecks.expectSound(PagesSample.map(15, 24), width: width, "large map")
    PagesChecks.expectSound(PagesSample.map(2, 2), width: width, "small map")
  }

  @Test func chartsWithoutDataSaySo() {
    let axis = ChartAxis("x")
    let charts: [any Chart] = [
      LineChart(title: "a", horizontal: axis, vertical: axis, series: []),
      LineChart(title: "b", horizontal: axis, vertical: axis, series: [.init("s", x: [1, 2], y: [.nan, .infinity])]),
      IntervalChart(title: "c", axis: axis, rows: []),
      IntervalChart(title: "d", axis: axis, rows: [.init("m", .nan)]),
      BarChart(title: "e", groupTitle: "g", groups: [], axis: axis, series: []),
      BarChart(title: "f", groupTitle: "g", groups: ["1"], axis: axis, series: [.init("s", [.init(.nan)])]),
      AgreementChart(title: "g", truth: axis, learned: axis, panels: []),
      AgreementChart(
        title: "h", truth: axis, learned: axis,
        panels: [.init("p", density: BinnedDensity(horizontal: 0...1, vertical: 0...1))]),
      HeatMap(title: "i", rows: [], columns: [], columnTitle: "c", values: [], valueTitle: "v"),
      HeatMap(title: "j", rows: ["r"], columns: ["c"], columnTitle: "c", values: [.nan], valueTitle: "v"),
    ]
    for chart in charts {
      PagesChecks.expectSound(chart, width: 360, chart.title)
      #expect(chart.drawing(width: 360).labels.contains { $0.text == "no data" }, "\(chart.title)")
    }
  }

  @Test func aGapBreaksTheCurveAndIsCounted() {
    let drawing = PagesSample.curves(1, hasBands: false, gapAt: 20).drawing(width: 760)
    #expect(drawing.labels.contains { $0.text == "1 point without a finite place is left out." })
    #expect(!drawing.labels.contains { $0.text.hasPrefix("Bands") })
    let whole = PagesSample.curves(1, hasBands: false).drawing(width: 760)
    #expect(!whole.labels.contains { $0.text.contains("left out") })
    #expect(subpaths(drawing) == 2)
    #expect(subpaths(whole) == 1)
  }

  /// How many separate strokes the only curve of a drawing has.
  private func subpaths(_ drawing: SVGDocument) -> Int {
    let curve = drawing.inline().matches(of: /<path d="([^"]*)"[^>]*stroke-width="2"[^>]*>/).map { String($0.output.1) }
    return curve.max { $0.count < $1.count }?.count { $0 == "M" } ?? 0
  }

  @Test func fifteenSeriesDifferWithoutColour() {
    let svg = PagesSample.curves(15, hasBands: false).drawing(width: 760).inline()
    let hues = Set(svg.matches(of: /lm-s-(\d+)/).map { String($0.output.1) })
    #expect(hues.count == 8)
    let dashes = Set(svg.matches(of: /stroke-dasharray="([^"]*)"/).map { String($0.output.1) })
    #expect(dashes.count >= 4)
  }

  @Test func bandsAreDrawnOnlyWhereThereAreSeveralSeeds() {
    #expect(PagesSample.curves(2).drawing(width: 760).inline().contains("opacity=\"0.16\""))
    #expect(!PagesSample.curves(2, hasBands: false).drawing(width: 760).inline().contains("opacity=\"0.16\""))
  }

  @Test func namesOfRowsAreWholeOrTellTheirEndApart() {
    let drawing = PagesSample.intervals(PagesSample.longNames, best: 13).drawing(width: 360)
    let shown = drawing.labels.map(\.text)
    #expect(Set(shown.filter { $0.hasPrefix("calib") }).count == 2)
    #expect(shown.contains("oracle that knows the exposure"))
    let twins = ["A", "B"].map { String(repeating: "a long name ", count: 9) + $0 }
    let legend = LineChart(
      title: "Twins", horizontal: ChartAxis("x"), vertical: ChartAxis("y"),
      series: twins.map { .init($0, x: [1, 2], y: [1, 2]) })
    let names = legend.drawing(width: 360).labels.map(\.text).filter { $0.contains("…") }
    #expect(names.count == 2 && Set(names).count == 2, "\(names)")
  }

  @Test func densityCountsEveryPointOnceOrAsOutside() {
    var density = BinnedDensity(horizontal: 0...1, vertical: 0...2, columnCount: 4, rowCount: 2)
    for (x, y) in [(0.0, 0.0), (1.0, 2.0), (0.26, 0.9), (0.26, 1.1), (-0.1, 1), (0.5, .nan), (.infinity, 1)] {
      density.add(x, y)
    }
    #expect(density.counts == [1, 1, 0, 0, 0, 1, 0, 1])
    #expect(density.outsideCount == 3)
    #expect(density.columnMeans.x == [0.125, 0.375, 0.875])
    #expect(density.columnMeans.y == [0, 1, 2])
  }

  @Test func hoverTextsCarryNameValueAndInterval() {
    let chart = IntervalChart(
      title: "t", axis: ChartAxis("NDCG@5"), rows: [.init("Biif", 0.5774, interval: 0.5711...0.5836, mark: .best)])
    #expect(chart.drawing(width: 360).inline().contains("<title>Biif: 0.577 [0.571, 0.584]</title>"))
  }
}
