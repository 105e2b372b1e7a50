public import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// What pairs with known exposure (random traffic, or impressions) say about a log: how much of its popularity is
/// deserved, and how much a correction could gain.
///
/// - Source: METHODS §20.1.
/// - Stability: experimental
public struct TrafficReading: Sendable, Hashable, Codable {
  /// Where the pairs come from.
  public enum Source: String, Sendable, Codable {
    /// Shown at random: what is read from them is unbiased.
    case random
    /// Shown by the system: clicks given that an item was shown, among the pairs that the system chose.
    case impressions
  }

  /// A number with its 95 % interval.
  public struct Interval: Sendable, Hashable, Codable {
    /// The estimate.
    public var value: Double
    /// Lower end.
    public var low: Double
    /// Upper end.
    public var high: Double
  }

  /// Where the pairs come from.
  public var source: Source
  /// Number of pairs.
  public var pairs: Int
  /// Clicked pairs.
  public var clicks: Int
  /// β₁, the share of the differences in log popularity that is relevance, with ± 1.96 standard errors.
  public var popularity: Interval
  /// The β₁ that fully deserved popularity would show, about 1:
  ///
  ///     (1 − mean v(c_i) / Var log(c_i + ½)) / (1 − p̄),   v(0) = 0, v(c) = 1 / (c + 1)
  ///
  /// Counting noise in a covariate flattens its slope (numerator), and log odds move faster than log probabilities where
  /// p̄, the click rate of the pairs, is not small (denominator).
  public var deservedPopularity: Double
  /// Standard error of β₁ (the wider of the independent and the item-clustered one).
  public var popularityError: Double
  /// β₂, the same for the users' activity.
  public var activity: Interval
  /// Standard error of β₂.
  public var activityError: Double
  /// Pairs, in all, with which β₁'s standard error would be 0.1 (1/√n law).
  public var pairsNeeded: Int
  /// How far exposure is from constant: standard deviation of log m_i over the clicks, from the regressed calibration of
  /// an average user. 0: nothing to correct; 0.7: a typical click's exposure is off by a factor of two.
  public var logExposureSpread: Double
  /// Chance that popularity puts a clicked pair above an unclicked one (AUC); nil when a half has no click.
  public var popularityAUC: Double?
  /// Expected headroom: how much the AUC rises when items are ordered by relevance calibrated on the other half of the
  /// pairs. Its interval comes from the placement values of the pairs, summed per item.
  public var headroom: Interval?

  /// Reads a log with the help of pairs whose exposure is known.
  ///
  /// - Parameters:
  ///   - log: the clicks.
  ///   - shown: pairs that were shown, with their clicks.
  ///   - seed: decides the halves of the cross-fit.
  /// - Throws: `CalibrationError`.
  /// - Precondition: the pairs' users and items are in the log's range.
  public init(log: FeedbackMatrix, shown: PairBatch, source: Source, seed: UInt64 = 1) throws {
    let calibrated = try Calibration.regressed(clicks: log, slice: shown)
    let regression = calibrated.regression
    self.source = source
    pairs = shown.count
    clicks = shown.feedback.count { $0 == 1 }
    popularityError = regression.popularityError
    deservedPopularity = TrafficReading.reliability(log.itemCounts) / (1 - Double(clicks) / Double(pairs))
    activityError = regression.activityError
    popularity = TrafficReading.interval(regression.popularity, error: popularityError)
    activity = TrafficReading.interval(regression.activity, error: activityError)
    pairsNeeded = regression.pairsNeeded()
    logExposureSpread = TrafficReading.spread(calibrated.exposure, counts: log.itemCounts)
    let gain = ItemHeadroom(log: log, shown: shown, seed: seed)
    popularityAUC = gain?.popularityAUC
    headroom = gain.map { TrafficReading.interval($0.difference, error: $0.error) }
  }

  private static func interval(_ value: Double, error: Double) -> Interval {
    Interval(value: value, low: value - 1.96 * error, high: value + 1.96 * error)
  }

  static func reliability(_ counts: [Int]) -> Double {
    let n = Double(counts.count)
    let logs = counts.map { Portable.log(Double($0) + 0.5) }
    let mean = logs.reduce(0, +) / n
    let variance = logs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
    guard variance > 0 else { return 0 }
    let noise = counts.reduce(0.0) { $0 + ($1 == 0 ? 0 : 1 / Double($1 + 1)) } / n
    return max(0, 1 - noise / variance)
  }

  private static func spread(_ exposure: CalibratedExposure, counts: [Int]) -> Double {
    let relevance = exposure.relevance
    var (weight, sum, squares) = (0.0, 0.0, 0.0)
    for item in counts.indices where counts[item] > 0 {
      let base = Portable.sigmoid(Double(relevance.itemLogits[item])) * Double(relevance.itemMeans[item])
      let log = Portable.log(Double(exposure.itemRates[item]) / base)
      let clicks = Double(counts[item])
      weight += clicks
      sum += clicks * log
      squares += clicks * log * log
    }
    guard weight > 0 else { return 0 }
    let mean = sum / weight
    return max(squares / weight - mean * mean, 0).squareRoot()
  }
}

/// The cross-fitted gain in AUC of calibrated item relevance over popularity.
///
/// Each half of the pairs is scored by item relevance fitted on the other half, so noise in the fit lowers the gain and
/// never feigns one. The variance of an AUC difference is that of its placement values; they are summed per item first,
/// because the showings of an item share its relevance.
struct ItemHeadroom {
  let popularityAUC: Double
  let difference: Double
  let error: Double

  /// Nil when a half cannot be fitted or scored for lack of clicks.
  init?(log: FeedbackMatrix, shown: PairBatch, seed: UInt64) {
    let halves = SliceSplit(shown, fittingShare: 0.5, seed: seed)
    let counts = log.itemCounts
    var influence = [Double](repeating: 0, count: log.itemCount)
    var (popular, gain) = (0.0, 0.0)
    for (fitting, test) in [(halves.fitting, halves.selection), (halves.selection, halves.fitting)] {
      guard let fitted = try? Calibration.regressed(clicks: log, slice: fitting).exposure.relevance,
        let base = Placements(scores: test.items.map { Float(counts[Int($0)]) }, feedback: test.feedback),
        let better = Placements(
          scores: test.items.map { ItemHeadroom.score(fitted, Int($0)) }, feedback: test.feedback)
      else { return nil }
      popular += base.auc / 2
      gain += (better.auc - base.auc) / 2
      for k in test.items.indices {
        influence[Int(test.items[k])] += (better.influence[k] - base.influence[k]) / 2
      }
    }
    popularityAUC = popular
    difference = gain
    error = influence.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  private static func score(_ relevance: CalibratedRelevance, _ item: Int) -> Float {
    Float(Portable.sigmoid(Double(relevance.itemLogits[item]))) * relevance.itemMeans[item]
  }
}

/// The AUC of scores and each pair's contribution to its error.
///
/// - Source: DeLong et al. 1988.
struct Placements {
  let auc: Double
  let influence: [Double]

  init?(scores: [Float], feedback: [UInt8]) {
    guard let auc = SliceSelection.pooledAUC(scores: scores, feedback: feedback) else { return nil }
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    let clicks = Double(feedback.count { $0 == 1 })
    let others = Double(feedback.count) - clicks
    var influence = [Double](repeating: 0, count: scores.count)
    var (clicksBelow, othersBelow, start) = (0.0, 0.0, 0)
    while start < order.count {
      var end = start
      while end < order.count, scores[order[end]] == scores[order[start]] { end += 1 }
      let tied = order[start..<end]
      let tiedClicks = Double(tied.count { feedback[$0] == 1 })
      let tiedOthers = Double(tied.count) - tiedClicks
      for k in tied {
        influence[k] =
          feedback[k] == 1
          ? ((othersBelow + tiedOthers / 2) / others - auc) / clicks
          : ((clicks - clicksBelow - tiedClicks / 2) / clicks - auc) / others
      }
      clicksBelow += tiedClicks
      othersBelow += tiedOthers
      start = end
    }
    self.auc = auc
    self.influence = influence
  }
}
