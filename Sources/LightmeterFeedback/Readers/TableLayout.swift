/// The layout of one file, everything settled: what the scanner and the sink need.
struct TableLayout: Equatable {
  var delimiter: Delimiter
  var quoting: Bool
  var hasHeader: Bool
  /// Fields that every line must have.
  var fieldCount: Int
  /// Zero-based column by role.
  var positions: [ColumnRole: Int]
  /// Names of the header, or none.
  var names: [String]

  /// What was read how, for the report.
  var summary: String {
    let columns = ColumnRole.allCases.compactMap { role in
      positions[role].map { "\(role.rawValue) = \(names.isEmpty ? String($0 + 1) : names[$0])" }
    }
    return "\(delimiter.rawValue), \(hasHeader ? "header" : "no header"): " + columns.joined(separator: ", ")
  }
}

/// Settles a layout from options and the first line, or refuses with both readings named.
struct LayoutSettler {
  let file: String
  let options: ReadOptions
  let firstLine: [UInt8]
  let lineNumber: Int

  func settle() throws(ReadError) -> TableLayout {
    let preset = options.preset?.format
    let delimiter = try settleDelimiter(options.format.delimiter ?? preset?.delimiter)
    let quoting = options.format.quoting ?? preset?.quoting ?? (delimiter == .comma || delimiter == .tab)
    let fields = LayoutSettler.split(firstLine, delimiter, quoting)
    let columns = (preset?.columns ?? [:]).merging(options.format.columns) { $1 }
    let asHeader = try positionsByHeader(fields, columns)
    let header = try settleHeader(fields, columns, options.format.header ?? preset?.header, asHeader)
    let positions = header ? asHeader : try positionsByNumber(fields, columns)
    var layout = TableLayout(
      delimiter: delimiter, quoting: quoting, hasHeader: header, fieldCount: fields.count, positions: positions,
      names: header ? fields.map { shortened($0.utf8) } : [])
    try requireUserAndItem(layout, fields)
    try refuseSharedColumns(layout)
    if options.preset == .recBole { layout.names = layout.names.map(LayoutSettler.withoutType) }
    return layout
  }

  // MARK: - Delimiter

  private func settleDelimiter(_ given: Delimiter?) throws(ReadError) -> Delimiter {
    let present = Delimiter.allCases.filter { occurs($0) }
    if let given {
      guard present.contains(given) else {
        throw failure(
          .options, shortened(firstLine), "has no \(given.rawValue) between fields",
          "choose the one that the file has with --delimiter comma, tab, double-colon or space, or another --preset")
      }
      return given
    }
    var name = file.lowercased()
    if name.hasSuffix(".gz") { name.removeLast(3) }
    for (ending, delimiter) in [(".csv", Delimiter.comma), (".tsv", .tab), (".inter", .tab)]
    where name.hasSuffix(ending) && present.contains(delimiter) {
      return delimiter
    }
    if present.count == 1 { return present[0] }
    let readings = present.map(\.rawValue).joined(separator: " or by ")
    throw failure(
      .unsettled, shortened(firstLine),
      present.isEmpty ? "has no comma, tab, :: or space between fields" : "can be split by \(readings)",
      present.isEmpty
        ? "give such a file, --delimiter names no other; semicolons become tabs by tr ';' '\\t' < FILE > FILE.tsv"
        : "say which with --delimiter comma, tab, double-colon or space")
  }

  private func occurs(_ delimiter: Delimiter) -> Bool {
    let quoting = delimiter == .comma || delimiter == .tab
    return LayoutSettler.split(firstLine, delimiter, quoting).count > 1
  }

  /// Fields of one line as text; bytes that are not UTF-8 become replacement characters.
  static func split(_ line: [UInt8], _ delimiter: Delimiter, _ quoting: Bool) -> [String] {
    var text = line
    while let last = text.last, last == 10 || last == 13 { text.removeLast() }
    text.append(10)
    text.append(10)
    let fields = UnsafeMutablePointer<FieldSpan>.allocate(capacity: line.count + 1)
    defer { fields.deallocate() }
    var scanner = RecordScanner(delimiter: delimiter, quoting: quoting, fields: fields, capacity: line.count + 1)
    return text.withUnsafeBufferPointer { buffer in
      guard scanner.scan(buffer.baseAddress!, from: 0, limit: line.count + 1) == .record else { return [] }
      return (0..<scanner.count).map { k in
        let bytes = buffer[Int(fields[k].start)..<Int(fields[k].end)]
        return String(decoding: fields[k].integer == FieldSpan.escaped ? unescaped(bytes) : Array(bytes), as: UTF8.self)
      }
    }
  }

  // MARK: - Header

  private func settleHeader(
    _ fields: [String], _ columns: [ColumnRole: ColumnReference], _ given: Bool?, _ asHeader: [ColumnRole: Int]
  ) throws(ReadError) -> Bool {
    if let given { return given }
    let named = columns.values.contains { if case .name = $0 { true } else { false } }
    let byPosition = columns.filter { if case .position = $0.value { true } else { false } }
    if named { return true }
    // Two columns that could be the item are no matter where its position is given.
    let known: [ColumnRole: Int]
    do { known = try knownPositions(fields) } catch {
      known = try knownPositions(fields, except: asHeader.filter { byPosition[$0.key] != nil })
    }
    if known[.user] != nil && known[.item] != nil { return true }
    let names = options.preset?.names ?? KnownNames.general
    let isNamed = { (role: ColumnRole) in
      asHeader[role].map { names[role]?.contains(self.normalized(fields[$0])) ?? false } ?? false
    }
    if isNamed(.user) && isNamed(.item) { return true }
    if byPosition[.user] == nil || byPosition[.item] == nil {
      if fields.contains(where: { Double($0) != nil }) { return false }
      throw failure(
        .unsettled, shortened(firstLine), "can be a header with names not known here, or the first row",
        "if it is a header say --columns user=\(shortened(fields[0].utf8)),item=NAME, if it is a row say --no-header "
          + "--columns user=1,item=2")
    }
    let numeric = byPosition.filter { $0.key != .user && $0.key != .item }.compactMap { asHeader[$0.key] }
    if numeric.contains(where: { Double(fields[$0]) != nil }) { return false }
    let ids = [ColumnRole.user, .item].compactMap { asHeader[$0] }
    if numeric.isEmpty && ids.allSatisfy({ Int(fields[$0]) != nil }) { return false }
    throw failure(
      .unsettled, shortened(firstLine), "can be a header or the first row", "say which with --header or --no-header")
  }

  /// Columns by reference, then by the names that the preset or the general list knows.
  private func positionsByHeader(
    _ fields: [String], _ columns: [ColumnRole: ColumnReference]
  ) throws(ReadError) -> [ColumnRole: Int] {
    var positions: [ColumnRole: Int] = [:]
    for role in ColumnRole.allCases {
      guard let reference = columns[role] else { continue }
      positions[role] = try position(of: reference, role, fields)
    }
    guard options.format.header ?? options.preset?.format.header ?? true else { return positions }
    let taken = Set(positions.values)
    for (role, position) in try knownPositions(fields, except: positions)
    where !taken.contains(position) {
      positions[role] = position
    }
    return positions
  }

  private func positionsByNumber(
    _ fields: [String], _ columns: [ColumnRole: ColumnReference]
  ) throws(ReadError) -> [ColumnRole: Int] {
    var positions: [ColumnRole: Int] = [:]
    for role in ColumnRole.allCases {
      guard let reference = columns[role] else { continue }
      if case .name(let name) = reference {
        throw failure(
          .options, shortened(name.utf8), "names a column, but the file is read without a header",
          "give its position, such as --columns \(role.rawValue)=1, or say --header")
      }
      positions[role] = try position(of: reference, role, fields)
    }
    return positions
  }

  private func position(
    of reference: ColumnReference, _ role: ColumnRole, _ fields: [String]
  ) throws(ReadError) -> Int {
    switch reference {
    case .position(let position):
      guard position >= 1, position <= fields.count else {
        throw failure(
          .options, "\(position)",
          "is asked for as the \(role.rawValue) column, but the line has \(fields.count) fields",
          "give --columns \(role.rawValue)= a position from 1 to \(fields.count)")
      }
      return position - 1
    case .name(let name):
      let exact = fields.indices.filter { fields[$0] == name }
      if exact.count == 1 { return exact[0] }
      let loose = fields.indices.filter { normalized(fields[$0]) == normalized(name) }
      if exact.isEmpty && loose.count == 1 { return loose[0] }
      throw failure(
        .options, shortened(name.utf8),
        loose.isEmpty
          ? "is no column of the header \(shortened(firstLine))" : "names \(loose.count) columns of the header",
        "give --columns \(role.rawValue)= one of the header's names or a position from 1 to \(fields.count)")
    }
  }

  private func knownPositions(
    _ fields: [String], except settled: [ColumnRole: Int] = [:]
  ) throws(ReadError) -> [ColumnRole: Int] {
    let names = options.preset?.names ?? KnownNames.general
    let headers = fields.map(normalized)
    var positions: [ColumnRole: Int] = [:]
    for role in ColumnRole.allCases where settled[role] == nil {
      let matches = headers.indices.filter { names[role]?.contains(headers[$0]) ?? false }
      guard matches.count < 2 else {
        // A name that stands twice settles nothing.
        let first = fields[matches[0]]
        let way = first == fields[matches[1]] ? "\(matches[0] + 1), its position" : shortened(first.utf8)
        throw failure(
          .unsettled, shortened(firstLine),
          "names two columns that can be the \(role.rawValue), \(shortened(fields[matches[0]].utf8)) or "
            + shortened(fields[matches[1]].utf8),
          "say which with --columns \(role.rawValue)=\(way)")
      }
      if let match = matches.first { positions[role] = match }
    }
    return positions
  }

  private func normalized(_ name: String) -> String {
    var name = Substring(options.preset == .recBole ? LayoutSettler.withoutType(name) : name)
    while name.first == " " { name.removeFirst() }
    while name.last == " " { name.removeLast() }
    return name.lowercased()
  }

  private static func withoutType(_ name: String) -> String {
    guard let colon = name.lastIndex(of: ":") else { return name }
    return String(name[..<colon])
  }

  // MARK: - Refusals

  private func requireUserAndItem(_ layout: TableLayout, _ fields: [String]) throws(ReadError) {
    guard layout.positions[.user] == nil || layout.positions[.item] == nil else { return }
    if layout.hasHeader {
      let role = layout.positions[.user] == nil ? "user" : "item"
      throw failure(
        .unsettled, shortened(firstLine), "names no column that is known as the \(role)",
        (options.preset.map { "check that the file is \($0.rawValue), or " } ?? "")
          + "say --columns user=NAME,item=NAME with the header's names")
    }
    let readings: String
    let remedy: String
    switch fields.count {
    case 2: (readings, remedy) = ("user,item or item,user", "--columns user=1,item=2 or --columns user=2,item=1")
    case 3:
      (readings, remedy) = (
        "user,item,rating or user,item,timestamp",
        "--columns user=1,item=2,rating=3 or --columns user=1,item=2,timestamp=3"
      )
    case 4:
      (readings, remedy) = (
        "user,item,rating,timestamp (Amazon 2014, MovieLens) or item,user,rating,timestamp (Amazon 2018)",
        "--preset amazon-2014, --preset amazon-2018 or --columns user=1,item=2,rating=3,timestamp=4"
      )
    default:
      (readings, remedy) = (
        "its \(fields.count) columns in many orders, user,item first or item,user first",
        "--columns user=1,item=2 and what else is to be read"
      )
    }
    throw failure(
      .unsettled, shortened(firstLine), "is no header, and the columns can be \(readings)", "say which with \(remedy)")
  }

  private func refuseSharedColumns(_ layout: TableLayout) throws(ReadError) {
    var owner: [Int: ColumnRole] = [:]
    for role in ColumnRole.allCases {
      guard let position = layout.positions[role] else { continue }
      if let other = owner[position] {
        throw failure(
          .options, "\(position + 1)", "is the column of both \(other.rawValue) and \(role.rawValue)",
          "give each role a column of its own in --columns")
      }
      owner[position] = role
    }
  }

  private func failure(_ kind: ReadError.Kind, _ value: String, _ problem: String, _ remedy: String) -> ReadError {
    ReadError(kind, file: file, line: lineNumber, value: value, problem: problem, remedy: remedy)
  }
}

/// Quoted text with its doubled quotes made single.
func unescaped(_ bytes: some Sequence<UInt8>) -> [UInt8] {
  var text: [UInt8] = []
  var pending = false
  for byte in bytes {
    if byte == 34 && !pending {
      pending = true
    } else {
      pending = false
    }
    if !pending { text.append(byte) }
  }
  return text
}
