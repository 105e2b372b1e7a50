internal import LightmeterEvaluation
internal import LightmeterKernels
internal import LightmeterTraining

/// The tables of a finished study as Markdown, comma-separated values and JSON; nothing in them is written by hand.
///
/// - Stability: experimental
public struct StudyReport: Sendable {
  /// For people.
  public let markdown: String
  /// One line per data set, row and metric.
  public let csv: String
  /// Everything, with the values of each seed.
  public let json: String

  /// Makes the tables from the store.
  ///
  /// - Parameters:
  ///   - command: the exact command line, printed in the report.
  ///   - partial: reports the seeds that are done for every row, and says so, instead of refusing.
  /// - Throws: ``StudyError/unfinished(missing:of:)``.
  public init(_ runner: StudyRunner, command: String, partial: Bool = false) throws {
    let results = try runner.datasets.map { try StudyResults.read(runner, $0, partial: partial) }
    var page = StudyMarkdown(study: runner.study, command: command)
    page.head(results)
    var data = StudyExport(study: runner.study, command: command)
    for result in results {
      let metrics = result.metrics()
      let cells = try Dictionary(uniqueKeysWithValues: metrics.map { ($0, try result.cells($0)) })
      try page.add(result, cells)
      try data.add(result, cells)
    }
    page.foot(results)
    markdown = page.text
    csv = data.csv
    json = try data.json()
  }

  /// Writes `NAME.md`, `NAME.csv` and `NAME.json` into a folder, each whole or not at all.
  ///
  /// - Returns: the paths.
  public func write(to folder: String, name: String) throws -> [String] {
    try [("md", markdown), ("csv", csv), ("json", json)].map { kind, text in
      let path = "\(folder)/\(name).\(kind)"
      let file = try AtomicFile(path)
      try file.write(text)
      try file.commit()
      return path
    }
  }
}

/// The Markdown page of a study.
struct StudyMarkdown {
  let study: Study
  let command: String
  private(set) var text = ""

  init(study: Study, command: String) { (self.study, self.command) = (study, command) }

  private var places: Int { study.report.places }

  private mutating func line(_ line: String = "") { text += line + "\n" }

  private mutating func table(_ title: String, _ table: TableValue) {
    line("\(title)\n")
    line(table.markdown())
  }

  mutating func head(_ results: [StudyResults]) {
    line("# \(study.name)\n")
    if !study.summary.isEmpty { line("\(study.summary)\n") }
    line("Made by\n\n```\n\(command)\n```\n")
    let trained = study.methods.filter { $0.members == nil && !$0.grid.isEmpty }
    let most = trained.map(\.grid.count).max() ?? 1
    if study.tuning.metric == nil {
      line("Nothing was tuned: every row is one fixed configuration.")
    } else {
      line(
        "Chosen by \(study.tuning.name), on \(study.tuning.seeds.count) tuning seed(s) that no table uses; at most "
          + "\(study.tuning.configurations) configurations a method (the largest search here has \(most), each row's own number stands in its last table)"
          + (study.tuning.checkpoints.isEmpty
            ? "." : ", each scored after \(study.tuning.checkpoints.map(String.init).joined(separator: ", ")) epochs.")
          + " Test data was opened after tuning only.")
    }
    line()
  }

  mutating func add(_ results: StudyResults, _ known: [String: [StudyCell?]]) throws {
    line("## \(results.dataset.description.label)\n")
    line("\(results.dataset.facts). Data digest `\(results.dataset.digest)`.\n")
    if results.seeds.count < study.seeds.count {
      line(
        "**Unfinished**: \(results.seeds.count) of \(study.seeds.count) seeds are done for every row, and only they are "
          + "shown.\n")
    }
    let metrics = study.report.metrics.isEmpty ? results.metrics() : study.report.metrics
    let cells = try metrics.map { metric in
      guard let cells = known[metric] else {
        throw StudyError.badValue(
          at: "report.metrics", value: "'\(metric)'", allowed: results.metrics().joined(separator: ", "))
      }
      return cells
    }
    let count = results.seeds.count
    let runs = count == 1 ? "one seed" : "mean ± standard deviation of \(count) seeds"
    table(
      "Results, \(runs). Tied: not distinguishable from the best by users (paired, Holm, 5 %).",
      means(results, metrics, cells))
    for (k, metric) in metrics.enumerated() where study.report.paired.isEmpty || study.report.paired.contains(metric) {
      for control in results.controls {
        table(
          "\(metric): 95 % intervals over users, and paired differences from \(control).",
          paired(results, cells[k], control))
      }
      line(sentence(results, metric, cells[k]) + "\n")
    }
    if study.report.lastEpoch { try addLast(results, metrics) }
    if let reference = study.report.reference { addReference(reference, results, metrics, cells) }
    addExposure(results)
    addProtocols(results)
    addCosts(results)
    if let card = results.rows.lazy.compactMap({ $0.records.first?.results.first?.protocolCard }).last {
      line("Protocol card (of the last row):\n\n```\n\(card)\n```\n")
    }
  }

  mutating func foot(_ results: [StudyResults]) {
    for note in study.report.notes { line("- \(note)") }
    if !study.report.notes.isEmpty { line() }
    let records = results.flatMap(\.rows).flatMap(\.records)
    let seconds = records.reduce(0) { $0 + $1.seconds }
    let peak = records.map(\.peakBytes).max() ?? 0
    line(
      "Machine: \(ProcessUsage.machine). The final runs took \(NumberText.fixed(seconds, places: 0)) s of run time "
        + "(runs on one thread each, several at a time); peak memory of the process "
        + "\(NumberText.fixed(Double(peak) / 1e6, places: 0)) MB.")
  }

  // MARK: - Tables

  private func means(_ results: StudyResults, _ metrics: [String], _ cells: [[StudyCell?]]) -> TableValue {
    TableValue(
      columns: [TableValue.Column("method", .leading)] + metrics.map { TableValue.Column($0) },
      rows: results.rows.indices.map { row in
        [TableValue.Cell(results.rows[row].label)] + metrics.indices.map { spread(cells[$0][row]) }
      })
  }

  private func spread(_ cell: StudyCell?) -> TableValue.Cell {
    guard let cell else { return TableValue.Cell(NumberText.absent) }
    guard let deviation = cell.summary.standardDeviation else {
      return .number(cell.summary.mean, places: places, mark: cell.mark)
    }
    return .spread(cell.summary.mean, deviation, places: places, mark: cell.mark)
  }

  private func paired(_ results: StudyResults, _ cells: [StudyCell?], _ control: String) -> TableValue {
    let columns = ["value", "difference", "p (Holm)", "gained / lost", "detectable"]
    return TableValue(
      columns: [TableValue.Column("method", .leading)] + columns.map { TableValue.Column($0) },
      rows: results.rows.indices.map { place in
        let cell = cells[place]
        var row = [TableValue.Cell(results.rows[place].label), interval(cell?.interval, mark: cell?.mark ?? .plain)]
        guard let against = cell?.comparisons[control] else {
          return row + Array(repeating: TableValue.Cell(NumberText.absent), count: 4)
        }
        let comparison = against.paired
        row.append(interval(comparison.difference, mark: .plain))
        row.append(.number(against.corrected, places: 4))
        let (gained, lost) = (comparison.shareGained * 100, comparison.shareLost * 100)
        row.append(
          TableValue.Cell("\(NumberText.fixed(gained, places: 0)) % / \(NumberText.fixed(lost, places: 0)) %"))
        row.append(.number(comparison.minimumDetectable, places: places))
        return row
      })
  }

  private func interval(_ interval: ConfidenceInterval?, mark: TableValue.Mark) -> TableValue.Cell {
    guard let interval else { return TableValue.Cell(NumberText.absent) }
    return .interval(interval.mean, interval.low...interval.high, places: places, mark: mark)
  }

  /// What a metric's table says, in words.
  private func sentence(_ results: StudyResults, _ metric: String, _ cells: [StudyCell?]) -> String {
    func names(_ keep: (StudyCell) -> Bool) -> String {
      let found = results.rows.indices.filter { cells[$0].map(keep) ?? false }.map { results.rows[$0].label }
      return found.isEmpty ? "none" : found.joined(separator: ", ")
    }
    let verdicts = results.controls.map { control in
      func significant(_ cell: StudyCell, _ sign: Double) -> Bool {
        cell.comparisons[control].map { $0.isSignificant && $0.paired.difference.mean * sign > 0 } ?? false
      }
      return " Significantly better than \(control): \(names { significant($0, 1) }); significantly worse: "
        + "\(names { significant($0, -1) })."
    }
    return "By \(metric): best \(names { $0.mark == .best }); tied with it: \(names { $0.mark == .tied })."
      + verdicts.joined()
  }

  private mutating func addLast(_ results: StudyResults, _ metrics: [String]) throws {
    let cells = try metrics.map { try results.cells($0, last: true) }
    table("The same configurations at their last epoch.", means(results, metrics, cells))
  }

  private mutating func addReference(
    _ reference: StudyReportOptions.Reference, _ results: StudyResults, _ metrics: [String], _ cells: [[StudyCell?]]
  ) {
    let extra = reference.values.keys.filter { name in !results.rows.contains { ours($0.label, name) } }.sorted()
    func published(_ label: String?, _ metric: String) -> TableValue.Cell {
      guard let pair = label.flatMap({ reference.values[$0]?[metric] }), let mean = pair.first else {
        return TableValue.Cell(NumberText.absent)
      }
      return pair.count > 1 ? .spread(mean, pair[1], places: 3) : .number(mean, places: 3)
    }
    var rows: [[TableValue.Cell]] = []
    for (place, row) in results.rows.enumerated() {
      let name = reference.values.keys.first { ours(row.label, $0) }
      rows.append(
        [TableValue.Cell(row.label)]
          + metrics.indices.flatMap { k in
            var own = spread(cells[k][place])
            own.mark = .plain
            return [published(name, metrics[k]), own]
          })
    }
    for name in extra {
      rows.append(
        [TableValue.Cell(name)]
          + metrics.flatMap { [published(name, $0), TableValue.Cell(NumberText.absent)] })
    }
    table(
      "Beside published values: \(reference.title).",
      TableValue(
        columns: [TableValue.Column("method", .leading)]
          + metrics.flatMap { [TableValue.Column("\($0) published"), TableValue.Column("\($0) ours")] },
        rows: rows))
  }

  /// `Biif (N1)` stands for the published `Biif`.
  private func ours(_ label: String, _ published: String) -> Bool {
    label == published || label.hasPrefix("\(published) (")
  }

  private mutating func addExposure(_ results: StudyResults) {
    guard results.dataset.world != nil else { return }
    let rows = results.rows.compactMap { row -> [TableValue.Cell]? in
      let found = row.records.compactMap(\.exposure)
      guard !found.isEmpty else { return nil }
      let correlations = found.compactMap(\.correlation)
      let summary = correlations.isEmpty ? nil : RunSummary(correlations)
      return [
        TableValue.Cell(row.label),
        summary.map { .spread($0.mean, $0.standardDeviation ?? 0, places: 3) } ?? "constant",
        .number(RunSummary(found.map(\.error)).mean, places: 3),
      ]
    }
    guard !rows.isEmpty else { return }
    table(
      "Exposure against the truth: correlation over items (Eq. 20, mean over users) and root mean squared error.",
      TableValue(
        columns: [
          TableValue.Column("method", .leading), TableValue.Column("correlation"), TableValue.Column("RMSE"),
        ], rows: rows))
  }

  private mutating func addProtocols(_ results: StudyResults) {
    guard let first = results.rows.first?.records.first?.results, first.count > 1 else { return }
    let picked: [(preset: Int, metric: String, title: String)] = first.indices.dropFirst().compactMap { preset in
      let names = results.metrics(preset: preset)
      guard let name = names.first(where: { $0.hasSuffix("@3") || $0.hasSuffix("@5") }) ?? names.first else {
        return nil
      }
      return (preset, name, "\(first[preset].preset) \(name)")
    }
    table(
      "The same models under other papers' conventions (all their metrics are in the CSV file).",
      TableValue(
        columns: [TableValue.Column("method", .leading)] + picked.map { TableValue.Column($0.title) },
        rows: results.rows.map { row in
          [TableValue.Cell(row.label)]
            + picked.map { choice in
              let means = row.runs(choice.metric, preset: choice.preset).compactMap(\.mean)
              return means.isEmpty ? "–" : .number(RunSummary(means).mean, places: places)
            }
        }))
  }

  private mutating func addCosts(_ results: StudyResults) {
    table(
      "What each row was, and what it cost.",
      TableValue(
        columns: [
          TableValue.Column("method", .leading), TableValue.Column("tried", .leading),
          TableValue.Column("configuration", .leading),
          TableValue.Column("epochs"), TableValue.Column("choice score"), TableValue.Column("s per run"),
          TableValue.Column("s per epoch"), TableValue.Column("failed"),
        ],
        rows: results.rows.map { row in
          let settings = row.choice.map { "\($0.recipe)" } ?? "took " + row.taken.joined(separator: ", ")
          let epochs = row.records.flatMap(\.history).map(\.seconds)
          let runs = Double(max(1, row.records.count))
          return [
            TableValue.Cell(row.label), TableValue.Cell(study.tried(row: row.label)), TableValue.Cell(settings),
            TableValue.Cell(row.records.first.map { "\($0.epoch)" } ?? "–"),
            row.choice?.score.map { .number($0, places: 4) } ?? "–",
            .number(row.records.reduce(0) { $0 + $1.seconds } / runs, places: 1),
            epochs.isEmpty ? "–" : .number(epochs.reduce(0, +) / Double(epochs.count), places: 3),
            TableValue.Cell("\(row.records.count { $0.failure != nil })"),
          ]
        }))
  }
}
