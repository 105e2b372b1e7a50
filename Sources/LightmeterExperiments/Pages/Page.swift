/// A report as one HTML file: no network, no script, light and dark, for a screen, a phone and paper.
///
/// Every text is plain and is escaped when written; the same page gives the same bytes.
public struct Page: Sendable {
  /// A name and what it stands for.
  public struct Fact: Sendable, Hashable {
    /// The name.
    public var name: String
    /// What it stands for.
    public var value: String

    /// A fact.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What someone needs to get the same page again.
  public struct Provenance: Sendable, Hashable {
    /// The exact command line.
    public var command: String
    /// The digest of the data that were read.
    public var dataDigest: String
    /// The version of Lightmeter.
    public var version: String
    /// Processor, cores and system.
    public var machine: String
    /// Whatever else belongs here: seeds, dates, times.
    public var more: [Fact]

    /// The origin of a page.
    public init(command: String, dataDigest: String, version: String, machine: String, more: [Fact] = []) {
      self.command = command
      self.dataDigest = dataDigest
      self.version = version
      self.machine = machine
      self.more = more
    }
  }

  /// A part of a section.
  public enum Block: Sendable {
    /// A paragraph.
    case paragraph(String)
    /// A remark that must not be missed.
    case note(String)
    /// Points of a list.
    case list([String])
    /// A heading within the section.
    case heading(String)
    /// A command line or another text whose line breaks count.
    case command(String)
    /// A table with a caption; `isTall` scrolls within the page under a heading that stays.
    case table(TableValue, caption: String, isTall: Bool = false)
    /// A picture with a caption; its data follow as comma-separated values.
    case figure(any Chart, caption: String)
    /// A card of facts, as for a protocol.
    case card(String, [Fact])
    /// Where the numbers come from.
    case provenance(Provenance)
  }

  /// A part of a page under a heading of its own.
  public struct Section: Sendable {
    /// The heading.
    public var title: String
    /// What follows it.
    public var blocks: [Block]

    /// A section.
    public init(_ title: String, _ blocks: [Block]) {
      self.title = title
      self.blocks = blocks
    }
  }

  /// The heading of the page.
  public var title: String
  /// What the page says, in plain sentences.
  public var lead: String
  /// The parts of the page.
  public var sections: [Section]

  /// A page.
  public init(title: String, lead: String, sections: [Section]) {
    self.title = title
    self.lead = lead
    self.sections = sections
  }

  /// The widths for which every picture is drawn; the style sheet shows the one that fits.
  static let widths = (wide: 760.0, narrow: 360.0)

  /// The page as an HTML document.
  public func html() -> String {
    var text = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
      <title>\(Escaping.markup(title))</title>
      <link rel="icon" href="data:,">
      <style>
      \(PageStyle.sheet)
      </style>
      </head>
      <body>
      <main>
      <h1>\(Escaping.markup(title))</h1>
      <p class="lead">\(Escaping.markup(lead))</p>

      """
    if sections.count > 3 {
      text += "<nav aria-label=\"Sections\"><ul>\n"
      for (index, section) in sections.enumerated() {
        text += "<li><a href=\"#section-\(index + 1)\">\(Escaping.markup(section.title))</a></li>\n"
      }
      text += "</ul></nav>\n"
    }
    for (index, section) in sections.enumerated() {
      text += "<section id=\"section-\(index + 1)\">\n<h2>\(Escaping.markup(section.title))</h2>\n"
      for block in section.blocks { text += block.html() }
      text += "</section>\n"
    }
    return text + "</main>\n</body>\n</html>\n"
  }

  /// The pictures and tables of the page as files of their own, numbered in order of appearance.
  ///
  /// - Returns: names such as `figure-1.svg`, `figure-1.csv`, `table-1.md`, `table-1.tex`, `table-1.csv`, each with its
  ///   content.
  public func attachments() -> [(name: String, content: String)] {
    var files: [(name: String, content: String)] = []
    var figures = 0
    var tables = 0
    for block in sections.flatMap(\.blocks) {
      switch block {
      case .figure(let chart, _):
        figures += 1
        files.append(("figure-\(figures).svg", chart.drawing(width: Self.widths.wide).standalone()))
        files.append(("figure-\(figures).csv", chart.data.csv()))
      case .table(let table, _, _):
        tables += 1
        files.append(("table-\(tables).md", table.markdown()))
        files.append(("table-\(tables).tex", table.latex()))
        files.append(("table-\(tables).csv", table.csv()))
      default: break
      }
    }
    return files
  }
}

extension Page.Block {
  fileprivate func html() -> String {
    switch self {
    case .paragraph(let text): return "<p>\(Escaping.markup(text))</p>\n"
    case .note(let text): return "<p class=\"note\">\(Escaping.markup(text))</p>\n"
    case .list(let points):
      return "<ul>\n" + points.map { "<li>\(Escaping.markup($0))</li>\n" }.joined() + "</ul>\n"
    case .heading(let text): return "<h3>\(Escaping.markup(text))</h3>\n"
    case .command(let text): return "<pre class=\"command\"><code>\(Escaping.markup(text))</code></pre>\n"
    case .table(let table, let caption, let isTall): return Self.html(table, caption: caption, isTall: isTall)
    case .figure(let chart, let caption): return Self.html(chart, caption: caption)
    case .card(let title, let facts): return Self.html(title, facts)
    case .provenance(let origin):
      let facts =
        [
          Page.Fact("Data digest", origin.dataDigest), Page.Fact("Lightmeter", origin.version),
          Page.Fact("Machine", origin.machine),
        ] + origin.more
      return "<p>Command:</p>\n" + Page.Block.command(origin.command).html() + Self.html("Provenance", facts)
    }
  }

  private static func html(_ table: TableValue, caption: String, isTall: Bool) -> String {
    let marks = table.legend(best: "Highlighted:", tied: "underlined:")
    return "<figure class=\"table\">\n<figcaption>\(Escaping.markup(caption))</figcaption>\n"
      + "<div class=\"scroll\(isTall ? " tall" : "")\" tabindex=\"0\" role=\"region\" "
      + "aria-label=\"\(Escaping.markup(caption))\">\n\(table.html())</div>\n"
      + (marks.map { "<p class=\"marks\">\(Escaping.markup($0)).</p>\n" } ?? "") + details(table) + "</figure>\n"
  }

  private static func html(_ chart: any Chart, caption: String) -> String {
    "<figure>\n<div class=\"wide\">\(chart.drawing(width: Page.widths.wide).inline())</div>\n"
      + "<div class=\"narrow\">\(chart.drawing(width: Page.widths.narrow).inline())</div>\n"
      + "<figcaption>\(Escaping.markup(caption))</figcaption>\n" + details(chart.data) + "</figure>\n"
  }

  private static func html(_ title: String, _ facts: [Page.Fact]) -> String {
    "<div class=\"card\">\n<h3>\(Escaping.markup(title))</h3>\n<dl>\n"
      + facts.map { "<dt>\(Escaping.markup($0.name))</dt><dd>\(Escaping.markup($0.value))</dd>\n" }.joined()
      + "</dl>\n</div>\n"
  }

  private static func details(_ table: TableValue) -> String {
    "<details><summary>Data as CSV</summary><pre>\(Escaping.markup(table.csv()))</pre></details>\n"
  }
}
