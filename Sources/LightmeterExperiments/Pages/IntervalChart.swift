/// A value with its interval for each method, one method a row; the best and those tied with it stand out.
public struct IntervalChart: Chart {
  /// One method.
  public struct Row: Sendable, Hashable {
    /// The name on the left.
    public var name: String
    /// The value; a row whose value is NaN or infinite says "no value".
    public var value: Double
    /// The ends of the interval; nil if there is none.
    public var interval: ClosedRange<Double>?
    /// Whether this row is the best or tied with it.
    public var mark: TableValue.Mark

    /// A row.
    public init(_ name: String, _ value: Double, interval: ClosedRange<Double>? = nil, mark: TableValue.Mark = .plain) {
      self.name = name
      self.value = value
      self.interval = interval
      self.mark = mark
    }
  }

  /// What the picture shows.
  public var title: String
  /// The axis of the values, at the bottom.
  public var axis: ChartAxis
  /// The methods from top to bottom.
  public var rows: [Row]
  /// A value to compare all rows with, drawn as a vertical line.
  public var reference: LineChart.Reference?
  /// What the intervals are, for example "95 % over users"; written under the plot if any row has one.
  public var intervalMeaning: String?
  /// Decimals of the values written at the right.
  public var places: Int

  /// A chart of values with intervals.
  public init(
    title: String, axis: ChartAxis, rows: [Row], reference: LineChart.Reference? = nil,
    intervalMeaning: String? = nil, places: Int = 3
  ) {
    self.title = title
    self.axis = axis
    self.rows = rows
    self.reference = reference
    self.intervalMeaning = intervalMeaning
    self.places = places
  }

  public var data: TableValue {
    TableValue(
      columns: [.init("name", .leading), .init(axis.title), .init("lower"), .init("upper"), .init("mark", .leading)],
      rows: rows.map { row in
        [
          .init(row.name), .exact(row.value), .exact(row.interval?.lowerBound), .exact(row.interval?.upperBound),
          .init(row.mark == .plain ? "" : row.mark.rawValue),
        ]
      })
  }

  public func drawing(width: Double) -> SVGDocument {
    var layout = ChartLayout(
      width: width, title: title,
      summary: "Values of \(axis.title): "
        + rows.map { "\($0.name) \(NumberText.fixed($0.value, places: places))" }.joined(separator: ", ") + ".")
    layout.legend(keys)
    let values = rows.flatMap { [$0.value] + ($0.interval.map { [$0.lowerBound, $0.upperBound] } ?? []) }
    guard rows.contains(where: { axis.shows($0.value) }),
      let range = AxisRange(axis, values: values + (reference.map { [$0.value] } ?? []))
    else {
      layout.emptyPlot()
      return layout.finished()
    }
    let columns = Columns(rows: rows, texts: rows.map { text($0, wide: width >= 560) }, width: width)
    let top = layout.cursor
    let area = LayoutBox(
      minX: columns.left, minY: top, maxX: width - columns.right - 10,
      maxY: top + columns.rowHeight * Double(rows.count) + 6)
    layout.document.plotAreas.append(area)
    layout.horizontalAxis(range, area: area, gridLines: true)
    let plot = CartesianPlot(area: area, horizontal: range, vertical: range)
    if let reference, let x = plot.x(reference.value) {
      layout.document.line(x, area.minY, x, area.maxY, .ink, width: 1.5, dash: "4 3")
    }
    for (index, row) in rows.enumerated() {
      draw(row, top: top + 3 + Double(index) * columns.rowHeight, columns, plot, &layout.document)
    }
    if let intervalMeaning, rows.contains(where: { $0.interval != nil }) {
      layout.note("Intervals: \(intervalMeaning).")
    }
    return layout.finished()
  }

  private var keys: [LegendKey] {
    var keys: [LegendKey] = []
    if rows.contains(where: { $0.mark == .best }) {
      keys.append(LegendKey(name: "best", swatch: .mark(.diamond, .series(0), hollow: false)))
    }
    if rows.contains(where: { $0.mark == .tied }) {
      keys.append(LegendKey(name: "tied with the best", swatch: .mark(.circle, .series(0), hollow: false)))
    }
    if !keys.isEmpty, rows.contains(where: { $0.mark == .plain }) {
      keys.append(LegendKey(name: "other", swatch: .mark(.circle, .muted, hollow: true)))
    }
    if let reference { keys.append(LegendKey(name: reference.name, swatch: .reference)) }
    return keys
  }

  private func text(_ row: Row, wide: Bool) -> String {
    guard axis.shows(row.value) else { return "no value" }
    let value = NumberText.fixed(row.value, places: places)
    guard wide, let interval = row.interval else { return value }
    let lower = NumberText.fixed(interval.lowerBound, places: places)
    return "\(value) [\(lower), \(NumberText.fixed(interval.upperBound, places: places))]"
  }

  /// Where names, dots and numbers stand: names beside the dots if they leave half of the width, else above them.
  private struct Columns {
    let left: Double
    let right: Double
    let isStacked: Bool
    let texts: [String]
    var rowHeight: Double { isStacked ? 38 : 24 }

    init(rows: [Row], texts: [String], width: Double) {
      let names = rows.map { TextMeasure.width($0.name, size: 12, bold: $0.mark == .best) }.max() ?? 0
      isStacked = names > width * 0.34
      right = 8 + (texts.map { TextMeasure.width($0, size: 12, bold: true) }.max() ?? 0)
      left = isStacked ? 12 : names + 18
      self.texts = texts
    }
  }

  private func draw(
    _ row: Row, top: Double, _ columns: Columns, _ plot: CartesianPlot, _ document: inout SVGDocument
  ) {
    let y = columns.isStacked ? top + 26 : top + 12
    let isBest = row.mark == .best
    let text = text(row, wide: columns.texts.contains { $0.hasSuffix("]") })
    document.text(
      row.name, x: 4, y: columns.isStacked ? top + 12 : y + 4, bold: isBest,
      limit: columns.isStacked ? document.width - 8 : columns.left - 12)
    document.text(
      text, x: document.width - 4, y: y + 4, anchor: .end, bold: isBest, paint: text == "no value" ? .muted : .ink)
    guard let x = plot.x(row.value) else { return }
    let paint: ChartPalette.Paint = row.mark == .plain ? .muted : .series(0)
    if let interval = row.interval, let low = plot.x(interval.lowerBound), let high = plot.x(interval.upperBound) {
      document.line(low, y, high, y, paint, width: 2)
      document.line(low, y - 4, low, y + 4, paint, width: 1.5)
      document.line(high, y - 4, high, y + 4, paint, width: 1.5)
    }
    document.marker(
      isBest ? .diamond : .circle, x: x, y: y, radius: 4.5, paint, hollow: row.mark == .plain,
      hover: "\(row.name): \(self.text(row, wide: true))")
  }
}
