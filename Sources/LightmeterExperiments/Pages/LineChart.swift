/// Curves over a common axis, each with an optional band.
///
/// A point whose coordinates are NaN, infinite or without a place on a logarithmic axis leaves a gap; the gaps are
/// counted in a note under the plot.
public struct LineChart: Chart {
  /// One curve.
  public struct Series: Sendable, Hashable {
    /// The name in the legend.
    public var name: String
    /// Positions along the horizontal axis, in drawing order.
    public var x: [Double]
    /// Heights, as many as `x`.
    public var y: [Double]
    /// Lower and upper ends of the band, as many as `x`; nil without a band, as with a single seed.
    public var band: Band?

    /// A curve with an optional band.
    ///
    /// - Precondition: all arrays have the same length.
    public init(_ name: String, x: [Double], y: [Double], band: Band? = nil) {
      precondition(x.count == y.count, "Series \(name) has \(x.count) positions and \(y.count) values.")
      if let band {
        precondition(
          band.lower.count == y.count && band.upper.count == y.count,
          "The band of series \(name) has \(band.lower.count) and \(band.upper.count) ends for \(y.count) values.")
      }
      self.name = name
      self.x = x
      self.y = y
      self.band = band
    }
  }

  /// The ends of a band around a curve.
  public struct Band: Sendable, Hashable {
    /// The lower ends.
    public var lower: [Double]
    /// The upper ends.
    public var upper: [Double]

    /// A band by its ends.
    public init(lower: [Double], upper: [Double]) {
      self.lower = lower
      self.upper = upper
    }
  }

  /// A horizontal line to compare with.
  public struct Reference: Sendable, Hashable {
    /// The name in the legend.
    public var name: String
    /// The height.
    public var value: Double

    /// A reference line.
    public init(_ name: String, at value: Double) {
      self.name = name
      self.value = value
    }
  }

  /// What the picture shows.
  public var title: String
  /// The horizontal axis.
  public var horizontal: ChartAxis
  /// The vertical axis.
  public var vertical: ChartAxis
  /// The curves.
  public var series: [Series]
  /// Horizontal lines to compare with.
  public var references: [Reference]
  /// What the bands are, for example "mean ± one standard deviation of five seeds"; written under the plot if any
  /// series has a band.
  public var bandMeaning: String?

  /// A chart of curves.
  public init(
    title: String, horizontal: ChartAxis, vertical: ChartAxis, series: [Series], references: [Reference] = [],
    bandMeaning: String? = nil
  ) {
    self.title = title
    self.horizontal = horizontal
    self.vertical = vertical
    self.series = series
    self.references = references
    self.bandMeaning = bandMeaning
  }

  /// One point a row: series, position, value and band ends; a reference line has no position.
  public var data: TableValue {
    let columns = [
      TableValue.Column("series", .leading), .init(horizontal.title), .init(vertical.title), .init("lower"),
      .init("upper"),
    ]
    var rows: [[TableValue.Cell]] = []
    for one in series {
      for index in one.x.indices {
        rows.append([
          .init(one.name), .exact(one.x[index]), .exact(one.y[index]), .exact(one.band?.lower[index]),
          .exact(one.band?.upper[index]),
        ])
      }
    }
    for line in references { rows.append([.init(line.name), .init(""), .exact(line.value), .init(""), .init("")]) }
    return TableValue(columns: columns, rows: rows)
  }

  /// Curves over bands over a grid, the legend above; "no data" if no point has a place.
  public func drawing(width: Double) -> SVGDocument {
    let names = (series.map(\.name) + references.map(\.name)).joined(separator: ", ")
    var layout = ChartLayout(
      width: width, title: title, summary: "Line chart of \(vertical.title) by \(horizontal.title): \(names).")
    var keys = series.enumerated().map { LegendKey(name: $1.name, swatch: .line($0)) }
    for (index, line) in references.enumerated() {
      keys.append(LegendKey(name: line.name, swatch: .rule(index)))
    }
    layout.legend(keys)
    let heights = series.flatMap { $0.y + ($0.band.map { $0.lower + $0.upper } ?? []) } + references.map(\.value)
    guard series.contains(where: { $0.points(horizontal, vertical).contains(true) }),
      let across = AxisRange(horizontal, values: series.flatMap(\.x), padding: 0.01),
      let up = AxisRange(vertical, values: heights)
    else {
      layout.emptyPlot()
      return layout.finished()
    }
    let plot = layout.cartesian(across, up, height: min(max(width * 0.46, 190), 330))
    for (index, one) in series.enumerated() { one.drawBand(index, plot, &layout.document) }
    for (index, line) in references.enumerated() {
      guard let y = plot.y(line.value) else { continue }
      layout.document.line(
        plot.area.minX, y, plot.area.maxX, y, .muted, width: 1.5, dash: ChartPalette.ruleDash(index))
    }
    for (index, one) in series.enumerated() {
      one.drawCurve(index, of: series.count, plot, &layout.document, horizontal.label)
    }
    if let bandMeaning, series.contains(where: { $0.band != nil }) { layout.note("Bands: \(bandMeaning).") }
    let gaps = series.flatMap { $0.points(horizontal, vertical) }.filter { !$0 }.count
    if gaps > 0 {
      layout.note(
        "\(gaps) \(gaps == 1 ? "point" : "points") without a finite place \(gaps == 1 ? "is" : "are") left out.")
    }
    return layout.finished()
  }
}

extension LineChart.Series {
  /// For every point, whether it can be drawn.
  fileprivate func points(_ horizontal: ChartAxis, _ vertical: ChartAxis) -> [Bool] {
    zip(x, y).map { horizontal.shows($0) && vertical.shows($1) }
  }

  func drawBand(_ index: Int, _ plot: CartesianPlot, _ document: inout SVGDocument) {
    guard let band else { return }
    var lower: [(x: Double, y: Double)] = []
    var upper: [(x: Double, y: Double)] = []
    var shape = PathData()
    for position in 0...x.count {
      if position < x.count, let low = plot.point(x[position], band.lower[position]),
        let high = plot.point(x[position], band.upper[position])
      {
        lower.append(low)
        upper.append(high)
      } else {
        if lower.count == 1 {
          document.line(lower[0].x, lower[0].y, upper[0].x, upper[0].y, .series(index), width: 1.5)
        }
        if lower.count > 1 { shape.polygon(upper + lower.reversed()) }
        lower.removeAll()
        upper.removeAll()
      }
    }
    document.path(shape, fill: .series(index), opacity: 0.16)
  }

  func drawCurve(
    _ index: Int, of count: Int, _ plot: CartesianPlot, _ document: inout SVGDocument, _ axis: String
  ) {
    let places = x.indices.map { plot.point(x[$0], y[$0]) }
    var curve = PathData()
    var isOpen = false
    for place in places {
      if let place {
        if isOpen { curve.line(place.x, place.y) } else { curve.move(place.x, place.y) }
      }
      isOpen = place != nil
    }
    document.path(curve, stroke: .series(index), width: 2, dash: ChartPalette.dash(index), hover: name)
    // Markers of different series start at different places, so that they do not hide each other.
    let spacing = plot.area.width / 7
    var nextMarker = plot.area.minX + (places.count <= 12 ? 0 : spacing * Double(index) / Double(max(1, count)))
    var nextHover = plot.area.minX
    for (position, place) in places.enumerated() {
      guard let place else { continue }
      let isAlone =
        (position == 0 || places[position - 1] == nil) && (position + 1 == places.count || places[position + 1] == nil)
      if isAlone || places.count <= 12 || place.x >= nextMarker {
        document.marker(ChartPalette.marker(index), x: place.x, y: place.y, radius: 3, .series(index))
        nextMarker = place.x + spacing
      }
      if place.x >= nextHover || position + 1 == places.count {
        document.hoverTarget(x: place.x, y: place.y, radius: 6, hover(position, axis))
        nextHover = place.x + plot.area.width / 14
      }
    }
  }

  private func hover(_ position: Int, _ axis: String) -> String {
    var text = "\(name), \(axis) \(NumberText.short(x[position])): \(NumberText.short(y[position]))"
    if let band, band.lower[position].isFinite, band.upper[position].isFinite {
      text += " [\(NumberText.short(band.lower[position])), \(NumberText.short(band.upper[position]))]"
    }
    return text
  }
}
