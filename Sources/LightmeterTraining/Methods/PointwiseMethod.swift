public import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels
public import LightmeterObjectives

/// Where a method's exposure comes from.
public enum ExposureSource: Sendable, Hashable, Codable {
  /// 1 for every pair.
  case none
  /// weight · (clicks / most clicks)^power + (1 − weight) · level; FixedMix is weight ½, level ½.
  case popularity(power: Double, weight: Double, level: Double)
  /// Eq. (14), learned.
  case blended(power: Double)
  /// One learned number per item, started at popularity or at a calibration on the slice where there is one.
  case perItem(power: Double)
  /// Closed form from a slice of random traffic.
  case calibrated(Calibration.Form)
  /// The truth, or propensities known for every pair.
  case known
}

/// Which optimizer moves both levels.
public enum OptimizerKind: String, Sendable, Hashable, Codable, CaseIterable { case adam, lazyAdam }

/// The fixed number added to every logit.
public enum Intercept: Sendable, Hashable, Codable {
  case none
  /// logit of min(½, click rate of the stream / mean exposure of the stream).
  case baseRate
  case value(Double)
}

/// Every method whose loss is a function of one pair: a backbone, an exposure model, an estimator and a strategy.
///
/// MF, RelMF, UMF, FixedMix, JointOpt, AlterOpt, BiOpt2, Biif and the oracle are values of this type.
public struct PointwiseMethod: Method {
  /// Number of factors d.
  public var dimension = 50
  /// Which biases the backbone has.
  public var biases = BiasTerms.none
  /// Added to every logit.
  public var intercept = Intercept.none
  /// Standard deviation of the initial factors.
  public var initialDeviation = 0.1
  /// The loss.
  public var estimator: any Estimator = Naive()
  /// Where exposure comes from.
  public var exposure = ExposureSource.none
  /// How the levels move.
  public var strategy = Strategy.fixed
  /// Adam or LazyAdam.
  public var optimizer = OptimizerKind.adam
  /// Rate and decays of the relevance model.
  public var inner = OptimizerSettings(learningRate: 1e-3, weightDecay: 1e-6, biasDecay: 0)
  /// Rate and decay of the exposure model.
  public var outer = OptimizerSettings(learningRate: 1e-4, weightDecay: 0, biasDecay: 0)
  /// Passes over the stream.
  public var epochs = 100
  /// Pairs per batch.
  public var batchSize = 1024
  /// In which order an epoch visits its pairs; blocks only with the streams sampled and rated.
  public var shuffle = Shuffle.full
  /// A resume file to go on from, read when the run's tables are known.
  public var resumeFrom: ResumeFile?
  /// Tables to start from instead of random ones; not together with a resume file.
  public var warmStart: WarmStart?

  /// The defaults of METHODS §4: naive MF.
  public init() {}

  /// Learns from `data`; see ``Method``.
  public func fit(
    _ data: TrainingData, seed: UInt64, observer: any TrainingObserver
  ) throws(TrainingError) -> TrainedModel {
    try Denormals.flushed { () throws(TrainingError) -> TrainedModel in
      var run = try PointwiseRun(method: self, data: data, seed: seed)
      return try run.train(observer: observer)
    }
  }
}
