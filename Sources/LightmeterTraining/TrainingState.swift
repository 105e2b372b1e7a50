public import LightmeterKernels
public import LightmeterModels

/// What a resumed run needs and nothing else: parameters, moments, step counts and the epoch. Streams of randomness are
/// keyed by the epoch, so no generator has a state to keep.
public struct TrainingState: Sendable {
  /// Whole epochs done.
  public var epochsDone: Int
  /// The relevance model's tables.
  public var modelTables: [Table<Float>]
  /// The exposure model's tables.
  public var exposureTables: [Table<Float>]
  /// Moments and step counts, parallel to the tables.
  public var modelOptimizer: [OptimizerState<Float>]
  /// The same of the exposure model.
  public var exposureOptimizer: [OptimizerState<Float>]
  /// Records of the epochs done.
  public var history: [EpochRecord]

  /// Bundles the parts.
  public init(
    epochsDone: Int, modelTables: [Table<Float>], exposureTables: [Table<Float>],
    modelOptimizer: [OptimizerState<Float>], exposureOptimizer: [OptimizerState<Float>], history: [EpochRecord]
  ) {
    self.epochsDone = epochsDone
    self.modelTables = modelTables
    self.exposureTables = exposureTables
    self.modelOptimizer = modelOptimizer
    self.exposureOptimizer = exposureOptimizer
    self.history = history
  }
}
