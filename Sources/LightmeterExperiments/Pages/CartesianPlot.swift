/// A plot area between two axes, and where values stand in it.
struct CartesianPlot {
  let area: LayoutBox
  let horizontal: AxisRange
  let vertical: AxisRange

  func x(_ value: Double) -> Double? { horizontal.fraction(value).map { area.minX + $0 * area.width } }

  func y(_ value: Double) -> Double? { vertical.fraction(value).map { area.maxY - $0 * area.height } }

  /// The place of a point; nil if either coordinate has none.
  func point(_ x: Double, _ y: Double) -> (x: Double, y: Double)? {
    guard let x = self.x(x), let y = self.y(y) else { return nil }
    return (x, y)
  }
}

extension ChartLayout {
  /// Draws both axes at the cursor and moves it below them.
  mutating func cartesian(_ horizontal: AxisRange, _ vertical: AxisRange, height: Double) -> CartesianPlot {
    let area = verticalAxis(vertical, height: height)
    let plot = CartesianPlot(area: area, horizontal: horizontal, vertical: vertical)
    cursor = area.maxY
    horizontalAxis(horizontal, area: area, gridLines: false)
    return plot
  }

  /// Draws the title above, the grid and the tick labels of a vertical axis; returns the plot area beside it.
  mutating func verticalAxis(_ range: AxisRange, height: Double) -> LayoutBox {
    for line in TextMeasure.wrapped(range.axis.title, size: 12, limit: document.width - 8, lines: 2) {
      document.text(line, x: 4, y: cursor + 12, size: 12, paint: .muted)
      cursor += 16
    }
    let top = cursor + 8
    let ticks = range.ticks(Int(height / 44))
    let margin = 12 + (ticks.labels.map { TextMeasure.width($0, size: Self.tickSize) }.max() ?? 0)
    let area = LayoutBox(minX: margin, minY: top, maxX: document.width - 10, maxY: top + height)
    var previous = Double.infinity
    for (value, label) in zip(ticks.values, ticks.labels) {
      guard let fraction = range.fraction(value) else { continue }
      let y = area.maxY - fraction * area.height
      document.line(area.minX, y, area.maxX, y, value == 0 ? .axis : .grid)
      guard previous - y >= Self.tickSize * 1.1 else { continue }
      document.text(label, x: area.minX - 6, y: y + 4, size: Self.tickSize, anchor: .end)
      previous = y
    }
    document.plotAreas.append(area)
    return area
  }

  /// Draws ticks, their labels and the title of a horizontal axis under an area; moves the cursor below.
  ///
  /// A label that would stand out by more than `overhang` beside the area is left out.
  mutating func horizontalAxis(
    _ range: AxisRange, area: LayoutBox, gridLines: Bool, overhang: Double = .infinity
  ) {
    let ticks = Self.fittingTicks(range, width: area.width)
    for (value, label) in zip(ticks.values, ticks.labels) {
      guard let fraction = range.fraction(value) else { continue }
      let x = area.minX + fraction * area.width
      if gridLines {
        document.line(x, area.minY, x, area.maxY, value == 0 ? .axis : .grid)
      }
      document.line(x, area.maxY, x, area.maxY + 4, .axis)
      let half = TextMeasure.width(label, size: Self.tickSize) / 2
      guard x - half >= area.minX - overhang, x + half <= area.maxX + overhang else { continue }
      document.text(
        label, x: x, y: area.maxY + 16, size: Self.tickSize, anchor: .middle, clamped: true)
    }
    document.line(area.minX, area.maxY, area.maxX, area.maxY, .axis)
    cursor = area.maxY + 22
    guard !range.axis.title.isEmpty else { return }
    for line in TextMeasure.wrapped(range.axis.title, size: 12, limit: area.width, lines: 2) {
      document.text(line, x: (area.minX + area.maxX) / 2, y: cursor + 11, size: 12, anchor: .middle, paint: .muted)
      cursor += 16
    }
    cursor += 4
  }

  /// As many ticks as fit side by side with eight pixels between their labels.
  static func fittingTicks(_ range: AxisRange, width: Double) -> AxisTicks {
    var count = max(width < 240 ? 4 : 1, Int(width / 56))
    while true {
      let ticks = range.ticks(count)
      var fits = true
      var right = -Double.infinity
      for (value, label) in zip(ticks.values, ticks.labels) {
        guard let fraction = range.fraction(value) else { continue }
        let half = TextMeasure.width(label, size: tickSize) / 2
        let x = fraction * width
        if x - half < right + 8 { fits = false }
        right = x + half
      }
      if fits || count == 1 { return ticks }
      count -= 1
    }
  }
}
