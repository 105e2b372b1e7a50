/// A drawing in Scalable Vector Graphics, with the boxes of its labels for whoever checks the layout.
///
/// Every painted part carries the colour of a light page as an attribute and a class; the style sheet of ``Page`` and of
/// ``standalone()`` override it through custom properties, so one drawing serves light and dark. The same calls give the
/// same bytes.
public struct SVGDocument: Sendable {
  enum Anchor: String {
    case start, middle, end
  }

  /// The width in pixels.
  public let width: Double
  /// The height in pixels.
  public internal(set) var height = 0.0
  /// The name that the browser shows and a screen reader speaks first.
  public let title: String
  /// What a screen reader says of the content.
  public internal(set) var summary: String
  /// Every text and the room kept for it.
  public private(set) var labels: [PlacedLabel] = []
  /// Where data are drawn, one rectangle per panel.
  public internal(set) var plotAreas: [LayoutBox] = []
  /// Where the keys of the series stand; nil without a legend.
  public internal(set) var legendBox: LayoutBox?

  /// The markup in pieces, so that a page can leave out what it does not need.
  private enum Part {
    case markup(String)
    /// Colours of a light page, for viewers without the style sheet.
    case colour(String)
    /// What shows under a pointer.
    case hover(String)
  }
  private var parts: [Part] = []

  private mutating func put(_ text: String) { parts.append(.markup(text)) }

  init(width: Double, title: String, summary: String) {
    precondition(width.isFinite && width >= 160, "A drawing needs at least 160 pixels of width, not \(width).")
    self.width = width
    self.title = title
    self.summary = summary
  }

  /// The drawing for embedding in a page that has the style sheet of ``Page``.
  ///
  /// - Parameter hasHover: whether texts show under a pointer; a phone has none.
  public func inline(hasHover: Bool = true) -> String {
    root(attributes: "", style: "", hasColours: false, hasHover: hasHover)
  }

  /// The drawing as a file of its own, with its colours for light and dark and a background.
  public func standalone() -> String {
    let style =
      "<style>svg{\(ChartPalette.properties(dark: false))}\n@media (prefers-color-scheme: dark){svg{"
      + "\(ChartPalette.properties(dark: true))}}\n\(ChartPalette.rules)</style>"
      + "<rect width=\"100%\" height=\"100%\" class=\"lm-f-paper\" fill=\"\(ChartPalette.Paint.paper.light)\"/>"
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      + root(
        attributes: " xmlns=\"http://www.w3.org/2000/svg\" width=\"\(n(width))\" height=\"\(n(height))\"", style: style,
        hasColours: true, hasHover: true)
      + "\n"
  }

  /// The drawing with texts below it that must go wherever it goes.
  func stamped(_ stamps: [String]) -> SVGDocument {
    var copy = self
    for line in stamps.flatMap({ TextMeasure.wrapped($0, size: 12, limit: width - 8, lines: 6, bold: true) }) {
      copy.text(line, x: 4, y: copy.height + 12, bold: true)
      copy.height += 18
    }
    return copy
  }

  private func root(attributes: String, style: String, hasColours: Bool, hasHover: Bool) -> String {
    var body = ""
    for part in parts {
      switch part {
      case .markup(let text): body += text
      case .colour(let text): body += hasColours ? text : ""
      case .hover(let text): body += hasHover ? text : ""
      }
    }
    let label = Escaping.markup(summary.isEmpty ? title : "\(title). \(summary)")
    return "<svg\(attributes) viewBox=\"0 0 \(n(width)) \(n(height))\" role=\"img\" aria-label=\"\(label)\" "
      + "font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif\" "
      + "font-size=\"12\" stroke-linejoin=\"round\">\(style)\(body)</svg>"
  }

  // MARK: Text

  /// Draws one line of text whose baseline stands at `y`; the box it takes is recorded and returned.
  ///
  /// `hover` defaults to the full text when `limit` shortens it. With `clamped`, the text moves sideways into the page.
  @discardableResult
  mutating func text(
    _ text: String, x: Double, y: Double, size: Double = 12, anchor: Anchor = .start, bold: Bool = false,
    paint: ChartPalette.Paint = .ink, limit: Double = .infinity, clamped: Bool = false
  ) -> LayoutBox {
    let shown = TextMeasure.fitted(text, size: size, limit: limit, bold: bold)
    let length = TextMeasure.width(shown, size: size, bold: bold)
    var left = x - (anchor == .start ? 0 : anchor == .middle ? length / 2 : length)
    var place = x
    if clamped {
      let moved = max(1, min(left, width - 1 - length))
      place += moved - left
      left = moved
    }
    let box = LayoutBox(minX: left, minY: y - size * 0.8, maxX: left + length, maxY: y + size * 0.25)
    write(shown, full: text, box: box, x: place, y: y, size: size, anchor: anchor, bold: bold, paint: paint, turn: "")
    return box
  }

  /// Draws text that reads upwards and ends at `y`, centred on `x`.
  mutating func uprightText(_ text: String, x: Double, endY y: Double, size: Double, limit: Double) {
    let shown = TextMeasure.fitted(text, size: size, limit: limit)
    let length = TextMeasure.width(shown, size: size)
    let box = LayoutBox(minX: x - size * 0.55, minY: y, maxX: x + size * 0.5, maxY: y + length)
    let baseline = x + size * 0.3
    write(
      shown, full: text, box: box, x: baseline, y: y, size: size, anchor: .end, bold: false, paint: .ink,
      turn: " transform=\"rotate(-90 \(n(baseline)) \(n(y)))\"")
  }

  private mutating func write(
    _ shown: String, full: String, box: LayoutBox, x: Double, y: Double, size: Double, anchor: Anchor, bold: Bool,
    paint: ChartPalette.Paint, turn: String
  ) {
    guard !shown.isEmpty else { return }
    labels.append(PlacedLabel(text: shown, box: box))
    var tag = "<text x=\"\(n(x))\" y=\"\(n(y))\"\(turn)"
    if size != 12 { tag += " font-size=\"\(n(size))\"" }
    if anchor != .start { tag += " text-anchor=\"\(anchor.rawValue)\"" }
    if bold { tag += " font-weight=\"600\"" }
    put(tag)
    self.paint(fill: paint)
    put(">")
    if shown != full { parts.append(.hover("<title>\(Escaping.markup(full))</title>")) }
    put("\(Escaping.markup(shown))</text>")
  }

  // MARK: Shapes

  mutating func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ paint: ChartPalette.Paint, width: Double = 1,
    dash: String? = nil
  ) {
    var data = PathData()
    data.move(x1, y1)
    data.line(x2, y2)
    path(data, stroke: paint, width: width, dash: dash)
  }

  mutating func path(
    _ data: PathData, fill: ChartPalette.Paint? = nil, stroke: ChartPalette.Paint? = nil, width: Double = 1,
    dash: String? = nil, opacity: Double = 1, hover: String? = nil
  ) {
    guard !data.text.isEmpty else { return }
    put("<path d=\"\(data.text)\"")
    self.paint(fill: fill, stroke: stroke)
    var rest = ""
    if stroke != nil, width != 1 { rest += " stroke-width=\"\(n(width))\"" }
    if let dash { rest += " stroke-dasharray=\"\(dash)\"" }
    if opacity != 1 { rest += " opacity=\"\(n(opacity))\"" }
    put(rest)
    close("path", hover)
  }

  mutating func rectangle(
    _ box: LayoutBox, fill: ChartPalette.Paint, opacity: Double = 1, hover: String? = nil
  ) {
    put(
      "<rect x=\"\(n(box.minX))\" y=\"\(n(box.minY))\" width=\"\(n(max(0, box.width)))\" "
        + "height=\"\(n(max(0, box.height)))\"")
    self.paint(fill: fill)
    if opacity != 1 { put(" opacity=\"\(n(opacity))\"") }
    close("rect", hover)
  }

  /// An invisible disc that shows a text under the pointer.
  mutating func hoverTarget(x: Double, y: Double, radius: Double, _ hover: String) {
    parts.append(
      .hover(
        "<circle class=\"lm-h\" cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"\(n(radius))\" fill=\"none\">"
          + "<title>\(Escaping.markup(hover))</title></circle>"))
  }

  mutating func marker(
    _ shape: ChartPalette.Marker, x: Double, y: Double, radius r: Double, _ paint: ChartPalette.Paint,
    hollow: Bool = false, hover: String? = nil
  ) {
    var outline = PathData()
    switch shape {
    case .circle: outline.circle(x, y, radius: r)
    case .square: outline.polygon([(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)])
    case .triangle: outline.polygon([(x, y - 1.25 * r), (x + 1.2 * r, y + r), (x - 1.2 * r, y + r)])
    case .diamond: outline.polygon([(x, y - 1.4 * r), (x + 1.4 * r, y), (x, y + 1.4 * r), (x - 1.4 * r, y)])
    case .cross:
      outline.polyline([(x - r, y), (x + r, y)])
      outline.polyline([(x, y - r), (x, y + r)])
    }
    if shape == .cross {
      path(outline, stroke: paint, width: 2, hover: hover)
    } else {
      path(outline, fill: hollow ? .paper : paint, stroke: paint, width: hollow ? 1.5 : 1, hover: hover)
    }
  }

  private mutating func close(_ element: String, _ hover: String?) {
    guard let hover else { return put("/>") }
    put(">")
    parts.append(.hover("<title>\(Escaping.markup(hover))</title>"))
    put("</\(element)>")
  }

  private func n(_ value: Double) -> String { NumberText.coordinate(value) }

  private mutating func paint(fill: ChartPalette.Paint?, stroke: ChartPalette.Paint? = nil) {
    let classes = [fill.map { "lm-f-\($0.name)" }, stroke.map { "lm-s-\($0.name)" }].compactMap(\.self)
    if !classes.isEmpty { put(" class=\"\(classes.joined(separator: " "))\"") }
    if let fill { parts.append(.colour(" fill=\"\(fill.light)\"")) } else { put(" fill=\"none\"") }
    if let stroke { parts.append(.colour(" stroke=\"\(stroke.light)\"")) }
  }
}
