/// What a log says about the pairs that were shown (METHODS §20).
public enum Impressions: String, Sendable, Hashable, Codable, CaseIterable {
  /// Nothing: exposure is the model's business.
  case none
  /// Every impression is listed. A listed pair has exposure 1, and the stream is the listed pairs.
  case complete
  /// Some impressions are listed. A shown pair has exposure 1, any other the exposure model's.
  case partial
}

/// Where the unbiased validation set comes from.
public enum ValidationSource: Sendable, Equatable {
  /// From the log itself, by ``UnbiasedValidation``; its pairs also stay in the training stream.
  case carved(
    fraction: Double = 0.2, activity: UnbiasedValidation.Activity = .ratingCount,
    reading: UnbiasedValidation.Reading? = nil)
  /// Random traffic or any other set with exposure 1; its pairs are not added to the training stream.
  case given(PairBatch)
  /// None.
  case absent
}

/// How ``TrainingDataBuilder`` turns a log into training data.
///
/// - Stability: stable
public struct TrainingDataOptions: Sendable, Equatable {
  /// Which pairs an epoch goes through; nil is `rated` for complete impressions, else `sampled` with 5 draws.
  public var stream: TrainingStream?
  /// Exponent of Eq. (13).
  public var popularityExponent: Double
  /// Where the unbiased validation set comes from.
  public var validation: ValidationSource
  /// Share of the listed pairs outside the validation set to hold out for tuning, in [0, 1); 0 holds out nothing.
  public var hyperValidationFraction: Double
  /// Decides which pairs are held out.
  public var seed: UInt64
  /// What the log says about the pairs that were shown.
  public var impressions: Impressions
  /// Weights the listed pairs by 1 / logged propensity, cut at this value and then scaled to mean 1. Nil: no weights.
  public var largestPropensityWeight: Float?

  /// The paper's settings unless told otherwise.
  public init(
    stream: TrainingStream? = nil, popularityExponent: Double = 0.5, validation: ValidationSource = .carved(),
    hyperValidationFraction: Double = 0.1, seed: UInt64, impressions: Impressions = .none,
    largestPropensityWeight: Float? = nil
  ) {
    self.stream = stream
    self.popularityExponent = popularityExponent
    self.validation = validation
    self.hyperValidationFraction = hyperValidationFraction
    self.seed = seed
    self.impressions = impressions
    self.largestPropensityWeight = largestPropensityWeight
  }
}

/// What was done to a log before training: the part of a protocol card that concerns the training data.
///
/// - Stability: stable
public struct TrainingDataSummary: Sendable, Hashable, Codable {
  /// Users of the log.
  public var users: Int
  /// Items of the log.
  public var items: Int
  /// Distinct positive pairs of the log.
  public var positives: Int
  /// Distinct listed pairs of the log that are not positive.
  public var listedNegatives: Int
  /// Rows that repeated a pair, a positive pair listed without a click among them.
  public var repeatedRows: Int
  /// The stream in use.
  public var stream: TrainingStream
  /// Exponent of Eq. (13).
  public var popularityExponent: Double
  /// Items without a training positive, whose popularity exposure is 0.
  public var itemsWithoutPositives: Int
  /// Where the unbiased validation set came from: one phrase.
  public var validationSource: String
  /// What the unbiased validation set covers.
  public var validation: UnbiasedValidation.Coverage
  /// Share of the remaining listed pairs that was held out for tuning.
  public var hyperValidationFraction: Double
  /// Positives held out for tuning.
  public var heldOutPositives: Int
  /// Listed negatives held out with them.
  public var heldOutNegatives: Int
  /// Seed of the choice.
  public var seed: UInt64
  /// Positives left to train on.
  public var trainingPositives: Int
  /// Negatives that every epoch goes through besides the drawn ones.
  public var extraNegatives: Int
  /// What the log says about the pairs that were shown.
  public var impressions: Impressions
  /// Distinct pairs known to have been shown.
  public var shownPairs: Int
  /// Where propensity weights end; nil without weights.
  public var largestPropensityWeight: Float?
  /// (Σ w)² / Σ w² of the weights: how many equally weighted pairs tell as much. Nil without weights.
  public var effectivePairs: Double?
}
