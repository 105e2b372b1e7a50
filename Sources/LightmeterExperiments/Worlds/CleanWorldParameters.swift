/// The dials of a ``CleanWorld``.
///
/// - Source: METHODS §13.2b.
/// - Stability: experimental
public struct CleanWorldParameters: Sendable, Hashable, Codable {
  /// Number of users.
  public var userCount = 1000
  /// Number of items.
  public var itemCount = 1000
  /// Length of the personal factors.
  public var rank = 8
  /// Mean P(relevant) over all pairs, in (0, 1).
  public var meanRelevance = 0.1
  /// Mean P(exposed) over all pairs, in (0, 1).
  public var meanExposure = 0.1
  /// How unevenly items are shown: the factor of an item's promotion in the exposure logit.
  public var skew = 1.5
  /// How unevenly users look around: the factor of a user's activity in the exposure logit.
  public var activitySpread = 0.5
  /// Correlation of an item's promotion with its appeal, in [−1, 1].
  public var correlation = 0.0
  /// Weight of the personal part of relevance.
  public var personalRelevance = 1.0
  /// Weight of the personal part of exposure.
  public var personalExposure = 1.0
  /// Pairs over which the means are set.
  public var calibrationPairs = 100_000
  /// Everything random follows from it.
  public var seed: UInt64 = 1

  /// The defaults: exposure and relevance independent.
  public init() {}

  /// Checks every dial.
  ///
  /// - Throws: ``WorldError/parameter(name:value:allowed:)`` for the first one outside its range.
  public func validated() throws -> CleanWorldParameters {
    try check("user count", userCount, 1...Int(Int32.max))
    try check("item count", itemCount, 1...Int(Int32.max))
    try check("rank", rank, 1...256)
    try check("number of calibration pairs", calibrationPairs, 100...10_000_000)
    try check("mean relevance", meanRelevance, 1e-7...0.999)
    try check("mean exposure", meanExposure, 1e-7...0.999)
    try check("skew", skew, 0...10)
    try check("activity spread", activitySpread, 0...10)
    try check("correlation", correlation, -1...1)
    try check("personal part of relevance", personalRelevance, 0...10)
    try check("personal part of exposure", personalExposure, 0...10)
    return self
  }

  private func check<T: Comparable>(_ name: String, _ value: T, _ allowed: ClosedRange<T>) throws {
    guard allowed.contains(value) else {
      throw WorldError.parameter(
        name: name, value: "\(value)", allowed: "between \(allowed.lowerBound) and \(allowed.upperBound)")
    }
  }
}

/// Worlds that show where debiasing helps and where it does not; none is chosen to flatter a method.
public enum WorldPreset: String, Sendable, CaseIterable, Codable {
  /// What is shown has nothing to do with what is liked (correlation 0).
  case independent
  /// What is shown is what is liked (correlation 0.9): naive training should be near the best.
  case entangled
  /// What is shown is rather what is not liked (correlation −0.5).
  case adversarial

  /// The defaults with this preset's correlation.
  public var parameters: CleanWorldParameters {
    var parameters = CleanWorldParameters()
    switch self {
    case .independent: parameters.correlation = 0
    case .entangled: parameters.correlation = 0.9
    case .adversarial: parameters.correlation = -0.5
    }
    return parameters
  }
}
