/// Moves a source block by block through the scanner into a sink, counting lines and turning faults into errors.
///
/// Memory: one buffer of two blocks, whatever the length of the file; a line longer than a block is a bad line.
struct RecordPump<Sink: RecordSink> {
  private(set) var sink: Sink
  private(set) var report: ReadReport
  private let onBadLine: BadLinePolicy
  private var scanner: RecordScanner
  /// Number of the line that comes next.
  private var line: Int
  private var discarding = false
  private var fileEndsUnterminated = false
  private var atEnd = false
  private var runs: RunScanner?

  /// - Parameters:
  ///   - runs: cuts runs of plain lines at once; nil where every line goes through the scanner.
  ///   - line: physical number of the first line that will be pumped.
  init(
    sink: Sink, scanner: RecordScanner, runs: RunScanner?, report: ReadReport, onBadLine: BadLinePolicy, line: Int
  ) {
    self.sink = sink
    self.scanner = scanner
    self.runs = runs
    self.report = report
    self.onBadLine = onBadLine
    self.line = line
  }

  /// Pumps what the buffer holds already and then the source to its end.
  mutating func run(
    _ source: ByteSource, _ buffer: inout BlockBuffer, progress: ((ReadProgress) -> Void)?
  ) throws(ReadError) {
    var isFirst = true
    repeat {
      if buffer.isAtEnd {
        atEnd = true
        fileEndsUnterminated = buffer.terminate()
      }
      try pumpLines(&buffer)
      progress?(ReadProgress(bytes: source.bytesRead, totalBytes: source.totalBytes, rows: sink.rowCount))
      if isFirst { reserve(source, buffer) }
      isFirst = false
      if atEnd { break }
      try buffer.fill(from: source)
    } while true
    report.lines = line - 1
    report.rows = sink.rowCount
  }

  /// Guesses the number of rows from the first block, so that columns are not copied as they grow.
  private mutating func reserve(_ source: ByteSource, _ buffer: borrowing BlockBuffer) {
    guard !source.isCompressed, let total = source.totalBytes, !atEnd, buffer.textBytes > 0 else { return }
    let rows = Double(sink.rowCount) * Double(total) / Double(buffer.textBytes)
    if rows < 0x1p33 { sink.reserve(Int(rows * 1.02)) }
  }

  private mutating func pumpLines(_ buffer: inout BlockBuffer) throws(ReadError) {
    if discarding { dropOverlong(&buffer) }
    guard let limit = buffer.completeLimit else {
      try checkLength(&buffer)
      return
    }
    let base = UnsafePointer(buffer.base)
    var p = buffer.start
    while p < limit {
      if let taken = runs?.take(base, p..<limit, into: &sink) {
        line += taken.records
        p = taken.next
        if p == limit { break }
      }
      switch scanner.scan(base, from: p, limit: limit) {
      case .record:
        var verdict = Verdict.taken
        let lines = 1 + scanner.embeddedLines
        if scanner.count != sink.fieldCount {
          verdict = .bad(.fieldCount)
        } else if scanner.hasNUL {
          verdict = .bad(.nul)
        } else {
          verdict = sink.take(base, scanner.fields)
        }
        if let fault = verdict.fault {
          if fault == .fieldCount || fault == .nul { sink.passOver() }
          let isLast = scanner.next == limit && fileEndsUnterminated
          try reject(fault, Int(verdict.field), base, p..<scanner.next, isLast: isLast)
        }
        line += lines
        p = scanner.next
      case .blank:
        line += 1
        p = scanner.next
      case .textAfterQuote: p = try rejectLine(.textAfterQuote, base, p, limit)
      case .unclosedQuote:
        // More of the file may close it, up to a block's length.
        if !atEnd && buffer.end - p <= BlockBuffer.block {
          buffer.start = p
          return
        }
        p = try rejectLine(.unclosedQuote, base, p, limit)
      }
    }
    buffer.start = p
    try checkLength(&buffer)
  }

  /// A line that the quotes of which do not hold together: it alone is left out, reading goes on after its line feed.
  private mutating func rejectLine(
    _ fault: RecordFault, _ base: UnsafePointer<UInt8>, _ p: Int, _ limit: Int
  ) throws(ReadError) -> Int {
    var next = p
    while base[next] != 10 { next += 1 }
    next += 1
    sink.passOver()
    try reject(fault, -1, base, p..<next, isLast: false)
    line += 1
    return next
  }

  private mutating func checkLength(_ buffer: inout BlockBuffer) throws(ReadError) {
    guard !atEnd, buffer.end - buffer.start > BlockBuffer.block else { return }
    sink.passOver()
    try reject(.overlong, -1, UnsafePointer(buffer.base), buffer.start..<buffer.end, isLast: false)
    discarding = true
    buffer.start = buffer.end
  }

  /// Drops text up to the line feed that ends an overlong line.
  private mutating func dropOverlong(_ buffer: inout BlockBuffer) {
    guard let found = buffer.lineFeed(from: buffer.start) else {
      buffer.start = buffer.end
      if atEnd { line += 1 }
      return
    }
    buffer.start = found + 1
    line += 1
    discarding = false
  }

  private mutating func reject(
    _ fault: RecordFault, _ field: Int, _ base: UnsafePointer<UInt8>, _ range: Range<Int>, isLast: Bool
  ) throws(ReadError) {
    let description = FaultDescription(
      fault: fault, field: field, role: sink.role(ofField: field), expected: sink.fieldCount, found: scanner.count,
      isLast: isLast)
    var text = UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)[...]
    if field >= 0 {
      let span = scanner.fields[field]
      text = UnsafeBufferPointer(start: base, count: Int(span.end))[Int(span.start)...]
    }
    while let last = text.last, last == 10 || last == 13 { text.removeLast() }
    let error = description.error(file: report.file, line: line, text: text)
    if onBadLine == .fail { throw error }
    report.skipped += 1
    if report.skippedExamples.count < ReadReport.exampleLimit { report.skippedExamples.append(error) }
  }

  /// The log, once.
  mutating func finish() -> Interactions { sink.finish() }
}

/// A fault in words.
struct FaultDescription {
  let fault: RecordFault
  let field: Int
  let role: ColumnRole?
  let expected: Int
  let found: Int
  let isLast: Bool

  func error(file: String, line: Int, text: some Collection<UInt8>) -> ReadError {
    let (problem, remedy) = words
    return ReadError(
      .badLine, file: file, line: line, column: field < 0 ? nil : field + 1, role: role, value: shortened(text),
      problem: problem, remedy: remedy + ", or leave such lines out with --on-bad-line skip")
  }

  private var words: (String, String) {
    switch fault {
    case .fieldCount:
      let counts = "has \(found) \(found == 1 ? "field" : "fields") where the first line has \(expected)"
      return isLast && found < expected
        ? (counts + ", and the file ends without a line feed: it seems cut off", "take it from its source again")
        : (counts, "correct the line, quote fields that contain the delimiter")
    case .nul: return ("contains a NUL byte", "the file is no text or is damaged: take it from its source again")
    case .emptyIdentifier: return ("is an empty id", "fill it in")
    case .notUTF8: return ("is not UTF-8", "convert the file, for instance with iconv -f LATIN1 -t UTF-8")
    case .notNumber: return ("is not a finite number", "correct it, or choose another column with --columns")
    case .notWhole:
      return ("is not a time as a whole number", "convert dates to seconds, or choose another column with --columns")
    case .notFlag: return ("is not 0 or 1", "write 0 or 1, or choose another column with --columns")
    case .propensityRange:
      return ("is not a probability in (0, 1]", "give the probability with which the row was shown")
    case .negativeWeight: return ("is a negative weight", "give weights of 0 or more")
    case .notRating: return ("is not a rating of 0 or more", "correct it, 0 stands for a missing rating")
    case .unclosedQuote: return ("opens a quote that is not closed", "close it or double quotes inside quoted text")
    case .textAfterQuote:
      return ("has text after a closing quote", "double quotes inside quoted text, or read without quoting")
    case .overlong:
      return (
        "begins a line of more than 1 MiB", "check that the file is text with line feeds"
      )
    }
  }
}
