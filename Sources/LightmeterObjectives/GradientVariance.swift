/// Variance of a pair's gradient by the logit over the draw of the click, when exposure and relevance are known.
///
/// With y ~ Bernoulli(m γ): inverse propensity γ (1 − m γ) / m; low variance m γ (1 − m γ) (1 − p)² / (1 − m p)². Their
/// ratio, m² (1 − p)² / (1 − m p)², never exceeds 1; the mean gradient shrinks by its square root, so "low variance" means
/// "trust under-exposed pairs less", not "more information".
///
/// - Units and range: all arguments in (0, 1]; squared nats.
/// - Source: Biif, Eq. (6), whose printed m² in the denominator is a slip for m, and Eq. (12); METHODS §5.2, §5.3, §16.
public enum GradientVariance {
  /// Variance under ``InversePropensity``.
  public static func inversePropensity(exposure: Double, relevance: Double) -> Double {
    relevance * (1 - exposure * relevance) / exposure
  }

  /// Variance under ``LowVariance`` at predicted relevance `predicted`.
  public static func lowVariance(exposure: Double, relevance: Double, predicted: Double) -> Double {
    let click = exposure * relevance
    let factor = (1 - predicted) / (1 - exposure * predicted)
    return click * (1 - click) * factor * factor
  }
}
