public import LightmeterEvaluation
internal import LightmeterFeedback
internal import LightmeterKernels

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A study as its file says it: data × protocol × methods × search × seeds. Checked whole before anything runs.
///
/// - Stability: experimental
public struct Study: Sendable {
  /// Its name; also that of the report's files.
  public let name: String
  /// What it asks, in a sentence or two for the head of the report.
  public let summary: String
  /// The data sets, each with a label.
  public let data: [StudyData]
  /// How models are scored.
  public let scoring: StudyScoring
  /// The rows of the tables.
  public let methods: [StudyMethod]
  /// How configurations and epochs are chosen.
  public let tuning: StudyTuning
  /// Seeds of the final runs.
  public let seeds: [UInt64]
  /// Labels of the rows that paired differences are taken from.
  public let controls: [String]
  /// What is printed.
  public let report: StudyReportOptions

  static let keys = [
    "name", "summary", "data", "protocol", "methods", "search", "tuning", "seeds", "controls", "report",
  ]

  /// Reads and checks a study file.
  ///
  /// - Throws: ``StudyError``, one sentence that names the place.
  public init(file: String) throws {
    let bytes: [UInt8]
    do { bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file))) } catch {
      throw StudyError.file(path: file, reason: "it does not exist or may not be read")
    }
    try self.init(bytes: bytes, file: file)
  }

  /// Checks the text of a study.
  ///
  /// - Parameter file: what mistakes name.
  public init(text: String, file: String = "the study") throws { try self.init(bytes: Array(text.utf8), file: file) }

  private init(bytes: [UInt8], file: String) throws {
    let document: StudyYAML.Document
    do { document = try StudyYAML.parse(bytes) } catch {
      throw StudyError.syntax(file: file, line: error.line, reason: error.reason)
    }
    do { try self.init(tree: document.tree) } catch let error as StudyError {
      throw error.located(in: file, document.lines)
    }
  }

  init(tree: StudyTree) throws {
    let keys = try StudyKeys(tree, at: "study", keys: Study.keys)
    name = try keys.required("name")
    summary = try keys.text("summary") ?? ""
    guard let dataTree = keys.map["data"] else { throw StudyError.missingKey("data", at: "study") }
    if case .list(let list) = dataTree {
      data = try list.enumerated().map { try StudyData(checking: $0.element, at: "data[\($0.offset)]") }
    } else {
      data = [try StudyData(checking: dataTree, at: "data")]
    }
    scoring = try StudyScoring(keys.map["protocol"] ?? .map([:]))
    tuning = try StudyTuning(keys.map["tuning"] ?? .map([:]))
    let shared = try SearchSpace(keys.map["search"] ?? .map([:]), at: "search")
    guard let list = try keys.list("methods"), !list.isEmpty else {
      throw StudyError.missingKey("methods", at: "study")
    }
    methods = try list.enumerated().map { try StudyMethod($0.element, at: "methods[\($0.offset)]", shared: shared) }
    seeds = try Study.seeds(keys, "seeds", standard: [1, 2, 3, 4, 5])
    let labels = methods.map(\.label)
    controls = try keys.texts("controls") ?? [labels.first { $0 == "MF" } ?? labels[0]]
    report = try StudyReportOptions(keys.map["report"] ?? .map([:]))
    try checkWhole()
  }

  static func seeds(_ keys: StudyKeys, _ key: String, standard: [UInt64]) throws -> [UInt64] {
    guard let tree = keys.map[key] else { return standard }
    if case .number = tree { return (1...(try keys.integer(key, in: 1...1000) ?? 1)).map { UInt64($0) } }
    guard let list = try keys.integers(key), !list.isEmpty, Set(list).count == list.count else {
      throw keys.bad(key, "a count, or a list of different seeds")
    }
    return list.map { UInt64($0) }
  }

  private func checkWhole() throws {
    let labels = methods.map(\.label)
    for (k, label) in labels.enumerated() where labels[..<k].contains(label) {
      throw StudyError.badValue(at: "methods[\(k)].label", value: "'\(label)'", allowed: "a label of its own")
    }
    for control in controls where !labels.contains(control) {
      throw StudyError.badValue(at: "controls", value: "'\(control)'", allowed: labels.joined(separator: ", "))
    }
    let sets = data.map(\.label)
    for (k, label) in sets.enumerated() where sets[..<k].contains(label) {
      throw StudyError.badValue(at: "data[\(k)].label", value: "'\(label)'", allowed: "a label of its own")
    }
    for (k, method) in methods.enumerated() {
      for member in method.members ?? [] where !labels.contains(member) {
        throw StudyError.badValue(
          at: "methods[\(k)].selectAmong", value: "'\(member)'", allowed: labels.joined(separator: ", "))
      }
      if method.members != nil, tuning.metric?.readsSlice != true {
        throw StudyError.badValue(
          at: "tuning.metric", value: "'\(tuning.name)'",
          allowed: "slice-auc or slice-user-auc where a row is selected on it")
      }
      if method.grid.count > tuning.configurations {
        throw StudyError.badValue(
          at: "methods[\(k)].search", value: "\(method.grid.count) configurations",
          allowed: "at most \(tuning.configurations), the budget of every method (tuning.configurations)")
      }
      if method.grid.count > 1, tuning.metric == nil {
        throw StudyError.badValue(
          at: "methods[\(k)].search", value: "\(method.grid.count) configurations",
          allowed: "one, because tuning.metric is none and nothing can choose")
      }
    }
  }
}

/// How models are scored.
public struct StudyScoring: Sendable {
  /// The protocols; empty for worlds, whose metric is NDCG against the true relevance.
  public let presets: [ProtocolPreset]
  /// Cutoffs that replace the protocols' own.
  public let cutoffs: [Int]?
  /// Whether every protocol that the test supports is scored in the same pass.
  public let includesAll: Bool
  /// The stream for recipes that name none.
  public let stream: String?

  init(_ tree: StudyTree) throws {
    let keys = try StudyKeys(tree, at: "protocol", keys: ["presets", "cutoffs", "metrics", "stream", "allPresets"])
    cutoffs = try keys.integers("cutoffs")
    if let cutoffs, cutoffs.isEmpty || cutoffs.contains(0) { throw keys.bad("cutoffs", "ranks of at least 1") }
    stream = try keys.text("stream")
    if let stream, TrainingStream(parsing: stream) == nil { throw keys.bad("stream", "sampled:K, all or rated") }
    includesAll = try keys.flag("allPresets") ?? false
    let metrics = try keys.texts("metrics")?.map { name throws(StudyError) -> RankingMetric in
      guard let metric = RankingMetric(rawValue: name) else {
        throw keys.bad("metrics", RankingMetric.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return metric
    }
    let wanted = cutoffs
    presets = try (keys.texts("presets") ?? ["strict"]).map { name throws(StudyError) -> ProtocolPreset in
      guard var preset = ProtocolPreset.named(name) else {
        throw keys.bad("presets", ProtocolPreset.all.map(\.name).joined(separator: ", "))
      }
      if let wanted { preset.cutoffs = wanted }
      if let metrics, !metrics.isEmpty { preset.metrics = metrics }
      return preset
    }
    guard !presets.isEmpty else { throw keys.bad("presets", "at least one protocol") }
  }
}

/// What is printed.
public struct StudyReportOptions: Sendable {
  /// Published values beside ours.
  public struct Reference: Sendable, Hashable {
    /// Where they stand.
    public let title: String
    /// Mean and deviation by method label and metric.
    public let values: [String: [String: [Double]]]
  }

  /// Names of the metrics in the tables, in order; empty: all of the first protocol.
  public let metrics: [String]
  /// Metrics with a table of intervals and paired differences; empty: all in the tables.
  public let paired: [String]
  /// Whether the last epoch stands beside the chosen one.
  public let lastEpoch: Bool
  /// Decimals.
  public let places: Int
  /// Published values.
  public let reference: Reference?
  /// Sentences for the foot of the report.
  public let notes: [String]

  init(_ tree: StudyTree) throws {
    let keys = try StudyKeys(
      tree, at: "report", keys: ["metrics", "paired", "lastEpoch", "places", "reference", "notes"])
    metrics = try keys.texts("metrics") ?? []
    paired = try keys.texts("paired") ?? []
    lastEpoch = try keys.flag("lastEpoch") ?? false
    places = try keys.integer("places", in: 1...8) ?? 3
    notes = try keys.texts("notes") ?? []
    guard let tree = keys.map["reference"] else {
      reference = nil
      return
    }
    let inner = try StudyKeys(tree, at: "report.reference", keys: ["title", "values"])
    guard case .map(let rows) = inner.map["values"] else { throw inner.bad("values", "values by label and metric") }
    var values: [String: [String: [Double]]] = [:]
    for (label, row) in rows {
      guard case .map(let cells) = row else { throw inner.bad("values", "values by label and metric") }
      for (metric, cell) in cells {
        guard case .list(let pair) = cell else { throw inner.bad("values", "[mean, deviation] for \(label) \(metric)") }
        values[label, default: [:]][metric] = pair.compactMap { if case .number(let x) = $0 { x } else { nil } }
      }
    }
    reference = Reference(title: try inner.required("title"), values: values)
  }
}
