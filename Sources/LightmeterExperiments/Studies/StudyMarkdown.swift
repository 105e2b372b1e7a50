internal import LightmeterEvaluation
internal import LightmeterKernels

/// The Markdown page of a study.
struct StudyMarkdown {
  let study: Study
  let command: String
  private(set) var text = ""
  private var tables: [(title: String, table: TableValue)] = []

  init(study: Study, command: String) { (self.study, self.command) = (study, command) }

  var places: Int { study.report.places }

  private mutating func line(_ line: String = "") { text += line + "\n" }

  mutating func table(_ title: String, _ table: TableValue) {
    tables.append((title, table))
    line("\(title)\n")
    line(table.markdown())
  }

  mutating func head(_ results: [StudyResults], absent: [(label: String, reason: String)]) {
    line("# \(study.name)\n")
    if !study.summary.isEmpty { line("\(study.summary)\n") }
    if let stamp = study.stamp { line("**\(stamp)**\n") }
    line("Made by\n\n```\n\(command)\n```\n")
    line(tuning)
    for set in absent { line("\nWithout \(set.label): \(set.reason).") }
    for (label, reason) in study.absentMethods.sorted(by: { $0.key < $1.key }) {
      line("\nWithout \(label): \(reason).")
    }
    line()
  }

  private var tuning: String {
    guard study.tuning.metric != nil else { return "Nothing was tuned: every row is one fixed configuration." }
    let tuned = study.methods.filter { study.isTuned($0) }
    let budgets = tuned.map { study.tuningEpochs($0) }
    let (least, most) = (budgets.min() ?? 0, budgets.max() ?? 0)
    return
      "Chosen by \(study.tuning.name), by \(study.tuning.searchName), on \(study.tuning.seeds.count) tuning seed(s) that "
      + "no table uses; at most \(study.tuning.configurations) configurations a method (the largest search here has "
      + "\(tuned.map(\.grid.count).max() ?? 1), each row's own number stands in its last table)"
      + (study.tuning.checkpoints.isEmpty
        ? "." : ", each scored after \(study.tuning.checkpoints.map(String.init).joined(separator: ", ")) epochs.")
      + " Tuning budget of a method: \(NumberText.grouped(most)) epochs"
      + (least == most ? ", the same for all." : " at most, \(NumberText.grouped(least)) at least.")
      + (study.tuning.metric?.readsTest == true ? "" : " Test data was opened after tuning only.")
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
    addTrace(results)
    addProtocols(results)
    addChoices(results)
    if let card = results.rows.lazy.compactMap({ $0.records.first?.results.first?.protocolCard }).last {
      line("Protocol card (of the last row):\n\n```\n\(card)\n```\n")
    }
  }

  mutating func foot(_ results: [StudyResults]) {
    for note in study.report.notes { line("- \(note)") }
    if !study.report.notes.isEmpty { line() }
    line("Times and memory of the runs, and the machine, stand in `\(study.name).costs.csv`.")
  }

  /// The tables for a paper.
  var latex: String {
    var text = "% \(study.name): made by\n"
    text += command.split(separator: "\n").map { "%   \($0)\n" }.joined()
    if let stamp = study.stamp { text += "% \(stamp)\n" }
    for (title, table) in tables {
      text += "\n% \(title)\n\(table.latex())"
      if let stamp = study.stamp { text += "\\par\\textbf{\(Escaping.latex(stamp))}\n" }
    }
    return text
  }
}
