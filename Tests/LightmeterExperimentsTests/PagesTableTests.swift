import Foundation
import LightmeterExperiments
import Testing

@Suite struct PagesTableTests {
  static let nasty = TableValue(
    columns: [.init("name, \"quoted\"", .leading), .init("50 % & more"), .init("a | b_c")],
    rows: [
      [.init("<script>alert('x')</script>"), .init("1.5", mark: .best), "–"],
      [.init("back\\slash {brace} $5 #1 ~x^2"), .init("22.25", mark: .tied), .init("3 ± 1")],
      [.init("[bracket] *star* `tick`"), "", .init("-4")], [.init("日本語の名前"), "0.1", "0.2"],
    ])

  /// The texts of a table row by row, headings first.
  private func texts(_ table: TableValue) -> [[String]] {
    [table.columns.map(\.title)] + table.rows.map { $0.map(\.text) }
  }

  @Test(arguments: [nasty, PagesSample.table]) func commaSeparatedValuesReadBack(table: TableValue) {
    #expect(fields(table.csv()) == texts(table))
  }

  /// A reader of RFC 4180 with line feeds.
  private func fields(_ text: String) -> [[String]] {
    var rows: [[String]] = [[""]]
    var isQuoted = false
    for character in text.dropLast() {
      switch character {
      case "\"":
        isQuoted.toggle()
        if isQuoted, rows[rows.count - 1].last?.isEmpty == false {
          rows[rows.count - 1][rows[rows.count - 1].count - 1] += "\""
        }
      case "," where !isQuoted: rows[rows.count - 1].append("")
      case "\n" where !isQuoted: rows.append([""])
      default: rows[rows.count - 1][rows[rows.count - 1].count - 1].append(character)
      }
    }
    return rows
  }

  @Test(arguments: [nasty, PagesSample.table]) func htmlCarriesTheSameCells(table: TableValue) {
    let html = table.html()
    PagesChecks.expectWellFormed(html, "table")
    let cells = html.matches(of: /<t[hd][^>]*>(.*?)<\/t[hd]>/).map { match in
      String(match.output.1).replacing(/<[^>]*>/, with: "")
        .replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
        .replacing("&#39;", with: "'").replacing("&amp;", with: "&")
    }
    #expect(cells == texts(table).flatMap(\.self))
  }

  @Test(arguments: [nasty, PagesSample.table]) func markdownCarriesTheSameCells(table: TableValue) {
    let lines = table.markdown().split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasSuffix("--: |") }
    var cells = lines.map { line -> [String] in
      line.dropFirst(2).dropLast(2).replacing("\\|", with: "\u{1}").split(
        separator: " | ", omittingEmptySubsequences: false
      )
      .map { cell in
        var text = String(cell).replacing("\\*", with: "\u{2}").replacing("*", with: "").replacing("\u{2}", with: "*")
        for mark in ["`", "_", "[", "]", "~"] { text = text.replacing("\\\(mark)", with: mark) }
        return text.replacing("\\\\", with: "\\").replacing("\u{1}", with: "|").replacing("&lt;", with: "<")
          .replacing("&gt;", with: ">").replacing("&amp;", with: "&")
      }
    }
    #expect(cells.removeFirst() == table.columns.map(\.title))
    #expect(cells == Array(texts(table).dropFirst()))
  }

  @Test func plainTextIsAlignedByWhatATerminalShows() {
    let table = TableValue(
      columns: [.init("method", .leading), .init("NDCG@5")],
      rows: [["MF", .init("0.5", mark: .best)], ["日本", .init("10.25", mark: .tied)], ["esc\u{1B}[31m", ""]])
    #expect(
      table.plain() == """
        method    NDCG@5
        ────────  ──────
        MF           0.5*
        日本       10.25~
        esc\u{FFFD}[31m
        * best of its column; ~ tied with the best

        """)
  }

  @Test func plainTextCarriesTheSameCells() {
    let plain = PagesSample.table.plain().split(separator: "\n")
    for (line, row) in zip(plain.dropFirst(2), PagesSample.table.rows) {
      var rest = line[...]
      for cell in row {
        guard let found = rest.range(of: cell.text) else {
          Issue.record("\(cell.text) is missing or out of order in: \(line)")
          continue
        }
        rest = rest[found.upperBound...]
      }
    }
  }

  @Test func latexEscapesWhatLatexReads() {
    let latex = Self.nasty.latex()
    #expect(latex.contains("\\begin{tabular}{lrr}"))
    #expect(latex.contains("back\\textbackslash{}slash \\{brace\\} \\$5 \\#1 \\textasciitilde{}x\\textasciicircum{}2"))
    #expect(latex.contains("\\textbf{1.5}") && latex.contains("\\underline{22.25}"))
    #expect(latex.contains("50 \\% \\& more") && latex.contains("3 $\\pm$ 1") && latex.contains("a | b\\_c"))
    #expect(latex.contains("{}[bracket]"))
  }

  @Test func everyRenderingMarksTheBestAndTheTied() {
    #expect(Self.nasty.markdown().contains("**1.5**") && Self.nasty.markdown().contains("*22.25*"))
    #expect(Self.nasty.html().contains("<strong class=\"best\">1.5</strong>"))
    #expect(Self.nasty.html().contains("<span class=\"tied\">22.25</span>"))
    #expect(Self.nasty.plain().contains("1.5*") && Self.nasty.plain().contains("22.25~"))
  }

  @Test func aTableWithoutRowsSaysSo() {
    let empty = TableValue(columns: [.init("a"), .init("b")], rows: [])
    #expect(
      empty.html().contains("no data") && empty.markdown().contains("no data") && empty.plain().contains("no data"))
    #expect(empty.csv() == "a,b\n")
  }
}
