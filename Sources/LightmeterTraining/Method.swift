public import LightmeterFeedback
public import LightmeterModels

/// What every method ends in: the gradient-trained ones, closed forms and popularity alike.
///
/// - Stability: experimental
public protocol Method: Sendable {
  /// Learns from `data`; the same seed gives the same bytes.
  ///
  /// - Parameters:
  ///   - observer: told of every epoch; it cannot alter training, only end it.
  /// - Throws: ``TrainingError``.
  func fit(_ data: TrainingData, seed: UInt64, observer: any TrainingObserver) throws(TrainingError) -> TrainedModel
}

/// What a method learned.
public struct TrainedModel: Sendable {
  /// Ranks items; monotone in relevance.
  public var scorer: any Scorer
  /// What it holds of exposure; nil for methods that hold nothing.
  public var exposure: StoredExposure?
  /// One record per epoch.
  public var history: [EpochRecord]
  /// AutoDebias's weights; nil for other methods.
  public var weights: PairWeights?
  /// Bundles the parts.
  public init(
    scorer: any Scorer, exposure: StoredExposure?, history: [EpochRecord], weights: PairWeights? = nil
  ) {
    (self.scorer, self.exposure, self.history, self.weights) = (scorer, exposure, history, weights)
  }
}

/// What an epoch did; logged, stored with the model, drawn.
public struct EpochRecord: Sendable, Hashable, Codable {
  /// Epochs done, counted from 1.
  public var epoch = 0
  /// Mean training loss, nats per pair, each batch before its step.
  public var trainingLoss = 0.0
  /// Mean outer loss at the virtual points of the steps that measure it; nil without an outer level.
  public var outerLoss: Double?
  /// Mean exposure over the epoch's pairs.
  public var meanExposure = 0.0
  /// Least exposure of the epoch.
  public var leastExposure = 0.0
  /// Greatest exposure of the epoch.
  public var greatestExposure = 0.0
  /// Mean gate of Eq. (14); nil for other exposure models.
  public var meanGate: Double?
  /// Root mean square over steps of the norm of the model's gradient.
  public var gradientNorm = 0.0
  /// The same of what moved the exposure parameters: the hypergradient under bi-level training; nil if nothing did.
  public var exposureGradientNorm: Double?
  /// Pairs gone through.
  public var pairs = 0
  /// Wall time of the epoch in seconds; not part of any comparison of bytes.
  public var seconds = 0.0
  /// An empty record.
  public init() {}
}

/// What training tells while it runs.
public enum TrainingEvent: Sendable {
  /// Some batches of an epoch are done.
  case progress(epoch: Int, epochs: Int, batch: Int, batches: Int)
  /// An epoch is done; the snapshot makes a model or a resume state on demand and must not be kept.
  case epoch(EpochRecord, epochs: Int, TrainingSnapshot)
}

/// Whether to go on.
public enum TrainingDecision: Sendable { case proceed, stop }

/// Receives what training tells. It cannot alter training; it can end it after the current batch.
public protocol TrainingObserver: Sendable {
  /// Called from the training thread; returning `.stop` ends training with ``TrainingError/interrupted(epochsDone:)``
  /// after a progress event, and cleanly after an epoch event.
  func observe(_ event: TrainingEvent) -> TrainingDecision
  /// How many of the first steps are told one by one; 0 by default.
  var firstSteps: Int { get }
  /// Called before the first step (`step` 0) and after each of the ``firstSteps`` steps of methods that train by
  /// mini-batches; the snapshot must not be kept.
  func observe(step: Int, _ snapshot: TrainingSnapshot)
}

extension TrainingObserver {
  /// None.
  public var firstSteps: Int { 0 }
  /// Nothing.
  public func observe(step: Int, _ snapshot: TrainingSnapshot) {}
}

/// An observer that lets training run.
public struct SilentObserver: TrainingObserver {
  /// The observer.
  public init() {}
  /// Lets training go on.
  public func observe(_ event: TrainingEvent) -> TrainingDecision { .proceed }
}

/// The state of a run between two epochs.
public struct TrainingSnapshot: Sendable {
  /// Makes the model as it is now.
  public let model: @Sendable () -> TrainedModel
  /// Makes the resume state; nil for methods that are not resumable because they finish at once.
  public let state: (@Sendable () -> TrainingState)?
}

/// What ends training other than its end.
public enum TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A loss or parameter stopped being a number.
  case diverged(epoch: Int, batch: Int, what: String)
  /// An observer asked to stop in the middle of an epoch.
  case interrupted(epochsDone: Int)
  /// The data lacks what the method needs.
  case missing(String)
  /// A resume state does not belong to this run.
  case resume(String)

  /// One sentence, or the text that a recipe holds.
  public var description: String {
    switch self {
    case .diverged(let epoch, let batch, let what):
      "training diverged in epoch \(epoch), batch \(batch): \(what); lower the learning rate or raise the weight decay"
    case .interrupted(let epochs): "training was interrupted after \(epochs) whole epochs"
    case .missing(let what): what
    case .resume(let why): "cannot resume: \(why)"
    }
  }
}
