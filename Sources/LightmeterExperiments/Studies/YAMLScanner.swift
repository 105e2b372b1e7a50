/// The characters of a study file with lines and columns; what ``StudyYAML`` reads them through.
struct YAMLScanner {
  typealias Problem = StudyYAML.Problem

  private let bytes: [UInt8]
  private let starts: [Int]
  var position = 0

  init(_ text: [UInt8]) throws(Problem) {
    var bytes = text
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    // A return before a line feed is part of the line's end.
    if bytes.contains(13) {
      bytes = bytes.indices.filter { !(bytes[$0] == 13 && $0 + 1 < bytes.count && bytes[$0 + 1] == 10) }.map {
        bytes[$0]
      }
    }
    self.bytes = bytes
    starts = [0] + bytes.indices.filter { bytes[$0] == 10 }.map { $0 + 1 }
    for (place, byte) in bytes.enumerated() where (byte < 32 && byte != 10 && byte != 9) || byte == 127 {
      position = place
      throw problem("a control character (byte \(byte)) is no part of a study")
    }
    guard String(validating: bytes, as: UTF8.self) != nil else {
      let bad = starts.indices.first { String(validating: bytes[lineRange($0)], as: UTF8.self) == nil } ?? 0
      throw Problem(line: bad + 1, reason: "this line is not UTF-8 text")
    }
  }

  private func lineRange(_ index: Int) -> Range<Int> {
    starts[index]..<(index + 1 < starts.count ? starts[index + 1] - 1 : bytes.count)
  }

  /// Index of the line of the position, found by halving.
  private var lineIndex: Int {
    var (low, high) = (0, starts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= position { low = middle } else { high = middle }
    }
    return low
  }

  var line: Int { lineIndex + 1 }
  var column: Int { position - starts[lineIndex] }
  var isAtEnd: Bool { position >= bytes.count }
  var byte: UInt8 { at(position) }
  private func at(_ place: Int) -> UInt8 { place < bytes.count ? bytes[place] : 10 }
  private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
  private var lineEnd: Int { lineRange(lineIndex).upperBound }

  /// What is left of the line, without spaces at its end.
  var restOfLine: String { trimmed(position..<lineEnd) }

  private func trimmed(_ range: Range<Int>) -> String {
    var end = range.upperBound
    while end > range.lowerBound, bytes[end - 1] == 32 { end -= 1 }
    return text(range.lowerBound..<end)
  }

  func problem(_ reason: String) -> Problem { Problem(line: line, reason: reason) }

  // MARK: - Moving

  mutating func skipSpaces() { while position < bytes.count, bytes[position] == 32 { position += 1 } }

  /// Whether only spaces or a comment are left of the line.
  var isAtLineEnd: Bool { byte == 10 || (byte == UInt8(ascii: "#") && (column == 0 || at(position - 1) == 32)) }

  /// Goes over spaces, comments and line ends to the next content.
  mutating func skipToContent() throws(Problem) {
    while position < bytes.count {
      skipSpaces()
      if position >= bytes.count { return }
      if byte == 9 { throw problem("a tab stands here; indent with spaces") }
      guard isAtLineEnd else { return }
      position = min(lineEnd + 1, bytes.count)
    }
  }

  /// Refuses anything but a comment up to the end of the line.
  mutating func endLine(after what: String) throws(Problem) {
    skipSpaces()
    guard isAtLineEnd else {
      let more = restOfLine
      throw problem(
        more.hasPrefix(":")
          ? "\(what) is no key" : "'\(more)' follows \(what) on its line; a comment needs '#' and a space before it")
    }
  }

  // MARK: - Looking

  /// Whether a list entry starts here.
  var isEntry: Bool { byte == UInt8(ascii: "-") && (at(position + 1) == 32 || at(position + 1) == 10) }

  /// Whether `marker` is a line of its own.
  func isMarker(_ marker: String) -> Bool {
    let end = position + 3
    return column == 0 && end <= bytes.count && text(position..<end) == marker && (at(end) == 10 || at(end) == 32)
  }
  var isAtMarker: Bool { isMarker("---") || isMarker("...") }

  /// Refuses what YAML has and studies do not.
  func refuseUnsupported() throws(Problem) {
    let reason: String? =
      switch byte {
      case UInt8(ascii: "&"): "anchors (&) are not read; write the value out"
      case UInt8(ascii: "*"): "aliases (*) are not read; write the value out"
      case UInt8(ascii: "!"): "tags (!) are not read; write the plain value"
      case UInt8(ascii: "%") where column == 0: "directives (%) are not read; remove the line"
      case UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "`"):
        "a plain text cannot start with '\(Character(Unicode.Scalar(byte)))'; put it in quotes"
      case UInt8(ascii: "?") where at(position + 1) == 32: "keys with '?' are not read; write 'key: value'"
      case UInt8(ascii: "<") where at(position + 1) == byte: "merge keys (<<) are not read; write the keys out"
      case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","):
        "'\(Character(Unicode.Scalar(byte)))' has no opening bracket before it"
      case 9: "a tab stands here; use spaces"
      default: nil
      }
    if let reason { throw problem(reason) }
  }

  /// The key that starts here, and the place after its colon; nil where the line holds no key.
  func keyAhead() throws(Problem) -> (key: String, end: Int)? {
    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
      var copy = self
      let key = try copy.quoted()
      copy.skipSpaces()
      guard copy.byte == UInt8(ascii: ":"), at(copy.position + 1) == 32 || at(copy.position + 1) == 10 else {
        return nil
      }
      return (key, copy.position + 1)
    }
    if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") { return nil }
    var place = position
    while at(place) != 10 {
      if bytes[place] == UInt8(ascii: "#"), place > position, bytes[place - 1] == 32 { return nil }
      if bytes[place] == UInt8(ascii: ":"), at(place + 1) == 32 || at(place + 1) == 10 {
        return (trimmed(position..<place), place + 1)
      }
      place += 1
    }
    return nil
  }

  // MARK: - Texts

  /// A text in quotes, on one line.
  mutating func quoted() throws(Problem) -> String {
    let quote = byte
    var result: [UInt8] = []
    var place = position + 1
    while true {
      guard at(place) != 10, place < bytes.count else {
        throw problem("a quoted text ends on its own line; close it, or write a longer text with '>-'")
      }
      if bytes[place] == quote {
        if quote == UInt8(ascii: "'"), at(place + 1) == quote { place += 1 } else { break }
      } else if bytes[place] == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
        place += 1
        try result.append(contentsOf: escape(&place))
        continue
      }
      result.append(bytes[place])
      place += 1
    }
    position = place + 1
    return String(decoding: result, as: UTF8.self)
  }

  /// The bytes of an escape whose letter is at `place`, which moves behind it.
  private func escape(_ place: inout Int) throws(Problem) -> [UInt8] {
    let letter = at(place)
    place += 1
    switch letter {
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
    case UInt8(ascii: "u"):
      let digits = text(place..<min(place + 4, bytes.count))
      guard digits.utf8.count == 4, let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else {
        throw problem("'\\u\(digits)' is no character; four hexadecimal digits follow '\\u'")
      }
      place += 4
      return Array(String(Character(scalar)).utf8)
    default:
      throw problem("'\\\(Character(Unicode.Scalar(letter)))' is no escape; \\n, \\t, \\\", \\\\ and \\uXXXX are")
    }
  }

  /// A plain text with its continuation lines, which are indented deeper than `parent`; line ends become spaces.
  mutating func plainText(parent: Int) throws(Problem) -> String {
    let first = line
    var text = try plainLine(first: first)
    while true {
      var next = self
      try next.skipToContent()
      // A comment ends a text; so does a line that is not deeper.
      let between = next.line - line
      guard !next.isAtEnd, next.column > parent, !next.isAtMarker, between >= 1, onlyBlank(before: next) else {
        return text
      }
      if let (key, _) = try next.keyAhead() {
        throw next.problem(
          "'\(key):' continues the text of line \(first); indent it like that line's key, or put the text in quotes")
      }
      if next.isEntry {
        throw next.problem("'- ' continues the text of line \(first); indent it like a list of its own")
      }
      self = next
      text += (between == 1 ? " " : String(repeating: "\n", count: between - 1)) + (try plainLine(first: first))
    }
  }

  private func onlyBlank(before next: YAMLScanner) -> Bool {
    !bytes[position..<next.position].contains(UInt8(ascii: "#"))
  }

  private mutating func plainLine(first: Int) throws(Problem) -> String {
    let end = lineEnd
    var place = position
    while place < end {
      if bytes[place] == UInt8(ascii: "#"), place > position, bytes[place - 1] == 32 { break }
      if bytes[place] == UInt8(ascii: ":"), at(place + 1) == 32 || at(place + 1) == 10 {
        throw problem("': ' inside a plain text; put '\(restOfLine)' in quotes")
      }
      if bytes[place] == 9 { throw problem("a tab stands in a plain text; use spaces or quotes") }
      place += 1
    }
    let text = trimmed(position..<place)
    position = place
    return text
  }

  /// A plain text inside brackets.
  mutating func flowText() throws(Problem) -> String {
    let start = position
    while position < bytes.count, bytes[position] != 10 {
      let current = bytes[position]
      if [UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "{")].contains(
        current)
      {
        break
      }
      if current == UInt8(ascii: ":"),
        [32, 10, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}")].contains(at(position + 1))
      {
        break
      }
      if current == UInt8(ascii: "#"), at(position - 1) == 32 { break }
      position += 1
    }
    let text = trimmed(start..<position)
    guard !text.isEmpty else { throw problem("a value is missing before '\(restOfLine)'") }
    return text
  }

  /// A text after `>` or `|`, indented deeper than `parent`.
  mutating func blockText(parent: Int) throws(Problem) -> String {
    let isFolded = byte == UInt8(ascii: ">")
    let header = line
    position += 1
    let chomps = byte == UInt8(ascii: "-")
    if chomps { position += 1 }
    skipSpaces()
    guard isAtLineEnd else {
      throw problem("after '>' or '|' only '-' and the end of the line may follow; '\(restOfLine)' does")
    }
    var texts: [String] = []
    var indent: Int?
    var index = lineIndex + 1
    while index < starts.count {
      let range = lineRange(index)
      let spaces = bytes[range].prefix { $0 == 32 }.count
      let isBlank = spaces == range.count
      let own = indent ?? spaces
      if !isBlank {
        if spaces <= parent { break }
        guard spaces >= own else {
          throw Problem(
            line: index + 1, reason: "this line of the text of line \(header) is indented less than its first")
        }
        guard !isFolded || spaces == own else {
          throw Problem(
            line: index + 1, reason: "a folded text has one indentation; this line is deeper, use '|' for it")
        }
        indent = own
      }
      texts.append(isBlank ? "" : trimmed(range.lowerBound + own..<range.upperBound))
      index += 1
    }
    position = index < starts.count ? starts[index] : bytes.count
    while texts.last?.isEmpty == true { texts.removeLast() }
    guard !texts.isEmpty else { throw Problem(line: header, reason: "no indented text follows '>' or '|'") }
    return (isFolded ? YAMLScanner.folded(texts) : texts.joined(separator: "\n")) + (chomps ? "" : "\n")
  }

  /// Lines joined by spaces; empty lines stay line ends.
  private static func folded(_ lines: [String]) -> String {
    var (text, blanks) = ("", 0)
    for (index, line) in lines.enumerated() {
      if line.isEmpty {
        blanks += 1
      } else {
        text += index == 0 ? "" : blanks > 0 ? String(repeating: "\n", count: blanks) : " "
        text += line
        blanks = 0
      }
    }
    return text
  }

  // MARK: - Brackets

  /// Goes over spaces, comments and line ends inside brackets.
  mutating func skipInFlow(opened: Int) throws(Problem) {
    try skipToContent()
    if isAtEnd { throw Problem(line: opened, reason: "the bracket opened on this line is never closed") }
    if isAtMarker {
      throw Problem(line: opened, reason: "the bracket opened on this line is not closed before a '---'")
    }
  }

  /// Whether the closing bracket stands here; goes over it.
  mutating func closes(_ bracket: UInt8, opened: Int) throws(Problem) -> Bool {
    try skipInFlow(opened: opened)
    guard byte == bracket else { return false }
    position += 1
    return true
  }

  /// Goes over a comma, or stays before the closing bracket.
  mutating func separator(_ bracket: UInt8, opened: Int) throws(Problem) {
    try skipInFlow(opened: opened)
    if byte == UInt8(ascii: ",") {
      position += 1
    } else if byte != bracket {
      throw problem(
        "'\(restOfLine)' follows a value in the brackets of line \(opened); a comma or "
          + "'\(Character(Unicode.Scalar(bracket)))' belongs before it")
    }
  }
}
