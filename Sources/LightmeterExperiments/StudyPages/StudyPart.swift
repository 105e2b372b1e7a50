internal import LightmeterEvaluation

/// What one data set of a study gives to the page.
struct StudyPart: Sendable {
  let results: StudyResults
  /// The metrics of the tables, each with a cell a row.
  let metrics: [(name: String, cells: [StudyCell?])]
  /// The tuning runs of the chosen configuration, by row.
  let chosenRuns: [String: [RunRecord]]
  /// Wall time of all tuning runs, seconds, by row.
  let tuningSeconds: [String: Double]

  var label: String { results.dataset.description.label }
  var labels: [String] { results.rows.map(\.label) }

  /// Reads what tuning left.
  init(_ runner: StudyRunner, _ results: StudyResults, _ metrics: [(name: String, cells: [StudyCell?])]) throws {
    var (chosen, seconds): ([String: [RunRecord]], [String: Double]) = ([:], [:])
    for method in runner.study.methods where method.members == nil {
      let runs = try runner.study.rungs(method).indices.flatMap {
        try runner.tuningRuns(results.dataset, method, rung: $0) ?? []
      }
      let records = try runs.compactMap { try runner.store.record($0.key) }
      guard !records.isEmpty else { continue }
      seconds[method.label] = records.reduce(0) { $0 + $1.seconds }
      let row = results.rows.first { $0.label == method.label }
      // With successive halving a configuration was run in several rounds; the last round is the longest.
      let own = records.filter { $0.recipe.setting(["epochs": .number(0)]) == row?.choice?.recipe.withoutEpochs }
      let longest = own.map(\.history.count).max() ?? 0
      chosen[method.label] = own.filter { $0.history.count == longest }
    }
    self.init(results: results, metrics: metrics, chosenRuns: chosen, tuningSeconds: seconds)
  }

  init(
    results: StudyResults, metrics: [(name: String, cells: [StudyCell?])], chosenRuns: [String: [RunRecord]] = [:],
    tuningSeconds: [String: Double] = [:]
  ) {
    (self.results, self.metrics) = (results, metrics)
    (self.chosenRuns, self.tuningSeconds) = (chosenRuns, tuningSeconds)
  }

  /// A metric's cells; empty if it has none.
  func cells(_ metric: String) -> [StudyCell?] { metrics.first { $0.name == metric }?.cells ?? [] }

  /// Final runs that gave no model: label, how many of how many, and what the first one said.
  var failures: [(label: String, count: Int, of: Int, reason: String)] {
    results.rows.compactMap { row in
      let reasons = row.records.compactMap(\.failure)
      return reasons.first.map { (row.label, reasons.count, row.records.count, $0) }
    }
  }
}

extension Recipe {
  /// The recipe with a fixed number of epochs, so that rounds of one configuration compare equal.
  fileprivate var withoutEpochs: Recipe { setting(["epochs": .number(0)]) }
}
