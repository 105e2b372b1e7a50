/// Groups of bars from zero, one bar a series, each with an optional interval.
public struct BarChart: Chart {
  /// One value of a series.
  public struct Bar: Sendable, Hashable {
    /// The height; NaN or infinite leaves the place empty.
    public var value: Double
    /// The ends of the interval; nil if there is none.
    public var interval: ClosedRange<Double>?

    /// A bar.
    public init(_ value: Double, interval: ClosedRange<Double>? = nil) {
      self.value = value
      self.interval = interval
    }
  }

  /// The bars of one method.
  public struct Series: Sendable, Hashable {
    /// The name in the legend.
    public var name: String
    /// One bar for each group.
    public var bars: [Bar]

    /// The bars of one method.
    public init(_ name: String, _ bars: [Bar]) {
      self.name = name
      self.bars = bars
    }
  }

  /// What the picture shows.
  public var title: String
  /// What the groups are, written under them, for example "popularity decile, rare to popular".
  public var groupTitle: String
  /// The names of the groups from left to right.
  public var groups: [String]
  /// The vertical axis.
  public var axis: ChartAxis
  /// The methods.
  public var series: [Series]
  /// What the intervals are; written under the plot if any bar has one.
  public var intervalMeaning: String?

  /// A chart of grouped bars.
  ///
  /// - Precondition: every series has one bar for each group; the axis is linear, since a bar starts at 0.
  public init(
    title: String, groupTitle: String, groups: [String], axis: ChartAxis, series: [Series],
    intervalMeaning: String? = nil
  ) {
    precondition(axis.scale == .linear, "Bars start at 0, which a logarithmic axis does not have.")
    for one in series {
      precondition(
        one.bars.count == groups.count, "Series \(one.name) has \(one.bars.count) bars for \(groups.count) groups.")
    }
    self.title = title
    self.groupTitle = groupTitle
    self.groups = groups
    self.axis = axis
    self.series = series
    self.intervalMeaning = intervalMeaning
  }

  /// One bar a row: group, series, value and interval ends.
  public var data: TableValue {
    var rows: [[TableValue.Cell]] = []
    for (group, name) in groups.enumerated() {
      for one in series {
        let bar = one.bars[group]
        rows.append([
          .init(name), .init(one.name), .exact(bar.value), .exact(bar.interval?.lowerBound),
          .exact(bar.interval?.upperBound),
        ])
      }
    }
    return TableValue(
      columns: [
        .init("group", .leading), .init("series", .leading), .init(axis.title), .init("lower"), .init("upper"),
      ], rows: rows)
  }

  /// Bars side by side in each group, the legend above; "no data" if no bar has a finite value.
  public func drawing(width: Double) -> SVGDocument {
    var layout = ChartLayout(
      width: width, title: title,
      summary: "Bars of \(axis.title) by \(groupTitle): \(series.map(\.name).joined(separator: ", ")).")
    layout.legend(series.enumerated().map { LegendKey(name: $1.name, swatch: .bar($0)) })
    let bars = series.flatMap(\.bars)
    let values = bars.flatMap { [$0.value] + ($0.interval.map { [$0.lowerBound, $0.upperBound] } ?? []) }
    guard bars.contains(where: { $0.value.isFinite }), let range = AxisRange(reachingZero, values: values) else {
      layout.emptyPlot()
      return layout.finished()
    }
    let area = layout.verticalAxis(range, height: min(max(width * 0.42, 180), 300))
    let plot = CartesianPlot(area: area, horizontal: range, vertical: range)
    let slot = area.width / Double(groups.count)
    let zero = plot.y(0) ?? area.maxY
    for group in groups.indices {
      draw(group, left: area.minX + Double(group) * slot, slot: slot, zero: zero, plot, &layout.document)
    }
    layout.document.line(area.minX, zero, area.maxX, zero, .axis)
    layout.cursor = area.maxY
    layout.categories(groups, title: groupTitle, area: area)
    if let intervalMeaning, bars.contains(where: { $0.interval != nil }) {
      layout.note("Intervals: \(intervalMeaning).")
    }
    return layout.finished()
  }

  private var reachingZero: ChartAxis {
    var axis = axis
    axis.reaches.append(0)
    return axis
  }

  private func draw(
    _ group: Int, left: Double, slot: Double, zero: Double, _ plot: CartesianPlot, _ document: inout SVGDocument
  ) {
    let room = slot * 0.8
    let step = room / Double(series.count)
    let thickness = max(1, min(step - (step > 6 ? 1.5 : 0), 44))
    for (index, one) in series.enumerated() {
      let bar = one.bars[group]
      guard let end = plot.y(bar.value) else { continue }
      let middle = left + slot * 0.1 + (Double(index) + 0.5) * step
      let box = LayoutBox(
        minX: middle - thickness / 2, minY: min(zero, end), maxX: middle + thickness / 2, maxY: max(zero, end))
      var hover = "\(one.name), \(groups[group]): \(NumberText.short(bar.value))"
      if let interval = bar.interval {
        hover += " [\(NumberText.short(interval.lowerBound)), \(NumberText.short(interval.upperBound))]"
      }
      document.rectangle(box, fill: .series(index), hover: hover)
      document.stripes(index, in: box)
      if let interval = bar.interval, let low = plot.y(interval.lowerBound), let high = plot.y(interval.upperBound) {
        let cap = min(4, thickness * 0.3)
        document.line(middle, low, middle, high, thickness < 4 ? .axis : .ink, width: thickness < 6 ? 0.6 : 1.25)
        if cap > 1 {
          document.line(middle - cap, low, middle + cap, low, .ink, width: 1.25)
          document.line(middle - cap, high, middle + cap, high, .ink, width: 1.25)
        }
      }
    }
  }
}

extension ChartLayout {
  /// Writes category names under an area: level where all fit, else upright, every one or every second, third …
  mutating func categories(_ names: [String], title: String, area: LayoutBox) {
    let slot = area.width / Double(max(1, names.count))
    let size = Self.tickSize
    let widest = names.map { TextMeasure.width($0, size: size) }.max() ?? 0
    func middle(_ index: Int) -> Double { area.minX + (Double(index) + 0.5) * slot }
    if widest + 8 <= slot || names.count == 1 {
      for (index, name) in names.enumerated() {
        document.text(
          name, x: middle(index), y: cursor + 16, size: size, anchor: .middle, limit: area.width, clamped: true)
      }
      cursor += 22
    } else {
      let limit = 120.0
      let stride = max(1, Int((size * 1.25 / slot).rounded(.up)))
      for (index, name) in names.enumerated() where index % stride == 0 {
        document.uprightText(name, x: middle(index), endY: cursor + 6, size: size, limit: limit)
      }
      cursor += 12 + min(limit, widest)
    }
    guard !title.isEmpty else { return }
    for line in TextMeasure.wrapped(title, size: 12, limit: area.width, lines: 2) {
      document.text(line, x: (area.minX + area.maxX) / 2, y: cursor + 11, size: 12, anchor: .middle, paint: .muted)
      cursor += 16
    }
    cursor += 4
  }
}
