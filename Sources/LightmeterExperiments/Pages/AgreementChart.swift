internal import LightmeterKernels

/// What was learned against what is true, a square panel a method on common axes, with the line of agreement.
///
/// A panel shows a density, a curve (for example the mean learned given the true value, with a band), or both.
public struct AgreementChart: Chart {
  /// One method.
  public struct Panel: Sendable, Hashable {
    /// The name above the panel.
    public var name: String
    /// How many pairs fall where; nil for a curve alone.
    public var density: BinnedDensity?
    /// A curve over the density; nil for none.
    public var curve: LineChart.Series?
    /// A short remark under the name, for example "correlation 0.81".
    public var remark: String?

    /// A panel.
    public init(
      _ name: String, density: BinnedDensity? = nil, curve: LineChart.Series? = nil, remark: String? = nil
    ) {
      self.name = name
      self.density = density
      self.curve = curve
      self.remark = remark
    }

    var isEmpty: Bool { (density?.total ?? 0) == 0 && !(curve?.y.contains(where: \.isFinite) ?? false) }
  }

  /// What the picture shows.
  public var title: String
  /// The axis of the true values.
  public var truth: ChartAxis
  /// The axis of the learned values.
  public var learned: ChartAxis
  /// The methods.
  public var panels: [Panel]

  /// A chart of agreement.
  ///
  /// - Precondition: both axes are linear, since the bins of a density have equal widths.
  public init(title: String, truth: ChartAxis, learned: ChartAxis, panels: [Panel]) {
    precondition(truth.scale == .linear && learned.scale == .linear, "A chart of agreement has linear axes.")
    self.title = title
    self.truth = truth
    self.learned = learned
    self.panels = panels
  }

  /// One filled bin or curve point a row; a bin is given by its middle and its count.
  public var data: TableValue {
    var rows: [[TableValue.Cell]] = []
    for panel in panels {
      if let density = panel.density {
        for index in density.counts.indices where density.counts[index] > 0 {
          let cell = density.middle(index)
          rows.append([
            .init(panel.name), .init("bin"), .exact(cell.x), .exact(cell.y), .init(String(density.counts[index])),
          ])
        }
      }
      if let curve = panel.curve {
        for index in curve.x.indices {
          rows.append([
            .init(panel.name), .init(curve.name), .exact(curve.x[index]), .exact(curve.y[index]), .init(""),
          ])
        }
      }
    }
    return TableValue(
      columns: [
        .init("panel", .leading), .init("kind", .leading), .init(truth.title), .init(learned.title), .init("count"),
      ], rows: rows)
  }

  /// Panels side by side as the width allows; "no data" if all are empty.
  public func drawing(width: Double) -> SVGDocument {
    var layout = ChartLayout(
      width: width, title: title,
      summary: "\(learned.title) against \(truth.title), one panel each: "
        + panels.map(\.name).joined(separator: ", ") + ".")
    guard !panels.allSatisfy(\.isEmpty), let across = range(truth, \.horizontal, \.x),
      let up = range(learned, \.vertical, \.y)
    else {
      layout.emptyPlot()
      return layout.finished()
    }
    var keys = [LegendKey(name: "agreement", swatch: .reference)]
    if panels.contains(where: { $0.density != nil }) {
      keys.append(LegendKey(name: "pairs (stronger: more, logarithmic)", swatch: .mark(.square, .gain, hollow: false)))
    }
    for curve in panels.compactMap(\.curve?.name).firstOccurrences() {
      keys.append(LegendKey(name: curve, swatch: .line(1)))
    }
    layout.legend(keys)
    let columnCount = max(1, min(panels.count, Int(width / 210)))
    let slot = width / Double(columnCount)
    for row in stride(from: 0, to: panels.count, by: columnCount) {
      let top = layout.cursor
      var bottom = top
      for (column, panel) in panels[row..<min(row + columnCount, panels.count)].enumerated() {
        layout.cursor = top
        layout.panel(panel, left: Double(column) * slot, width: min(slot, 340), across, up)
        bottom = max(bottom, layout.cursor)
      }
      layout.cursor = bottom + 6
    }
    let outside = panels.reduce(0) { $0 + ($1.density?.outsideCount ?? 0) }
    if outside > 0 { layout.note("\(NumberText.grouped(outside)) pairs lie outside the range and are not shown.") }
    return layout.finished()
  }

  private func range(
    _ axis: ChartAxis, _ side: KeyPath<BinnedDensity, ClosedRange<Double>>,
    _ values: KeyPath<LineChart.Series, [Double]>
  ) -> AxisRange? {
    var axis = axis
    for panel in panels {
      guard let density = panel.density else { continue }
      axis.reaches += [density[keyPath: side].lowerBound, density[keyPath: side].upperBound]
    }
    let drawn = panels.flatMap { panel in
      (panel.curve?[keyPath: values] ?? [])
        + (panel.curve?.band.map { values == \LineChart.Series.y ? $0.lower + $0.upper : [] } ?? [])
    }
    return AxisRange(axis, values: drawn + axis.reaches)
  }
}

extension ChartLayout {
  fileprivate mutating func panel(
    _ panel: AgreementChart.Panel, left: Double, width: Double, _ across: AxisRange, _ up: AxisRange
  ) {
    document.text(panel.name, x: left + 4, y: cursor + 12, bold: true, limit: width - 8)
    cursor += 16
    if let remark = panel.remark {
      document.text(remark, x: left + 4, y: cursor + 11, size: 11, paint: .muted, limit: width - 8)
      cursor += 15
    }
    document.text(up.axis.title, x: left + 4, y: cursor + 11, size: 11, paint: .muted, limit: width - 8)
    cursor += 24
    let ticks = up.ticks(4)
    let margin = 10 + (ticks.labels.map { TextMeasure.width($0, size: Self.tickSize) }.max() ?? 0)
    let side = width - margin - 18
    let area = LayoutBox(minX: left + margin, minY: cursor, maxX: left + margin + side, maxY: cursor + side)
    document.plotAreas.append(area)
    let plot = CartesianPlot(area: area, horizontal: across, vertical: up)
    for (value, label) in zip(ticks.values, ticks.labels) {
      guard let y = plot.y(value) else { continue }
      document.line(area.minX, y, area.maxX, y, .grid)
      document.text(label, x: area.minX - 5, y: y + 4, size: Self.tickSize, anchor: .end)
    }
    if let density = panel.density { document.draw(density, plot) }
    document.agreement(plot)
    if let curve = panel.curve { document.draw(curve, plot) }
    if panel.isEmpty {
      document.text(
        "no data", x: (area.minX + area.maxX) / 2, y: (area.minY + area.maxY) / 2, anchor: .middle, paint: .muted)
    }
    horizontalAxis(across, area: area, gridLines: false)
  }
}

extension SVGDocument {
  /// The line on which learned and true are equal, as far as both axes reach.
  fileprivate mutating func agreement(_ plot: CartesianPlot) {
    let from = max(plot.horizontal.lower, plot.vertical.lower)
    let to = min(plot.horizontal.upper, plot.vertical.upper)
    guard from < to, let start = plot.point(from, from), let end = plot.point(to, to) else { return }
    line(start.x, start.y, end.x, end.y, .ink, width: 1.5, dash: "4 3")
  }

  /// Fills bins by eight steps of the logarithm of their count; equal neighbours of a row become one shape.
  fileprivate mutating func draw(_ density: BinnedDensity, _ plot: CartesianPlot) {
    let most = Portable.log(1 + Double(density.counts.max() ?? 0))
    guard most > 0 else { return }
    var shapes = Array(repeating: PathData(), count: 9)
    for row in 0..<density.rowCount {
      var column = 0
      while column < density.columnCount {
        let level = density.level(row * density.columnCount + column, most)
        var end = column + 1
        while end < density.columnCount, density.level(row * density.columnCount + end, most) == level { end += 1 }
        if level > 0, let box = density.area(row: row, columns: column..<end, plot) {
          shapes[level].add(box)
        }
        column = end
      }
    }
    for level in 1...8 { path(shapes[level], fill: .gain, opacity: 0.08 + 0.92 * Double(level) / 8) }
  }

  fileprivate mutating func draw(_ curve: LineChart.Series, _ plot: CartesianPlot) {
    curve.drawBand(1, plot, &self)
    curve.drawCurve(1, of: 1, plot, &self, plot.horizontal.axis.label)
  }
}

extension BinnedDensity {
  fileprivate func level(_ index: Int, _ most: Double) -> Int {
    counts[index] == 0 ? 0 : max(1, Int((Portable.log(1 + Double(counts[index])) / most * 8).rounded()))
  }

  /// The middle of a bin.
  fileprivate func middle(_ index: Int) -> (x: Double, y: Double) {
    let across = (horizontal.upperBound - horizontal.lowerBound) / Double(columnCount)
    let up = (vertical.upperBound - vertical.lowerBound) / Double(rowCount)
    return (
      horizontal.lowerBound + (Double(index % columnCount) + 0.5) * across,
      vertical.lowerBound + (Double(index / columnCount) + 0.5) * up
    )
  }

  fileprivate func area(row: Int, columns: Range<Int>, _ plot: CartesianPlot) -> LayoutBox? {
    func x(_ column: Int) -> Double? {
      let part = Double(column) / Double(columnCount)
      return plot.x(horizontal.lowerBound + part * (horizontal.upperBound - horizontal.lowerBound))
    }
    func y(_ row: Int) -> Double? {
      let part = Double(row) / Double(rowCount)
      return plot.y(vertical.lowerBound + part * (vertical.upperBound - vertical.lowerBound))
    }
    guard let left = x(columns.lowerBound), let right = x(columns.upperBound), let bottom = y(row),
      let top = y(row + 1)
    else { return nil }
    return LayoutBox(minX: left, minY: top, maxX: right, maxY: bottom)
  }
}

extension Sequence where Element: Hashable {
  /// The elements without repetition, each where it first occurs.
  func firstOccurrences() -> [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
