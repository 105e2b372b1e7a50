public import LightmeterKernels
public import RealModule

/// Cross-entropy in which a click has a weight: the loss of logistic matrix factorisation.
///
///     loss = (c + extra) softplus(s) − c s on clicks,   softplus(s) otherwise;   ∂/∂s = (c + extra) p − c,   p
///
/// With extra 0 a weighted cross-entropy, with extra 1 Johnson's form; with c = 1 and extra 0 it is ``Naive``.
///
/// - Units and range: nats; `exposure` is ignored.
/// - Source: Johnson 2014; METHODS §9.2.
/// - Stability: experimental
public struct ConfidenceLogistic: Estimator {
  /// c.
  public let confidence: Double
  /// How many zeros a click counts as besides.
  public let extra: Double

  /// The loss with clicks of the given weight.
  public init(confidence: Double, extra: Double) {
    precondition(confidence >= 0 && extra >= 0, "a click of weight \(confidence) and \(extra) is impossible")
    (self.confidence, self.extra) = (confidence, extra)
  }

  /// Whether the loss depends on exposure.
  public var usesExposure: Bool { false }

  /// The equation of one pair.
  public func terms<T: Real & Sendable>(clicked: Bool, logit: T, exposure: T) -> LossTerms<T> {
    guard clicked else { return LossTerms(loss: Stable.softplus(logit), byLogit: Stable.sigmoid(logit)) }
    let (c, extra): (T, T) = (WeightedRisk.number(confidence), WeightedRisk.number(extra))
    // c softplus(−s) is c softplus(s) − c s without its cancellation.
    return LossTerms(
      loss: c * Stable.softplus(-logit) + extra * Stable.softplus(logit),
      byLogit: extra * Stable.sigmoid(logit) - c * Stable.sigmoid(-logit))
  }

  /// The equation over a batch: the kernel's softplus and sigmoid everywhere, and the few clicks by the equation.
  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: TrainingScalar>(
    feedback: [UInt8], logits: [S], exposures: [S], into out: inout LossColumns<S>
  ) {
    S.naiveTerms(feedback: [UInt8](repeating: 0, count: feedback.count), logits: logits, into: &out)
    for k in feedback.indices where feedback[k] != 0 {
      let terms = terms(clicked: true, logit: logits[k], exposure: exposures[k])
      (out.loss[k], out.byLogit[k]) = (terms.loss, terms.byLogit)
    }
  }
}
