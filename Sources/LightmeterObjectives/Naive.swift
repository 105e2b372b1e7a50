public import LightmeterKernels
public import RealModule

/// Cross-entropy that takes every unclicked pair for a dislike: the control that a debiased method must beat.
///
///     loss = softplus(s) − y s
///
/// - Units and range: nats; `exposure` is ignored.
/// - Source: METHODS §5.1.
public struct Naive: Estimator {
  /// The estimator.
  public init() {}
  /// Whether the loss depends on exposure.
  public var usesExposure: Bool { false }

  /// The equation of one pair.
  @inlinable
  public func terms<T: Real & Sendable>(clicked: Bool, logit: T, exposure: T) -> LossTerms<T> {
    LossTerms(
      loss: clicked ? Stable.softplus(-logit) : Stable.softplus(logit),
      byLogit: clicked ? -Stable.sigmoid(-logit) : Stable.sigmoid(logit))
  }

  /// The equation over a batch, by kernel.
  public func evaluate<S: TrainingScalar>(
    feedback: [UInt8], logits: [S], exposures: [S], into out: inout LossColumns<S>
  ) { S.naiveTerms(feedback: feedback, logits: logits, into: &out) }
}
