internal import LightmeterEvaluation
internal import LightmeterKernels

/// The Markdown page of a study.
struct StudyMarkdown {
  let study: Study
  let command: String
  private(set) var text = ""
  private var tables: [StudyTable] = []

  init(study: Study, command: String) { (self.study, self.command) = (study, command) }

  private mutating func line(_ line: String = "") { text += line + "\n" }

  private mutating func add(_ table: StudyTable?) {
    guard let table else { return }
    tables.append(table)
    line("\(table.caption)\n")
    line(table.table.markdown())
  }

  mutating func head(_ results: [StudyResults], absent: [(label: String, reason: String)]) {
    line("# \(study.name)\n")
    if !study.summary.isEmpty { line("\(study.summary)\n") }
    if let stamp = study.stamp { line("**\(stamp)**\n") }
    line("Made by\n\n```\n\(command)\n```\n")
    line(study.tuningSentence)
    for set in absent { line("\nWithout \(set.label): \(set.reason).") }
    for (label, reason) in study.absentMethods.sorted(by: { $0.key < $1.key }) {
      line("\nWithout \(label): \(reason).")
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
    let tables = StudyTables(study: study)
    let metrics = try tables.metrics(results, known)
    add(tables.main(results, metrics))
    for metric in metrics where tables.isPaired(metric.name) {
      for control in results.controls { add(tables.differences(results, metric, control)) }
      line(tables.sentence(results, metric.name, metric.cells) + "\n")
    }
    add(try tables.lastEpoch(results, metrics.map(\.name)))
    add(tables.reference(results, metrics))
    add(tables.exposure(results))
    add(tables.trace(results))
    add(tables.protocols(results))
    add(tables.choices(results))
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
    for table in tables {
      text += "\n% \(table.caption)\n\(table.table.latex())"
      if let stamp = study.stamp { text += "\\par\\textbf{\(Escaping.latex(stamp))}\n" }
    }
    return text
  }
}
