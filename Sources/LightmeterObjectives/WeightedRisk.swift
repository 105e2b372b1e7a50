public import LightmeterKernels
public import RealModule

/// Likelihood of the click plus a reweighted cross-entropy: the objective of counterfactual exposure bias correction.
///
///     loss = likelihoodWeight · NLL(m p; y) + riskWeight · R,   p = 1 / (1 + exp(−s)),   D = 1 − m p
///     R = y ℓ⁺/m + (1 − y) (1 − p)/D ℓ⁻                          inverse
///     R = y (ℓ⁺/m + (1 − 1/m) ℓ⁻) + (1 − y) ℓ⁻                   positiveUnlabeled
///     R = y ℓ⁺ + (1 − y) ((1 − p) ℓ⁻ + p (1 − m) ℓ⁺)/D           addedPositive
///     ℓ⁺ = softplus(−s),   ℓ⁻ = softplus(s)
///
/// Each R is unbiased for the cross-entropy against relevance when m and the p inside its weight are true. Alone they
/// have trivial minimisers (p = 1 everywhere, or m → 0), so the likelihood, ``LowVariance``, must stand beside them.
///
/// - Units and range: `logit` any number; `exposure` in [0, 1]; nats.
/// - Precondition: `exposure` above 0 for clicks.
/// - Numerics: divisions of a click by m use max(m, clip), with derivative 0 by m where that binds; nothing is added to m
///   or D, so the identities hold to the last digits: at m = 1 every part is the cross-entropy, positiveUnlabeled is
///   ``InversePropensity``, and addedPositive with constant weights has the gradient of ``LowVariance``.
/// - Source: Gupta et al. 2021, "Correcting Exposure Bias for Link Recommendation"; METHODS §13.1. Its notebook can
///   never select the third weighting and labels its added positives 0, which makes it the naive loss; not copied.
/// - Stability: experimental
public struct WeightedRisk: Estimator {
  /// The three reweightings.
  public enum Weighting: String, Sendable, Hashable, Codable, CaseIterable {
    /// R_w: clicks over their exposure, the others by P(irrelevant | no click).
    case inverse
    /// R_PU: the others in full, clicks taken off them again; the risk of ``InversePropensity``.
    case positiveUnlabeled
    /// R_AP: the others as dislikes and likes by their posterior.
    case addedPositive
  }
  /// Which R.
  public var weighting: Weighting
  /// Weight of the likelihood of the click.
  public var likelihoodWeight: Double
  /// Weight of R.
  public var riskWeight: Double
  /// Whether the weights in R are constants of the gradient; the published code differentiates them.
  public var detachesWeights: Bool
  /// Least exposure that R divides a click by.
  public var clip: Double

  /// The published weights, 20 to 1, on the published default R.
  public init(
    weighting: Weighting = .inverse, likelihoodWeight: Double = 20, riskWeight: Double = 1,
    detachesWeights: Bool = false, clip: Double = 0.01
  ) {
    precondition(clip >= 0 && clip <= 1, "a clip of \(clip) is not in [0, 1]")
    precondition(likelihoodWeight >= 0 && riskWeight >= 0, "the weights of the two parts are at least 0")
    (self.weighting, self.likelihoodWeight, self.riskWeight) = (weighting, likelihoodWeight, riskWeight)
    (self.detachesWeights, self.clip) = (detachesWeights, clip)
  }

  /// Whether the loss depends on exposure.
  public var usesExposure: Bool { true }

  /// The equation of one pair.
  public func terms<T: Real & Sendable>(clicked: Bool, logit: T, exposure: T) -> LossTerms<T> {
    let likelihood = LowVariance().terms(clicked: clicked, logit: logit, exposure: exposure)
    let liked = Stable.softplus(-logit)
    let disliked = Stable.softplus(logit)
    let (p, rest) = (Stable.sigmoid(logit), Stable.sigmoid(-logit))
    let risk = risk(
      clicked: clicked,
      RiskInputs(logit: logit, liked: liked, disliked: disliked, p: p, rest: rest, exposure: exposure),
      floor: WeightedRisk.number(clip))
    return likelihood.scaled(by: WeightedRisk.number(likelihoodWeight))
      .adding(risk, scale: WeightedRisk.number(riskWeight))
  }

  /// The equation over a batch: logarithms and exponentials by kernel.
  public func evaluate<S: TrainingScalar>(
    feedback: [UInt8], logits: [S], exposures: [S], into out: inout LossColumns<S>
  ) {
    S.lowVarianceTerms(feedback: feedback, logits: logits, exposures: exposures, into: &out)
    if likelihoodWeight == 1 && riskWeight == 0 { return }
    let count = feedback.count
    let zeros = [UInt8](repeating: 0, count: count)
    var (disliked, p, mirrored, liked, rest): ([S], [S], [S], [S], [S]) = ([], [], [], [], [])
    S.crossEntropy(feedback: zeros, logits: logits, loss: &disliked, byLogit: &p)
    // At −s, so that 1 − p has all its digits.
    S.multiply(logits, nil, scale: -1, count: count, into: &mirrored)
    S.crossEntropy(feedback: zeros, logits: mirrored, loss: &liked, byLogit: &rest)
    combine(feedback, logits, exposures, liked: liked, disliked: disliked, p: p, rest: rest, into: &out)
  }

  /// The weighted sum of the likelihood, which is in `out`, and the risk.
  @specialized(where S == Float)
  @specialized(where S == Double)
  private func combine<S: TrainingScalar>(
    _ feedback: [UInt8], _ logits: [S], _ exposures: [S], liked: [S], disliked: [S], p: [S], rest: [S],
    into out: inout LossColumns<S>
  ) {
    let (likelihood, weight, floor) = (S(likelihoodWeight), S(riskWeight), S(clip))
    for k in feedback.indices {
      let inputs = RiskInputs(
        logit: logits[k], liked: liked[k], disliked: disliked[k], p: p[k], rest: rest[k], exposure: exposures[k])
      let risk = risk(clicked: feedback[k] != 0, inputs, floor: floor)
      out.loss[k] = likelihood * out.loss[k] + weight * risk.loss
      out.byLogit[k] = likelihood * out.byLogit[k] + weight * risk.byLogit
      out.byExposure[k] = likelihood * out.byExposure[k] + weight * risk.byExposure
      out.byLogitAndExposure[k] = likelihood * out.byLogitAndExposure[k] + weight * risk.byLogitAndExposure
      out.byExposureTwice[k] = likelihood * out.byExposureTwice[k] + weight * risk.byExposureTwice
    }
  }

  private func risk<T: Real & Sendable>(clicked: Bool, _ x: RiskInputs<T>, floor: T) -> LossTerms<T> {
    clicked ? clickedRisk(x, floor: floor) : unclickedRisk(x)
  }

  private func clickedRisk<T: Real & Sendable>(_ x: RiskInputs<T>, floor: T) -> LossTerms<T> {
    let bound = x.exposure < floor
    let weight = 1 / (bound ? floor : x.exposure)
    let slope = bound ? 0 : weight * weight
    var risk: LossTerms<T>
    switch weighting {
    case .inverse:
      risk = LossTerms(
        loss: weight * x.liked, byLogit: -weight * x.rest, byExposure: -slope * x.liked,
        byLogitAndExposure: slope * x.rest, byExposureTwice: 2 * slope * weight * x.liked)
    case .positiveUnlabeled:
      risk = LossTerms(
        loss: x.disliked - weight * x.logit, byLogit: x.p - weight, byExposure: slope * x.logit,
        byLogitAndExposure: slope, byExposureTwice: -2 * slope * weight * x.logit)
    case .addedPositive: risk = LossTerms(loss: x.liked, byLogit: -x.rest)
    }
    if detachesWeights { (risk.byExposure, risk.byExposureTwice) = (0, 0) }
    return risk
  }

  private func unclickedRisk<T: Real & Sendable>(_ x: RiskInputs<T>) -> LossTerms<T> {
    let (p, hidden) = (x.p, 1 - x.exposure)
    guard weighting != .positiveUnlabeled else { return LossTerms(loss: x.disliked, byLogit: p) }
    let denominator = x.rest + hidden * p
    // 0/0 where p rounds to 1 at full exposure; the weight of a dislike is 1 there.
    let dislike = denominator > 0 ? x.rest / denominator : 1
    let spread = denominator > 0 ? p * dislike / denominator : 0
    let curve = denominator > 0 ? 2 * p * spread / denominator : 0
    let constant = weighting == .inverse ? dislike * p : x.exposure * p * dislike
    // The derivative of `constant` by m; ∂W/∂s = −(1 − m) spread, ∂W/∂m = spread, W the weight of the dislike.
    let constantByExposure = weighting == .inverse ? p * spread : spread
    // What multiplies W in the loss.
    let factor = weighting == .inverse ? x.disliked : x.logit
    let loss = weighting == .inverse ? dislike * x.disliked : x.liked + dislike * x.logit
    if detachesWeights {
      return LossTerms(loss: loss, byLogit: constant, byLogitAndExposure: constantByExposure)
    }
    return LossTerms(
      loss: loss, byLogit: constant - factor * hidden * spread, byExposure: factor * spread,
      byLogitAndExposure: constantByExposure + factor * (spread - hidden * curve), byExposureTwice: factor * curve)
  }

  // Real has no conversion from Double; a ratio of integers is exact enough for settings with nine digits.
  static func number<T: Real>(_ value: Double) -> T { T(Int(value * 1e9)) / 1_000_000_000 }
}

/// What the risks are made of: s, softplus(−s), softplus(s), σ(s), σ(−s), m.
private struct RiskInputs<T: Real & Sendable> {
  var (logit, liked, disliked, p, rest, exposure): (T, T, T, T, T, T)

  init(logit: T, liked: T, disliked: T, p: T, rest: T, exposure: T) {
    (self.logit, self.liked, self.disliked, self.p, self.rest, self.exposure) = (
      logit, liked, disliked, p, rest, exposure
    )
  }
}

extension LossTerms {
  fileprivate func scaled(by scale: T) -> LossTerms {
    LossTerms(
      loss: scale * loss, byLogit: scale * byLogit, byExposure: scale * byExposure,
      byLogitAndExposure: scale * byLogitAndExposure, byExposureTwice: scale * byExposureTwice)
  }

  fileprivate func adding(_ other: LossTerms, scale: T) -> LossTerms {
    LossTerms(
      loss: loss + scale * other.loss, byLogit: byLogit + scale * other.byLogit,
      byExposure: byExposure + scale * other.byExposure,
      byLogitAndExposure: byLogitAndExposure + scale * other.byLogitAndExposure,
      byExposureTwice: byExposureTwice + scale * other.byExposureTwice)
  }
}
