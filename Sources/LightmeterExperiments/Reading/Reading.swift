public import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// The reading of the meter: can this log be debiased, and is it worth it.
///
/// Clicks alone do not tell exposure from relevance. With a slice of random traffic, or with impressions, the reading
/// says which share of popularity is deserved (β₁) and what a correction could gain; it always ends in one plain
/// sentence of advice.
///
/// - Source: METHODS §20.1.
/// - Stability: experimental
public struct Reading: Sendable, Hashable, Codable {
  /// What to do with the log.
  public enum Advice: String, Sendable, Codable {
    /// Popularity ranks items as relevance does, as far as the pairs can tell.
    case trainNaively
    /// Exposure differs between items and correcting for it should help.
    case correct
    /// Too little is known yet.
    case collectRandomTraffic
  }

  /// Spread of the clicks.
  public var profile: LogProfile
  /// What known exposure says; nil when none was given.
  public var traffic: TrafficReading?
  /// The advice.
  public var advice: Advice
  /// Random impressions still to be collected; 0 unless the advice is to collect.
  public var randomPairsToCollect: Int
  /// The advice in one sentence.
  public var sentence: String

  /// The click rate on random traffic that is assumed when nothing is known about it.
  public static let assumedClickRate = 0.05
  /// The standard error of β₁ that a decision needs.
  public static let neededError = 0.1

  /// The gain in AUC below which a correction is not worth its trouble.
  public static let worthwhileGain = 0.005

  /// Reads a log without any known exposure.
  public init(log: FeedbackMatrix) {
    profile = LogProfile(log)
    traffic = nil
    advice = .collectRandomTraffic
    randomPairsToCollect = Reading.plannedPairs(log)
    sentence =
      "Clicks alone cannot tell what was liked from what was shown: collect about "
      + "\(grouped(randomPairsToCollect)) randomly shown pairs first (if about 5 % of them are clicked), and take no "
      + "debiased result on trust until then."
  }

  /// Reads a log with a slice of random traffic or with its impressions.
  ///
  /// - Parameters:
  ///   - shown: pairs that were shown, with their clicks.
  ///   - source: whether chance or the system chose them.
  ///   - seed: decides the halves of a cross-fit.
  /// - Throws: `CalibrationError` when the pairs are none, all clicked or all unclicked.
  /// - Precondition: the pairs' users and items are in the log's range.
  public init(
    log: FeedbackMatrix, shown: PairBatch, source: TrafficReading.Source = .random, seed: UInt64 = 1
  ) throws {
    let read = try TrafficReading(log: log, shown: shown, source: source, seed: seed)
    profile = LogProfile(log)
    traffic = read
    advice = Reading.advice(read)
    randomPairsToCollect = advice == .collectRandomTraffic ? max(read.pairsNeeded - read.pairs, 0) : 0
    sentence = Reading.sentence(advice, read, more: randomPairsToCollect)
  }

  /// With β₁ known too roughly, correct only when β₁ and the order of items both say so, else collect. With β₁ known, the
  /// order decides, because a ranking needs no more: correct when calibration is seen to improve it, train naively when
  /// it is seen not to. Where that is open, correct when β₁ is clearly (by a tenth, beyond its interval) below what
  /// deserved popularity would show.
  static func advice(_ read: TrafficReading) -> Advice {
    let exaggerated = read.popularity.high < 0.9 * read.deservedPopularity
    let improves = (read.headroom?.low ?? 0) > worthwhileGain
    if read.popularityError > neededError { return improves && exaggerated ? .correct : .collectRandomTraffic }
    if improves { return .correct }
    if let headroom = read.headroom, headroom.high < 2 * worthwhileGain { return .trainNaively }
    return exaggerated ? .correct : .trainNaively
  }

  private static func sentence(_ advice: Advice, _ read: TrafficReading, more: Int) -> String {
    let share = "β₁ = \(fixed(read.popularity.value, 2)) ± \(fixed(read.popularityError, 2))"
    let caution =
      read.source == .impressions ? " (among the pairs that the system chose; random traffic would settle it)" : ""
    switch advice {
    case .trainNaively:
      let pairs = grouped(read.pairs)
      let gain = read.headroom.map { "; expected AUC gain of a correction \(signed($0.value, 3))" } ?? ""
      return "Train naively: as far as \(pairs) pairs can tell popularity ranks as relevance does "
        + "(\(share)\(gain))\(caution)."
    case .correct:
      let gain = read.headroom.map { ", expected AUC gain \(signed($0.value, 3)) over popularity" } ?? ""
      return "Correct for exposure: popularity is not the same as relevance here (\(share)\(gain))\(caution)."
    case .collectRandomTraffic:
      return "Collect about \(grouped(more)) more randomly shown pairs first: \(share) is too uncertain\(caution)."
    }
  }

  /// n with which β₁'s standard error is 0.1: 1 / (0.01 · p (1 − p) · Var log(c_i + ½)), p the assumed click rate.
  static func plannedPairs(_ log: FeedbackMatrix) -> Int {
    let logs = log.itemCounts.map { Portable.log(Double($0) + 0.5) }
    let mean = logs.reduce(0, +) / Double(max(logs.count, 1))
    let variance = logs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(logs.count, 1))
    let information = assumedClickRate * (1 - assumedClickRate) * variance
    let cells = log.userCount * log.itemCount
    guard information > 0 else { return cells }
    return min(Int(min((1 / (neededError * neededError * information)).rounded(.up), 1e15)), cells)
  }
}
