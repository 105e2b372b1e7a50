/// A file that cannot be read as a log: where, what, and the way out, in one sentence.
///
/// - Stability: stable
public struct ReadError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What went wrong, for exit codes and tests.
  public enum Kind: String, Sendable {
    /// No such file, or one that may not be opened.
    case noInput
    /// Reading stopped with an error of the system.
    case inputOutput
    /// Not text, or a compressed stream that is cut off or damaged.
    case damaged
    /// Two readings are possible, or none: a flag settles it.
    case unsettled
    /// A flag or option that does not fit the file.
    case options
    /// One line holds something that it may not.
    case badLine
    /// No rows at all.
    case empty
    /// Rows from which nothing can be ranked or learned.
    case unrankable
  }

  /// What went wrong.
  public var kind: Kind
  /// The file as the caller named it; "standard input" for "-".
  public var file: String
  /// One-based physical line.
  public var line: Int?
  /// One-based column of the line.
  public var column: Int?
  /// What the column was read as.
  public var role: ColumnRole?
  /// The offending text, shortened, unprintable bytes as \xNN.
  public var value: String?
  /// What is wrong, beginning after the value.
  public var problem: String
  /// What to do about it.
  public var remedy: String

  /// Describes a failure.
  public init(
    _ kind: Kind, file: String, line: Int? = nil, column: Int? = nil, role: ColumnRole? = nil, value: String? = nil,
    problem: String, remedy: String
  ) {
    self.kind = kind
    self.file = file
    self.line = line
    self.column = column
    self.role = role
    self.value = value
    self.problem = problem
    self.remedy = remedy
  }

  /// One sentence: file, line, column, value, what is wrong, what to do.
  public var description: String {
    var text = file
    if let line { text += ", line \(line)" }
    if let column { text += ", column \(column)" }
    if let role { text += " (\(role.rawValue))" }
    text += ": "
    if let value { text += "\"\(value)\" " }
    return text + problem + "; " + remedy
  }

  /// The sentence without the file's name, for lists below a heading that names it.
  public var shortDescription: String { String(description.dropFirst(file.count + 2)) }
}

/// At most 40 characters of a value, with unprintable and non-UTF-8 bytes as \xNN.
func shortened(_ bytes: some Collection<UInt8>) -> String {
  var text = ""
  var shown = 0
  let isText = isUTF8(bytes)
  for byte in bytes.prefix(isText ? 160 : 24) {
    if byte < 32 || byte == 127 || (!isText && byte > 127) {
      let hex = String(byte, radix: 16, uppercase: true)
      text += "\\x" + (hex.count < 2 ? "0" : "") + hex
      shown += 1
    } else if byte < 128 {
      text.unicodeScalars.append(Unicode.Scalar(byte))
      shown += 1
    } else {
      return shortened(wide: String(decoding: bytes, as: UTF8.self))
    }
    if shown == 40 { break }
  }
  return shown < bytes.count ? text + "…" : text
}

private func shortened(wide text: String) -> String {
  let clean = String(text.map { $0.isASCII && ($0.asciiValue ?? 0) < 32 ? "·" : $0 })
  return clean.count > 40 ? clean.prefix(40) + "…" : clean
}
