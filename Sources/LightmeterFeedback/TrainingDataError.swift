/// Why a log cannot be split or trained on as asked; each case reads as one sentence with the way out.
public enum TrainingDataError: Error, Equatable, CustomStringConvertible {
  /// The log has no positive pair.
  case noPositives
  /// Every positive was held out.
  case noTrainingPositives(heldOut: Int)
  /// Fewer than two items.
  case tooFewItems(Int)
  /// A share outside its range.
  case badFraction(Double, of: String)
  /// A number of rows or draws that must be positive.
  case badCount(Int)
  /// A popularity exponent that is negative or not finite.
  case badExponent(Double)
  /// One side of a split has no rows.
  case emptySplit(side: String)
  /// A split by time of a log without times.
  case noTimes
  /// The stream of listed pairs on a log that lists positives only.
  case noListedNegatives(for: String)
  /// A complete impression log with clicks on pairs that were never shown.
  case clicksWithoutImpression(Int)
  /// A stream that cannot carry what the log knows about exposure.
  case streamAgainstImpressions(stream: String, impressions: String, remedy: String)
  /// Weights from propensities that the log does not have.
  case noPropensities
  /// A logged propensity outside (0, 1].
  case badPropensity(Float)
  /// A largest weight below 1.
  case badLargestWeight(Float)
  /// Weights from propensities under a stream with pairs that were never logged.
  case weightsNeedListedPairs(stream: String)

  /// One sentence.
  public var description: String {
    switch self {
    case .noPositives: "The log has no positive pair; check the column of clicks or the rating threshold."
    case .noTrainingPositives(let heldOut):
      "All \(heldOut) positives were held out for tuning and none is left to train on; hold out a smaller share."
    case .tooFewItems(let count):
      "The log has \(count) item\(count == 1 ? "" : "s"); a recommender needs at least 2."
    case .badFraction(let value, let part):
      "A share of \(value) of \(part) is impossible; give a number between 0 and 1."
    case .badCount(let value): "A count of \(value) is impossible; give a whole number of at least 1."
    case .badExponent(let value): "A popularity exponent of \(value) is impossible; give 0 or more (0.5 is usual)."
    case .emptySplit(let side):
      "The split leaves no row for \(side); users have too few items for this share: hold out more (--test-fraction 0.5) "
        + "or nothing (--test-fraction 0)."
    case .noTimes:
      "The log has no times, so it cannot be split by time; name its time column (--columns timestamp=NAME) or split at "
        + "random."
    case .noListedNegatives(let use):
      "Every row of the log is a click, so it cannot say what was shown or rated and not liked, which \(use) needs; give "
        + "rows without a click too (--columns click=NAME or shown=NAME, or --positive 'rating>=4'), or train without "
        + "--impressions complete and --set stream=rated."
    case .clicksWithoutImpression(let count):
      "The impression log is declared complete, but \(count) clicked pairs were never shown; declare it partial."
    case .streamAgainstImpressions(let stream, let impressions, let remedy):
      "The stream \(stream) does not fit \(impressions) impressions; \(remedy)."
    case .noPropensities:
      "Weights from logged propensities were asked for, but the log has no column of them, or rows without; name it with "
        + "--columns propensity=NAME, or leave --largest-weight out."
    case .badPropensity(let value): "A logged propensity of \(value) is impossible; it must be above 0 and at most 1."
    case .badLargestWeight(let value): "A largest propensity weight of \(value) is impossible; give 1 or more."
    case .weightsNeedListedPairs(let stream):
      "Logged propensities cannot weight the pairs that the stream \(stream) draws beside the log; --largest-weight goes "
        + "with --impressions complete or --set stream=rated, and a log that has propensities."
    }
  }
}
