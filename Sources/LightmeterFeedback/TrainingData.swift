/// Which pairs an epoch goes through (METHODS §1.6); part of every protocol card.
public enum TrainingStream: Sendable, Hashable, Codable {
  /// All positives, `negativesPerPositive` uniform draws per positive (draws that hit a known pair are dropped), and the
  /// extra pairs of the data.
  case sampled(negativesPerPositive: Int)
  /// Every user–item pair once an epoch, in a seeded order that is computed, not stored.
  case all
  /// The pairs that the file lists and nothing else: positives and listed negatives.
  case rated
}

/// All that a method may learn from: never the test data.
///
/// - Stability: stable
public struct TrainingData: Sendable {
  /// Training positives, D_train's clicks.
  public var positives: FeedbackMatrix
  /// Known exposure of each positive, parallel to `positives.items`; NaN where unknown. Nil: known nowhere.
  public var positiveExposures: [Float]?
  /// Loss weight of each positive, parallel to `positives.items`. Nil: 1.
  public var positiveWeights: [Float]?
  /// Negatives that every epoch goes through besides the drawn ones: those of the validation set, listed low ratings
  /// under `rated`, impressions without a click.
  public var extraNegatives: PairBatch
  /// Pairs that a negative draw must not hit besides the positives: what is known to have been shown.
  public var shown: FeedbackMatrix?
  /// Clicks of an earlier log, from which an update goes on: no negative draw hits them. Nil: none.
  public var earlierClicks: FeedbackMatrix?
  /// The unbiased validation set D_val, exposure taken as 1; empty when the data gave none.
  public var validation: PairBatch
  /// Positives held out for tuning by SNIPS; never trained on.
  public var hyperValidation: FeedbackMatrix?
  /// θ_i of Eq. (13), on the training positives; one entry per item, 0 for items without positives.
  public var popularity: [Float]
  /// Which pairs an epoch goes through.
  public var stream: TrainingStream

  /// A slice of random traffic: pairs shown regardless of taste, with their clicks; what calibrated exposure is fitted on.
  public var randomTraffic: PairBatch?
  /// Exposure that is known from outside the log: the truth of a simulated world, logged propensities of every pair.
  public var trueExposure: (any ExposureEstimate)?

  /// Bundles what a method may learn from.
  public init(
    positives: FeedbackMatrix, positiveExposures: [Float]? = nil, positiveWeights: [Float]? = nil,
    extraNegatives: PairBatch = PairBatch(), shown: FeedbackMatrix? = nil, validation: PairBatch = PairBatch(),
    hyperValidation: FeedbackMatrix? = nil, popularity: [Float], stream: TrainingStream
  ) {
    self.positives = positives
    self.positiveExposures = positiveExposures
    self.positiveWeights = positiveWeights
    self.extraNegatives = extraNegatives
    self.shown = shown
    self.validation = validation
    self.hyperValidation = hyperValidation
    self.popularity = popularity
    self.stream = stream
  }

  /// Number of users.
  public var userCount: Int { positives.userCount }
  /// Number of items.
  public var itemCount: Int { positives.itemCount }
  /// The positives, and the clicks before them.
  public var allClicks: FeedbackMatrix { earlierClicks.map(positives.union) ?? positives }
}
