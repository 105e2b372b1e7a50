public import LightmeterKernels
public import RealModule

/// The negative log likelihood of a pair under a latent exposure and a Gaussian score: what ExpoMF maximises.
///
///     clicked:   −log m − log f(1 − s);   otherwise −log(1 − m + m f(s)),   f(x) = √(λ/2π) exp(−λ x²/2)
///     ∂/∂s = −λ (1 − s),   λ s m f / (m f + 1 − m)
///
/// - Units and range: `logit` stands for the score s, any number; `exposure` is the prior m, in (0, 1); nats.
/// - Numerics: by logarithms throughout.
/// - Source: Liang et al. 2016; METHODS §8.
/// - Stability: experimental
public struct LatentExposureLoss: Estimator {
  /// λ, the inverse variance of an exposed pair's score.
  public let precision: Double

  /// The loss of a given precision.
  public init(precision: Double) {
    precondition(precision > 0, "a precision of \(precision) is impossible")
    self.precision = precision
  }

  /// Whether the loss depends on exposure.
  public var usesExposure: Bool { true }

  /// The equation of one pair.
  public func terms<T: Real & Sendable>(clicked: Bool, logit: T, exposure: T) -> LossTerms<T> {
    let lambda: T = WeightedRisk.number(precision)
    let logPeak = (T.log(lambda) - T.log(2 * T.pi)) / 2
    if clicked {
      let gap = 1 - logit
      let inverse = 1 / exposure
      return LossTerms(
        loss: lambda * gap * gap / 2 - logPeak - T.log(exposure), byLogit: -lambda * gap, byExposure: -inverse,
        byExposureTwice: inverse * inverse)
    }
    let logDensity = logPeak - lambda * logit * logit / 2
    let seen = T.log(exposure) + logDensity
    let unseen = T.log(onePlus: -exposure)
    let total = Stable.logAddExp(seen, unseen)
    let byExposure = (1 - T.exp(logDensity)) / T.exp(total)
    return LossTerms(
      loss: -total, byLogit: lambda * logit * T.exp(seen - total), byExposure: byExposure,
      byLogitAndExposure: lambda * logit * T.exp(logDensity - 2 * total), byExposureTwice: byExposure * byExposure)
  }

  /// The equation over a batch.
  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: TrainingScalar>(
    feedback: [UInt8], logits: [S], exposures: [S], into out: inout LossColumns<S>
  ) { evaluatePairs(feedback: feedback, logits: logits, exposures: exposures, into: &out) }
}
