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
  ///   - order: the known users' activities in order, made when they are needed.
  ///   - meanUser: the mean row of Eq. (14)'s user factors, computed when it is needed.
  /// - Returns: nil for an exposure that only a simulated world knows.
  func ofNewUser(
    activity: Float, order: ([Float]) -> ActivityOrder = { ActivityOrder($0) }, meanUser: () -> [Float]
  ) -> StoredExposure? {
    switch self {
    case .constant, .perItem: return self
    case .blended(let blended):
      return .blended(blended.replacingUsers(by: blended.users.single(meanUser())))
    case .calibrated(let calibrated):
      let activities = calibrated.activities
      let nearest = order(activities).user(nearest: activity) ?? 0
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

/// Users by activity, for finding the one nearest to a new user without going through all.
struct ActivityOrder: Sendable {
  /// The activities that occur, ascending.
  private let activities: [Float]
  /// The first user of each.
  private let users: [Int]

  init(_ all: [Float]) {
    var first: [Float: Int] = [:]
    for (user, activity) in all.enumerated() where first[activity] == nil { first[activity] = user }
    let ordered = first.sorted { $0.key < $1.key }
    (activities, users) = (ordered.map(\.key), ordered.map(\.value))
  }

  /// The user whose activity is nearest, the first one among equally near ones; nil without users.
  ///
  /// - Complexity: O(log activities).
  func user(nearest activity: Float) -> Int? {
    var (low, high) = (0, activities.count)
    while low < high {
      let middle = (low + high) / 2
      if activities[middle] < activity { low = middle + 1 } else { high = middle }
    }
    // Distances grow on both sides; rounding may make neighbours equally far.
    let sides = [low - 1, low].filter { activities.indices.contains($0) }
    guard let least = sides.map({ abs(activities[$0] - activity) }).min() else { return nil }
    func isNearest(_ place: Int) -> Bool { abs(activities[place] - activity) == least }
    let below = stride(from: low - 1, through: 0, by: -1).prefix(while: isNearest)
    let above = (low..<activities.count).prefix(while: isNearest)
    return (below.map { users[$0] } + above.map { users[$0] }).min()
  }
}
