internal import LightmeterKernels
extension TableValue {
  /// The table as an HTML element; the first column holds row headings if its texts stand at the left.
  public func html() -> String {
    var text = "<table>\n<thead><tr>"
    for column in columns {
      text += "<th scope=\"col\"\(Self.attribute(column))>\(Escaping.markup(column.title))</th>"
    }
    text += "</tr></thead>\n<tbody>\n"
    if rows.isEmpty { text += "<tr><td colspan=\"\(columns.count)\">no data</td></tr>\n" }
    for row in rows {
      text += "<tr>"
      for (index, (column, cell)) in zip(columns, row).enumerated() {
        let content = Escaping.markup(cell.text)
        let isHeading = index == 0 && column.alignment == .leading
        let length = cell.text.count > 22 ? " class=\"long\"" : ""
        text += isHeading ? "<th scope=\"row\"\(length)>" : "<td\(Self.attribute(column, cell))>"
        switch cell.mark {
        case .plain: text += content
        case .best: text += "<strong class=\"best\">\(content)</strong>"
        case .tied: text += "<span class=\"tied\">\(content)</span>"
        }
        text += isHeading ? "</th>" : "</td>"
      }
      text += "</tr>\n"
    }
    return text + "</tbody>\n</table>\n"
  }

  private static func attribute(_ column: Column) -> String {
    column.alignment == .trailing ? " class=\"number\"" : ""
  }

  /// Long texts may break; numbers never do.
  private static func attribute(_ column: Column, _ cell: Cell) -> String {
    column.alignment == .leading && cell.text.count > 28 ? " class=\"text\"" : attribute(column)
  }

  /// The table in Markdown: the best bold, tied cells in italics.
  public func markdown() -> String {
    var text = "| " + columns.map { Escaping.markdown($0.title) }.joined(separator: " | ") + " |\n|"
    for column in columns { text += column.alignment == .trailing ? " ---: |" : " :--- |" }
    text += "\n"
    for row in rows {
      let cells = row.map { cell in
        let content = Escaping.markdown(cell.text)
        switch cell.mark {
        case .plain: return content
        case .best: return "**\(content)**"
        case .tied: return "*\(content)*"
        }
      }
      text += "| " + cells.joined(separator: " | ") + " |\n"
    }
    if rows.isEmpty { text += "\nno data\n" }
    return text + (legend(best: "**bold**:", tied: "*italic*:").map { "\n\($0)\n" } ?? "")
  }

  /// The table as comma-separated values with a header line (RFC 4180, line feeds); without the marks.
  public func csv() -> String {
    var text = columns.map { CSVField.quoted($0.title) }.joined(separator: ",") + "\n"
    for row in rows { text += row.map { CSVField.quoted($0.text) }.joined(separator: ",") + "\n" }
    return text
  }

  /// The table as a LaTeX `tabular` with the rules of the package booktabs: the best bold, tied cells underlined.
  public func latex() -> String {
    let places = columns.map { $0.alignment == .trailing ? "r" : "l" }.joined()
    var text = "\\begin{tabular}{\(places)}\n\\toprule\n"
    text += columns.map { Escaping.latex($0.title) }.joined(separator: " & ") + " \\\\\n\\midrule\n"
    for row in rows {
      let cells = row.map { cell in
        let content = Escaping.latex(cell.text)
        switch cell.mark {
        case .plain: return content
        case .best: return "\\textbf{\(content)}"
        case .tied: return "\\underline{\(content)}"
        }
      }
      text += Self.guarded(cells.joined(separator: " & ")) + " \\\\\n"
    }
    return text + "\\bottomrule\n\\end{tabular}\n"
  }

  /// A row that starts with a bracket would be read as an option of the line break before it.
  private static func guarded(_ row: String) -> String { row.hasPrefix("[") ? "{}" + row : row }

  /// The table for a terminal, in columns two spaces apart; `*` marks the best and `~` tied cells.
  public func plain() -> String {
    let titles = columns.map { Escaping.terminal($0.title) }
    let texts = rows.map { $0.map { Escaping.terminal($0.text) } }
    let isMarked = columns.indices.map { column in rows.contains { $0[column].mark != .plain } }
    let widths = columns.indices.map { column in
      max(TextMeasure.columns(titles[column]), texts.map { TextMeasure.columns($0[column]) }.max() ?? 0)
    }
    func line(_ cells: [String], _ marks: [Mark]) -> String {
      var text = ""
      for column in columns.indices {
        let space = String(repeating: " ", count: widths[column] - TextMeasure.columns(cells[column]))
        text += column == 0 ? "" : "  "
        text += columns[column].alignment == .trailing ? space + cells[column] : cells[column] + space
        if isMarked[column] { text += marks[column] == .best ? "*" : marks[column] == .tied ? "~" : " " }
      }
      while text.hasSuffix(" ") { text.removeLast() }
      return text + "\n"
    }
    let none = columns.map { _ in Mark.plain }
    var text = line(titles, none)
    text += line(widths.map { String(repeating: "─", count: $0) }, none)
    for (cells, row) in zip(texts, rows) { text += line(cells, row.map(\.mark)) }
    if rows.isEmpty { text += "no data\n" }
    return text + (legend(best: "*", tied: "~").map { $0 + "\n" } ?? "")
  }
}
