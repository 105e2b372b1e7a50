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
    /// What forbids or limits the use of the numbers.
    case warning(String)
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
  /// What forbids quoting the numbers: stands above everything else, and in every file of a figure or table.
  public var stamps: [String]

  /// A page.
  public init(title: String, lead: String, sections: [Section], stamps: [String] = []) {
    self.title = title
    self.lead = lead
    self.sections = sections
    self.stamps = stamps
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

      """
    for stamp in stamps { text += Block.warning(stamp).html(PageCounter()) }
    text += "<p class=\"lead\">\(Escaping.markup(lead))</p>\n"
    if sections.count > 3 {
      text += "<nav aria-label=\"Sections\"><ul>\n"
      for (index, section) in sections.enumerated() {
        text += "<li><a href=\"#section-\(index + 1)\">\(Escaping.markup(section.title))</a></li>\n"
      }
      text += "</ul></nav>\n"
    }
    var counter = PageCounter()
    for (index, section) in sections.enumerated() {
      text += "<section id=\"section-\(index + 1)\">\n<h2>\(Escaping.markup(section.title))</h2>\n"
      for block in section.blocks {
        counter.count(block)
        text += block.html(counter)
      }
      text += "</section>\n"
    }
    return text + "</main>\n</body>\n</html>\n"
  }

  /// The pictures and tables of the page as files of their own, by their numbers on the page.
  ///
  /// - Returns: names such as `figure-1.svg`, `figure-1.csv`, `table-1.md`, `table-1.tex`, `table-1.csv`, each with its
  ///   content; a stamp of the page stands in every one.
  public func attachments() -> [(name: String, content: String)] {
    var files: [(name: String, content: String)] = []
    var counter = PageCounter()
    let markdown = stamps.map { "**\(Escaping.markdown($0))**\n\n" }.joined()
    let latex = stamps.map { "\\par\\textbf{\(Escaping.latex($0))}\n" }.joined()
    for block in sections.flatMap(\.blocks) {
      counter.count(block)
      switch block {
      case .figure(let chart, _):
        let name = "figure-\(counter.figures)"
        files.append(("\(name).svg", chart.drawing(width: Self.widths.wide).stamped(stamps).standalone()))
        files.append(("\(name).csv", chart.data.stamped(stamps).csv()))
      case .table(let table, let caption, _):
        let name = "table-\(counter.tables)"
        files.append(("\(name).md", "\(Escaping.markdown(caption))\n\n\(markdown)\(table.markdown())"))
        let comment = caption.split(whereSeparator: \.isNewline).map { "% \($0)\n" }.joined()
        files.append(("\(name).tex", comment + table.latex() + latex))
        files.append(("\(name).csv", table.stamped(stamps).csv()))
      default: break
      }
    }
    return files
  }
}

/// The numbers of figures and tables, in order of appearance.
struct PageCounter {
  private(set) var figures = 0
  private(set) var tables = 0

  mutating func count(_ block: Page.Block) {
    if case .figure = block { figures += 1 }
    if case .table = block { tables += 1 }
  }
}
