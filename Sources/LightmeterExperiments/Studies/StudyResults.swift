internal import LightmeterEvaluation
internal import LightmeterModels

/// One row of a study's tables on one data set, with everything that its runs left.
struct StudyRow: Sendable {
  let label: String
  /// Records by seed, in the order of the study's seeds.
  let records: [RunRecord]
  /// What tuning chose; nil for rows that choose among others.
  let choice: StudyChoice?
  /// Labels that a choosing row took, one per seed; empty for other rows.
  let taken: [String]

  /// A metric of the chosen epoch (or of the last one) in every run.
  func runs(_ metric: String, preset: Int = 0, last: Bool = false) -> [MeasuredValue] {
    records.compactMap { record in
      let results = last ? record.lastResults : record.results
      return preset < results.count ? results[preset].values().first { $0.name == metric } : nil
    }
  }
}

/// A metric of a row: over seeds, over users, and against the controls.
struct StudyCell: Sendable {
  let summary: RunSummary
  let averaged: MeasuredValue
  let interval: ConfidenceInterval?
  /// By control.
  var comparisons: [String: StudyComparison] = [:]
  var mark = TableValue.Mark.plain
}

/// A row's paired difference from a control.
struct StudyComparison: Sendable {
  let paired: PairedComparison
  /// P-value by Holm's rule over the rows.
  var corrected: Double

  /// Whether it is significant at 5 % after the correction.
  var isSignificant: Bool { corrected < 0.05 }
}

/// A data set's rows.
struct StudyResults: Sendable {
  let dataset: StudyDataset
  let rows: [StudyRow]
  let seeds: [UInt64]
  let controls: [String]

  /// Reads the rows from the store.
  ///
  /// - Parameters:
  ///   - partial: takes the seeds for which every row is done, instead of refusing.
  /// - Throws: ``StudyError/unfinished(missing:of:)``.
  static func read(_ runner: StudyRunner, _ dataset: StudyDataset, partial: Bool) throws -> StudyResults {
    var found: [String: (choice: StudyChoice, records: [UInt64: RunRecord])] = [:]
    var (missing, total) = (0, 0)
    for method in runner.study.methods where method.members == nil {
      total += runner.study.seeds.count
      guard let choice = try runner.choice(dataset, method), let runs = try runner.finalRuns(dataset, method) else {
        missing += runner.study.seeds.count
        continue
      }
      var records: [UInt64: RunRecord] = [:]
      for run in runs { records[run.seed] = try runner.store.record(run.key) }
      missing += runs.count - records.count
      found[method.label] = (choice, records)
    }
    let own = runner.study.methods.filter { $0.members == nil }
    let complete = runner.study.seeds.filter { seed in own.allSatisfy { found[$0.label]?.records[seed] != nil } }
    if complete.isEmpty || (missing > 0 && !partial) { throw StudyError.unfinished(missing: missing, of: total) }
    let rows = runner.study.methods.map { method in
      guard let members = method.members else {
        let row = found[method.label]
        return StudyRow(
          label: method.label, records: complete.compactMap { row?.records[$0] }, choice: row?.choice, taken: [])
      }
      let best = complete.compactMap { seed in
        members.compactMap { label in found[label]?.records[seed].map { (label: label, record: $0) } }
          .max { score($0.record, by: method.measure) < score($1.record, by: method.measure) }
      }
      return StudyRow(label: method.label, records: best.map(\.record), choice: nil, taken: best.map(\.label))
    }
    return StudyResults(dataset: dataset, rows: rows, seeds: complete, controls: runner.study.controls)
  }

  /// The choice metric at the epoch that the tables show.
  private static func score(_ record: RunRecord, by measure: SliceMeasure?) -> Double {
    let score = record.scores.first { $0.epoch == record.epoch } ?? record.scores.last
    return (measure.map { score?.measures?[$0.rawValue] } ?? score?.value) ?? -.infinity
  }

  /// Names of the metrics of a protocol, in its order.
  func metrics(preset: Int = 0) -> [String] {
    guard let record = rows.first(where: { !($0.records.first?.results.isEmpty ?? true) })?.records.first,
      preset < record.results.count
    else { return [] }
    return record.results[preset].values().map(\.name)
  }

  /// Every row's cell of a metric; nil where the row has no result.
  ///
  /// The best row is marked, and with it those whose paired difference to it is not significant at 5 % after Holm's
  /// correction over the rows.
  func cells(_ metric: String, last: Bool = false) throws -> [StudyCell?] {
    var cells = try rows.map { try cell(of: $0, metric, last: last) }
    for control in controls { try compare(&cells, with: control) }
    try mark(&cells)
    return cells
  }

  private func compare(_ cells: inout [StudyCell?], with control: String) throws {
    guard let place = rows.firstIndex(where: { $0.label == control }), let base = cells[place] else { return }
    var found: [(place: Int, paired: PairedComparison)] = []
    for (other, cell) in cells.enumerated() where other != place {
      if let cell { found.append((other, try PairedComparison(from: base.averaged, to: cell.averaged))) }
    }
    let corrected = Power.holm(found.map(\.paired.probability))
    for (k, entry) in found.enumerated() {
      cells[entry.place]?.comparisons[control] = StudyComparison(paired: entry.paired, corrected: corrected[k])
    }
  }

  private func cell(of row: StudyRow, _ metric: String, last: Bool) throws -> StudyCell? {
    let runs = row.runs(metric, last: last)
    let means = runs.compactMap(\.mean)
    guard !runs.isEmpty, means.count == runs.count else { return nil }
    let averaged = try StudyResults.averaged(runs)
    return StudyCell(summary: RunSummary(means), averaged: averaged, interval: averaged.interval())
  }

  private func mark(_ cells: inout [StudyCell?]) throws {
    let present = cells.indices.filter { cells[$0] != nil }
    func mean(_ place: Int) -> Double { cells[place]?.summary.mean ?? -.infinity }
    guard present.count > 1, let best = present.max(by: { mean($0) < mean($1) }), let top = cells[best] else { return }
    let others = present.filter { $0 != best }
    let probabilities = try others.map { place in
      try cells[place].map { try PairedComparison(from: $0.averaged, to: top.averaged).probability } ?? 1
    }
    for (place, probability) in zip(others, Power.holm(probabilities)) where probability >= 0.05 {
      cells[place]?.mark = .tied
    }
    cells[best]?.mark = .best
  }

  /// Each user's mean over the runs in which it counts: with a slice per seed a user may lack a test positive in one.
  static func averaged(_ runs: [MeasuredValue]) throws -> MeasuredValue {
    if runs.allSatisfy({ $0.users == runs[0].users }) { return try MeasuredValue.averaged(runs) }
    var sums: [Int32: (sum: Double, count: Int)] = [:]
    for run in runs {
      for (user, value) in zip(run.users, run.perUser) {
        let old = sums[user] ?? (0, 0)
        sums[user] = (old.sum + value, old.count + 1)
      }
    }
    let users = sums.keys.sorted()
    var card = runs[0].card
    card.run.seeds = runs.flatMap(\.card.run.seeds)
    return MeasuredValue(
      metric: runs[0].metric, cutoff: runs[0].cutoff, users: users,
      perUser: users.map { user in sums[user].map { $0.sum / Double($0.count) } ?? 0 }, card: card)
  }
}
