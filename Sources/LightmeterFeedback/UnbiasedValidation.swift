/// The unbiased validation set D_val: pairs that their user has almost surely seen, so that feedback is relevance.
///
///     for each of the ⌊fraction · users⌋ most active users:
///       (user, its most popular positive, 1)   and   (user, its most popular negative, 0)
///
/// Popularity of an item is its number of positives in the full log. A user without one of the sides gives only the
/// other; a user without any listed pair is never taken. Ties go to the smaller index.
///
/// - Source: METHODS §1.3; Biif §2.3.2, §3.1.1. The paper does not say which negatives are meant: ``Reading``.
/// - Stability: stable
public struct UnbiasedValidation: Sendable, Equatable {
  /// Which pairs count as a user's negatives.
  public enum Reading: String, Sendable, Hashable, Codable, CaseIterable {
    /// Listed pairs that are not positive: low ratings, impressions without a click.
    case rated
    /// Every pair that is not positive, mostly pairs that the log never mentions. Few items serve as negatives for all.
    case unrated
  }

  /// By what users are ordered.
  public enum Activity: String, Sendable, Hashable, Codable, CaseIterable {
    /// Listed pairs, positive or not; ties by positives, then by the smaller index.
    case ratingCount
    /// Positives; ties by the smaller index.
    case positiveCount
  }

  /// How much of users and catalogue the set covers.
  public struct Coverage: Sendable, Hashable, Codable, CustomStringConvertible {
    /// Users with at least one pair.
    public var users: Int
    /// Pairs.
    public var pairs: Int
    /// Pairs with feedback 1.
    public var positives: Int
    /// Pairs with feedback 0.
    public var negatives: Int
    /// Different items among the negatives.
    public var distinctNegativeItems: Int
    /// Share of the negatives that fall on the most frequent one of their items, in [0, 1]; 0 without negatives.
    public var topNegativeShare: Double

    /// Counts any validation set.
    public init(of pairs: PairBatch) {
      var negativesByItem: [Int32: Int] = [:]
      for k in 0..<pairs.count where pairs.feedback[k] == 0 { negativesByItem[pairs.items[k], default: 0] += 1 }
      self.pairs = pairs.count
      users = Set(pairs.users).count
      negatives = negativesByItem.values.reduce(0, +)
      positives = pairs.count - negatives
      distinctNegativeItems = negativesByItem.count
      topNegativeShare = negatives == 0 ? 0 : Double(negativesByItem.values.max() ?? 0) / Double(negatives)
    }

    /// One sentence.
    public var description: String {
      let percent = Int((topNegativeShare * 100).rounded())
      return "\(pairs) validation pairs of \(users) users: \(positives) positive, \(negatives) negative on "
        + "\(distinctNegativeItems) distinct items, the most frequent one \(percent) % of them."
    }
  }

  /// The pairs, by descending activity of the user, positive before negative; known exposures and weights are absent.
  public let pairs: PairBatch
  /// Which negatives were taken.
  public let reading: Reading

  /// Carves the set from the full biased log.
  ///
  /// - Parameters:
  ///   - positives: every positive of the log, before anything is held out.
  ///   - negatives: the listed pairs that are not positive; nil where the log lists none. A pair that is also among the
  ///     positives counts as positive.
  ///   - fraction: share of all users to take, rounded down.
  ///   - reading: nil takes ``Reading/rated`` where any negative is listed, else ``Reading/unrated``.
  /// - Precondition: `fraction` is in [0, 1]; both matrices have the same users and items.
  /// - Complexity: O(pairs log items + users log users + items log items) time, O(users + items) extra memory; no pass
  ///   over users × items under either reading.
  public init(
    positives: FeedbackMatrix, negatives: FeedbackMatrix?, fraction: Double = 0.2, activity: Activity = .ratingCount,
    reading: Reading? = nil
  ) {
    precondition(fraction >= 0 && fraction <= 1, "a share of \(fraction) of the users is impossible; it is in 0 ... 1")
    precondition(
      negatives.map { $0.userCount == positives.userCount && $0.itemCount == positives.itemCount } ?? true,
      "positives and listed negatives need the same users and items")
    let counts = positives.itemCounts
    let users = UnbiasedValidation.mostActive(
      positives: positives, negatives: negatives, fraction: fraction, activity: activity)
    let chosen = reading ?? ((negatives?.count ?? 0) > 0 ? .rated : .unrated)
    // The order serves the unrated reading only: a user's first item in it that is not a positive.
    let order =
      chosen == .unrated
      ? (0..<Int32(positives.itemCount)).sorted { (counts[Int($0)], $1) > (counts[Int($1)], $0) } : []
    var pairs = PairBatch()
    for user in users {
      if let item = UnbiasedValidation.mostPopular(positives, user: user, counts: counts, where: { _ in true }) {
        pairs.append(user: Int32(user), item: item, feedback: 1)
      }
      let unclicked = { (item: Int32) in !positives.contains(user: user, item: item) }
      let negative =
        switch chosen {
        case .rated:
          negatives.flatMap { UnbiasedValidation.mostPopular($0, user: user, counts: counts, where: unclicked) }
        case .unrated: order.first(where: unclicked)
        }
      if let negative { pairs.append(user: Int32(user), item: negative, feedback: 0) }
    }
    self.pairs = pairs
    self.reading = chosen
  }

  /// How much of users and catalogue the set covers.
  public var coverage: Coverage { Coverage(of: pairs) }

  private static func mostActive(
    positives: FeedbackMatrix, negatives: FeedbackMatrix?, fraction: Double, activity: Activity
  ) -> [Int] {
    struct Standing {
      let user: Int
      let first: Int
      let second: Int
    }
    var standings: [Standing] = []
    for user in 0..<positives.userCount {
      let clicks = positives.range(of: user).count
      var listed = clicks
      if let negatives {
        for position in negatives.range(of: user)
        where !positives.contains(user: user, item: negatives.items[position]) {
          listed += 1
        }
      }
      if listed == 0 { continue }
      switch activity {
      case .ratingCount: standings.append(Standing(user: user, first: listed, second: clicks))
      case .positiveCount: standings.append(Standing(user: user, first: clicks, second: 0))
      }
    }
    standings.sort { ($0.first, $0.second, $1.user) > ($1.first, $1.second, $0.user) }
    // The small addition keeps a product such as 0.29 · 100 = 28.999… from losing a user.
    let wanted = Int((fraction * Double(positives.userCount) + 1e-9).rounded(.down))
    return standings.prefix(wanted).map(\.user)
  }

  /// A user's most popular item in a matrix among those that `admits` lets pass; the smaller index on ties.
  private static func mostPopular(
    _ matrix: FeedbackMatrix, user: Int, counts: [Int], where admits: (Int32) -> Bool
  ) -> Int32? {
    var best: Int32?
    var bestCount = -1
    for position in matrix.range(of: user) {
      let item = matrix.items[position]
      if counts[Int(item)] > bestCount && admits(item) {
        best = item
        bestCount = counts[Int(item)]
      }
    }
    return best
  }
}

extension PairBatch {
  /// The same pairs ordered by item, then by user, equal pairs in their old order: a pass over them keeps the few popular
  /// item rows in cache.
  ///
  /// - Complexity: O(pairs log pairs).
  public func itemMajor() -> PairBatch {
    let order = (0..<count).sorted { (items[$0], users[$0], $0) < (items[$1], users[$1], $1) }
    return PairBatch(
      users: order.map { users[$0] }, items: order.map { items[$0] }, feedback: order.map { feedback[$0] },
      knownExposures: knownExposures.map { known in order.map { known[$0] } },
      weights: weights.map { weights in order.map { weights[$0] } })
  }
}
