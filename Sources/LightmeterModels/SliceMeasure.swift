public import LightmeterFeedback
internal import LightmeterKernels

/// How well a model orders randomly shown pairs: what a choice among models on a slice of random traffic goes by.
///
/// Chance alone chose the pairs, so each measure is unbiased for its own full-ranking counterpart; they differ in what
/// they look at and in how much noise a small slice leaves in them.
///
/// - Stability: experimental
public enum SliceMeasure: String, Sendable, Hashable, Codable, CaseIterable {
  /// Share of (clicked, unclicked) pairs in the right order, over all users. Sees differences between users too.
  case pooled = "slice-auc"
  /// The same within users. Needs slices with several pairs a user.
  case withinUser = "slice-user-auc"
  /// Mean share of the offered items that rank below a clicked random pair, in its user's own ranking of unseen items.
  /// Offered is what the slice shows to anybody: random traffic over part of the catalogue says nothing of the rest.
  ///
  ///     1/n Σ_clicked (below + ½ tied) / (candidates − 1)
  ///
  /// What the area within users estimates, without the noise of the few unclicked pairs that a slice has for a user.
  case percentile = "slice-percentile"
  /// Mean discount of a clicked random pair at its place in its user's own ranking: what full-list DCG sums, per click; among
  /// offered items, as for ``percentile``.
  ///
  ///     1/n Σ_clicked 1/log₂(1 + place),   place = 1 + above + ½ tied
  case discount = "slice-dcg"

  /// The measure in words.
  public var title: String {
    switch self {
    case .pooled: "pooled AUC"
    case .withinUser: "AUC within users"
    case .percentile: "mean percentile of clicked pairs among the offered items"
    case .discount: "mean DCG discount of clicked pairs among the offered items"
    }
  }

  /// Most clicked pairs that are ranked against the offered items; a longer slice gives its first ones.
  public static let mostRanked = 4096

  /// The measure of a finished model.
  ///
  /// - Parameters:
  ///   - pairs: randomly shown pairs that the model did not learn from.
  ///   - seen: pairs that no list shows, such as the log's clicks: neither ranked nor ranked against.
  /// - Returns: nil where the pairs cannot tell, such as without a clicked one.
  /// - Complexity: O(pairs) scores for the areas; min(clicked, `mostRanked`) rankings of the offered items for the others.
  public func value(of scorer: any Scorer, on pairs: PairBatch, seen: FeedbackMatrix) -> Double? {
    switch self {
    case .pooled:
      return SliceSelection.pooledAUC(
        scores: SliceSelection.scores(of: scorer, for: pairs), feedback: pairs.feedback)
    case .withinUser:
      return SliceMeasure.areaWithinUsers(scores: SliceSelection.scores(of: scorer, for: pairs), pairs: pairs)
    case .percentile, .discount:
      let gains = gains(of: scorer, on: pairs, seen: seen) ?? []
      return gains.isEmpty ? nil : gains.reduce(0, +) / Double(gains.count)
    }
  }

  /// What each clicked, unseen pair adds to the mean: the same pairs in the same order for every model, so that
  /// differences between models are paired.
  ///
  /// - Returns: nil for the areas, which are no means over pairs.
  public func gains(of scorer: any Scorer, on pairs: PairBatch, seen: FeedbackMatrix) -> [Double]? {
    guard self == .percentile || self == .discount else { return nil }
    let clicked = pairs.users.indices.filter {
      pairs.feedback[$0] != 0 && !seen.contains(user: Int(pairs.users[$0]), item: pairs.items[$0])
    }.prefix(SliceMeasure.mostRanked)
    var isOffered = [Bool](repeating: false, count: scorer.itemCount)
    for item in pairs.items { isOffered[Int(item)] = true }
    let offered = isOffered.indices.filter { isOffered[$0] }
    var scores = [Float](repeating: 0, count: scorer.itemCount)
    var last = Int32(-1)
    return clicked.map { k in
      let user = pairs.users[k]
      if user != last { scorer.scores(user: Int(user), items: 0..<scorer.itemCount, into: &scores) }
      last = user
      let hidden = seen.items(of: Int(user)).filter { isOffered[Int($0)] }
      let place = SliceMeasure.place(of: Int(pairs.items[k]), in: scores, offered: offered, hidden: hidden)
      if self == .discount { return Portable.log(2) / Portable.log(1 + place) }
      let candidates = offered.count - hidden.count
      return candidates > 1 ? (Double(candidates) - place) / Double(candidates - 1) : 1
    }
  }

  private static func place(of item: Int, in scores: [Float], offered: [Int], hidden: [Int32]) -> Double {
    let bar = scores[item]
    var (above, tied) = (0, 0)
    for other in offered {
      above += scores[other] > bar ? 1 : 0
      tied += scores[other] == bar ? 1 : 0
    }
    for other in hidden {
      above -= scores[Int(other)] > bar ? 1 : 0
      tied -= scores[Int(other)] == bar ? 1 : 0
    }
    return 1 + Double(above) + Double(tied - 1) / 2
  }

  /// How often a clicked random pair scores above an unclicked one of the same user; ties count one half.
  ///
  ///     AUC = Σ_u Σ_{clicked i, unclicked j of u} (1[s_ui > s_uj] + ½ 1[s_ui = s_uj]) / Σ_u clicked_u · unclicked_u
  ///
  /// - Complexity: O(Σ_u clicked_u · unclicked_u).
  static func areaWithinUsers(scores: [Float], pairs: PairBatch) -> Double? {
    precondition(scores.count == pairs.count, "\(scores.count) scores for \(pairs.count) pairs")
    var byUser: [Int32: (clicked: [Float], others: [Float])] = [:]
    for k in scores.indices {
      if pairs.feedback[k] != 0 {
        byUser[pairs.users[k], default: ([], [])].clicked.append(scores[k])
      } else {
        byUser[pairs.users[k], default: ([], [])].others.append(scores[k])
      }
    }
    // Halves are counted, so the order of users does not matter.
    var (halves, total) = (0, 0)
    for (clicked, others) in byUser.values {
      total += clicked.count * others.count
      for score in clicked {
        for other in others { halves += score > other ? 2 : (score == other ? 1 : 0) }
      }
    }
    return total == 0 ? nil : Double(halves) / Double(2 * total)
  }
}
