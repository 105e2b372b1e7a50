/// One metric's values, user by user, with the card that says what they mean.
///
/// Printing it prints the card: a number without its protocol cannot be compared.
///
/// - Stability: stable
public struct MeasuredValue: Sendable, Codable, Hashable {
  /// Which metric.
  public let metric: RankingMetric
  /// Its cutoff; nil where it has none.
  public let cutoff: Int?
  /// The users that count, ascending.
  public let users: [Int32]
  /// The metric of each, parallel to `users`.
  public let perUser: [Double]
  /// What the number means.
  public let card: ProtocolCard

  /// Wraps per-user values.
  ///
  /// - Precondition: as many users as values, users ascending.
  public init(metric: RankingMetric, cutoff: Int?, users: [Int32], perUser: [Double], card: ProtocolCard) {
    precondition(users.count == perUser.count, "\(users.count) users with \(perUser.count) values")
    self.metric = metric
    self.cutoff = cutoff
    self.users = users
    self.perUser = perUser
    self.card = card
  }

  /// Short name with cutoff: `NDCG@20`.
  public var name: String { metric.name(cutoff: cutoff) }

  /// Mean over the users that count, nil without any; summed in user order.
  public var mean: Double? { perUser.isEmpty ? nil : perUser.reduce(0, +) / Double(perUser.count) }

  /// 95 % percentile interval of the mean by bootstrap over users, nil with fewer than two.
  public func interval(seed: UInt64 = 0) -> ConfidenceInterval? {
    Bootstrap(seed: seed).interval(ofMean: perUser)
  }
}

extension MeasuredValue: CustomStringConvertible {
  /// The value with its interval, then the card.
  public var description: String { "\(valueText)\n\(card)" }

  var valueText: String {
    guard let mean else { return "\(name) undefined: no user counts" }
    let range = interval().map { " [\(decimal($0.low, places: 4)), \(decimal($0.high, places: 4))]" } ?? ""
    return "\(name) \(decimal(mean, places: 4))\(range) over \(users.count) users"
  }
}

/// What one scorer reached under one protocol.
///
/// - Stability: stable
public struct EvaluationResult: Sendable, Codable, Hashable {
  /// The conventions.
  public let preset: ProtocolPreset
  /// What the numbers mean.
  public let card: ProtocolCard
  /// Every metric at every cutoff.
  public let values: [MeasuredValue]

  /// The values of one metric at one cutoff, or nil when the protocol does not compute it.
  public func value(_ metric: RankingMetric, cutoff: Int? = nil) -> MeasuredValue? {
    values.first { $0.metric == metric && (!metric.hasCutoff || $0.cutoff == cutoff) }
  }

  /// The mean of one metric at one cutoff, or nil.
  public func mean(_ metric: RankingMetric, cutoff: Int? = nil) -> Double? { value(metric, cutoff: cutoff)?.mean }
}

extension EvaluationResult: CustomStringConvertible {
  /// Every value on a line, then the card.
  public var description: String { values.map(\.valueText).joined(separator: "\n") + "\n\(card)" }
}
