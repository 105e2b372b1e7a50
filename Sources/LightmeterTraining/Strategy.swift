/// How relevance ω and exposure α move; the closed set of ways in the paper, switched once per batch.
public enum Strategy: Sendable, Hashable, Codable {
  /// ω moves, exposure is given.
  case fixed
  /// JointOpt: both move along the gradient of the training loss, taken at one point.
  case joint(throughExposure: Bool)
  /// AlterOpt: ω moves with α held, then α moves on the same batch with the new ω held.
  case alternating(throughExposure: Bool)
  /// Biif and BiOpt2: α moves along the derivative of an outer loss through one step of ω.
  case bilevel(Bilevel)
}

/// The settings of bi-level training; METHODS §6.4 says why its scale and rates decide everything.
///
/// - Source: Biif, Algorithm 1, Eq. (15)–(17).
public struct Bilevel: Sendable, Hashable, Codable {
  /// On which pairs the outer loss is taken.
  public enum OuterSet: String, Sendable, Hashable, Codable, CaseIterable {
    /// The unbiased validation set with exposure 1: Biif.
    case validation
    /// The training batch with the learned exposure: BiOpt2.
    case trainingBatch
  }
  /// Mean or sum over the batch and the validation set, in the virtual step and the outer loss.
  public enum Reduction: String, Sendable, Hashable, Codable, CaseIterable { case mean, sum }
  /// What the hypergradient is multiplied by, η the virtual step and n the batch size.
  public enum Scale: String, Sendable, Hashable, Codable, CaseIterable {
    /// η/n, the derivative itself: about 1e-11 a pair, below Adam's ε.
    case literal
    /// 1/n.
    case perPair
    /// 1. Adam is scale-free, so only the direction is left.
    case unit
  }
  /// Which of the two levels moves first in a step.
  public enum Order: String, Sendable, Hashable, Codable, CaseIterable { case modelFirst, exposureFirst }

  /// On which pairs the outer loss is taken.
  public var outerSet: OuterSet
  /// Length η of the virtual step ω − ηG; nil for the inner learning rate.
  public var virtualStep: Double?
  /// Mean or sum.
  public var reduction: Reduction
  /// The factor on the hypergradient.
  public var scale: Scale
  /// Which level moves first; Algorithm 1 moves the model first.
  public var order: Order
  /// Whether the inner gradient goes through the item factors inside the exposure (variant B; false in the paper).
  public var innerThroughExposure: Bool
  /// The same for the outer loss on the training batch; without effect on the validation set, whose exposure is 1.
  public var outerThroughExposure: Bool
  /// Strength of the pull of m towards its prior; 0 in the paper.
  public var pull: Double
  /// Most validation pairs per step; beyond, the steps of an epoch go through mini-batches (METHODS §1.3).
  public var validationPairsPerStep: Int

  /// The defaults of METHODS §6: validation set, hypergradient scale 1, mean, model first, exposure held constant.
  public init(
    outerSet: OuterSet = .validation, virtualStep: Double? = nil, reduction: Reduction = .mean, scale: Scale = .unit,
    order: Order = .modelFirst, innerThroughExposure: Bool = false, outerThroughExposure: Bool = false,
    pull: Double = 0, validationPairsPerStep: Int = 16_384
  ) {
    self.outerSet = outerSet
    self.virtualStep = virtualStep
    self.reduction = reduction
    self.scale = scale
    self.order = order
    self.innerThroughExposure = innerThroughExposure
    self.outerThroughExposure = outerThroughExposure
    self.pull = pull
    self.validationPairsPerStep = validationPairsPerStep
  }
}
