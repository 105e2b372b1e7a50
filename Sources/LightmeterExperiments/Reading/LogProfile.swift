public import LightmeterFeedback

/// How clicks spread over items and users, and how much weight inverse propensities would put on few of them.
///
/// - Stability: experimental
public struct LogProfile: Sendable, Hashable, Codable {
  /// Number of users, clicked or not.
  public var userCount: Int
  /// Number of items, clicked or not.
  public var itemCount: Int
  /// Distinct clicked pairs.
  public var clicks: Int
  /// Clicks per item.
  public var itemClicks: CountDistribution
  /// Clicks per user.
  public var userClicks: CountDistribution
  /// Share of the items that have at least 1, 5 and 20 clicks.
  public var support: [Support]
  /// Effective number of clicks under weights 1/θ, θ = (count / max count)^½: (Σw)² / Σw².
  public var effectiveClicks: Double
  /// The largest weight 1/θ of a clicked item; 0 for an empty log.
  public var largestWeight: Double
  /// Share of the summed weight that lies on the 1 % of the clicks with the largest weights.
  public var topPercentWeightShare: Double

  /// How much of the catalogue has enough clicks to learn from.
  public struct Support: Sendable, Hashable, Codable {
    /// At least this many clicks.
    public var clicks: Int
    /// Share of the items, in [0, 1].
    public var share: Double
  }

  /// Measures a log.
  ///
  /// - Complexity: O(clicks + items log items + users log users).
  public init(_ log: FeedbackMatrix) {
    let counts = log.itemCounts
    (userCount, itemCount, clicks) = (log.userCount, log.itemCount, log.count)
    itemClicks = CountDistribution(counts)
    userClicks = CountDistribution(log.userCounts)
    let items = Double(max(log.itemCount, 1))
    support = [1, 5, 20].map { least in
      Support(clicks: least, share: Double(counts.count { $0 >= least }) / items)
    }
    // Every click of an item has the item's weight, so sums run over items.
    let largest = Double(counts.max() ?? 0)
    var (sum, squares) = (0.0, 0.0)
    for count in counts where count > 0 {
      let weight = (largest / Double(count)).squareRoot()
      sum += Double(count) * weight
      squares += Double(count) * weight * weight
    }
    effectiveClicks = squares > 0 ? sum * sum / squares : 0
    let rarest = counts.filter { $0 > 0 }.sorted()
    largestWeight = rarest.first.map { (largest / Double($0)).squareRoot() } ?? 0
    var (left, top) = (0.01 * Double(log.count), 0.0)
    for count in rarest where left > 0 {
      let taken = min(Double(count), left)
      top += taken * (largest / Double(count)).squareRoot()
      left -= taken
    }
    topPercentWeightShare = sum > 0 ? top / sum : 0
  }
}

/// A distribution of counts in a few numbers.
///
/// - Stability: experimental
public struct CountDistribution: Sendable, Hashable, Codable {
  /// Mean.
  public var mean: Double
  /// Smallest count, then the quantiles .1, .25, .5, .75, .9, .99, then the largest: order statistics at ⌊q (n − 1)⌋.
  public var quantiles: [Int]
  /// Gini coefficient: 0 when all are equal, towards 1 when one has everything.
  public var gini: Double
  /// Share of the total that the largest 1 % have (at least one of them).
  public var topPercentShare: Double

  /// The levels of ``quantiles``.
  public static let levels = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1]

  /// Measures counts.
  ///
  ///     gini = 2 Σ rank · count / (n Σ count) − (n + 1) / n,  ranks ascending from 1
  public init(_ counts: [Int]) {
    let sorted = counts.sorted()
    let n = sorted.count
    let total = sorted.reduce(0, +)
    guard n > 0, total > 0 else {
      (mean, gini, topPercentShare) = (0, 0, 0)
      quantiles = CountDistribution.levels.map { _ in 0 }
      return
    }
    mean = Double(total) / Double(n)
    quantiles = CountDistribution.levels.map { sorted[Int($0 * Double(n - 1))] }
    var ranked = 0.0
    for (rank, count) in sorted.enumerated() { ranked += Double(rank + 1) * Double(count) }
    gini = 2 * ranked / (Double(n) * Double(total)) - Double(n + 1) / Double(n)
    let top = max(1, n / 100)
    topPercentShare = Double(sorted[(n - top)...].reduce(0, +)) / Double(total)
  }
}
