/// Reads the part of YAML 1.2 that study files need, strictly: block and flow mappings and sequences, plain and quoted
/// texts, plain texts over several lines, folded (`>`) and literal (`|`) texts, comments.
///
/// Anchors, tags, several documents, tabs, merge keys, duplicate keys and words that YAML 1.1 reads as flags are refused
/// in one sentence with the line. Everything that is accepted means the same to any YAML 1.2 reader.
///
/// - Complexity: O(bytes).
struct StudyYAML {
  /// What was read, and the line of every value by its path (`methods[2].epochs`).
  struct Document: Sendable, Equatable {
    var tree: StudyTree
    var lines: [String: Int]
  }

  /// What is wrong, and where.
  struct Problem: Error, Equatable {
    let line: Int
    let reason: String
  }

  private var scanner: YAMLScanner
  private var lines: [String: Int] = [:]
  private var depth = 0
  private static let deepest = 40

  static func parse(_ bytes: [UInt8]) throws(Problem) -> Document {
    var parser = StudyYAML(scanner: try YAMLScanner(bytes))
    return try parser.document()
  }

  private init(scanner: YAMLScanner) { self.scanner = scanner }

  private mutating func document() throws(Problem) -> Document {
    try scanner.skipToContent()
    if scanner.isMarker("---") {
      scanner.position += 3
      try scanner.skipToContent()
    }
    guard !scanner.isAtEnd else { throw scanner.problem("the file holds no keys") }
    let tree = try block(path: "", parent: -1)
    try scanner.skipToContent()
    guard scanner.isAtEnd else {
      throw scanner.problem(
        scanner.isMarker("---") || scanner.isMarker("...")
          ? "a study is one document; remove the line '\(scanner.restOfLine)' and what follows"
          : "'\(scanner.restOfLine)' stands outside of the keys before it; check its indentation")
    }
    return Document(tree: tree, lines: lines)
  }

  // MARK: - Blocks

  /// A value that starts where the scanner stands, in a block whose surrounding block is indented by `parent`.
  private mutating func block(path: String, parent: Int) throws(Problem) -> StudyTree {
    depth += 1
    defer { depth -= 1 }
    guard depth < Self.deepest else { throw scanner.problem("keys are nested more than \(Self.deepest) deep") }
    lines[path] = scanner.line
    try scanner.refuseUnsupported()
    if scanner.isEntry { return try sequence(path: path, column: scanner.column) }
    if try scanner.keyAhead() != nil { return try mapping(path: path, column: scanner.column) }
    return try inline(path: path, parent: parent)
  }

  private mutating func mapping(path: String, column: Int) throws(Problem) -> StudyTree {
    var map: [String: StudyTree] = [:]
    var first: [String: Int] = [:]
    while !scanner.isAtEnd, scanner.column == column, !scanner.isAtMarker {
      try scanner.refuseUnsupported()
      if scanner.isEntry {
        throw scanner.problem("a list entry stands among keys; indent it below the key it belongs to")
      }
      guard let (key, end) = try scanner.keyAhead() else {
        throw scanner.problem("'\(scanner.restOfLine)' is no 'key: value'; a key ends in a colon and a space")
      }
      if let line = first[key] {
        throw scanner.problem("the key '\(key)' stands here and on line \(line); keep one")
      }
      first[key] = scanner.line
      let inner = path.isEmpty ? key : "\(path).\(key)"
      lines[inner] = scanner.line
      scanner.position = end
      map[key] = try value(of: key, path: inner, column: column)
      try scanner.skipToContent()
    }
    try refuseDeeper(column)
    return .map(map)
  }

  /// What follows `key:`.
  private mutating func value(of key: String, path: String, column: Int) throws(Problem) -> StudyTree {
    let line = scanner.line
    scanner.skipSpaces()
    if !scanner.isAtLineEnd {
      if scanner.isEntry {
        throw scanner.problem("a list after '\(key):' starts on the next line, or stands in brackets")
      }
      try scanner.refuseUnsupported()
      return try inline(path: path, parent: column)
    }
    try scanner.skipToContent()
    if !scanner.isAtEnd, !scanner.isAtMarker {
      if scanner.column > column {
        return try keepingLine(path, line) { parser throws(Problem) in
          try parser.block(path: path, parent: column)
        }
      }
      if scanner.column == column, scanner.isEntry { return try sequence(path: path, column: column) }
    }
    throw Problem(line: line, reason: "the key '\(key)' has no value; write one or remove the key")
  }

  /// Runs `body` and lets the path keep the line of its key.
  private mutating func keepingLine(
    _ path: String, _ line: Int, _ body: (inout StudyYAML) throws(Problem) -> StudyTree
  ) throws(Problem) -> StudyTree {
    let tree = try body(&self)
    lines[path] = line
    return tree
  }

  private mutating func sequence(path: String, column: Int) throws(Problem) -> StudyTree {
    var list: [StudyTree] = []
    while !scanner.isAtEnd, scanner.column == column, scanner.isEntry, !scanner.isAtMarker {
      let inner = "\(path)[\(list.count)]"
      let line = scanner.line
      lines[inner] = line
      scanner.position += 1
      scanner.skipSpaces()
      if scanner.isAtLineEnd {
        try scanner.skipToContent()
        guard !scanner.isAtEnd, scanner.column > column else {
          throw Problem(line: line, reason: "this '-' has no value; write one or remove it")
        }
      }
      list.append(try block(path: inner, parent: column))
      try scanner.skipToContent()
    }
    try refuseDeeper(column)
    return .list(list)
  }

  private func refuseDeeper(_ column: Int) throws(Problem) {
    guard !scanner.isAtEnd, scanner.column > column else { return }
    throw scanner.problem(
      "'\(scanner.restOfLine)' is indented by \(scanner.column) spaces, where \(column) belong to the lines before it")
  }

  // MARK: - Values on a line

  private mutating func inline(path: String, parent: Int) throws(Problem) -> StudyTree {
    switch scanner.byte {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      let tree = try flow(path: path)
      try scanner.endLine(after: "a closing bracket")
      return tree
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      let text = try scanner.quoted()
      try scanner.endLine(after: "a quoted text")
      return .text(text)
    case UInt8(ascii: ">"), UInt8(ascii: "|"): return .text(try scanner.blockText(parent: parent))
    default:
      let line = scanner.line
      return try StudyYAML.scalar(try scanner.plainText(parent: parent), line: line)
    }
  }

  private mutating func flow(path: String) throws(Problem) -> StudyTree {
    depth += 1
    defer { depth -= 1 }
    guard depth < Self.deepest else { throw scanner.problem("brackets are nested more than \(Self.deepest) deep") }
    if lines[path] == nil { lines[path] = scanner.line }
    switch scanner.byte {
    case UInt8(ascii: "{"): return try flowMapping(path: path)
    case UInt8(ascii: "["): return try flowSequence(path: path)
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return .text(try scanner.quoted())
    default:
      try scanner.refuseUnsupported()
      let line = scanner.line
      return try StudyYAML.scalar(try scanner.flowText(), line: line)
    }
  }

  private mutating func flowMapping(path: String) throws(Problem) -> StudyTree {
    var map: [String: StudyTree] = [:]
    let opened = scanner.line
    scanner.position += 1
    while try !scanner.closes(UInt8(ascii: "}"), opened: opened) {
      let isQuoted = scanner.byte == UInt8(ascii: "\"") || scanner.byte == UInt8(ascii: "'")
      try scanner.refuseUnsupported()
      let line = scanner.line
      let key = isQuoted ? try scanner.quoted() : try scanner.flowText()
      scanner.skipSpaces()
      guard scanner.byte == UInt8(ascii: ":") else {
        throw Problem(line: line, reason: "'\(key)' in braces has no value; write '\(key): value'")
      }
      scanner.position += 1
      let inner = path.isEmpty ? key : "\(path).\(key)"
      if map[key] != nil {
        throw Problem(line: line, reason: "the key '\(key)' stands twice in these braces; keep one")
      }
      lines[inner] = line
      try scanner.skipInFlow(opened: opened)
      guard scanner.byte != UInt8(ascii: ","), scanner.byte != UInt8(ascii: "}") else {
        throw Problem(line: line, reason: "the key '\(key)' has no value; write one or remove the key")
      }
      map[key] = try flow(path: inner)
      try scanner.separator(UInt8(ascii: "}"), opened: opened)
    }
    return .map(map)
  }

  private mutating func flowSequence(path: String) throws(Problem) -> StudyTree {
    var list: [StudyTree] = []
    let opened = scanner.line
    scanner.position += 1
    while try !scanner.closes(UInt8(ascii: "]"), opened: opened) {
      guard scanner.byte != UInt8(ascii: ",") else { throw scanner.problem("a comma follows a comma or the bracket") }
      list.append(try flow(path: "\(path)[\(list.count)]"))
      scanner.skipSpaces()
      guard scanner.byte != UInt8(ascii: ":") else {
        throw scanner.problem("a key in brackets needs braces of its own: [{ key: value }]")
      }
      try scanner.separator(UInt8(ascii: "]"), opened: opened)
    }
    return .list(list)
  }

  // MARK: - Plain texts

  /// What a plain text means in YAML 1.2's core schema.
  static func scalar(_ text: String, line: Int) throws(Problem) -> StudyTree {
    switch text {
    case "true", "True", "TRUE": return .flag(true)
    case "false", "False", "FALSE": return .flag(false)
    case "null", "Null", "NULL", "~": return .null
    default: break
    }
    if ["yes", "no", "on", "off", "y", "n"].contains(text.lowercased()) {
      throw Problem(
        line: line,
        reason: "'\(text)' is a flag to some readers and a text to others; write true, false or '\"\(text)\"'")
    }
    let lower = text.lowercased()
    if lower.hasPrefix("0x") || lower.hasPrefix("0o") || [".inf", "-.inf", "+.inf", ".nan"].contains(lower) {
      throw Problem(line: line, reason: "'\(text)' is a number that studies do not take; write it in plain decimals")
    }
    if isNumber(text), let number = Double(text.hasPrefix("+") ? String(text.dropFirst()) : text) {
      guard number.isFinite else { throw Problem(line: line, reason: "the number \(text) is too large") }
      return .number(number)
    }
    return .text(text)
  }

  /// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
  private static func isNumber(_ text: String) -> Bool {
    var rest = Substring(text)
    func digits(_ rest: inout Substring) -> Int {
      let count = rest.prefix { $0.isASCII && $0.isNumber }.count
      rest = rest.dropFirst(count)
      return count
    }
    if rest.first == "-" || rest.first == "+" { rest.removeFirst() }
    let whole = digits(&rest)
    if rest.first == "." {
      rest.removeFirst()
      if digits(&rest) == 0, whole == 0 { return false }
    } else if whole == 0 {
      return false
    }
    guard let mark = rest.first else { return true }
    guard mark == "e" || mark == "E" else { return false }
    rest.removeFirst()
    if rest.first == "-" || rest.first == "+" { rest.removeFirst() }
    return digits(&rest) > 0 && rest.isEmpty
  }
}
