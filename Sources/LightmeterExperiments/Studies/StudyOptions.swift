public import LightmeterEvaluation
internal import LightmeterFeedback

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
