internal import LightmeterEvaluation
public import LightmeterFeedback

/// Mean exposure by activity of the users and popularity of the items: what a model takes for shown, and, in a world,
/// what was.
///
/// - Shapes: ten tenths each way, least active and least popular first; maps are (users × items), row-major. A tenth
///   without items, or without users in the sample, is NaN.
/// - Stability: experimental
public struct ExposureMap: Sendable, Hashable {
  /// The most users that are looked at, in equal steps.
  public static let mostUsers = 200

  /// (100), mean learned exposure.
  public let learned: [Double]
  /// (10), the same by popularity alone.
  public let learnedByItem: [Double]
  /// (100), mean true exposure; nil outside of worlds.
  public let truth: [Double]?
  /// (10), the same by popularity alone.
  public let truthByItem: [Double]?

  /// Averages exposures.
  ///
  /// - Parameters:
  ///   - popularity: training clicks, which order users and items; ties by index.
  /// - Complexity: items × at most ``mostUsers`` exposures.
  public init(of estimate: any ExposureEstimate, truth: (any ExposureEstimate)?, popularity: FeedbackMatrix) {
    let step = max(1, (popularity.userCount + Self.mostUsers - 1) / Self.mostUsers)
    let users = Array(stride(from: 0, to: popularity.userCount, by: step))
    let userTenths = PopularityDeciles.deciles(popularity.userCounts)
    let itemTenths = PopularityDeciles.deciles(popularity.itemCounts)
    func means(_ estimate: any ExposureEstimate) -> (map: [Double], byItem: [Double]) {
      var row = [Float](repeating: 0, count: popularity.itemCount)
      var sums = [Double](repeating: 0, count: 100)
      var counts = [Int](repeating: 0, count: 100)
      for user in users {
        estimate.exposures(user: user, items: 0..<row.count, into: &row)
        let start = userTenths[user] * 10
        for item in row.indices {
          sums[start + itemTenths[item]] += Double(row[item])
          counts[start + itemTenths[item]] += 1
        }
      }
      func mean(_ places: [Int]) -> Double {
        let count = places.reduce(0) { $0 + counts[$1] }
        return count == 0 ? .nan : places.reduce(0) { $0 + sums[$1] } / Double(count)
      }
      return (
        (0..<100).map { mean([$0]) }, (0..<10).map { tenth in mean((0..<10).map { $0 * 10 + tenth }) }
      )
    }
    (learned, learnedByItem) = means(estimate)
    let known = truth.map(means)
    (self.truth, truthByItem) = (known?.map, known?.byItem)
  }
}

extension ExposureMap: Codable {
  private enum CodingKeys: String, CodingKey { case learned, learnedByItem, truth, truthByItem }

  /// Reads an absent number as NaN, which JSON has no word for.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func list(_ key: CodingKeys) throws -> [Double]? {
      try container.decodeIfPresent([Double?].self, forKey: key)?.map { $0 ?? .nan }
    }
    learned = try list(.learned) ?? []
    learnedByItem = try list(.learnedByItem) ?? []
    truth = try list(.truth)
    truthByItem = try list(.truthByItem)
  }

  /// Writes NaN as an absent number.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    func put(_ list: [Double]?, _ key: CodingKeys) throws {
      try container.encodeIfPresent(list?.map { $0.isFinite ? $0 : nil }, forKey: key)
    }
    try put(learned, .learned)
    try put(learnedByItem, .learnedByItem)
    try put(truth, .truth)
    try put(truthByItem, .truthByItem)
  }
}
