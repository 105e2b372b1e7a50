public import LightmeterKernels
public import RealModule

/// The paper's low-variance loss: the likelihood of the click, relevance and exposure being independent.
///
///     loss = −y log(m p) − (1 − y) log(1 − m p),   p = 1 / (1 + exp(−s))
///
/// Same minimiser as ``InversePropensity`` when `exposure` is true, but it never divides by the exposure of a pair, so
/// rare items do not inflate the gradient: its variance is m² (1 − p)² / (1 − m p)² ≤ 1 times that one's. The price: a
/// rarely exposed pair has hardly any gradient, so such items stay at the model's prior (METHODS §5.4).
///
/// - Units and range: `logit` any number; `exposure` in [0, 1]; nats.
/// - Returns: the mixed derivative is exactly 0 for clicks, Eq. (18).
/// - Precondition: `exposure` above 0 for clicks.
/// - Numerics: with e = exp(−|s|), 1 − m p is (e + 1 − m)/(1 + e) for s > 0 and (1 + (1 − m) e)/(1 + e) otherwise, so no
///   digits cancel as `logit` grows: at s = 40, m = 1 the loss is 40 in single precision, where the plain form gives
///   infinity. Finite up to |s| = 85 in single precision at m = 1; beyond, e is held at its value there.
/// - Complexity: O(1); one exponential and two logarithms.
/// - Source: Biif, Eq. (10), (11), (33); METHODS §5.3.
public struct LowVariance: Estimator {
  /// The estimator.
  public init() {}
  /// Whether the loss depends on exposure.
  public var usesExposure: Bool { true }
  /// Eq. (18): a click has none.
  public var mixedFeedback: FeedbackKinds { .others }

  /// The equation of one pair.
  @inlinable
  public func terms<T: Real & Sendable>(clicked: Bool, logit: T, exposure: T) -> LossTerms<T> {
    if clicked {
      let inverse = 1 / exposure
      return LossTerms(
        loss: Stable.softplus(-logit) - T.log(exposure), byLogit: -Stable.sigmoid(-logit), byExposure: -inverse,
        byExposureTwice: inverse * inverse)
    }
    let e = T.exp(-abs(logit))
    let rest = 1 - exposure
    let denominator = logit > 0 ? e + rest : 1 + rest * e
    let byExposure = (logit > 0 ? 1 : e) / denominator
    // At m = 1 the general form would be log(0) once e underflows; there the loss is the cross-entropy itself.
    let loss = rest == 0 ? Stable.softplus(logit) : T.log(onePlus: e) - T.log(denominator)
    return LossTerms(
      loss: loss, byLogit: rest == 0 ? Stable.sigmoid(logit) : exposure * (e / (1 + e)) / denominator,
      byExposure: byExposure, byLogitAndExposure: e / denominator / denominator,
      byExposureTwice: byExposure * byExposure)
  }

  /// The equation over a batch, by kernel.
  public func evaluate<S: TrainingScalar>(
    feedback: [UInt8], logits: [S], exposures: [S], into out: inout LossColumns<S>
  ) { S.lowVarianceTerms(feedback: feedback, logits: logits, exposures: exposures, into: &out) }
}
