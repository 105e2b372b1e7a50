/// A table of texts, ready to be written as HTML, Markdown, LaTeX, comma-separated values or aligned terminal text.
public struct TableValue: Sendable, Hashable {
  /// Where a column's texts stand.
  public enum Alignment: String, Sendable, Hashable {
    /// At the left, for names.
    case leading
    /// At the right, for numbers.
    case trailing
  }

  /// How a cell stands out.
  public enum Mark: String, Sendable, Hashable, Codable {
    /// Not at all.
    case plain
    /// The best of its column.
    case best
    /// Statistically tied with the best: the difference could be chance.
    case tied
  }

  /// A column's heading and alignment.
  public struct Column: Sendable, Hashable {
    /// The heading.
    public var title: String
    /// Where the column's texts stand.
    public var alignment: Alignment

    /// A column; numbers are assumed.
    public init(_ title: String, _ alignment: Alignment = .trailing) {
      self.title = title
      self.alignment = alignment
    }
  }

  /// A text with its mark.
  public struct Cell: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The text, the same in every rendering.
    public var text: String
    /// How it stands out.
    public var mark: Mark

    /// A cell.
    public init(_ text: String, mark: Mark = .plain) {
      self.text = text
      self.mark = mark
    }

    /// A plain cell.
    public init(stringLiteral text: String) { self.init(text) }

    /// A number with fixed decimals, `0.577`.
    public static func number(_ value: Double, places: Int, mark: Mark = .plain) -> Cell {
      Cell(NumberText.fixed(value, places: places), mark: mark)
    }

    /// A value and its interval, `0.577 [0.571, 0.583]`.
    public static func interval(
      _ value: Double, _ interval: ClosedRange<Double>, places: Int, mark: Mark = .plain
    ) -> Cell {
      let lower = NumberText.fixed(interval.lowerBound, places: places)
      let upper = NumberText.fixed(interval.upperBound, places: places)
      return Cell("\(NumberText.fixed(value, places: places)) [\(lower), \(upper)]", mark: mark)
    }

    /// A mean and its standard deviation, `0.577 ± 0.006`.
    public static func spread(_ mean: Double, _ deviation: Double, places: Int, mark: Mark = .plain) -> Cell {
      Cell("\(NumberText.fixed(mean, places: places)) ± \(NumberText.fixed(deviation, places: places))", mark: mark)
    }

    /// A number with all its digits, empty if missing or not finite: for data files.
    static func exact(_ value: Double?) -> Cell { Cell(value.map(NumberText.exact) ?? "") }
  }

  /// The columns from left to right.
  public let columns: [Column]
  /// The rows from top to bottom.
  public let rows: [[Cell]]

  /// A table.
  ///
  /// - Precondition: at least one column, and every row has one cell for each.
  public init(columns: [Column], rows: [[Cell]]) {
    precondition(!columns.isEmpty, "A table needs at least one column.")
    for (index, row) in rows.enumerated() {
      precondition(
        row.count == columns.count, "Row \(index) of a table has \(row.count) cells for \(columns.count) columns.")
    }
    self.columns = columns
    self.rows = rows
  }

  /// The table with a last column that repeats texts which must go wherever a row goes; the table itself without texts.
  func stamped(_ stamps: [String]) -> TableValue {
    guard !stamps.isEmpty else { return self }
    let stamp = Cell(stamps.joined(separator: " "))
    return TableValue(columns: columns + [Column("warning", .leading)], rows: rows.map { $0 + [stamp] })
  }

  /// The table with long numbers cut to six digits, for reading; and whether any was cut.
  func brief() -> (table: TableValue, isCut: Bool) {
    var isCut = false
    let rows = rows.map { row in
      zip(columns, row).map { column, cell -> Cell in
        guard column.alignment == .trailing, cell.text.utf8.count > 8, let value = Double(cell.text) else {
          return cell
        }
        isCut = true
        return Cell(NumberText.short(value, digits: 6), mark: cell.mark)
      }
    }
    return (TableValue(columns: columns, rows: rows), isCut)
  }

  /// Which marks occur, in a sentence that explains them; nil if none do.
  func legend(best: String, tied: String) -> String? {
    let marks = Set(rows.joined().map(\.mark))
    let parts = [
      marks.contains(.best) ? "\(best) best of its column" : nil,
      marks.contains(.tied) ? "\(tied) tied with the best" : nil,
    ].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }
}
