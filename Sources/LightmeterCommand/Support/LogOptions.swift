internal import ArgumentParser
internal import LightmeterExperiments
internal import LightmeterFeedback

/// How a log is read: the same flags on every command that reads one.
struct LogOptions: ParsableArguments {
  @Option(help: "A known file form: \(DataPreset.allCases.map(\.rawValue).joined(separator: ", ")).")
  var preset: DataPreset?

  @Option(
    help: ArgumentHelp(
      "Columns by header name or one-based position, such as user=uid,item=3,rating=stars.", valueName: "role=column,…")
  )
  var columns: String?

  @Option(help: "comma, tab, double-colon or space; else by extension and first line.")
  var delimiter: Delimiter?

  @Flag(inversion: .prefixedNo, help: "Whether the first line names the columns.")
  var header: Bool?

  @Option(help: "Which rows are positive: every-row, 'rating>=4' or click.")
  var positive: String?

  @Option(help: "Repeated pairs: any-positive (one pair, any positive wins), keep-first, keep-last or error.")
  var duplicates: DuplicatePolicy = .anyPositive

  @Option(help: "A line that cannot be read: fail, or skip (counted and reported).")
  var onBadLine: BadLinePolicy = .fail

  /// The request for one file; slices and tests need not be rankable on their own.
  func request(_ path: String, requiresRankable: Bool = true) throws -> LogRequest {
    let format = TableFormat(
      delimiter: delimiter, header: header, columns: try columns.map { try TableFormat.columns(parsing: $0) } ?? [:])
    return LogRequest(
      path: path,
      options: ReadOptions(preset: preset, format: format, onBadLine: onBadLine, requiresRankable: requiresRankable),
      rule: try positive.map { try PositiveRule(parsing: $0) }, duplicates: duplicates)
  }

  /// Reads a log with a progress line and reports what was skipped.
  ///
  /// - Parameters:
  ///   - users: identifier tables to go on from.
  func load(
    _ path: String, users: IdentifierTable = IdentifierTable(), items: IdentifierTable = IdentifierTable()
  ) throws -> LoadedLog {
    try InputKind.checkLog(path)
    let line = ProgressLine("reading \(path == "-" ? "standard input" : path)", unit: "B")
    let loaded = try LoadedLog.load(try request(path), users: users, items: items) { progress in
      line.show(
        Double(progress.bytes), of: progress.totalBytes.map { Double($0) }, detail: "\(progress.rows) rows")
    }
    line.finish()
    describe(loaded)
    return loaded
  }

  /// Reads a slice or a test in the ids of a log; pairs of unknown ids are counted and left out.
  func load(
    _ path: String, users: IdentifierTable, items: IdentifierTable, as what: String
  ) throws -> PairBatch {
    try InputKind.checkLog(path)
    let loaded = try LoadedLog.load(
      try request(path, requiresRankable: false), users: users, items: items)
    let (pairs, unknown) = loaded.knownPairs(userCount: users.count, itemCount: items.count)
    Terminal.note(
      "\(what): \(pairs.count) pairs, \(pairs.feedback.count { $0 == 1 }) positive"
        + (unknown > 0 ? "; \(unknown) pairs of users or items that the log lacks are left out" : ""))
    return pairs
  }

  private func describe(_ log: LoadedLog) {
    let report = log.report
    Terminal.note(
      "read \(report.rows) rows: \(log.interactions.users.count) users, \(log.interactions.items.count) items, "
        + "\(log.positives.count { $0 == 1 }) positive pairs (\(log.rule))"
        + (report.duplicates.map { $0 > 0 ? ", \($0) repeated rows (\(duplicates.rawValue))" : "" } ?? ""))
    for note in report.notes { Terminal.note("note: \(note)") }
    if log.interactions.weights != nil { Terminal.note("note: the column 'weight' is read, and not used") }
    if report.skipped > 0 {
      Terminal.note("skipped \(report.skipped) lines, the first:")
      for example in report.skippedExamples { Terminal.note("  \(example.shortDescription)") }
    }
  }
}
