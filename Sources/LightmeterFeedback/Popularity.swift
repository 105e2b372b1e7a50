internal import LightmeterKernels

/// Exposure from popularity alone.
public enum Popularity {
  /// The exposure that an item's share of clicks suggests.
  ///
  ///     θ_i = (c_i / max_j c_j)^exponent
  ///
  /// c_i is the number of training positives of item i. An item without positives gets 0: it never appears as a positive,
  /// so 1/θ is never taken, but as a negative with exposure 0 it teaches the low-variance estimator nothing.
  ///
  /// - Parameters:
  ///   - positives: the training positives, nothing held out among them.
  ///   - exponent: how strongly popularity is read as exposure; 0.5 is RelMF's. With 0 every item that has a positive gets 1.
  /// - Returns: one number in [0, 1] per item, over all items; the largest is 1 unless there are no positives.
  /// - Precondition: `exponent` is finite and not negative.
  /// - Numerics: an exact square root for 0.5, else portable functions: the same bytes on every machine.
  /// - Complexity: O(positives + items).
  /// - Source: Biif, Eq. (13); Saito et al. 2020.
  /// - Stability: stable
  public static func exposure(of positives: FeedbackMatrix, exponent: Double = 0.5) -> [Float] {
    precondition(exponent.isFinite && exponent >= 0, "a popularity exponent of \(exponent) is impossible")
    let counts = positives.itemCounts
    let highest = Double(counts.max() ?? 0)
    return counts.map { count in
      if count == 0 { return 0 }
      let share = Double(count) / highest
      if exponent == 0.5 { return Float(share.squareRoot()) }
      if exponent == 1 { return Float(share) }
      return Float(Portable.exp(exponent * Portable.log(share)))
    }
  }
}
