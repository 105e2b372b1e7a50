/// What stands between the fields of a line.
public enum Delimiter: String, Sendable, Codable, CaseIterable {
  /// `,`
  case comma
  /// A tab.
  case tab
  /// `::`, as in MovieLens 1M.
  case doubleColon = "double-colon"
  /// One or more spaces; those at the ends of a line do not count.
  case space

  /// The delimiter itself.
  public var text: String {
    switch self {
    case .comma: ","
    case .tab: "\t"
    case .doubleColon: "::"
    case .space: " "
    }
  }
}

/// What a column means.
public enum ColumnRole: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
  /// Raw user id.
  case user
  /// Raw item id.
  case item
  /// A number that a positive rule reads: stars, watch ratio, play count.
  case rating
  /// Loss weight, 0 or more.
  case weight
  /// Time in the file's own unit; a fraction is dropped.
  case timestamp
  /// 1 where the item was shown, else 0.
  case shown
  /// 1 where it was clicked, else 0.
  case click
  /// Probability with which the logging policy showed it, in (0, 1].
  case propensity
  /// 1 where the row comes from random traffic, else 0.
  case random
}

/// A column by its name in the header or by its one-based position.
public enum ColumnReference: Sendable, Hashable, Codable, CustomStringConvertible {
  /// By name; letter case and surrounding spaces do not count where the exact name is missing.
  case name(String)
  /// By one-based position.
  case position(Int)

  /// A number is a position, anything else a name.
  public init(_ text: String) {
    if let position = Int(text) { self = .position(position) } else { self = .name(text) }
  }

  /// The name or the position.
  public var description: String {
    switch self {
    case .name(let name): name
    case .position(let position): String(position)
    }
  }

  /// Reads the text form.
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the text form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// How a delimited text file is laid out; what is nil or absent is settled from the file, or refused.
public struct TableFormat: Sendable, Equatable, Codable {
  /// Nil: by extension and first line, where only one fits.
  public var delimiter: Delimiter?
  /// Whether the first line names the columns. Nil: by the first line, where only one reading fits.
  public var header: Bool?
  /// Whether fields may be quoted as RFC 4180 says. Nil: under comma and tab.
  public var quoting: Bool?
  /// Columns by role; roles left out are taken from known names of the header.
  public var columns: [ColumnRole: ColumnReference]

  /// A layout; everything may be left open.
  public init(
    delimiter: Delimiter? = nil, header: Bool? = nil, quoting: Bool? = nil,
    columns: [ColumnRole: ColumnReference] = [:]
  ) {
    self.delimiter = delimiter
    self.header = header
    self.quoting = quoting
    self.columns = columns
  }

  /// Columns from the text of a flag, such as `user=uid,item=3,rating=stars`.
  ///
  /// - Throws: ``ReadError`` of kind `options`, naming the part that cannot be read.
  public static func columns(parsing text: String) throws(ReadError) -> [ColumnRole: ColumnReference] {
    var columns: [ColumnRole: ColumnReference] = [:]
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, let role = ColumnRole(rawValue: String(sides[0])), !sides[1].isEmpty,
        columns[role] == nil
      else {
        throw ReadError(
          .options, file: "--columns", value: shortened(part.utf8),
          problem: "is not role=column, or names a role again",
          remedy: "write --columns user=NAME,item=NAME with names of the header or one-based positions; roles are "
            + ColumnRole.allCases.map(\.rawValue).joined(separator: ", "))
      }
      columns[role] = ColumnReference(String(sides[1]))
    }
    return columns
  }
}

/// What to do with a line that cannot be read.
public enum BadLinePolicy: String, Sendable, Codable, CaseIterable {
  /// Stop with an error.
  case fail
  /// Leave it out, count it, keep the first few for the report.
  case skip
}

/// How a log is read.
public struct ReadOptions: Sendable, Equatable {
  /// A known file form; nil: settled by ``format``, the header and the extension.
  public var preset: DataPreset?
  /// Layout; over the preset's where set.
  public var format: TableFormat
  /// What to do with bad lines.
  public var onBadLine: BadLinePolicy
  /// Whether a single user or a single item is an error; false for slices and lists that join a larger log.
  public var requiresRankable: Bool

  /// Options; the defaults refuse whatever is not settled.
  public init(
    preset: DataPreset? = nil, format: TableFormat = TableFormat(), onBadLine: BadLinePolicy = .fail,
    requiresRankable: Bool = true
  ) {
    self.preset = preset
    self.format = format
    self.onBadLine = onBadLine
    self.requiresRankable = requiresRankable
  }
}
