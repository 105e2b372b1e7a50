internal import LightmeterKernels

/// How a test row becomes a label.
public enum LabelRule: Codable, Sendable, Hashable {
  /// The label that the test carries.
  case asGiven
  /// 1 where the rating is at least `atLeast`; the label that the test carries where it has no ratings.
  case threshold(atLeast: Float)
  /// ``threshold(atLeast:)``, then gain = floor + (1 − floor) · label; hits are the labels of 1.
  case softened(atLeast: Float, floor: Double)
  /// gain = (2^(rating − 1) − 1) / (2^(highest − 1) − 1); every gain above 0 is a hit. Needs ratings.
  case exponential(highest: Float)

  /// Whether the rule cannot work on labels alone.
  public var needsRatings: Bool {
    if case .exponential = self { return true }
    return false
  }

  /// The gain of a row before any floor, and whether it is a hit.
  func gain(label: UInt8, rating: Float?) -> (gain: Double, hit: Bool) {
    switch self {
    case .asGiven: return label > 0 ? (1, true) : (0, false)
    case .threshold(let least), .softened(let least, _):
      return (rating.map { $0 >= least } ?? (label > 0)) ? (1, true) : (0, false)
    case .exponential(let highest):
      guard let rating else { preconditionFailure("graded gains need a rating") }
      let gain = (exp2(Double(rating) - 1) - 1) / (exp2(Double(highest) - 1) - 1)
      return (gain, gain > 0)
    }
  }

  private func exp2(_ power: Double) -> Double {
    power == power.rounded() && abs(power) < 1000
      ? Double(sign: .plus, exponent: Int(power), significand: 1) : Portable.exp(power * Portable.log(2))
  }

  var floor: Double? {
    if case .softened(_, let floor) = self { return floor }
    return nil
  }

  /// The rule in words; `rated` says whether the test has ratings.
  func text(rated: Bool) -> String {
    switch self {
    case .asGiven: "label as given"
    case .threshold(let least):
      rated
        ? "rating ≥ \(plain(Double(least)))"
        : "label as given (the preset's rating ≥ \(plain(Double(least))) needs ratings)"
    case .softened(let least, let floor):
      (rated ? "rating ≥ \(plain(Double(least)))" : "label as given") + ", softened to \(plain(floor)) … 1"
    case .exponential(let highest): "graded, (2^(rating − 1) − 1) / \(plain(exp2(Double(highest) - 1) - 1))"
    }
  }
}

/// Which items a test user's list holds.
public enum CandidateRule: String, Codable, Sendable, Hashable, CaseIterable {
  /// The items that the test rated for that user.
  case ratedItems
  /// The whole catalogue, or the items that the test lists for everyone.
  case catalogue
  /// Either: whatever the test gives.
  case any
}

/// Which candidates are removed before ranking.
public enum DroppedItems: String, Codable, Sendable, Hashable, CaseIterable {
  /// None.
  case none
  /// Items without a single training positive.
  case withoutTrainingPositive
}

/// Which test users count.
public struct UserRule: Codable, Sendable, Hashable {
  /// Least number of positive candidates.
  public var positives: Int
  /// Least number of other candidates.
  public var negatives: Int
  /// Least number of training positives.
  public var trainingPositives: Int

  /// Users with at least these numbers.
  public init(positives: Int = 0, negatives: Int = 0, trainingPositives: Int = 0) {
    self.positives = positives
    self.negatives = negatives
    self.trainingPositives = trainingPositives
  }

  /// The rule in words.
  public var text: String {
    let parts = [
      positives > 0 ? "≥ \(positives) positive" : nil, negatives > 0 ? "≥ \(negatives) negative" : nil,
      trainingPositives > 0 ? "≥ \(trainingPositives) training positive" : nil,
    ]
    let text = parts.compactMap { $0 }.joined(separator: ", ")
    return text.isEmpty ? "all" : text
  }
}

/// The conventions under which one paper (or the strict default) turns a scorer and a test into numbers.
///
/// - Stability: stable
public struct ProtocolPreset: Codable, Sendable, Hashable {
  /// Name, as the command line spells it.
  public var name: String
  /// How a test row becomes a label.
  public var labels: LabelRule
  /// Which items a list holds.
  public var candidates: CandidateRule
  /// Which candidates are removed.
  public var dropped: DroppedItems
  /// Which users count.
  public var users: UserRule
  /// What an undefined metric of a counted user is taken as; nil: the user does not count for that metric. Never
  /// applied to the area under the curve.
  public var emptyUserValue: Double?
  /// How lists become numbers.
  public var convention: MetricConvention
  /// Which metrics are computed.
  public var metrics: [RankingMetric]
  /// At which cutoffs.
  public var cutoffs: [Int]

  /// A protocol of one's own.
  ///
  /// - Precondition: cutoffs are positive and not empty; at least one metric.
  public init(
    name: String, labels: LabelRule = .asGiven, candidates: CandidateRule = .any, dropped: DroppedItems = .none,
    users: UserRule, emptyUserValue: Double? = nil, convention: MetricConvention, metrics: [RankingMetric],
    cutoffs: [Int]
  ) {
    precondition(!cutoffs.isEmpty && cutoffs.allSatisfy { $0 > 0 }, "cutoffs \(cutoffs) are not positive")
    precondition(!metrics.isEmpty, "the protocol “\(name)” computes no metric")
    self.name = name
    self.labels = labels
    self.candidates = candidates
    self.dropped = dropped
    self.users = users
    self.emptyUserValue = emptyUserValue
    self.convention = convention
    self.metrics = metrics
    self.cutoffs = cutoffs
  }

  /// The same protocol at other cutoffs.
  public func at(_ cutoffs: Int...) -> ProtocolPreset {
    precondition(!cutoffs.isEmpty && cutoffs.allSatisfy { $0 > 0 }, "cutoffs \(cutoffs) are not positive")
    var copy = self
    copy.cutoffs = cutoffs
    return copy
  }
}

/// A number without trailing zeros, at most six decimals.
func plain(_ value: Double) -> String { decimal(value, places: 6, trimmed: true) }

/// A number with a fixed count of decimals, half away from zero; plain digits up to 10¹².
func decimal(_ value: Double, places: Int, trimmed: Bool = false) -> String {
  guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
  var scale = 1.0
  for _ in 0..<places { scale *= 10 }
  let scaled = Int((abs(value) * scale).rounded())
  let unit = Int(scale)
  let digits = String(scaled % unit)
  var fraction = places > 0 ? String(repeating: "0", count: places - digits.count) + digits : ""
  if trimmed { while fraction.hasSuffix("0") { fraction.removeLast() } }
  let sign = value < 0 && scaled > 0 ? "-" : ""
  return fraction.isEmpty ? "\(sign)\(scaled / unit)" : "\(sign)\(scaled / unit).\(fraction)"
}
