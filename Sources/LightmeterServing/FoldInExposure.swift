internal import LightmeterFeedback
internal import LightmeterModels

/// What a model's exposure says of users and items that it has never seen.
///
/// | exposure | a new user | a new item |
/// |---|---|---|
/// | constant, per item | the same as everybody | that of the item with the nearest number of clicks |
/// | Eq. (14) | the mean e_u: the exposure of an average user | likewise, user by user |
/// | calibrated | the activity n / (mean clicks), taken from the known user nearest in activity | likewise |
///
/// The exposure is not fitted to the new clicks: bi-level training has shown that it must not be (it would explain them
/// away), and one session is too little to tell exposure from taste.
extension StoredExposure {
  /// The exposure of one new user.
  ///
  /// - Parameters:
  ///   - activity: clicks over the mean clicks of a user.
  ///   - meanUser: the mean row of Eq. (14)'s user factors, computed when it is needed.
  /// - Returns: nil for an exposure that only a simulated world knows.
  func ofNewUser(activity: Float, meanUser: () -> [Float]) -> StoredExposure? {
    switch self {
    case .constant, .perItem: return self
    case .blended(let blended):
      return .blended(
        BlendedEstimate(
          users: blended.users.single(meanUser()), items: blended.items, gate: blended.gate,
          popularity: blended.popularity))
    case .calibrated(let calibrated):
      let activities = calibrated.activities
      let nearest = activities.indices.min { abs(activities[$0] - activity) < abs(activities[$1] - activity) } ?? 0
      let relevance = calibrated.relevance
      return .calibrated(
        CalibratedExposure(
          itemRates: calibrated.itemRates, activities: [activities.isEmpty ? 1 : activities[nearest]],
          relevance: relevance.isRegressed
            ? CalibratedRelevance(
              itemEffects: relevance.itemMeans, itemLogits: relevance.itemLogits,
              userLogits: [relevance.userLogits[nearest]])
            : CalibratedRelevance(userCount: 1, itemMeans: relevance.itemMeans)))
    case .known: return nil
    }
  }
}
