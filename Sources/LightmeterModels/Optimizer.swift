public import LightmeterKernels

/// Moves tables one step along a row-sparse gradient. It only steps; the virtual step of bi-level training is not its.
///
/// - Stability: experimental
public protocol Optimizer<S>: Sendable {
  /// The precision it works in.
  associatedtype S: TrainingScalar
  /// Step length.
  var learningRate: S { get }
  /// Whether rows may lag behind; if not, ``settle(_:rows:)`` does nothing.
  var defers: Bool { get }
  /// Whether a step moves no rows but those of its gradient.
  var movesOnlyGradientRows: Bool { get }
  /// Brings rows up to date that an optimizer may have left behind: before they are read, and before a step that moves
  /// them.
  ///
  /// - Parameters:
  ///   - rows: per table, each row once; nil for all rows of all tables.
  mutating func settle(_ tables: inout [Table<S>], rows: [[Int32]]?)
  /// Moves `tables` down `gradient`, one entry per table; decay is the optimizer's own.
  mutating func step(_ tables: inout [Table<S>], along gradient: [RowGradient<S>])
  /// All that a resumed run needs, by name; written into the resume file as it is. Every row is settled first.
  var state: [OptimizerState<S>] { get set }
}

extension Optimizer {
  /// No row lags.
  public var defers: Bool { false }
  /// Others move too.
  public var movesOnlyGradientRows: Bool { false }
  /// No row lags.
  public mutating func settle(_ tables: inout [Table<S>], rows: [[Int32]]?) {}
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
