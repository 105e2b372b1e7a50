public import LightmeterFeedback
internal import LightmeterKernels

/// Exposure calibrated on a slice of random traffic: clicks of the ordinary log divided by relevance known from the slice.
///
///     m_ui = clip(r_i a_u / γ̂_ui, 0.003, 0.97)
///     γ̂_ui = γ̂_i (plain)   or   clip(σ(λ_i + λ_u) e_i, 1e-4, 0.97) (regressed)
///
/// r_i is the item's click rate over all users, a_u the user's activity. Made by ``Calibration``; holds a few numbers per
/// item and per user and evaluates a pair when it is asked for.
///
/// - Units and range: exposures in [0.003, 0.97], relevances in (0, 1).
/// - Numerics: `Float`; the sigmoid is the kernels', so the bits are the same on every machine.
/// - Complexity: O(users + items) memory; O(1) per pair.
/// - Source: METHODS §20.1.
/// - Stability: experimental
public struct CalibratedExposure: ExposureEstimate, Hashable, Codable {
  /// Clicks per user of each item: c_i / N.
  public let itemRates: [Float]
  /// Activity a_u of each user, clipped; 1 throughout where activity is not used.
  public let activities: [Float]
  /// What is known of relevance.
  public let relevance: CalibratedRelevance

  /// Bounds of every exposure.
  public static let range: ClosedRange<Float> = 0.003...0.97

  /// Puts stored numbers together again, as a model file does.
  ///
  /// - Precondition: as many rates as the relevance has items; all numbers are finite and not negative.
  public init(itemRates: [Float], activities: [Float], relevance: CalibratedRelevance) {
    precondition(
      itemRates.count == relevance.itemMeans.count, "\(itemRates.count) item rates, \(relevance.itemMeans.count) means")
    precondition(
      relevance.userLogits.isEmpty || relevance.userLogits.count == activities.count,
      "\(activities.count) activities, \(relevance.userLogits.count) user logits")
    self.itemRates = itemRates
    self.activities = activities
    self.relevance = relevance
  }

  /// Number of users.
  public var userCount: Int { activities.count }
  /// Number of items.
  public var itemCount: Int { itemRates.count }

  /// P(exposed) of one pair.
  public func exposure(user: Int, item: Int) -> Float {
    var out: [Float] = [0]
    exposures(user: user, items: item..<item + 1, into: &out)
    return out[0]
  }

  /// Writes P(exposed) of `user` for a run of items.
  public func exposures(user: Int, items: Range<Int>, into exposures: inout [Float]) {
    relevance.relevances(user: user, items: items, into: &exposures)
    let activity = activities[user]
    for (k, item) in items.enumerated() {
      exposures[k] = CalibratedExposure.clip(itemRates[item] * activity / exposures[k])
    }
  }

  /// Writes P(exposed) of listed pairs.
  ///
  /// - Shapes: all columns have one length; `exposures` is overwritten.
  public func exposures(users: [Int32], items: [Int32], into exposures: inout [Float]) {
    relevance.relevances(users: users, items: items, into: &exposures)
    for k in users.indices {
      exposures[k] = CalibratedExposure.clip(itemRates[Int(items[k])] * activities[Int(users[k])] / exposures[k])
    }
  }

  private static func clip(_ value: Float) -> Float { min(max(value, range.lowerBound), range.upperBound) }
}

/// Relevance as a slice of random traffic tells it: per item, or with the user's activity and the item's popularity.
///
///     γ̂_ui = γ̂_i (plain)   or   clip(σ(λ_i + λ_u) e_i, 1e-4, 0.97) (regressed)
///
/// As a ranking the regressed form is a control of its own; users' logits shift a whole row and change no ranking.
///
/// - Source: METHODS §20.1.
/// - Stability: experimental
public struct CalibratedRelevance: RelevanceScorer, Hashable, Codable {
  /// Number of users.
  public let userCount: Int
  /// The plain form's γ̂_i; in the regressed form the item's effect e_i.
  public let itemMeans: [Float]
  /// λ_i = β₀ + β₁ (log(c_i + ½) − mean); empty in the plain form.
  public let itemLogits: [Float]
  /// λ_u = β₂ log a_u; empty in the plain form.
  public let userLogits: [Float]

  /// Bounds of a regressed relevance.
  public static let range: ClosedRange<Float> = 1e-4...0.97

  /// The plain form: one mean per item.
  public init(userCount: Int, itemMeans: [Float]) {
    (self.userCount, self.itemMeans) = (userCount, itemMeans)
    (itemLogits, userLogits) = ([], [])
  }

  /// The regressed form.
  ///
  /// - Precondition: as many effects as item logits.
  public init(itemEffects: [Float], itemLogits: [Float], userLogits: [Float]) {
    precondition(itemEffects.count == itemLogits.count, "\(itemEffects.count) effects, \(itemLogits.count) item logits")
    userCount = userLogits.count
    itemMeans = itemEffects
    (self.itemLogits, self.userLogits) = (itemLogits, userLogits)
  }

  /// Number of items.
  public var itemCount: Int { itemMeans.count }
  /// Whether popularity and activity enter.
  public var isRegressed: Bool { !itemLogits.isEmpty }

  /// P(relevant) of one pair.
  public func relevance(user: Int, item: Int) -> Float {
    var out: [Float] = [0]
    relevances(user: user, items: item..<item + 1, into: &out)
    return out[0]
  }

  /// Writes P(relevant) of `user` for a run of items.
  public func relevances(user: Int, items: Range<Int>, into relevances: inout [Float]) {
    precondition(user >= 0 && user < userCount, "user \(user) is not among \(userCount)")
    precondition(relevances.count == items.count, "\(items.count) items and room for \(relevances.count)")
    guard isRegressed else {
      for (k, item) in items.enumerated() { relevances[k] = itemMeans[item] }
      return
    }
    let shift = userLogits[user]
    Float.sigmoid(items.map { itemLogits[$0] + shift }, count: items.count, into: &relevances)
    for (k, item) in items.enumerated() { relevances[k] = CalibratedRelevance.clip(relevances[k] * itemMeans[item]) }
  }

  /// Writes P(relevant) of listed pairs.
  ///
  /// - Shapes: all columns have one length; `relevances` is overwritten.
  public func relevances(users: [Int32], items: [Int32], into relevances: inout [Float]) {
    precondition(users.count == items.count && relevances.count == users.count, "the columns of pairs have one length")
    guard isRegressed else {
      for k in users.indices { relevances[k] = itemMeans[Int(items[k])] }
      return
    }
    Float.sigmoid(
      users.indices.map { itemLogits[Int(items[$0])] + userLogits[Int(users[$0])] }, count: users.count,
      into: &relevances)
    for k in users.indices { relevances[k] = CalibratedRelevance.clip(relevances[k] * itemMeans[Int(items[k])]) }
  }

  /// Writes γ̂_ui of a run of items.
  public func scores(user: Int, items: Range<Int>, into scores: inout [Float]) {
    relevances(user: user, items: items, into: &scores)
  }

  /// The score is the probability.
  public func relevance(ofScore score: Float) -> Float { score }

  private static func clip(_ value: Float) -> Float { min(max(value, range.lowerBound), range.upperBound) }
}
