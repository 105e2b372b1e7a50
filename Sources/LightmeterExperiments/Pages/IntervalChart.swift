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
    /// How this row stands out.
    public var mark: IntervalMark
    /// Another value of the same row, for example a published one; drawn as a cross.
    public var other: Double?

    /// A row.
    public init(
      _ name: String, _ value: Double, interval: ClosedRange<Double>? = nil, mark: IntervalMark = .plain,
      other: Double? = nil
    ) {
      self.name = name
      self.value = value
      self.interval = interval
      self.mark = mark
      self.other = other
    }

    /// Every number that the axis must reach.
    var extent: [Double] {
      [value] + (interval.map { [$0.lowerBound, $0.upperBound] } ?? []) + (other.map { [$0] } ?? [])
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
  /// What the crosses are; named in the legend if any row has one.
  public var otherName: String
  /// Decimals of the values written at the right.
  public var places: Int

  /// A chart of values with intervals.
  public init(
    title: String, axis: ChartAxis, rows: [Row], reference: LineChart.Reference? = nil,
    intervalMeaning: String? = nil, otherName: String = "published", places: Int = 3
  ) {
    self.title = title
    self.axis = axis
    self.rows = rows
    self.reference = reference
    self.intervalMeaning = intervalMeaning
    self.otherName = otherName
    self.places = places
  }

  /// One method a row: name, value, interval ends and mark; the other value where any row has one.
  public var data: TableValue {
    let hasOther = rows.contains { $0.other != nil }
    let other = hasOther ? [TableValue.Column(otherName)] : []
    return TableValue(
      columns: [.init("name", .leading), .init(axis.title), .init("lower"), .init("upper"), .init("mark", .leading)]
        + other,
      rows: rows.map { row in
        [.init(row.name)] + row.numbers + (hasOther ? [.exact(row.other)] : [])
      })
  }

  /// Rows in the given order, names beside the dots or, on a narrow page, above them.
  public func drawing(width: Double) -> SVGDocument {
    var layout = ChartLayout(width: width, title: title, summary: summary)
    layout.legend(keys)
    guard draw(in: &layout) else {
      layout.emptyPlot()
      return layout.finished()
    }
    if let intervalMeaning, rows.contains(where: { $0.interval != nil }) {
      layout.note("Intervals: \(intervalMeaning).")
    }
    if hasFarRows { layout.note(Self.farNote) }
    return layout.finished()
  }

  /// Draws rows and axis at the cursor.
  ///
  /// - Returns: false if no value has a place.
  func draw(in layout: inout ChartLayout) -> Bool {
    let width = layout.document.width
    guard let range else { return false }
    let columns = Columns(rows: rows, texts: rows.map { text($0, wide: width >= Self.wide) }, width: width)
    let top = layout.cursor
    let area = LayoutBox(
      minX: columns.left, minY: top, maxX: width - columns.right - 10,
      maxY: top + columns.heights.reduce(0, +) + 6)
    layout.document.plotAreas.append(area)
    layout.horizontalAxis(range, area: area, gridLines: true)
    let plot = CartesianPlot(area: area, horizontal: range, vertical: range)
    drawReference(plot, &layout.document)
    var rowTop = top + 3
    for index in rows.indices {
      draw(index, top: rowTop, columns, plot, &layout.document)
      rowTop += columns.heights[index]
    }
    return true
  }

  /// The range of everything that is drawn; nil if no row has a value with a place.
  var range: AxisRange? {
    guard rows.contains(where: { axis.shows($0.value) }) else { return nil }
    let base = reference.map { [$0.value] } ?? []
    var range = AxisRange(axis, values: near)
    // A row that falls into the margin of the axis brings its whole interval, which may let in another row.
    for _ in rows {
      guard let current = range else { return nil }
      let inside = rows.filter { !current.isBeyond($0.value) }
      let wider = AxisRange(axis, values: inside.flatMap(\.extent) + base)
      if wider?.lower == current.lower, wider?.upper == current.upper { break }
      range = wider
    }
    return range
  }

  var summary: String {
    "Values of \(axis.title): "
      + rows.map { "\($0.name) \(NumberText.fixed($0.value, places: places))" }.joined(separator: ", ") + "."
  }

  func drawReference(_ plot: CartesianPlot, _ document: inout SVGDocument) {
    guard let reference, let x = plot.x(reference.value) else { return }
    document.line(x, plot.area.minY, x, plot.area.maxY, .ink, width: 1.5, dash: "4 3")
  }

  /// From this width on the ends of the interval are written out.
  private static let wide = 560.0

  var keys: [LegendKey] {
    var keys = IntervalMark.keys(Set(rows.map(\.mark)))
    if rows.contains(where: { $0.other != nil }) {
      keys.append(LegendKey(name: otherName, swatch: .mark(.cross, .ink, hollow: false)))
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

  /// Where names, dots and numbers stand: names beside the dots, in up to three lines if need be; on a narrow page above them.
  private struct Columns {
    static let size = 12.0

    let left: Double
    let right: Double
    let isStacked: Bool
    let heights: [Double]
    let names: [[String]]

    init(rows: [Row], texts: [String], width: Double) {
      let longest = rows.map { TextMeasure.width($0.name, size: Self.size, bold: true) }.max() ?? 0
      let column = width * 0.34
      let isStacked = longest > column && width < IntervalChart.wide
      names = rows.map { row in
        TextMeasure.wrapped(
          row.name, size: Self.size, limit: isStacked ? width - 12 : column, lines: isStacked ? 1 : 3, bold: true)
      }
      right = 8 + (texts.map { TextMeasure.width($0, size: Self.size, bold: true) }.max() ?? 0)
      left = isStacked ? 12 : min(longest, column) + 18
      heights = names.map { isStacked ? 38 : 24 + 12 * Double(max(1, $0.count) - 1) }
      self.isStacked = isStacked
    }
  }

  private func draw(
    _ index: Int, top: Double, _ columns: Columns, _ plot: CartesianPlot, _ document: inout SVGDocument
  ) {
    let row = rows[index]
    let y = columns.isStacked ? top + 26 : top + columns.heights[index] / 2
    let isBest = row.mark == .best
    let lines = columns.names[index]
    for (number, line) in lines.enumerated() {
      let baseline = columns.isStacked ? top + 12 : y + 4 + 14 * (Double(number) - Double(lines.count - 1) / 2)
      if columns.isStacked {
        let length = TextMeasure.width(line, size: Columns.size, bold: isBest)
        document.rectangle(
          LayoutBox(minX: 0, minY: baseline - 11, maxX: 8 + length, maxY: baseline + 4), fill: .paper)
      }
      document.text(line, x: 4, y: baseline, bold: isBest)
    }
    let text = text(row, wide: document.width >= Self.wide)
    document.text(
      text, x: document.width - 4, y: y + 4, anchor: .end, bold: isBest, paint: text == "no value" ? .muted : .ink)
    drawMark(row, y: y, isLabelled: true, plot, &document)
  }

  /// The interval, the dot and the cross of a row.
  ///
  /// - Parameter isLabelled: whether the row's numbers stand elsewhere, so that an arrow needs none.
  func drawMark(
    _ row: Row, y: Double, isLabelled: Bool, _ plot: CartesianPlot, _ document: inout SVGDocument
  ) {
    let paint = row.mark.paint
    guard !plot.horizontal.isBeyond(row.value) else {
      drawArrow(row, y: y, isLabelled: isLabelled, plot, &document)
      return
    }
    if let interval = row.interval, let low = plot.x(interval.lowerBound), let high = plot.x(interval.upperBound) {
      var whisker = PathData()
      whisker.polyline([(low, y), (high, y)])
      whisker.polyline([(low, y - 4), (low, y + 4)])
      whisker.polyline([(high, y - 4), (high, y + 4)])
      document.path(whisker, stroke: paint, width: 1.75)
    }
    if let x = plot.x(row.value) {
      document.marker(
        row.mark.marker, x: x, y: y, radius: 4.5, paint, hollow: row.mark == .plain,
        hover: "\(row.name): \(text(row, wide: true))")
    }
    if let other = row.other, let x = plot.x(other) {
      document.marker(
        .cross, x: x, y: y, radius: 4.5, .ink, hover: "\(row.name), \(otherName): \(NumberText.short(other))")
    }
  }
}

extension IntervalChart {
  /// An arrow at the end of the axis that a far row lies beyond, with its value.
  private func drawArrow(
    _ row: Row, y: Double, isLabelled: Bool, _ plot: CartesianPlot, _ document: inout SVGDocument
  ) {
    let isLow = row.value < plot.horizontal.lower
    let (tip, back) = isLow ? (plot.area.minX + 1, 9.0) : (plot.area.maxX - 1, -9.0)
    var arrow = PathData()
    arrow.polygon([(tip, y), (tip + back, y - 5), (tip + back, y + 5)])
    document.path(
      arrow, fill: row.mark == .plain ? .paper : row.mark.paint, stroke: row.mark.paint, width: 1.5,
      hover: "\(row.name): \(text(row, wide: true))")
    guard !isLabelled else { return }
    let text = NumberText.fixed(row.value, places: places)
    let length = TextMeasure.width(text, size: 11)
    let left = isLow ? tip + 13 : tip - 13 - length
    document.rectangle(
      LayoutBox(minX: left - 2, minY: y - 8, maxX: left + length + 2, maxY: y + 8), fill: .paper)
    document.text(text, x: left, y: y + 4, size: 11, paint: .muted)
  }

  /// Whether any row lies beyond the axis.
  var hasFarRows: Bool { range.map { range in rows.contains { range.isBeyond($0.value) } } ?? false }

  /// What the arrows are.
  static let farNote = "Arrows: values far beyond the axis."

  /// Numbers for the axis: all, or without a few rows so far off that the others could not be told apart.
  ///
  /// Rows are left out from one end only, at most one in five and never the best or the reference, and only if the
  /// rest then takes less than 40 % of the width.
  fileprivate var near: [Double] {
    let all = rows.flatMap(\.extent) + (reference.map { [$0.value] } ?? [])
    let drawable = rows.filter { axis.shows($0.value) }
    guard axis.scale == .linear, axis.reaches.isEmpty, drawable.count >= 5 else { return all }
    func width(_ numbers: [Double]) -> Double {
      let shown = numbers.filter(axis.shows)
      return (shown.max() ?? 0) - (shown.min() ?? 0)
    }
    let whole = width(all)
    let ascending = drawable.sorted { $0.value < $1.value }
    var kept = all
    for count in 1...(drawable.count / 5) {
      for part in [ascending.dropFirst(count), ascending.dropLast(count)] {
        let left = part.count == 0 ? [] : Array(part)
        guard drawable.filter({ $0.mark == .best }).allSatisfy(left.contains) else { continue }
        let numbers = left.flatMap(\.extent) + (reference.map { [$0.value] } ?? [])
        if width(numbers) < 0.4 * whole, width(numbers) > 0, width(numbers) < 0.6 * width(kept) { kept = numbers }
      }
    }
    return kept
  }
}

extension IntervalChart.Row {
  /// Value, interval ends and mark as a data file has them.
  var numbers: [TableValue.Cell] {
    [
      .exact(value), .exact(interval?.lowerBound), .exact(interval?.upperBound),
      .init(mark == .plain ? "" : mark.rawValue),
    ]
  }
}
