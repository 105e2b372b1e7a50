extension Page.Block {
  /// The block as HTML; figures and tables carry the numbers that the counter has reached.
  func html(_ counter: PageCounter) -> String {
    switch self {
    case .paragraph(let text): return "<p>\(Escaping.markup(text))</p>\n"
    case .note(let text): return "<p class=\"note\">\(Escaping.markup(text))</p>\n"
    case .warning(let text):
      return "<p class=\"warning\" role=\"note\"><strong>Warning.</strong> \(Escaping.markup(text))</p>\n"
    case .list(let points):
      return "<ul>\n" + points.map { "<li>\(Escaping.markup($0))</li>\n" }.joined() + "</ul>\n"
    case .heading(let text): return "<h3>\(Escaping.markup(text))</h3>\n"
    case .command(let text): return "<pre class=\"command\"><code>\(Escaping.markup(text))</code></pre>\n"
    case .table(let table, let caption, let isTall):
      return Self.html(table, "Table \(counter.tables).", caption, isTall: isTall)
    case .figure(let chart, let caption): return Self.html(chart, "Figure \(counter.figures).", caption)
    case .card(let title, let facts): return Self.html(title, facts)
    case .provenance(let origin):
      let facts =
        [
          Page.Fact("Data digest", origin.dataDigest), Page.Fact("Lightmeter", origin.version),
          Page.Fact("Machine", origin.machine),
        ] + origin.more
      return "<p>Command:</p>\n" + Page.Block.command(origin.command).html(counter) + Self.html("Provenance", facts)
    }
  }

  private static func html(_ table: TableValue, _ number: String, _ caption: String, isTall: Bool) -> String {
    let marks = table.legend(best: "Highlighted:", tied: "underlined:")
    return "<figure class=\"table\">\n" + Self.caption(number, caption)
      + "<div class=\"scroll\(isTall ? " tall" : "")\" tabindex=\"0\" role=\"region\" "
      + "aria-label=\"\(Escaping.markup(number + " " + caption))\">\n\(table.html())</div>\n"
      + (marks.map { "<p class=\"marks\">\(Escaping.markup($0)).</p>\n" } ?? "") + details(table) + "</figure>\n"
  }

  private static func html(_ chart: any Chart, _ number: String, _ caption: String) -> String {
    "<figure>\n<div class=\"wide\">\(chart.drawing(width: Page.widths.wide).inline())</div>\n"
      + "<div class=\"narrow\">\(chart.drawing(width: Page.widths.narrow).inline(hasHover: false))</div>\n"
      + Self.caption(number, caption) + details(chart.data) + "</figure>\n"
  }

  private static func caption(_ number: String, _ caption: String) -> String {
    "<figcaption><strong>\(Escaping.markup(number))</strong> \(Escaping.markup(caption))</figcaption>\n"
  }

  private static func html(_ title: String, _ facts: [Page.Fact]) -> String {
    "<div class=\"card\">\n<h3>\(Escaping.markup(title))</h3>\n<dl>\n"
      + facts.map { "<dt>\(Escaping.markup($0.name))</dt><dd>\(Escaping.markup($0.value))</dd>\n" }.joined()
      + "</dl>\n</div>\n"
  }

  private static func details(_ table: TableValue) -> String {
    let (brief, isCut) = table.brief()
    let title = isCut ? "Data as CSV, six digits" : "Data as CSV"
    return "<details><summary>\(title)</summary><pre>\(Escaping.markup(brief.csv()))</pre></details>\n"
  }
}
