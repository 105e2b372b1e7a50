internal import LightmeterFeedback

/// How often a clicked random pair scores above an unclicked one of the same user; ties count one half.
///
///     AUC = Σ_u Σ_{clicked i, unclicked j of u} (1[s_ui > s_uj] + ½ 1[s_ui = s_uj]) / Σ_u clicked_u · unclicked_u
///
/// Unlike the pooled area it does not see differences between users, which no ranking for one user depends on.
///
/// - Complexity: O(Σ_u clicked_u · unclicked_u).
enum WithinUserAUC {
  /// The area; nil where no user has both kinds of pairs.
  ///
  /// - Precondition: one score per pair.
  static func value(scores: [Float], pairs: PairBatch) -> Double? {
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
