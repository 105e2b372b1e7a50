public import LightmeterKernels
public import RealModule

/// RelMF's loss: clicks weigh one over their exposure.
///
///     loss = softplus(s) − (y / max(m, clip)) s
///
/// Its mean is the cross-entropy against relevance when m is the true exposure. The variance of its gradient,
/// γ (1 − m γ) / m, has no bound as m → 0, and the loss of a click with m < 1 has no lower bound; ``LowVariance`` has
/// neither trouble. Clipping trades variance for bias; at 0.01 it never binds on items with clicks.
///
/// - Numerics: one division per click; no clamp but `clip`. The derivative by exposure is 0 where `clip` binds.
/// - Source: Biif, Eq. (4) and (5); METHODS §5.2.
public struct InversePropensity: Estimator {
  /// Least exposure that a click is divided by; 0 for none.
  public let clip: Double
  /// The estimator, by default without clipping.
  public init(clip: Double = 0) {
    precondition(clip >= 0 && clip <= 1, "a clip of \(clip) is not in [0, 1]")
    self.clip = clip
  }
  /// Whether the loss depends on exposure.
  public var usesExposure: Bool { true }
  /// Exposure weighs clicks alone.
  public var mixedFeedback: FeedbackKinds { .clicks }

  /// The equation of one pair.
  @inlinable
  public func terms<T: Real & Sendable>(clicked: Bool, logit: T, exposure: T) -> LossTerms<T> {
    guard clicked else { return LossTerms(loss: Stable.softplus(logit), byLogit: Stable.sigmoid(logit)) }
    // Real has no conversion from Double; a ratio of integers is exact enough for a threshold with nine digits.
    let floor = T(Int(clip * 1e9)) / 1_000_000_000
    let bound = exposure < floor
    let weight = 1 / (bound ? floor : exposure)
    let slope = bound ? 0 : weight * weight
    return LossTerms(
      loss: Stable.softplus(logit) - weight * logit, byLogit: Stable.sigmoid(logit) - weight,
      byExposure: slope * logit, byLogitAndExposure: slope, byExposureTwice: -2 * slope * weight * logit)
  }

  /// The equation over a batch, by kernel.
  public func evaluate<S: TrainingScalar>(
    feedback: [UInt8], logits: [S], exposures: [S], into out: inout LossColumns<S>
  ) {
    guard clip > 0 else {
      return S.inversePropensityTerms(feedback: feedback, logits: logits, exposures: exposures, into: &out)
    }
    let floor = S(clip)
    var clipped = exposures
    for k in clipped.indices where clipped[k] < floor { clipped[k] = floor }
    S.inversePropensityTerms(feedback: feedback, logits: logits, exposures: clipped, into: &out)
    for k in feedback.indices where exposures[k] < floor {
      (out.byExposure[k], out.byLogitAndExposure[k], out.byExposureTwice[k]) = (0, 0, 0)
    }
  }
}
