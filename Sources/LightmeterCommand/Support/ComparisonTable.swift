internal import LightmeterEvaluation
internal import LightmeterExperiments

/// A model beside its controls: rows of metrics with intervals, and the paired difference in plain words.
struct ComparisonTable {
  private(set) var results: [ModelManifest.Result] = []
  private var rows: [(title: String, ndcg: MeasuredValue, recall: MeasuredValue)] = []

  /// Adds a row; nothing when nothing was held out.
  mutating func add(_ title: String, _ result: EvaluationResult?) throws {
    guard let result, let ndcg = result.value(.ndcg, cutoff: 20), let recall = result.value(.recall, cutoff: 20) else {
      return
    }
    rows.append((title, ndcg, recall))
    for value in [ndcg, recall] {
      guard let mean = value.mean else { continue }
      let interval = value.interval()
      results.append(
        ModelManifest.Result(
          method: title, metric: value.name, mean: mean, low: interval?.low, high: interval?.high))
    }
  }

  var text: String {
    let best = rows.compactMap { $0.ndcg.mean }.max()
    let cells = rows.map { row -> [TableValue.Cell] in
      [TableValue.Cell(row.title), cell(row.ndcg, best: best), cell(row.recall, best: nil)]
    }
    return TableValue(
      columns: [
        TableValue.Column("method", .leading), TableValue.Column("NDCG@20 [95 %]"),
        TableValue.Column("Recall@20 [95 %]"),
      ], rows: cells
    ).plain()
  }

  private func cell(_ value: MeasuredValue, best: Double?) -> TableValue.Cell {
    guard let mean = value.mean else { return TableValue.Cell("–") }
    guard let interval = value.interval() else { return .number(mean, places: 4) }
    return .interval(mean, interval.low...interval.high, places: 4, mark: mean == best ? .best : .plain)
  }

  /// One sentence per control, computed from paired differences.
  var verdict: String {
    guard let last = rows.last, rows.count > 1 else { return "" }
    return rows.dropLast().map { control in
      guard let comparison = try? PairedComparison(from: control.ndcg, to: last.ndcg) else {
        return "\(last.title) and \(control.title) share too few test users to be compared."
      }
      let difference = comparison.difference
      let size = "\(NumberText.fixed(difference.mean, places: 4)) NDCG@20 "
      let range =
        "[\(NumberText.fixed(difference.low, places: 4)), \(NumberText.fixed(difference.high, places: 4))]"
      if difference.contains(0) {
        return "\(last.title) does not differ from \(control.title) on this test: \(size)\(range)."
      }
      return difference.mean > 0
        ? "\(last.title) beats \(control.title): \(size)\(range)."
        : "\(last.title) LOSES to \(control.title): \(size)\(range). Do not ship it on this evidence."
    }.joined(separator: "\n")
  }
}
