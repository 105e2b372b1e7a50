internal import LightmeterEvaluation

/// A table of a study with its caption.
struct StudyTable: Sendable {
  let caption: String
  let table: TableValue
}

/// The tables of a study, the same for every form of its report.
struct StudyTables: Sendable {
  let study: Study

  var places: Int { study.report.places }

  /// The metrics of the tables on a data set, with their cells.
  func metrics(_ results: StudyResults, _ known: [String: [StudyCell?]]) throws -> [(name: String, cells: [StudyCell?])]
  {
    let names = study.report.metrics.isEmpty ? results.metrics() : study.report.metrics
    return try names.map { name in
      guard let cells = known[name] else {
        throw StudyError.badValue(
          at: "report.metrics", value: "'\(name)'", allowed: results.metrics().joined(separator: ", "))
      }
      return (name, cells)
    }
  }

  /// Whether a metric has a table of intervals and differences.
  func isPaired(_ metric: String) -> Bool {
    study.report.paired.isEmpty || study.report.paired.contains(metric)
  }

  /// Means and deviations over seeds.
  func main(_ results: StudyResults, _ metrics: [(name: String, cells: [StudyCell?])]) -> StudyTable {
    let count = results.seeds.count
    let isShort = metrics.contains { $0.cells.contains { ($0?.summary.values.count ?? count) < count } }
    let runs =
      (count == 1 ? "one seed" : "mean ± standard deviation of \(count) seeds")
      + (isShort ? " (fewer where a cell says so)" : "")
    return StudyTable(
      caption: "Results, \(runs). Tied: not distinguishable from the best by users (paired, Holm, 5 %).",
      table: means(results, metrics.map(\.name), metrics.map(\.cells)))
  }

  /// Intervals over users and differences from a control.
  func differences(
    _ results: StudyResults, _ metric: (name: String, cells: [StudyCell?]), _ control: String
  ) -> StudyTable {
    StudyTable(
      caption: "\(metric.name): 95 % intervals over users, and paired differences from \(control).",
      table: paired(results, metric.cells, control))
  }

  private func means(_ results: StudyResults, _ metrics: [String], _ cells: [[StudyCell?]]) -> TableValue {
    TableValue(
      columns: [TableValue.Column("method", .leading)] + metrics.map { TableValue.Column($0) },
      rows: results.rows.indices.map { row in
        [TableValue.Cell(results.rows[row].label)] + metrics.indices.map { spread(cells[$0][row], results) }
      })
  }

  private func spread(_ cell: StudyCell?, _ results: StudyResults) -> TableValue.Cell {
    guard let cell else { return TableValue.Cell(NumberText.absent) }
    let (summary, count) = (cell.summary, cell.summary.values.count)
    guard let deviation = summary.standardDeviation else {
      return counted(.number(summary.mean, places: places, mark: cell.mark), count, results)
    }
    return counted(.spread(summary.mean, deviation, places: places, mark: cell.mark), count, results)
  }

  /// Says of how many seeds a mean is where runs diverged: the captions speak of all of them.
  private func counted(_ cell: TableValue.Cell, _ count: Int, _ results: StudyResults) -> TableValue.Cell {
    guard count < results.seeds.count else { return cell }
    return TableValue.Cell("\(cell.text) (\(count) of \(results.seeds.count) seeds)", mark: cell.mark)
  }

  private func paired(_ results: StudyResults, _ cells: [StudyCell?], _ control: String) -> TableValue {
    let columns = ["value", "difference", "p (Holm)", "gained / lost", "detectable"]
    return TableValue(
      columns: [TableValue.Column("method", .leading)] + columns.map { TableValue.Column($0) },
      rows: results.rows.indices.map { place in
        let cell = cells[place]
        let value = interval(cell?.interval, mark: cell?.mark ?? .plain)
        var row = [
          TableValue.Cell(results.rows[place].label),
          cell.map { counted(value, $0.summary.values.count, results) } ?? value,
        ]
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
  func sentence(_ results: StudyResults, _ metric: String, _ cells: [StudyCell?]) -> String {
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
    let detectable = results.controls.compactMap { control -> String? in
      let found = cells.compactMap { $0?.comparisons[control]?.paired.minimumDetectable }
      guard let least = found.min(), let most = found.max() else { return nil }
      let range = [least, most].map { NumberText.fixed($0, places: places) }
      return
        " The smallest difference from \(control) that these users could have shown (80 % power, 5 %, from the paired "
        + "standard error): " + (range[0] == range[1] ? range[0] : "\(range[0]) to \(range[1]), by row") + "."
    }
    return "By \(metric): best \(names { $0.mark == .best }); tied with it: \(names { $0.mark == .tied })."
      + verdicts.joined() + detectable.joined()
  }

  /// The same rows at their last epoch; nil where the study does not ask for it.
  func lastEpoch(_ results: StudyResults, _ metrics: [String]) throws -> StudyTable? {
    guard study.report.lastEpoch else { return nil }
    let cells = try metrics.map { try results.cells($0, last: true) }
    return StudyTable(
      caption: "The same configurations at their last epoch.", table: means(results, metrics, cells))
  }

  /// Published values beside ours; nil without.
  func reference(_ results: StudyResults, _ columns: [(name: String, cells: [StudyCell?])]) -> StudyTable? {
    guard let reference = study.report.reference else { return nil }
    let (metrics, cells) = (columns.map(\.name), columns.map(\.cells))
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
            var own = spread(cells[k][place], results)
            own.mark = .plain
            return [published(name, metrics[k]), own]
          })
    }
    for name in extra {
      rows.append(
        [TableValue.Cell(name)]
          + metrics.flatMap { [published(name, $0), TableValue.Cell(NumberText.absent)] })
    }
    return StudyTable(
      caption: "Beside published values: \(reference.title).",
      table: TableValue(
        columns: [TableValue.Column("method", .leading)]
          + metrics.flatMap { [TableValue.Column("\($0) published"), TableValue.Column("\($0) ours")] },
        rows: rows))
  }

  /// `Biif (N1)` stands for the published `Biif`.
  private func ours(_ label: String, _ published: String) -> Bool { Ledger.ours(label, published) }

  /// Exposure against the truth of a world.
  func exposure(_ results: StudyResults) -> StudyTable? {
    guard results.dataset.world != nil else { return nil }
    let rows = results.rows.compactMap { row -> [TableValue.Cell]? in
      let found = row.records.compactMap(\.exposure)
      guard !found.isEmpty else { return nil }
      let correlations = found.compactMap(\.correlation)
      let summary = correlations.isEmpty ? nil : RunSummary(correlations)
      return [
        TableValue.Cell(row.label),
        summary.map {
          counted(.spread($0.mean, $0.standardDeviation ?? 0, places: 3), $0.values.count, results)
        } ?? "constant",
        .number(RunSummary(found.map(\.error)).mean, places: 3),
      ]
    }
    guard !rows.isEmpty else { return nil }
    return StudyTable(
      caption:
        "Exposure against the truth: correlation over items (Eq. 20, mean over users) and root mean squared error.",
      table: TableValue(
        columns: [
          TableValue.Column("method", .leading), TableValue.Column("correlation"), TableValue.Column("RMSE"),
        ], rows: rows))
  }

  /// Exposure against the truth during training.
  func trace(_ results: StudyResults) -> StudyTable? {
    guard study.trace else { return nil }
    let longest = results.rows.flatMap(\.records).flatMap { $0.trace ?? [] }.compactMap(\.epoch).max() ?? 0
    let steps = [0, 1, 10, ExposureTrace.firstSteps]
    let epochs = [1, 2, 5, 10, 20, 50, longest].filter { $0 <= longest && $0 > 0 }
    let rows = results.rows.filter { row in row.records.contains { $0.trace?.isEmpty == false } }
    guard !rows.isEmpty else { return nil }
    let distinct = epochs.enumerated().filter { !epochs[..<$0.offset].contains($0.element) }.map(\.element)
    func cell(_ value: Double?) -> TableValue.Cell { value.map { .number($0, places: 3) } ?? "–" }
    return StudyTable(
      caption:
        "Correlation of the exposure with the truth during training, on at most \(ExposureTrace.mostUsers) users, mean over "
        + "runs (every point: `\(study.name).trace.csv`).",
      table: TableValue(
        columns: [TableValue.Column("method", .leading)] + steps.map { TableValue.Column("step \($0)") }
          + distinct.map { TableValue.Column("epoch \($0)") },
        rows: rows.map { row in
          [TableValue.Cell(row.label)] + steps.map { cell(StudyTraces.mean(row, step: $0)) }
            + distinct.map { cell(StudyTraces.mean(row, epoch: $0)) }
        }))
  }

  /// The same models under other conventions.
  func protocols(_ results: StudyResults) -> StudyTable? {
    guard let first = results.rows.first?.records.first?.results, first.count > 1 else { return nil }
    let picked: [(preset: Int, metric: String, title: String)] = first.indices.dropFirst().compactMap { preset in
      let names = results.metrics(preset: preset)
      guard let name = names.first(where: { $0.hasSuffix("@3") || $0.hasSuffix("@5") }) ?? names.first else {
        return nil
      }
      return (preset, name, "\(first[preset].preset) \(name)")
    }
    return StudyTable(
      caption: "The same models under other papers' conventions (all their metrics are in the CSV file).",
      table: TableValue(
        columns: [TableValue.Column("method", .leading)] + picked.map { TableValue.Column($0.title) },
        rows: results.rows.map { row in
          [TableValue.Cell(row.label)]
            + picked.map { choice in
              let means = row.runs(choice.metric, preset: choice.preset).compactMap(\.mean)
              guard !means.isEmpty else { return "–" }
              return counted(.number(RunSummary(means).mean, places: places), means.count, results)
            }
        }))
  }

  /// What was tried and chosen.
  func choices(_ results: StudyResults) -> StudyTable {
    StudyTable(
      caption: "What each row was, and what was tried for it.",
      table: TableValue(
        columns: [
          TableValue.Column("method", .leading), TableValue.Column("tried", .leading),
          TableValue.Column("configuration", .leading),
          TableValue.Column("tuning epochs"), TableValue.Column("epochs"), TableValue.Column("choice score"),
          TableValue.Column("failed"),
        ],
        rows: results.rows.map { row in
          let settings = row.choice.map { "\($0.recipe)" } ?? "took " + row.taken.joined(separator: ", ")
          let budget = study.methods.first { $0.label == row.label }.map { study.tuningEpochs($0) } ?? 0
          return [
            TableValue.Cell(row.label), TableValue.Cell(study.tried(row: row.label)), TableValue.Cell(settings),
            TableValue.Cell(budget == 0 ? "–" : NumberText.grouped(budget)),
            TableValue.Cell(row.records.first.map { "\($0.epoch)" } ?? "–"),
            row.choice?.score.map { .number($0, places: 4) } ?? "–",
            TableValue.Cell("\(row.records.count { $0.failure != nil })"),
          ]
        }))
  }
}
