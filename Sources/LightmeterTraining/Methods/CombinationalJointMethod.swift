public import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels

/// CJMF: relevance and an item's exposure learned from each other by models that never see their own part of the clicks.
///
/// The clicks are cut into parts at random; there is one base model a part. In the pass on a part every base model but
/// that part's own takes a step on relevance, with the exposure fixed at a target, and one on exposure, with the relevance
/// fixed. Targets are frozen before the pass: of a click the own model of its part alone, which has never been trained
/// on it, of any other pair the mean of all. Residual models are then fitted on top of the base models, which hold still,
/// on all pairs by the low-variance loss. The prediction is the mean relevance of base plus residual.
///
///     base:      softplus(s) − (y/M) s;   −(y/P) log m − (1 − y/P) log(1 − m)
///     residual:  −y log(p M) − (1 − y) log(1 − p M), likewise with P m
///
/// M and P are targets, in [0.01, 0.99]; m is `GatedExposure`, one number per item, mean of the base models' for export.
///
/// - Complexity: parts − 1 + parts times the work of a pointwise method; memory of twice `parts` models, during a pass
///   of a copy of the base models, and of an epoch's pairs where they are at most 2²³, else of one part's.
/// - Source: Zhu et al. 2020, "Unbiased Implicit Recommendation and Propensity Estimation via Combinational Joint
///   Learning"; METHODS §11. Differences: targets are taken pair by pair instead of from dense products; negatives avoid
///   the clicks of all parts, not of the pass's; the ends of p and m stop no gradient unless ``hardClip`` asks for it.
/// - Stability: experimental
public struct CombinationalJointMethod: Method {
  /// Number of factors d.
  public var dimension = 50
  /// Which biases the models have.
  public var biases = BiasTerms.none
  /// Added to every logit.
  public var intercept = Intercept.none
  /// Standard deviation of the base models' initial factors; a third of it for the residual models.
  public var initialDeviation = 0.03
  /// Parts of the clicks, base models and residual models.
  public var parts = 8
  /// Rate and decays of the base models' relevance.
  public var inner = OptimizerSettings(learningRate: 1e-3, weightDecay: 5e-5, biasDecay: 0)
  /// Rate and decay of the gates; the published decay of 11 holds them near 0.
  public var outer = OptimizerSettings(learningRate: 1e-3, weightDecay: 11, biasDecay: 11)
  /// What the rates are multiplied by for the residual models.
  public var residualRate = 1.0 / 13
  /// What the decays are multiplied by for the residual models.
  public var residualDecay = 0.5
  /// Whether p and m outside [0.01, 0.99] get no gradient at all, as in the published code.
  public var hardClip = false
  /// Passes over the stream.
  public var epochs = 15
  /// Pairs per batch.
  public var batchSize = 1024
  /// A resume file to go on from.
  public var resumeFrom: ResumeFile?

  /// The settings of METHODS §11.4.
  public init() {}

  /// Learns from `data`; see ``Method``.
  public func fit(
    _ data: TrainingData, seed: UInt64, observer: any TrainingObserver
  ) throws(TrainingError) -> TrainedModel {
    precondition(parts >= 2, "\(parts) parts are impossible: a model must have clicks that are not its own")
    return try Denormals.flushed { () throws(TrainingError) -> TrainedModel in
      var run = try CombinationalJointRun(method: self, data: data, seed: seed)
      return try run.train(epochs: epochs, observer: observer)
    }
  }
}
