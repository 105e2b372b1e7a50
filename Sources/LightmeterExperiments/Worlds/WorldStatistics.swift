internal import LightmeterEvaluation
public import LightmeterFeedback

/// What a world is like: to be printed beside every figure that was measured in it.
///
/// - Source: METHODS §13.2, §13.3.
/// - Stability: experimental
public struct WorldStatistics: Sendable, Hashable, Codable {
  /// Mean P(exposed) over all pairs.
  public var meanExposure: Double
  /// Mean P(relevant) over all pairs.
  public var meanRelevance: Double
  /// Mean P(click) over all pairs.
  public var meanClick: Double
  /// Correlation of exposure with relevance over a user's items, mean over users.
  public var correlation: Double
  /// Clicks in the log.
  public var clicks: Int
  /// Items without a click.
  public var itemsWithoutClick: Int
  /// Correlation of popularity (count / max)^½ with exposure over a user's items, mean over users; 0 for an empty log.
  public var popularityCorrelation: Double
  /// The same for the item means of the true exposure: what no model that is constant over users can exceed by much.
  public var itemOnlyCeiling: Double

  /// Measures a world and one of its logs.
  ///
  /// - Parameters:
  ///   - clicks: the log that popularity is counted on.
  /// - Numerics: centred two-pass correlations in `Double`, users in order; a user whose row is constant is left out.
  /// - Complexity: two passes over all cells; O(items) memory.
  public init(_ world: any World, clicks log: FeedbackMatrix) {
    let (users, items) = (world.userCount, world.itemCount)
    let counts = log.itemCounts
    let largest = Double(max(counts.max() ?? 0, 1))
    let popularity = counts.map { (Double($0) / largest).squareRoot() }
    var itemExposure = [Double](repeating: 0, count: items)
    var (exposure, relevance, click) = (0.0, 0.0, 0.0)
    var (dialled, popular, ceiling) = (MeanCorrelation(), MeanCorrelation(), MeanCorrelation())
    var row = TruthRow()
    for user in 0..<users {
      world.truth(user: user, items: 0..<items, into: &row)
      for item in 0..<items {
        itemExposure[item] += row.exposure[item]
        exposure += row.exposure[item]
        relevance += row.relevance[item]
        click += row.exposure[item] * row.relevance[item]
      }
      dialled.add(row.exposure, row.relevance)
      popular.add(row.exposure, popularity)
    }
    for user in 0..<users {
      world.truth(user: user, items: 0..<items, into: &row)
      ceiling.add(row.exposure, itemExposure)
    }
    let cells = Double(users * items)
    meanExposure = exposure / cells
    meanRelevance = relevance / cells
    meanClick = click / cells
    correlation = dialled.mean
    self.clicks = log.count
    itemsWithoutClick = counts.count { $0 == 0 }
    popularityCorrelation = popular.mean
    itemOnlyCeiling = ceiling.mean
  }
}

/// Mean over users of Pearson's correlation.
private struct MeanCorrelation {
  private var sum = 0.0
  private var count = 0

  var mean: Double { count == 0 ? 0 : sum / Double(count) }

  /// Adds a user's rows; constant ones have no correlation.
  mutating func add(_ a: [Double], _ b: [Double]) {
    guard let correlation = ExposureQuality.pearsonCorrelation(a, b) else { return }
    sum += correlation
    count += 1
  }
}
