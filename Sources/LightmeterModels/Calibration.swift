public import LightmeterFeedback
internal import LightmeterKernels

/// Exposure in closed form from a click log and a slice of random traffic.
///
/// A random showing reveals relevance without exposure; a click of the log is relevance times exposure; their ratio is
/// exposure. Clicks alone do not identify it.
///
/// - Source: METHODS §20.1.
/// - Stability: experimental
public enum Calibration {
  /// How a slice is turned into an exposure.
  public enum Form: String, Sendable, CaseIterable, Codable {
    /// m_i from item means alone.
    case plain
    /// m_i times the user's activity.
    case plainWithActivity
    /// Relevance regressed on popularity and activity, with item effects.
    case regressed
  }

  /// The exposure of the given form.
  ///
  /// - Throws: ``CalibrationError``.
  public static func exposure(
    _ form: Form, clicks: FeedbackMatrix, slice: PairBatch, shrinkage: Double = 5
  ) throws -> CalibratedExposure {
    switch form {
    case .plain: try plain(clicks: clicks, slice: slice, usesActivity: false, shrinkage: shrinkage)
    case .plainWithActivity: try plain(clicks: clicks, slice: slice, usesActivity: true, shrinkage: shrinkage)
    case .regressed: try regressed(clicks: clicks, slice: slice, shrinkage: shrinkage).exposure
    }
  }

  /// Plain calibration by item means.
  ///
  ///     γ̂_i = (k_i + κ p̄) / (n_i + κ),   m_i = (c_i / N) / γ̂_i,   m_ui = clip(m_i a_u, 0.003, 0.97)
  ///
  /// - Parameters:
  ///   - clicks: the ordinary log, c_i clicks of item i by N users.
  ///   - slice: randomly shown pairs with their clicks, k_i in n_i showings of item i.
  ///   - usesActivity: whether a_u = (clicks of u) / (mean clicks per user), clipped to [0.1, 5], enters; else 1.
  ///   - shrinkage: κ.
  /// - Throws: ``CalibrationError`` for an empty slice or one without a click.
  public static func plain(
    clicks: FeedbackMatrix, slice: PairBatch, usesActivity: Bool = true, shrinkage: Double = 5
  ) throws -> CalibratedExposure {
    let means = try SliceItemMeans(
      slice: slice, userCount: clicks.userCount, itemCount: clicks.itemCount, shrinkage: shrinkage)
    let activities =
      usesActivity
      ? activities(of: clicks, clippedTo: 0.1...5).map { Float($0) } : [Float](repeating: 1, count: clicks.userCount)
    return CalibratedExposure(
      itemRates: clicks.itemCounts.map { Float(Double($0) / Double(clicks.userCount)) }, activities: activities,
      relevance: CalibratedRelevance(userCount: clicks.userCount, itemMeans: means.means))
  }

  /// Calibration with a regression for the prior of each item.
  ///
  ///     e_i = (k_i + κ) / (Σ_{slice of i} γ⁰ + κ),   γ̂_ui = clip(γ⁰_ui e_i, 1e-4, 0.97)
  ///     m_ui = clip((c_i / N) a_u / γ̂_ui, 0.003, 0.97),   c_i at least 0.3, a_u in [0.05, 5]
  ///
  /// γ⁰ is the fit of ``SliceRegression``. For slices with few showings an item.
  ///
  /// - Returns: the exposure with the regression behind it.
  /// - Throws: ``CalibrationError``.
  public static func regressed(
    clicks: FeedbackMatrix, slice: PairBatch, shrinkage: Double = 5
  ) throws -> (exposure: CalibratedExposure, regression: SliceRegression) {
    let regression = try SliceRegression(clicks: clicks, slice: slice)
    let counts = try SliceCounts(slice, itemCount: clicks.itemCount)
    var expected = [Double](repeating: 0, count: clicks.itemCount)
    for k in slice.users.indices {
      expected[Int(slice.items[k])] += regression.relevance(user: Int(slice.users[k]), item: Int(slice.items[k]))
    }
    let effects = (0..<clicks.itemCount).map { item in
      let denominator = expected[item] + shrinkage
      return Float(denominator == 0 ? 1 : (Double(counts.clicked[item]) + shrinkage) / denominator)
    }
    let relevance = CalibratedRelevance(
      itemEffects: effects, itemLogits: regression.itemLogits.map { Float($0) },
      userLogits: regression.userLogits.map { Float($0) })
    let exposure = CalibratedExposure(
      itemRates: clicks.itemCounts.map { Float(max(Double($0), 0.3) / Double(clicks.userCount)) },
      activities: activities(of: clicks, clippedTo: 0.05...5).map { Float($0) }, relevance: relevance)
    return (exposure, regression)
  }

  /// Clicks of each user over the mean per user, clipped.
  static func activities(of clicks: FeedbackMatrix, clippedTo range: ClosedRange<Double>) -> [Double] {
    let mean = Double(max(clicks.count, 1)) / Double(max(clicks.userCount, 1))
    return clicks.userCounts.map { min(max(Double($0) / mean, range.lowerBound), range.upperBound) }
  }
}
