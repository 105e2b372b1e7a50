#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
internal import LightmeterKernels
public import LightmeterObjectives
internal import RealModule

/// What a new user's or item's row minimises: the training objective of the model with everything else held still.
///
///     Σ_clicks ℓ(1, s, m) + Σ_others w ℓ(0, s, m) + ½ Σ ridge_c x_c²
///     w = k n / M (k draws a click, n clicks of the user, M items);   1 where training goes through all pairs;   0 for none
///
/// Model files carry it in their manifest under "foldIn", written by whoever trained the model.
///
/// - Source: the stationary point of training in expectation. With gradients that are means over batches and a coupled
///   decay λ at every step, a row rests where Σ ∂ℓ + λ P x = 0, P pairs an epoch: the ridge is λ P.
/// - Stability: experimental
public struct FoldInObjective: Sendable, Hashable, Codable {
  /// The loss of a pair.
  public enum Loss: Sendable, Hashable, Codable {
    /// `Naive`.
    case naive
    /// `InversePropensity`.
    case inversePropensity(clip: Double)
    /// `LowVariance`.
    case lowVariance
    /// `WeightedRisk`.
    case weightedRisk(
      weighting: WeightedRisk.Weighting, likelihoodWeight: Double, riskWeight: Double, detachesWeights: Bool,
      clip: Double)
    /// `ConfidenceLogistic`.
    case logistic(confidence: Double, extra: Double)
    /// `LatentExposureLoss`.
    case latentExposure(precision: Double)
    /// c (y − s)², c = 1 + confidence on clicks, else 1: solved exactly, by the normal equations.
    case leastSquares(confidence: Double)
    /// AutoDebias: w1 (s − 1)² over clicks and `imputationWeight` w2 (s − m)² over all pairs, by the model's `PairWeights`.
    case imputedSquares(imputationWeight: Double)
    /// softplus(−(s_clicked − s_other)) over drawn triples.
    case triples
  }

  /// What training does with pairs that were not clicked.
  public enum Unclicked: Sendable, Hashable, Codable {
    /// Draws items for every click, uniformly.
    case drawn(perClick: Int)
    /// Goes through all of them.
    case all
    /// Learns from listed pairs only.
    case listed
  }

  /// The loss of a pair.
  public var loss: Loss
  /// What training does with pairs that were not clicked.
  public var unclicked: Unclicked
  /// Coupled decay of factors at every step, times the pairs of an epoch; the penalty itself for closed forms.
  public var factorRidge: Double
  /// The same of biases.
  public var biasRidge: Double
  /// The factors' ridge of an item's row where it differs from that of a user's; nil where it does not.
  public var itemRidge: Double?
  /// Batches of an epoch where a row decays only in batches that hold it; nil where every step moves every row.
  public var lazyBatches: Int?
  /// Training clicks per user: what an activity of 1 means.
  public var clicksPerUser: Double
  /// Whether clicked and listed pairs are known to have been shown (exposure 1), as in a log with impressions.
  public var listsImpressions: Bool

  /// Bundles the parts.
  public init(
    loss: Loss, unclicked: Unclicked, factorRidge: Double, biasRidge: Double, lazyBatches: Int? = nil,
    clicksPerUser: Double, listsImpressions: Bool = false
  ) {
    (self.loss, self.unclicked) = (loss, unclicked)
    (self.factorRidge, self.biasRidge, self.lazyBatches) = (factorRidge, biasRidge, lazyBatches)
    (self.clicksPerUser, self.listsImpressions) = (clicksPerUser, listsImpressions)
  }

  /// The loss as training evaluates it; nil where rows are solved in closed form.
  var estimator: (any Estimator)? {
    switch loss {
    case .naive, .triples: Naive()
    case .inversePropensity(let clip): InversePropensity(clip: clip)
    case .lowVariance: LowVariance()
    case .weightedRisk(let weighting, let likelihood, let risk, let detaches, let clip):
      WeightedRisk(
        weighting: weighting, likelihoodWeight: likelihood, riskWeight: risk, detachesWeights: detaches, clip: clip)
    case .logistic(let confidence, let extra): ConfidenceLogistic(confidence: confidence, extra: extra)
    case .latentExposure(let precision): LatentExposureLoss(precision: precision)
    case .imputedSquares: WantedScore()
    case .leastSquares: nil
    }
  }

  /// The share of the ridge that acts on a row with `pairs` pairs an epoch.
  func ridgeShare(pairs: Double) -> Double {
    guard let lazyBatches, lazyBatches > 0 else { return 1 }
    // 1 − (1 − 1/T)^pairs: the expected share of batches that hold the row.
    let batches = Double(lazyBatches)
    return batches == 1 ? 1 : 1 - Portable.exp(pairs * Portable.log(1 - 1 / batches))
  }
}

/// (s − wanted)². The column of exposures holds the wanted scores: a problem's pairs have no other number of their own.
private struct WantedScore: Estimator {
  var usesExposure: Bool { true }

  func terms<T: Real & Sendable>(clicked: Bool, logit: T, exposure: T) -> LossTerms<T> {
    let missed = logit - exposure
    return LossTerms(loss: missed * missed, byLogit: 2 * missed)
  }
}

/// What a model file says of new users and items: how to fold them in, or why not.
public enum FoldInRule: Sendable, Hashable {
  /// By minimising this.
  case objective(FoldInObjective)
  /// Not at all; one clause that says why.
  case unavailable(String)

  private struct Part: Decodable {
    var foldIn: FoldInObjective?
    var foldInUnavailable: String?
  }

  /// Reads the rule of a model file's manifest.
  public init(manifest: String) {
    let part = try? JSONDecoder().decode(Part.self, from: Data(manifest.utf8))
    if let objective = part?.foldIn {
      self = .objective(objective)
    } else {
      self = .unavailable(
        part?.foldInUnavailable ?? "its file does not say what it was trained to minimise; train it again")
    }
  }
}
