internal import LightmeterEvaluation
internal import LightmeterKernels

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A study's numbers for machines.
struct StudyExport {
  private struct Document: Codable {
    var study: String
    var command: String
    var chosenOnTest: Bool
    var stamp: String?
    var tuning: String
    var controls: [String]
    var data: [Dataset] = []
  }
  private struct Dataset: Codable {
    var label: String
    var digest: String
    var facts: String
    var seeds: [UInt64]
    var card: ProtocolCard?
    var rows: [Row] = []
  }
  private struct Row: Codable {
    var method: String
    var recipe: Recipe?
    var epoch: Int?
    var choiceScore: Double?
    var taken: [String]
    var failures: [String]
    var exposureCorrelation: [Double]
    var values: [Value] = []
  }
  private struct Value: Codable {
    var preset: String
    var metric: String
    var bySeed: [Double]
    var mean: Double
    var standardDeviation: Double?
    var interval: [Double]?
    var comparisons: [Comparison] = []
    var users: Int
  }
  private struct Comparison: Codable {
    var control: String
    var difference: Double
    var low: Double
    var high: Double
    var pHolm: Double
    var detectable: Double
  }

  private var document: Document
  private var lines = [
    "data,protocol,method,metric,users,seeds,mean,sd,low,high,difference,difference_low,difference_high,p_holm,detectable,chosen_on_test"
  ]

  init(study: Study, command: String) {
    document = Document(
      study: study.name, command: command, chosenOnTest: study.chosenOnTest, stamp: study.stamp,
      tuning: study.tuning.name,
      controls: study.controls)
  }

  mutating func add(_ results: StudyResults, _ cells: [String: [StudyCell?]]) throws {
    var set = Dataset(
      label: results.dataset.description.label, digest: results.dataset.digest, facts: results.dataset.facts,
      seeds: results.seeds, card: results.rows.first?.records.first?.results.first?.protocolCard)
    set.rows = results.rows.map { row in
      Row(
        method: row.label, recipe: row.choice?.recipe, epoch: row.records.first?.epoch,
        choiceScore: row.choice?.score, taken: row.taken,
        failures: row.records.compactMap(\.failure),
        exposureCorrelation: row.records.compactMap { $0.exposure?.correlation })
    }
    for metric in results.metrics() {
      for (place, cell) in (cells[metric] ?? []).enumerated() {
        if let cell { set.rows[place].values.append(value(cell, metric)) }
      }
    }
    let presets = results.rows.first?.records.first?.results.count ?? 0
    for preset in 1..<max(1, presets) {
      for metric in results.metrics(preset: preset) {
        for (place, row) in results.rows.enumerated() {
          let runs = row.runs(metric, preset: preset)
          let means = runs.compactMap(\.mean)
          guard let first = runs.first, means.count == runs.count else { continue }
          let summary = RunSummary(means)
          set.rows[place].values.append(
            Value(
              preset: first.card.preset, metric: metric, bySeed: means, mean: summary.mean,
              standardDeviation: summary.standardDeviation, users: first.users.count))
        }
      }
    }
    for row in set.rows { for value in row.values { lines.append(line(set.label, row.method, value)) } }
    document.data.append(set)
  }

  private func value(_ cell: StudyCell, _ metric: String) -> Value {
    Value(
      preset: cell.averaged.card.preset, metric: metric, bySeed: cell.summary.values, mean: cell.summary.mean,
      standardDeviation: cell.summary.standardDeviation, interval: cell.interval.map { [$0.low, $0.high] },
      comparisons: cell.comparisons.sorted { $0.key < $1.key }.map { control, found in
        let paired = found.paired
        return Comparison(
          control: control, difference: paired.difference.mean, low: paired.difference.low,
          high: paired.difference.high, pHolm: found.corrected, detectable: paired.minimumDetectable)
      }, users: cell.averaged.users.count)
  }

  private func line(_ data: String, _ method: String, _ value: Value) -> String {
    func number(_ number: Double?) -> String { number.map(NumberText.exact) ?? "" }
    let first = value.comparisons.first { $0.control == document.controls.first }
    return [
      CSVField.quoted(data), value.preset, CSVField.quoted(method), value.metric, "\(value.users)",
      "\(value.bySeed.count)",
      number(value.mean), number(value.standardDeviation), number(value.interval?.first), number(value.interval?.last),
      number(first?.difference), number(first?.low), number(first?.high), number(first?.pHolm),
      number(first?.detectable), "\(document.chosenOnTest)",
    ].joined(separator: ",")
  }

  var csv: String { lines.joined(separator: "\n") + "\n" }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
  }
}
