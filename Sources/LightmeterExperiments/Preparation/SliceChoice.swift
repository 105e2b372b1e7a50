public import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
public import LightmeterTraining

/// The choice among corrections on the held-out part of a slice: what `--method auto` does (METHODS §20.1).
///
/// Every candidate ranks the offered items for the users of the clicked random pairs; a pair counts by its percentile there
/// (`SliceMeasure.percentile`). In the clean worlds it erred least of the four measures: the pooled area rewards telling
/// active users from others, the area within users has few pairs, a discount looks at few places. A correction is taken
/// only where it beats naive training by more than the standard error of the paired difference.
public struct SliceChoice: Sendable {
  /// The candidates, naive training first, then each calibration under both estimators.
  public static let candidates: [Recipe] =
    [Recipe("mf")]
    + ["plain", "plainWithActivity", "regressed"].flatMap { form in
      ["lowVariance", "inversePropensity"].map { estimator in
        Recipe("calibrated", ["exposure": .text(form), "estimator": .text(estimator)])
      }
    }

  /// A candidate's place in ``candidates`` with what the slice says of it.
  public struct Verdict: Sendable {
    /// Which candidate.
    public let candidate: Int
    /// Mean percentile of the clicked random pairs, in [0, 1].
    public let value: Double
    /// Mean difference from naive training over the pairs, and its standard error; nil for naive training itself.
    public let difference: (mean: Double, error: Double)?
    fileprivate let gains: [Double]
  }

  private let pairs: PairBatch
  private let seen: FeedbackMatrix
  /// Verdicts so far, in the order of ``add(_:candidate:)``.
  public private(set) var verdicts: [Verdict] = []

  /// - Parameters:
  ///   - pairs: randomly shown pairs that no candidate learned from.
  ///   - seen: the log's clicks, which lists leave out.
  public init(pairs: PairBatch, seen: FeedbackMatrix) { (self.pairs, self.seen) = (pairs, seen) }

  /// How many clicked random pairs decide.
  public var clicked: Int { verdicts.first?.gains.count ?? 0 }

  /// Judges a trained candidate; the first one added is the one that others are compared with.
  ///
  /// - Returns: nil where the slice has no clicked pair that the log lacks.
  public mutating func add(_ model: TrainedModel, candidate: Int) -> Verdict? {
    guard let gains = SliceMeasure.percentile.gains(of: model.scorer, on: pairs, seen: seen), !gains.isEmpty else {
      return nil
    }
    let verdict = Verdict(
      candidate: candidate, value: gains.reduce(0, +) / Double(gains.count),
      difference: verdicts.first.map { SliceChoice.paired(from: $0.gains, to: gains) }, gains: gains)
    verdicts.append(verdict)
    return verdict
  }

  /// The candidate to train: the best, or the first where the best does not beat it by more than a standard error.
  public var best: Verdict? {
    guard let best = verdicts.max(by: { $0.value < $1.value }) else { return nil }
    guard let (mean, error) = best.difference, !(mean > error) else { return best }
    return verdicts.first
  }

  private static func paired(from base: [Double], to gains: [Double]) -> (mean: Double, error: Double) {
    let differences = zip(gains, base).map { $0 - $1 }
    let count = Double(differences.count)
    let mean = differences.reduce(0, +) / count
    let squares = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, count > 1 ? (squares / (count - 1) / count).squareRoot() : .infinity)
  }
}
