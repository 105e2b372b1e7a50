internal import ArgumentParser
internal import LightmeterExperiments
internal import LightmeterFeedback
internal import LightmeterModels

/// `lightmeter inspect`: what a file is.
struct InspectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Say what is in a model file or a log.",
    discussion: """
      lightmeter inspect model.lightmeter
      lightmeter inspect clicks.csv
      lightmeter inspect model.lightmeter --format json
      """)

  @Argument(help: "A model file or a log.") var file: String
  @OptionGroup(title: "Reading a log") var reading: LogOptions
  @Option(help: "text or json.") var format = OutputFormat.text

  func run() async throws {
    try await ExitStatus.guarding {
      if file == "-" { return try inspectLog() }
      try InputKind.check(file)
      if !InputKind.isFile(file) { return try inspectLog() }
      let text: String
      do { text = try ModelContainer.manifest(of: file) } catch ModelFileError.notAModel {
        return try inspectLog()
      }
      if format == .json { return Terminal.emit(text) }
      guard let manifest = ModelManifest(json: text) else {
        return Terminal.emit("\(file): a Lightmeter container of another kind (a resume state)")
      }
      Terminal.emit(Terminal.wrapped(describe(manifest)))
    }
  }

  private func describe(_ manifest: ModelManifest) -> String {
    var lines = [
      "\(file): a model of Lightmeter \(manifest.version)",
      "  recipe      \(manifest.recipe), seed \(manifest.seed), \(manifest.history.count) epochs",
      "  log         \(manifest.source), digest \(manifest.dataDigest), \(manifest.positiveRule)",
      "  data        \(manifest.data.users) users, \(manifest.data.items) items, \(manifest.data.trainingPositives) "
        + "training positives, stream \(manifest.data.stream.name)",
      "  validation  \(manifest.data.validationSource): \(manifest.data.validation)",
      "  test        \(manifest.split.hasPrefix("Test: ") ? String(manifest.split.dropFirst(6)) : manifest.split)",
    ]
    for result in manifest.results {
      let interval = result.low.flatMap { low in
        result.high.map { " [\(NumberText.fixed(low, places: 4)), \(NumberText.fixed($0, places: 4))]" }
      }
      lines.append("  \(result.method) \(result.metric) \(NumberText.fixed(result.mean, places: 4))\(interval ?? "")")
    }
    if let card = manifest.card { lines.append("\(card)") }
    return lines.joined(separator: "\n")
  }

  private struct LogSummary: Encodable {
    var file: String
    var reading: String
    var rows: Int
    var lines: Int
    var skipped: Int
    var repeatedRows: Int
    var users: Int
    var items: Int
    var positives: Int
    var positiveRule: String
    var digest: String
    var exampleUsers: [String]
    var exampleItems: [String]
  }

  private func inspectLog() throws {
    let loaded = try reading.load(file)
    let (report, ids) = (loaded.report, loaded.interactions)
    let summary = LogSummary(
      file: report.file, reading: report.reading, rows: report.rows, lines: report.lines, skipped: report.skipped,
      repeatedRows: report.duplicates ?? 0, users: ids.users.count, items: ids.items.count,
      positives: loaded.positives.count { $0 == 1 }, positiveRule: loaded.rule.description, digest: loaded.digest,
      exampleUsers: (0..<min(3, ids.users.count)).map { ids.users[$0] },
      exampleItems: (0..<min(3, ids.items.count)).map { ids.items[$0] })
    if format == .json { return try Terminal.emit(json: summary) }
    Terminal.emit(
      """
      \(summary.file): a log, read as \(summary.reading)
        rows        \(summary.rows) of \(summary.lines) lines, \(summary.skipped) skipped, \(summary.repeatedRows) repeated
        users       \(summary.users), such as \(summary.exampleUsers.joined(separator: ", "))
        items       \(summary.items), such as \(summary.exampleItems.joined(separator: ", "))
        positive    \(summary.positives) pairs by \(summary.positiveRule)
        digest      \(summary.digest)
      """)
  }
}
