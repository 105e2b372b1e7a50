public import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels

/// AutoDebias: matrix factorisation on clicks and imputed labels, whose weights and labels are tuned by an unbiased set.
///
///     F = Σ_clicked w1 (s − 1)² + λ Σ_all w2 (s − m)² + κ/2 (‖p‖² + ‖q‖²);   outer: G = Σ_D_val (s − label)², labels ±1
///     w1 = exp((x_u + x_i)/5),   w2 = exp((z_u + z_i + z_o)/5),   m = tanh(f_o),   o whether the pair was clicked
///
/// An epoch goes through all users × items in blocks of a random partition, sums over a block. A block's step: a virtual
/// gradient step of the factors, discarded after it has given the derivative of G by x, z and f (`AutoDebiasTrainer`);
/// an Adam step of those; a plain gradient step of the factors under the new ones.
///
/// The outer set is the data's validation set: carved from the log as in the Biif paper's comparison, or real random
/// traffic, as in its own paper, where the data was built with it.
///
/// - Units and range: scores near ±1; (1 + s)/2, cut to [0, 1], is read as P(relevant). No exposure.
/// - Complexity: O(users · items · d) an epoch; memory of one block beyond the tables.
/// - Source: Chen et al. 2021, "AutoDebias: Learning to Debias for Recommendation", implicit feedback; METHODS §12.
///   Nothing of a test set is used for early stopping or as outer data, as the published code does.
/// - Stability: experimental
public struct AutoDebiasMethod: Method {
  /// Number of factors d.
  public var dimension = 50
  /// Cells of a block, near a square of users and items.
  public var blockCells = 4096
  /// η: step length of the factors, virtual and real.
  public var learningRate = 1e-3
  /// λ: weight of the imputed labels.
  public var imputationWeight = 0.05
  /// κ: decay of the factors of a block's rows; biases have none.
  public var weightDecay = 1.0
  /// Rate and decay of x, the weights of clicks.
  public var clickWeights = OptimizerSettings(learningRate: 1e-3, weightDecay: 1e-4, biasDecay: 0)
  /// Rate and decay of z, the weights of all pairs.
  public var pairWeights = OptimizerSettings(learningRate: 1e-3, weightDecay: 1e-3, biasDecay: 0)
  /// Rate and decay of f, the imputed labels.
  public var imputation = OptimizerSettings(learningRate: 0.1, weightDecay: 1e-4, biasDecay: 0)
  /// First epochs, in which only the imputed labels are tuned.
  public var frozenEpochs = 20
  /// Passes over all pairs.
  public var epochs = 500
  /// A resume file to go on from.
  public var resumeFrom: ResumeFile?

  /// The settings of METHODS §12.4 for Coat, with 50 factors.
  public init() {}

  /// Blocks of an epoch that hold a given user, and those that hold a given item: how often its row decays.
  public func blocksPerRow(userCount: Int, itemCount: Int) -> (user: Int, item: Int) {
    let blocks = AutoDebiasBlocks(userCount: userCount, itemCount: itemCount, cells: blockCells, seed: 0)
    return (blocks.columns, blocks.count / blocks.columns)
  }

  /// Learns from `data`; see ``Method``.
  public func fit(
    _ data: TrainingData, seed: UInt64, observer: any TrainingObserver
  ) throws(TrainingError) -> TrainedModel {
    precondition(blockCells > 0, "a block of \(blockCells) cells is impossible")
    return try Denormals.flushed { () throws(TrainingError) -> TrainedModel in
      var run = try AutoDebiasRun(method: self, data: data, seed: seed)
      return try run.train(epochs: epochs, observer: observer)
    }
  }
}
