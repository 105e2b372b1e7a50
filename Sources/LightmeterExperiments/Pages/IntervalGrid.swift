/// Several charts of intervals with the same rows, side by side under one another's axes: metrics, or data sets.
///
/// On a wide page the names stand once at the left of up to three charts; on a narrow page the charts follow each other.
public struct IntervalGrid: Chart {
  /// What the picture shows.
  public var title: String
  /// The charts, each under its own title; a row is found by its name.
  public var charts: [IntervalChart]

  /// Charts side by side.
  public init(title: String, charts: [IntervalChart]) {
    self.title = title
    self.charts = charts
  }

  /// One row of one chart a row: chart, name, value, interval ends and mark.
  public var data: TableValue {
    let hasOther = charts.contains { $0.rows.contains { $0.other != nil } }
    let titles = Set(charts.map(\.axis.title))
    let value = titles.count == 1 ? titles.first ?? "value" : "value"
    var columns: [TableValue.Column] = [
      .init("panel", .leading), .init("name", .leading), .init(value), .init("lower"), .init("upper"),
      .init("mark", .leading),
    ]
    if hasOther { columns.append(.init(charts.first?.otherName ?? "other")) }
    return TableValue(
      columns: columns,
      rows: charts.flatMap { chart in
        chart.rows.map { row in
          [.init(chart.title), .init(row.name)] + row.numbers + (hasOther ? [.exact(row.other)] : [])
        }
      })
  }

  /// Charts side by side where each keeps 130 pixels, else below each other.
  public func drawing(width: Double) -> SVGDocument {
    var layout = ChartLayout(
      width: width, title: title, summary: charts.map { "\($0.title). \($0.summary)" }.joined(separator: " "))
    layout.legend(keys)
    let columns = Columns(names: names, chartCount: charts.count, width: width)
    if charts.isEmpty {
      layout.emptyPlot()
    } else if let columns {
      for start in stride(from: 0, to: charts.count, by: columns.perBand) {
        drawBand(start..<min(charts.count, start + columns.perBand), columns, &layout)
      }
    } else {
      for chart in charts {
        layout.subtitle(chart.title, bold: true)
        if !chart.draw(in: &layout) { layout.emptyPlot() }
        layout.cursor += 8
      }
    }
    if let meaning = charts.lazy.compactMap(\.intervalMeaning).first,
      charts.contains(where: { $0.rows.contains { $0.interval != nil } })
    {
      layout.note("Intervals: \(meaning).")
    }
    if charts.contains(where: \.hasFarRows) { layout.note(IntervalChart.farNote) }
    return layout.finished()
  }

  /// The names of the rows, in the order in which they first stand in a chart.
  private var names: [String] {
    var seen: Set<String> = []
    return charts.flatMap(\.rows).map(\.name).filter { seen.insert($0).inserted }
  }

  private var keys: [LegendKey] {
    var keys = IntervalMark.keys(Set(charts.flatMap(\.rows).map(\.mark)))
    if charts.contains(where: { $0.rows.contains { $0.other != nil } }) {
      keys.append(LegendKey(name: charts[0].otherName, swatch: .mark(.cross, .ink, hollow: false)))
    }
    if let reference = charts.lazy.compactMap(\.reference).first {
      keys.append(LegendKey(name: reference.name, swatch: .reference))
    }
    return keys
  }

  /// Where names and charts stand on a wide page.
  private struct Columns {
    static let gap = 30.0
    static let size = 12.0

    let left: Double
    let chartWidth: Double
    let perBand: Int
    let names: [String]
    let lines: [[String]]
    let heights: [Double]

    /// Nil where even a single chart has too little room beside the names.
    init?(names: [String], chartCount: Int, width: Double) {
      let longest = names.map { TextMeasure.width($0, size: Self.size, bold: true) }.max() ?? 0
      let column = min(longest, width * 0.3)
      let left = column + 18
      let room = width - left - 14
      let most = Int((room + Self.gap) / (130 + Self.gap))
      guard most >= 2, chartCount > 0 else { return nil }
      let bands = (chartCount + min(3, most) - 1) / min(3, most)
      let perBand = (chartCount + bands - 1) / bands
      self.left = left
      self.perBand = perBand
      chartWidth = (room - Double(perBand - 1) * Self.gap) / Double(perBand)
      self.names = names
      lines = names.map { TextMeasure.wrapped($0, size: Self.size, limit: column, lines: 3, bold: true) }
      heights = lines.map { 22 + 12 * Double(max(1, $0.count) - 1) }
    }

    func area(_ place: Int, top: Double) -> LayoutBox {
      let minX = left + Double(place) * (chartWidth + Self.gap)
      return LayoutBox(minX: minX, minY: top, maxX: minX + chartWidth, maxY: top + heights.reduce(0, +) + 6)
    }
  }

  private func drawBand(_ part: Range<Int>, _ columns: Columns, _ layout: inout ChartLayout) {
    let titles = part.map {
      TextMeasure.wrapped(charts[$0].title, size: 12, limit: columns.chartWidth + Columns.gap - 8, lines: 3, bold: true)
    }
    for (place, lines) in titles.enumerated() {
      let x = columns.area(place, top: 0).minX
      for (number, line) in lines.enumerated() {
        layout.document.text(line, x: x, y: layout.cursor + 12 + 16 * Double(number), bold: true)
      }
    }
    let top = layout.cursor + 16 * Double(titles.map(\.count).max() ?? 0) + 6
    drawNames(columns, top: top, right: columns.area(part.count - 1, top: top).maxX, &layout.document)
    var bottom = top
    for (place, index) in part.enumerated() {
      let area = columns.area(place, top: top)
      layout.document.plotAreas.append(area)
      layout.cursor = area.maxY
      draw(charts[index], columns, area, &layout)
      bottom = max(bottom, layout.cursor)
    }
    layout.cursor = bottom + 8
  }

  private func drawNames(_ columns: Columns, top: Double, right: Double, _ document: inout SVGDocument) {
    let best = Set(charts.flatMap(\.rows).filter { $0.mark == .best }.map(\.name))
    var guides = PathData()
    var rowTop = top + 3
    for (index, lines) in columns.lines.enumerated() {
      let y = rowTop + columns.heights[index] / 2
      guides.polyline([(columns.left, y), (right, y)])
      let isBold = charts.count == 1 && best.contains(columns.names[index])
      for (number, line) in lines.enumerated() {
        let shift = 14 * (Double(number) - Double(lines.count - 1) / 2)
        document.text(line, x: 4, y: y + 4 + shift, bold: isBold)
      }
      rowTop += columns.heights[index]
    }
    document.path(guides, stroke: .grid)
  }

  private func draw(_ chart: IntervalChart, _ columns: Columns, _ area: LayoutBox, _ layout: inout ChartLayout) {
    guard let range = chart.range else {
      layout.document.text("no data", x: area.minX + 4, y: area.minY + 16, paint: .muted)
      return
    }
    layout.horizontalAxis(range, area: area, gridLines: true, overhang: Columns.gap / 2 - 4)
    let plot = CartesianPlot(area: area, horizontal: range, vertical: range)
    chart.drawReference(plot, &layout.document)
    var rowTop = area.minY + 3
    for (index, name) in columns.names.enumerated() {
      let y = rowTop + columns.heights[index] / 2
      rowTop += columns.heights[index]
      guard let row = chart.rows.first(where: { $0.name == name }) else { continue }
      if chart.axis.shows(row.value) {
        chart.drawMark(row, y: y, isLabelled: false, plot, &layout.document)
      } else {
        layout.document.text("no value", x: area.minX + 4, y: y + 4, size: 11, paint: .muted)
      }
    }
  }
}
