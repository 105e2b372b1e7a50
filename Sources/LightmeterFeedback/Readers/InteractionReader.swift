/// Reads a log from a file, a pipe or standard input in bounded extra memory.
///
/// Text may be compressed with gzip. Ids stay the text they are: `007` and `7` are two users.
///
/// - Complexity: O(bytes) time; beside the result one buffer of 2 MiB and 4 bytes per small integer id.
/// - Stability: stable
public struct InteractionReader: Sendable {
  /// How the file is read.
  public var options: ReadOptions

  /// False sends every line through the careful scanner: the tests compare both ways.
  var scansRuns = true

  /// A reader; the default options refuse whatever is not settled.
  public init(options: ReadOptions = ReadOptions()) { self.options = options }

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: a path, or "-" for standard input.
  ///   - users: ids that are known already, whose indices stay; a test file or a slice continues the log's table.
  ///   - items: the same for items.
  ///   - progress: hears after every block how far reading has come.
  /// - Returns: the log in the order of the file, and what was seen.
  /// - Throws: ``ReadError``; nothing is kept then.
  public func read(
    path: String, users: IdentifierTable = IdentifierTable(), items: IdentifierTable = IdentifierTable(),
    progress: ((ReadProgress) -> Void)? = nil
  ) throws(ReadError) -> (interactions: Interactions, report: ReadReport) {
    try read(ByteSource(path: path), users, items, progress)
  }

  /// Reads an open file descriptor, which stays open.
  ///
  /// - Parameters:
  ///   - descriptor: where to read.
  ///   - name: the name that errors give.
  ///   - users: ids that are known already.
  ///   - items: the same for items.
  ///   - progress: hears after every block how far reading has come.
  /// - Throws: ``ReadError``; nothing is kept then.
  public func read(
    descriptor: Int32, name: String, users: IdentifierTable = IdentifierTable(),
    items: IdentifierTable = IdentifierTable(), progress: ((ReadProgress) -> Void)? = nil
  ) throws(ReadError) -> (interactions: Interactions, report: ReadReport) {
    try read(ByteSource(descriptor: descriptor, name: name, closes: false), users, items, progress)
  }

  private func read(
    _ source: ByteSource, _ users: IdentifierTable, _ items: IdentifierTable, _ progress: ((ReadProgress) -> Void)?
  ) throws(ReadError) -> (interactions: Interactions, report: ReadReport) {
    let clock = ContinuousClock()
    let begin = clock.now
    var buffer = BlockBuffer()
    var report = ReadReport()
    report.file = source.name
    let first = try FirstLine(source, &buffer)
    guard let first else {
      throw ReadError(
        .empty, file: source.name, problem: "is empty: it holds no line of text", remedy: "give a file with rows")
    }
    var layout = try settle(first, source.name)
    if options.preset == .coat { layout.positions = [:] }
    report.reading = options.preset == .coat ? "coat: matrix with \(layout.fieldCount) items" : layout.summary
    let fields = UnsafeMutablePointer<FieldSpan>.allocate(capacity: layout.fieldCount + 1)
    defer { fields.deallocate() }
    let scanner = RecordScanner(
      delimiter: layout.delimiter, quoting: layout.quoting, fields: fields, capacity: layout.fieldCount + 1)
    if layout.hasHeader { buffer.start = first.next }
    let line = layout.hasHeader ? first.number + 1 : first.number
    let log: Interactions
    if options.preset == .coat {
      let sink = MatrixSink(columns: layout.fieldCount, users: users, items: items)
      var pump = RecordPump(
        sink: sink, scanner: scanner, runs: nil, report: report, onBadLine: options.onBadLine, line: line)
      try pump.run(source, &buffer, progress: progress)
      (log, report) = (pump.finish(), pump.report)
    } else {
      let sink = TableSink(layout, users: users, items: items)
      var pump = RecordPump(
        sink: sink, scanner: scanner, runs: scansRuns ? RunScanner(layout) : nil, report: report,
        onBadLine: options.onBadLine, line: line)
      try pump.run(source, &buffer, progress: progress)
      (log, report) = (pump.finish(), pump.report)
    }
    report.bytes = source.bytesRead
    report.textBytes = buffer.textBytes
    try complete(&report, log, layout)
    let spent = begin.duration(to: clock.now).components
    report.seconds = Double(spent.seconds) + Double(spent.attoseconds) * 1e-18
    return (log, report)
  }

  private func settle(_ first: FirstLine, _ file: String) throws(ReadError) -> TableLayout {
    guard options.preset == .coat else {
      return try LayoutSettler(file: file, options: options, firstLine: first.bytes, lineNumber: first.number).settle()
    }
    let fields = LayoutSettler.split(first.bytes, .space, false)
    guard fields.count > 1 else {
      throw ReadError(
        .options, file: file, line: first.number, value: shortened(first.bytes),
        problem: "is no row of a matrix of ratings separated by spaces", remedy: "check --preset coat")
    }
    return TableLayout(
      delimiter: .space, quoting: false, hasHeader: false, fieldCount: fields.count, positions: [:], names: [])
  }

  /// Fills in the counts and refuses a log from which nothing can be ranked.
  private func complete(_ report: inout ReadReport, _ log: Interactions, _ layout: TableLayout) throws(ReadError) {
    report.users = log.users.count
    report.items = log.items.count
    report.lowestRating = log.ratings?.min()
    report.highestRating = log.ratings?.max()
    guard log.count > 0 else {
      var problem = "holds no rows"
      if layout.hasHeader { problem = "holds a header and no rows" }
      if let example = report.skippedExamples.first {
        problem =
          "holds no row that can be read: all \(report.skipped) lines were left out, the first because "
          + example.shortDescription
      }
      throw ReadError(.empty, file: report.file, problem: problem, remedy: "give a file with rows")
    }
    if options.requiresRankable && (log.users.count == 1 || log.items.count == 1) {
      let what = log.users.count == 1 ? "user" : "item"
      throw ReadError(
        .unrankable, file: report.file, value: shortened((what == "user" ? log.users[0] : log.items[0]).utf8),
        problem: "is the only \(what), so nothing can be ranked",
        remedy: "check --columns, or give a log of several users and items")
    }
    if log.ratings == nil && log.shown == nil && !(log.clicks?.contains(0) ?? false) {
      report.notes.append("every row is a click; the log lists no negatives, they are drawn among the other pairs")
    }
    if let low = report.lowestRating, low == report.highestRating {
      report.notes.append("every rating is \(low); a threshold separates nothing")
    }
    if report.skipped > 0 {
      report.notes.append("\(report.skipped) bad lines were left out of \(report.lines)")
    }
  }
}

/// The first line with text: what the layout is settled from.
struct FirstLine {
  /// Its bytes without the line end.
  var bytes: [UInt8]
  /// One-based number.
  var number: Int
  /// Where the next line starts in the buffer.
  var next: Int

  /// Fills the buffer until it holds the line, past a byte order mark and blank lines; nil in a file without text.
  init?(_ source: ByteSource, _ buffer: inout BlockBuffer) throws(ReadError) {
    number = 1
    var checkedMark = false
    while true {
      if !checkedMark && (buffer.end >= 3 || buffer.isAtEnd) {
        checkedMark = true
        let mark = buffer.end >= 3 && buffer.base[0] == 0xEF && buffer.base[1] == 0xBB && buffer.base[2] == 0xBF
        if mark { buffer.start = 3 }
      }
      while checkedMark, buffer.start < buffer.end, buffer.base[buffer.start] == 10 || FirstLine.startsCRLF(buffer) {
        buffer.start += buffer.base[buffer.start] == 10 ? 1 : 2
        number += 1
      }
      let p = buffer.lineFeed(from: buffer.start) ?? buffer.end
      let found = p < buffer.end || (buffer.isAtEnd && p > buffer.start)
      if found && checkedMark {
        next = min(p + 1, buffer.end)
        bytes = Array(UnsafeBufferPointer(start: buffer.base + buffer.start, count: p - buffer.start))
        if bytes.last == 13 { bytes.removeLast() }
        break
      }
      if buffer.isAtEnd { return nil }
      if p - buffer.start > BlockBuffer.block {
        let text = UnsafeBufferPointer(start: buffer.base + buffer.start, count: 64)
        throw ReadError(
          .badLine, file: source.name, line: number, value: shortened(text),
          problem: "begins a line of more than 1 MiB", remedy: "check that the file is text with line feeds")
      }
      try buffer.fill(from: source)
    }
    try check(source.name)
  }

  private static func startsCRLF(_ buffer: borrowing BlockBuffer) -> Bool {
    buffer.base[buffer.start] == 13 && buffer.start + 1 < buffer.end && buffer.base[buffer.start + 1] == 10
  }

  private func check(_ file: String) throws(ReadError) {
    if bytes.contains(13) {
      throw ReadError(
        .damaged, file: file, line: number, value: shortened(bytes),
        problem: "has carriage returns without line feeds", remedy: "convert the file with tr '\\r' '\\n'")
    }
    if bytes.contains(0) {
      throw ReadError(
        .damaged, file: file, line: number, value: shortened(bytes), problem: "contains a NUL byte",
        remedy: "the file is no text or is damaged: take it from its source again")
    }
  }
}
