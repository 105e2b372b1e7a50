public import LightmeterEvaluation
public import LightmeterFeedback
public import LightmeterTraining

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What one run left behind: enough for every table, interval and paired difference without training again.
public struct RunRecord: Codable, Sendable {
  /// Tuning or final.
  public enum Phase: String, Codable, Sendable { case tune, final }

  /// A choice metric after an epoch.
  public struct Score: Codable, Sendable, Hashable {
    /// Epochs done; 0 for untrained methods.
    public var epoch: Int
    /// The value.
    public var value: Double
    /// Other measures of the slice, by name, where a row of the study chooses by them.
    public var measures: [String: Double]?
  }

  /// The exposure of a model against the truth of a world.
  public struct Exposure: Codable, Sendable, Hashable {
    /// Mean correlation over users.
    public var correlation: Double?
    /// Root mean squared error.
    public var error: Double
  }

  /// The exposure against the truth during training.
  public struct TracePoint: Codable, Sendable, Hashable {
    /// Steps done, for points within the first epochs; nil for points after an epoch.
    public var step: Int?
    /// Epochs done; nil for points after a step.
    public var epoch: Int?
    /// Mean correlation over users; nil where it is defined for none.
    public var correlation: Double?
    /// Root mean squared error.
    public var error: Double
  }

  /// Form of the record.
  public var format = 1
  /// Content address.
  public var key: String
  /// Phase.
  public var phase: Phase
  /// Label of the data set.
  public var data: String
  /// Digest of the data.
  public var dataDigest: String
  /// Label of the row.
  public var method: String
  /// The whole recipe.
  public var recipe: Recipe
  /// Seed.
  public var seed: UInt64
  /// Choice metric by epoch; empty without one.
  public var scores: [Score] = []
  /// Test results at the chosen epoch; empty in tuning runs.
  public var results: [StoredResult] = []
  /// Test results at the last epoch, where asked for.
  public var lastResults: [StoredResult] = []
  /// The epoch that `results` belong to.
  public var epoch = 0
  /// Exposure against the truth, in worlds.
  public var exposure: Exposure?
  /// The exposure during training, where asked for.
  public var trace: [TracePoint]?
  /// What the lists hold by popularity of the items; nil in older records and where users are tested on lists of their own.
  public var deciles: PopularityDeciles?
  /// Mean exposure by activity and popularity; nil in older records and for models without exposure.
  public var exposureMap: ExposureMap?
  /// Training epochs.
  public var history: [EpochRecord] = []
  /// Training data, as its builder says.
  public var summary: TrainingDataSummary?
  /// Why the run gave no model; nil if it did.
  public var failure: String?
  /// Wall time of the run, data building and scoring included, seconds.
  public var seconds = 0.0
  /// Peak memory of the process so far, bytes.
  public var peakBytes = 0
}

/// An `EvaluationResult` with its per-user values packed.
public struct StoredResult: Codable, Sendable {
  private struct Column: Codable, Sendable {
    var metric: RankingMetric
    var cutoff: Int?
    var users: Int
    var values: String
  }
  private var card: ProtocolCard
  private var userLists: [String]
  private var columns: [Column]

  init(_ result: EvaluationResult) { self.init(card: result.card, values: result.values) }

  init(card: ProtocolCard, values: [MeasuredValue]) {
    self.card = card
    var lists: [[Int32]] = []
    columns = values.map { value in
      let place = lists.firstIndex(of: value.users) ?? lists.count
      if place == lists.count { lists.append(value.users) }
      return Column(metric: value.metric, cutoff: value.cutoff, users: place, values: Packed.text(value.perUser))
    }
    userLists = lists.map(Packed.text)
  }

  /// The protocol's name.
  public var preset: String { card.preset }
  /// What the numbers mean.
  public var protocolCard: ProtocolCard { card }

  /// The values, unpacked.
  public func values() -> [MeasuredValue] {
    let lists = userLists.map { Packed.array($0, of: Int32.self) }
    return columns.map { column in
      MeasuredValue(
        metric: column.metric, cutoff: column.cutoff, users: lists[column.users],
        perUser: Packed.array(column.values, of: Double.self), card: card)
    }
  }
}

/// Columns of numbers as Base64 of their little-endian bytes: exact, and a third of the digits.
enum Packed {
  static func text(_ values: [Double]) -> String { text(bits: values.map(\.bitPattern)) }
  static func text(_ values: [Int32]) -> String { text(bits: values.map { UInt32(bitPattern: $0) }) }

  private static func text<T: FixedWidthInteger>(bits: [T]) -> String {
    var data = Data()
    for value in bits {
      for byte in 0..<T.bitWidth / 8 { data.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }
    return data.base64EncodedString()
  }

  static func array(_ text: String, of: Double.Type) -> [Double] {
    bits(text, of: UInt64.self).map { Double(bitPattern: $0) }
  }
  static func array(_ text: String, of: Int32.Type) -> [Int32] {
    bits(text, of: UInt32.self).map { Int32(bitPattern: $0) }
  }

  private static func bits<T: FixedWidthInteger>(_ text: String, of: T.Type) -> [T] {
    let bytes = [UInt8](Data(base64Encoded: text) ?? Data())
    let width = T.bitWidth / 8
    return (0..<bytes.count / width).map { k in
      (0..<width).reduce(T.zero) { $0 | T(truncatingIfNeeded: bytes[k * width + $1]) << (8 * $1) }
    }
  }
}
