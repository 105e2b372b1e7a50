/// What an evaluator cannot know about a number and the caller must say: how the model was trained and chosen, on what.
///
/// Whatever is left out is printed as “not stated”.
///
/// - Stability: stable
public struct RunProtocol: Codable, Sendable, Hashable {
  /// Where exposure or propensity came from.
  public struct Propensity: Codable, Sendable, Hashable {
    /// What it is: popularity, logged, calibrated, none.
    public var source: String?
    /// Power of the click counts.
    public var exponent: Double?
    /// Smallest value.
    public var floor: Double?
    /// The rows it was computed on.
    public var computedOn: String?
    /// What is known of it.
    public init(source: String? = nil, exponent: Double? = nil, floor: Double? = nil, computedOn: String? = nil) {
      (self.source, self.exponent, self.floor, self.computedOn) = (source, exponent, floor, computedOn)
    }
  }

  /// How the rows were divided.
  public struct Split: Codable, Sendable, Hashable {
    /// Own file, random, temporal, per user.
    public var kind: String?
    /// Share of rows held out.
    public var fraction: Double?
    /// What was drawn: rows, users, time.
    public var unit: String?
    /// Seed of the draw.
    public var seed: UInt64?
    /// Digest of the split's file.
    public var fileDigest: String?
    /// What is known of it.
    public init(
      kind: String? = nil, fraction: Double? = nil, unit: String? = nil, seed: UInt64? = nil, fileDigest: String? = nil
    ) {
      (self.kind, self.fraction, self.unit, self.seed, self.fileDigest) = (kind, fraction, unit, seed, fileDigest)
    }
  }

  /// The set that steered training or choice.
  public struct Validation: Codable, Sendable, Hashable {
    /// Biased random rows, carved popular pairs, random exposure, none.
    public var source: String?
    /// Which reading of “negative item”: N1 rated-low, N2 unrated.
    public var reading: String?
    /// Number of pairs.
    public var size: Int?
    /// Where its rows were taken out: training, test, both, neither.
    public var removedFrom: String?
    /// Plain, IPS or SNIPS.
    public var estimator: String?
    /// What is known of it.
    public init(
      source: String? = nil, reading: String? = nil, size: Int? = nil, removedFrom: String? = nil,
      estimator: String? = nil
    ) {
      (self.source, self.reading, self.size) = (source, reading, size)
      (self.removedFrom, self.estimator) = (removedFrom, estimator)
    }
  }

  /// The data behind the number.
  public struct Dataset: Codable, Sendable, Hashable {
    /// Its name.
    public var name: String?
    /// Digest of its bytes.
    public var digest: String?
    /// Licence or terms.
    public var licence: String?
    /// What is known of it.
    public init(name: String? = nil, digest: String? = nil, licence: String? = nil) {
      (self.name, self.digest, self.licence) = (name, digest, licence)
    }
  }

  /// Which pairs training went through.
  public var trainingStream: String?
  /// The rule that made training positives.
  public var trainingPositiveRule: String?
  /// Exposure or propensity.
  public var propensity: Propensity
  /// How the rows were divided.
  public var split: Split
  /// What steered training or choice.
  public var validation: Validation
  /// The metric by which hyper-parameters were chosen; “none” when nothing was.
  public var selectionMetric: String?
  /// Seeds of the runs behind the number.
  public var seeds: [UInt64]
  /// The baselines that stand beside the number.
  public var baselines: [String]
  /// The data.
  public var data: Dataset

  /// Everything not stated.
  public init(
    trainingStream: String? = nil, trainingPositiveRule: String? = nil, propensity: Propensity = Propensity(),
    split: Split = Split(), validation: Validation = Validation(), selectionMetric: String? = nil,
    seeds: [UInt64] = [], baselines: [String] = [], data: Dataset = Dataset()
  ) {
    self.trainingStream = trainingStream
    self.trainingPositiveRule = trainingPositiveRule
    self.propensity = propensity
    self.split = split
    self.validation = validation
    self.selectionMetric = selectionMetric
    self.seeds = seeds
    self.baselines = baselines
    self.data = data
  }
}

/// What must be known to compare a number with another: goes with every metric that is printed or stored.
///
/// - Stability: stable
public struct ProtocolCard: Codable, Sendable, Hashable {
  /// Name of the conventions.
  public var preset: String
  /// How a test row became a label.
  public var binarise: String
  /// What each user's list held.
  public var candidates: String
  /// Which candidates were removed, and how many.
  public var itemsDropped: String
  /// Which users counted.
  public var usersKept: String
  /// How many counted.
  public var usersKeptCount: Int
  /// Out of how many.
  public var usersTotal: Int
  /// What an undefined metric of a counted user was taken as; nil: the user did not count for it.
  public var emptyUserValue: Double?
  /// Discount, normalisers and ties.
  public var convention: MetricConvention
  /// Cutoffs.
  public var cutoffs: [Int]
  /// How the interval over users was made.
  public var userInterval: String
  /// What only the caller knows.
  public var run: RunProtocol

  /// A card from its parts; evaluators make it.
  public init(
    preset: String, binarise: String, candidates: String, itemsDropped: String, usersKept: String,
    usersKeptCount: Int, usersTotal: Int, emptyUserValue: Double?, convention: MetricConvention, cutoffs: [Int],
    userInterval: String, run: RunProtocol
  ) {
    self.preset = preset
    self.binarise = binarise
    self.candidates = candidates
    self.itemsDropped = itemsDropped
    self.usersKept = usersKept
    self.usersKeptCount = usersKeptCount
    self.usersTotal = usersTotal
    self.emptyUserValue = emptyUserValue
    self.convention = convention
    self.cutoffs = cutoffs
    self.userInterval = userInterval
    self.run = run
  }
}

extension ProtocolCard: CustomStringConvertible {
  /// The card in four lines.
  public var description: String {
    let empty = emptyUserValue.map { ", undefined counts as \(plain($0))" } ?? ""
    let discount = convention.discount == .logRankPlusOne ? "1/log₂(rank+1)" : "1/log₂(max(rank,2))"
    let unknown = "not stated"
    let propensity = [
      run.propensity.source ?? unknown, run.propensity.exponent.map { "exponent \(plain($0))" },
      run.propensity.floor.map { "floor \(plain($0))" }, run.propensity.computedOn.map { "on \($0)" },
    ]
    let split = [
      run.split.kind ?? unknown, run.split.fraction.map { "\(plain($0 * 100)) %" }, run.split.unit,
      // A split by the run's own seed does not say it twice.
      run.split.seed.flatMap { run.seeds == [$0] ? nil : "seed \($0)" }, run.split.fileDigest,
    ]
    let validation = [
      run.validation.source ?? unknown, run.validation.reading, run.validation.size.map { "\($0) pairs" },
      run.validation.removedFrom.map { "removed from \($0)" }, run.validation.estimator,
    ]
    let seeds = run.seeds.isEmpty ? unknown : run.seeds.map(String.init).joined(separator: ", ")
    let data = [run.data.name ?? unknown, run.data.digest, run.data.licence]
    return """
      protocol \(preset): \(binarise); candidates: \(candidates), dropped: \(itemsDropped); users: \(usersKept) \
      (\(usersKeptCount) of \(usersTotal))\(empty)
      metrics: K \(cutoffs.map(String.init).joined(separator: ", ")), discount \(discount), DCG over \
      \(convention.dcgNormaliser.rawValue), AP over \(convention.averagePrecisionNormaliser.rawValue), recall over \
      \(convention.recallNormaliser.rawValue), ties \(convention.ties.rawValue), interval \(userInterval)
      training: positives \(run.trainingPositiveRule ?? unknown); stream \(run.trainingStream ?? unknown); propensity \
      \(joined(propensity)); split \(joined(split)); validation \(joined(validation)); selection \
      \(run.selectionMetric ?? unknown)
      seeds \(seeds); baselines \(run.baselines.isEmpty ? unknown : run.baselines.joined(separator: ", ")); data \
      \(joined(data))
      """
  }

  private func joined(_ parts: [String?]) -> String { parts.compactMap { $0 }.joined(separator: " ") }
}
