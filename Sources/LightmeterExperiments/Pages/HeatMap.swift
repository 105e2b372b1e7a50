/// A coloured table: one colour for values above 0 and another for values below, stronger the farther from 0.
public struct HeatMap: Chart {
  /// What the picture shows.
  public var title: String
  /// The names of the rows from top to bottom.
  public var rows: [String]
  /// The names of the columns from left to right.
  public var columns: [String]
  /// What the columns are; written under them.
  public var columnTitle: String
  /// (rows × columns), row-major; NaN or infinite is an empty cell.
  public var values: [Double]
  /// What the values measure, `gain in NDCG@5`.
  public var valueTitle: String
  /// Decimals of the values written into the cells where they fit.
  public var places: Int

  /// A coloured table.
  ///
  /// - Precondition: one value for each cell.
  public init(
    title: String, rows: [String], columns: [String], columnTitle: String, values: [Double], valueTitle: String,
    places: Int = 2
  ) {
    precondition(
      values.count == rows.count * columns.count,
      "A map of \(rows.count) × \(columns.count) cells got \(values.count) values.")
    self.title = title
    self.rows = rows
    self.columns = columns
    self.columnTitle = columnTitle
    self.values = values
    self.valueTitle = valueTitle
    self.places = places
  }

  /// One cell a row: row, column and value.
  public var data: TableValue {
    var cells: [[TableValue.Cell]] = []
    for (row, name) in rows.enumerated() {
      for (column, other) in columns.enumerated() {
        cells.append([.init(name), .init(other), .exact(values[row * columns.count + column])])
      }
    }
    return TableValue(
      columns: [.init("row", .leading), .init("column", .leading), .init(valueTitle)], rows: cells)
  }

  /// Cells with their values where these fit, the colour scale above; "no data" if no value is finite.
  public func drawing(width: Double) -> SVGDocument {
    var layout = ChartLayout(
      width: width, title: title,
      summary: "Map of \(valueTitle), \(rows.count) rows by \(columns.count) columns (\(columnTitle)).")
    let strongest = values.filter(\.isFinite).map(\.magnitude).max()
    guard let strongest else {
      layout.emptyPlot()
      return layout.finished()
    }
    layout.colourScale(
      valueTitle, strongest: strongest, places: places, hasLosses: values.contains { $0.isFinite && $0 < 0 })
    let longest = rows.map { TextMeasure.width($0, size: 12) }.max() ?? 0
    let left = min(longest, width * 0.34) + 12
    let height = 24.0
    let area = LayoutBox(
      minX: left, minY: layout.cursor, maxX: width - 8, maxY: layout.cursor + height * Double(rows.count))
    layout.document.plotAreas.append(area)
    let slot = area.width / Double(columns.count)
    let widest = values.map { TextMeasure.width(NumberText.fixed($0, places: places), size: 11) }.max() ?? 0
    for (row, name) in rows.enumerated() {
      let top = area.minY + Double(row) * height
      layout.document.text(name, x: left - 8, y: top + 16, anchor: .end, limit: left - 11)
      for column in columns.indices {
        let box = LayoutBox(
          minX: area.minX + Double(column) * slot, minY: top, maxX: area.minX + Double(column + 1) * slot,
          maxY: top + height)
        draw(row, column, in: box, strongest, showsText: widest + 4 <= slot, &layout.document)
      }
    }
    layout.cursor = area.maxY
    layout.categories(columns, title: columnTitle, area: area)
    return layout.finished()
  }

  private func draw(
    _ row: Int, _ column: Int, in box: LayoutBox, _ strongest: Double, showsText: Bool, _ document: inout SVGDocument
  ) {
    let value = values[row * columns.count + column]
    let inner = LayoutBox(minX: box.minX + 0.5, minY: box.minY + 0.5, maxX: box.maxX - 0.5, maxY: box.maxY - 0.5)
    let text = NumberText.fixed(value, places: places)
    let hover = "\(rows[row]), \(columns[column]): \(value.isFinite ? NumberText.short(value) : "no value")"
    if value.isFinite {
      let opacity = strongest > 0 ? 0.04 + 0.66 * value.magnitude / strongest : 0.04
      document.rectangle(inner, fill: value < 0 ? .loss : .gain, opacity: opacity, hover: hover)
    } else {
      document.rectangle(inner, fill: .grid, opacity: 0.5, hover: hover)
    }
    if showsText {
      document.text(
        text, x: (box.minX + box.maxX) / 2, y: box.minY + 16, size: 11, anchor: .middle,
        paint: value.isFinite ? .ink : .muted)
    }
  }
}

extension ChartLayout {
  /// A strip that says which colour stands for which value.
  fileprivate mutating func colourScale(_ title: String, strongest: Double, places: Int, hasLosses: Bool) {
    let top = cursor
    for line in TextMeasure.wrapped(title, size: 12, limit: document.width - 8, lines: 2) {
      document.text(line, x: 4, y: cursor + 12, paint: .muted)
      cursor += 16
    }
    let low = hasLosses ? NumberText.fixed(-strongest, places: places) : "0"
    var x = 4 + document.text(low, x: 4, y: cursor + 12, size: Self.tickSize).width + 6
    let steps = 18
    for step in 0...steps {
      let value = hasLosses ? Double(2 * step - steps) / Double(steps) : Double(step) / Double(steps)
      document.rectangle(
        LayoutBox(minX: x, minY: cursor + 2, maxX: x + 8, maxY: cursor + 14), fill: value < 0 ? .loss : .gain,
        opacity: 0.04 + 0.66 * value.magnitude)
      x += 8
    }
    let right = document.text(
      NumberText.fixed(strongest, places: places), x: x + 6, y: cursor + 12, size: Self.tickSize
    ).maxX
    cursor += 20
    document.legendBox = LayoutBox(minX: 4, minY: top, maxX: right, maxY: cursor)
    cursor += 6
  }
}
