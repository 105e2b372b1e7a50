public import LightmeterKernels

/// Moves tables one step along a row-sparse gradient. It only steps; the virtual step of bi-level training is not its.
///
/// - Stability: experimental
public protocol Optimizer<S>: Sendable {
  /// The precision it works in.
  associatedtype S: TrainingScalar
  /// Step length of the next step.
  var learningRate: S { get set }
  /// Moves `tables` down `gradient`, one entry per table; decay is the optimizer's own.
  mutating func step(_ tables: inout [Table<S>], along gradient: [RowGradient<S>])
  /// All that a resumed run needs, by name; written into the resume file as it is.
  var state: [OptimizerState<S>] { get set }
}

/// Moments and step counts of one table.
public struct OptimizerState<S: TrainingScalar>: Sendable {
  /// First and second moments.
  public var moments: AdamMoments<S>
  /// Steps per row under `LazyAdam`; one entry, the common count, under `Adam`.
  public var steps: [Int32]
  /// Bundles the parts.
  public init(moments: AdamMoments<S>, steps: [Int32]) { (self.moments, self.steps) = (moments, steps) }
}

/// The optimizer's settings as recipes spell them.
public struct OptimizerSettings: Sendable, Hashable, Codable {
  /// Step length.
  public var learningRate: Double
  /// Coupled decay on factors: added to the gradient before the moments.
  public var weightDecay: Double
  /// Coupled decay on biases.
  public var biasDecay: Double
  /// Bundles the settings.
  public init(learningRate: Double, weightDecay: Double, biasDecay: Double) {
    (self.learningRate, self.weightDecay, self.biasDecay) = (learningRate, weightDecay, biasDecay)
  }
}
