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
    var values: Packed<UInt64>
  }
  private var card: ProtocolCard
  private var userLists: [Packed<UInt32>]
  private var columns: [Column]

  init(_ result: EvaluationResult) { self.init(card: result.card, values: result.values) }

  init(card: ProtocolCard, values: [MeasuredValue]) {
    self.card = card
    var lists: [[Int32]] = []
    columns = values.map { value in
      let place = lists.firstIndex(of: value.users) ?? lists.count
      if place == lists.count { lists.append(value.users) }
      let bits = value.perUser.map(\.bitPattern)
      return Column(metric: value.metric, cutoff: value.cutoff, users: place, values: Packed(bits: bits))
    }
    userLists = lists.map { Packed(bits: $0.map { UInt32(bitPattern: $0) }) }
  }

  private enum CodingKeys: String, CodingKey { case card, userLists, columns }

  /// Reads a result.
  ///
  /// - Throws: `DecodingError` where a column is damaged or has not as many values as users.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    card = try fields.decode(ProtocolCard.self, forKey: .card)
    userLists = try fields.decode([Packed<UInt32>].self, forKey: .userLists)
    columns = try fields.decode([Column].self, forKey: .columns)
    for column in columns {
      guard userLists.indices.contains(column.users),
        userLists[column.users].bits.count == column.values.bits.count
      else {
        throw DecodingError.dataCorruptedError(
          forKey: .columns, in: fields, debugDescription: "a column has not as many values as users")
      }
    }
  }

  /// The protocol's name.
  public var preset: String { card.preset }
  /// What the numbers mean.
  public var protocolCard: ProtocolCard { card }

  /// The values, unpacked.
  public func values() -> [MeasuredValue] {
    let lists = userLists.map { $0.bits.map { Int32(bitPattern: $0) } }
    return columns.map { column in
      MeasuredValue(
        metric: column.metric, cutoff: column.cutoff, users: lists[column.users],
        perUser: column.values.bits.map { Double(bitPattern: $0) }, card: card)
    }
  }
}

/// A column of numbers as Base64 of their little-endian bytes: exact, and a third of the digits.
struct Packed<Bits: FixedWidthInteger & Sendable>: Codable, Sendable {
  var bits: [Bits]

  init(bits: [Bits]) { self.bits = bits }

  init(from decoder: any Decoder) throws {
    let field = try decoder.singleValueContainer()
    let width = Bits.bitWidth / 8
    guard let data = Data(base64Encoded: try field.decode(String.self)), data.count % width == 0 else {
      throw DecodingError.dataCorruptedError(in: field, debugDescription: "no column of \(width)-byte numbers")
    }
    let bytes = [UInt8](data)
    bits = (0..<bytes.count / width).map { k in
      (0..<width).reduce(Bits.zero) { $0 | Bits(truncatingIfNeeded: bytes[k * width + $1]) << (8 * $1) }
    }
  }

  func encode(to encoder: any Encoder) throws {
    var data = Data()
    for value in bits {
      for byte in 0..<Bits.bitWidth / 8 { data.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }
    var field = encoder.singleValueContainer()
    try field.encode(data.base64EncodedString())
  }
}
