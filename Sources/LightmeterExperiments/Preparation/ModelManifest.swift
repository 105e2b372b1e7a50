#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
public import LightmeterEvaluation
public import LightmeterFeedback
public import LightmeterServing
public import LightmeterTraining

/// What a model file says of itself: the JSON that rooms below keep without reading.
///
/// It holds no time of day and no wall times, so that a resumed run ends in the bytes of an unbroken one.
public struct ModelManifest: Sendable, Codable {
  /// One measured number with its interval.
  public struct Result: Sendable, Codable {
    /// Row of the comparison.
    public var method: String
    /// Metric with cutoff.
    public var metric: String
    /// Mean over users.
    public var mean: Double
    /// Lower end of the 95 % interval over users; nil where there were too few.
    public var low: Double?
    /// Upper end.
    public var high: Double?

    /// One number of the comparison.
    public init(method: String, metric: String, mean: Double, low: Double?, high: Double?) {
      (self.method, self.metric, self.mean, self.low, self.high) = (method, metric, mean, low, high)
    }
  }

  /// Version of the library that wrote the file.
  public var version: String
  /// What was trained.
  public var recipe: Recipe
  /// The run's seed.
  public var seed: UInt64
  /// File or pipe the log came from.
  public var source: String
  /// Digest of the log's rows.
  public var dataDigest: String
  /// The rule that made positives.
  public var positiveRule: String
  /// What was done to the log.
  public var data: TrainingDataSummary
  /// How the test was held out.
  public var split: String
  /// The comparison with its controls.
  public var results: [Result]
  /// The protocol behind `results`.
  public var card: ProtocolCard?
  /// One record per epoch, wall times left out.
  public var history: [EpochRecord]
  /// What a new user's or item's row minimises; nil where there is no such thing.
  public var foldIn: FoldInObjective?
  /// Why there is none.
  public var foldInUnavailable: String?

  /// What later updates changed, the first first; nil for a model that was trained at once.
  public var updates: [UpdateReport]?

  /// As JSON with sorted keys.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// Reads a manifest; nil when the text is none.
  public init?(json: String) {
    guard let read = try? JSONDecoder().decode(ModelManifest.self, from: Data(json.utf8)) else { return nil }
    self = read
  }

  init(
    recipe: Recipe, seed: UInt64, log: LoadedLog, data: TrainingDataSummary, split: String, results: [Result],
    card: ProtocolCard?, history: [EpochRecord], foldIn rule: FoldInRule
  ) {
    version = lightmeterVersion
    (self.recipe, self.seed, source, dataDigest) = (recipe, seed, log.report.file, log.digest)
    (positiveRule, self.data, self.split) = (log.rule.description, data, split)
    (self.results, self.card) = (results, card)
    self.history = history.map { record in
      var timeless = record
      timeless.seconds = 0
      return timeless
    }
    switch rule {
    case .objective(let objective): foldIn = objective
    case .unavailable(let reason): foldInUnavailable = reason
    }
  }
}

/// The library's version, as `lightmeter --version` prints it.
public let lightmeterVersion = "0.1.0"
