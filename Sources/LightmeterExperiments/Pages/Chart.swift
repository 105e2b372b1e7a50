/// A picture of data: draws itself for a given width and hands out the numbers behind it.
public protocol Chart: Sendable {
  /// What the picture shows, in a few words; drawn above it.
  var title: String { get }

  /// The drawing for a page `width` pixels wide; the layout differs between wide and narrow.
  ///
  /// - Precondition: `width` ≥ 160.
  func drawing(width: Double) -> SVGDocument

  /// The numbers behind the picture, one observation a row; a missing number is an empty cell.
  var data: TableValue { get }
}

/// A key of a legend.
struct LegendKey {
  enum Swatch {
    case line(Int)
    case rule(Int)
    case bar(Int)
    case reference
    case mark(ChartPalette.Marker, ChartPalette.Paint, hollow: Bool)
  }

  let name: String
  let swatch: Swatch
}

/// Fills a drawing from the top down: heading, legend, then the plot, then notes.
struct ChartLayout {
  static let legendSize = 12.0
  static let tickSize = 11.0

  var document: SVGDocument
  /// The upper edge of what is still free.
  var cursor = 6.0

  init(width: Double, title: String, summary: String) {
    document = SVGDocument(width: width, title: title, summary: summary)
    for line in TextMeasure.wrapped(title, size: 14, limit: width - 8, lines: 3, bold: true) {
      document.text(line, x: 4, y: cursor + 13, size: 14, bold: true)
      cursor += 19
    }
    cursor += 4
  }

  /// Keys in rows above the plot, as many rows as the names need.
  mutating func legend(_ keys: [LegendKey]) {
    guard !keys.isEmpty else { return }
    let top = cursor
    let swatch = 30.0
    let limit = document.width - 12 - swatch
    var x = 4.0
    var right = x
    for key in keys {
      let length = min(TextMeasure.width(key.name, size: Self.legendSize), limit)
      if x > 4, x + swatch + length > document.width - 4 {
        x = 4
        cursor += 18
      }
      draw(key.swatch, x: x, y: cursor + 8)
      document.text(key.name, x: x + swatch, y: cursor + 12, size: Self.legendSize, limit: limit)
      right = max(right, x + swatch + length)
      x += swatch + length + 16
    }
    cursor += 18
    document.legendBox = LayoutBox(minX: 4, minY: top, maxX: right, maxY: cursor)
    cursor += 6
  }

  private mutating func draw(_ swatch: LegendKey.Swatch, x: Double, y: Double) {
    switch swatch {
    case .line(let index):
      document.line(x, y, x + 24, y, .series(index), width: 2, dash: ChartPalette.dash(index))
      document.marker(ChartPalette.marker(index), x: x + 12, y: y, radius: 3.5, .series(index))
    case .rule(let index):
      document.line(x, y, x + 24, y, .muted, width: 1.5, dash: ChartPalette.ruleDash(index))
    case .bar(let index):
      document.rectangle(LayoutBox(minX: x + 4, minY: y - 6, maxX: x + 20, maxY: y + 6), fill: .series(index))
      document.stripes(index, in: LayoutBox(minX: x + 4, minY: y - 6, maxX: x + 20, maxY: y + 6))
    case .reference:
      document.line(x, y, x + 24, y, .ink, width: 1.5, dash: "4 3")
    case .mark(let marker, let paint, let hollow):
      document.marker(marker, x: x + 12, y: y, radius: 4.5, paint, hollow: hollow)
    }
  }

  /// A heading within the drawing, wrapped.
  mutating func subtitle(_ text: String, bold: Bool) {
    for line in TextMeasure.wrapped(text, size: 12, limit: document.width - 8, lines: 3, bold: bold) {
      document.text(line, x: 4, y: cursor + 12, bold: bold)
      cursor += 16
    }
    cursor += 2
  }

  /// A muted line under everything else, wrapped.
  mutating func note(_ text: String) {
    for line in TextMeasure.wrapped(text, size: 11, limit: document.width - 8, lines: 3) {
      document.text(line, x: 4, y: cursor + 12, size: 11, paint: .muted)
      cursor += 16
    }
  }

  /// An empty frame that says so, in place of a plot.
  mutating func emptyPlot() {
    let area = LayoutBox(minX: 4, minY: cursor, maxX: document.width - 4, maxY: cursor + 120)
    document.plotAreas = [area]
    document.path(PathData(area), stroke: .grid)
    document.text("no data", x: document.width / 2, y: cursor + 64, anchor: .middle, paint: .muted)
    cursor = area.maxY + 8
  }

  /// The drawing, cut off below the last part.
  func finished() -> SVGDocument {
    var result = document
    result.height = (cursor + 4).rounded(.up)
    return result
  }
}

extension SVGDocument {
  /// Stripes that tell bars apart without colour; the first series has none.
  mutating func stripes(_ index: Int, in box: LayoutBox) {
    let style = (index + index / 8) % 4
    guard style > 0, box.height > 1, box.width > 6 else { return }
    let gap = [0.0, 4, 7, 11][style]
    var data = PathData()
    var y = box.maxY - gap / 2
    while y > box.minY {
      data.polyline([(box.minX, y), (box.maxX, y)])
      y -= gap
    }
    path(data, stroke: .paper, opacity: 0.65)
  }
}
