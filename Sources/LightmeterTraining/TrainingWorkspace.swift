internal import LightmeterFeedback
public import LightmeterKernels
internal import LightmeterModels

/// The reused buffers of a step; a trainer owns one.
struct TrainingWorkspace<S: TrainingScalar>: Sendable {
  var input = StepInput()
  var logits: [S] = []
  var terms = LossColumns<S>()
  var tape = ExposureTape<S>()
  var cotangents: [S] = []
  var modelGradient: [RowGradient<S>] = []
  var exposureGradient: [RowGradient<S>] = []
  // The outer level: validation pairs or the batch at the virtual point.
  var crossEntropy = CrossEntropyColumns<S>()
  // Of the validation pairs of the step before, where the next step may have the same.
  var outerRows = OuterRows<S>()
  var earlierOuter = PairBatch()
  var outerLogits: [S] = []
  var outerTerms = LossColumns<S>()
  var outerTape = ExposureTape<S>()
  var outerGradient: [RowGradient<S>] = []
  var outerCotangents: [S] = []
  var tangents: [S] = []
  // Of the pairs that share a row with the validation pairs.
  var linkedTerms: [S] = []
  var linkedTape = ExposureTape<S>()
  var saved: [[S]] = []
}

/// What one step did, for the epoch's log.
public struct StepRecord: Sendable {
  /// Mean training loss of the batch, before the step.
  public var trainingLoss = 0.0
  /// Mean outer loss at the virtual point; nil without an outer level, and where it was not measured.
  public var outerLoss: Double?
  /// Pairs in the batch.
  public var pairs = 0
  /// Sum, least and greatest exposure over the batch.
  public var exposures = ColumnSummary(sum: 0, squares: 0, least: 1, greatest: 0)
  /// Sum of the gates of Eq. (14) over the batch; nil for other exposure models.
  public var gateSum: Double?
  /// Squared norm of the model's gradient; nil where it was not measured.
  public var gradientSquared: Double?
  /// Squared norm of what moved the exposure parameters; nil where it was not measured or nothing moved them.
  public var exposureGradientSquared: Double?
}
