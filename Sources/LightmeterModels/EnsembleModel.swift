public import LightmeterFeedback
internal import LightmeterKernels

/// Several factor models whose relevances are averaged: what cross-fitted methods end in.
///
///     relevance = mean over members of 1 / (1 + exp(−score of the member));   score = log(relevance / (1 − relevance))
///
/// - Numerics: relevance and 1 − relevance are averaged apart, so that items near either end keep their order.
/// - Complexity: members times a factor model, in time and memory.
/// - Stability: experimental
public struct EnsembleModel: RelevanceScorer {
  /// The models; at least one, all over the same users and items.
  public let members: [FactorModel]

  /// Bundles the members.
  public init(members: [FactorModel]) {
    precondition(!members.isEmpty, "an ensemble needs a member")
    precondition(
      members.allSatisfy {
        $0.userCount == members[0].userCount && $0.itemCount == members[0].itemCount && $0.meaning == .logit
      }, "the members of an ensemble give logits for the same users and items")
    self.members = members
  }

  /// Number of users.
  public var userCount: Int { members[0].userCount }
  /// Number of items.
  public var itemCount: Int { members[0].itemCount }

  /// Scores of one user for a run of items.
  public func scores(user: Int, items range: Range<Int>, into scores: inout [Float]) {
    let count = range.count
    var (logits, column) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
    var (liked, disliked) = (column, column)
    for member in members {
      member.scores(user: user, items: range, into: &logits)
      Float.sigmoid(logits, count: count, into: &column)
      for k in 0..<count { liked[k] += column[k] }
      Float.multiply(logits, nil, scale: -1, count: count, into: &logits)
      Float.sigmoid(logits, count: count, into: &column)
      for k in 0..<count { disliked[k] += column[k] }
    }
    for k in 0..<count { scores[k] = Float(Portable.log(Double(liked[k])) - Portable.log(Double(disliked[k]))) }
  }

  /// P(relevant) of a score.
  public func relevance(ofScore score: Float) -> Float { Stable.sigmoid(score) }

  /// P(relevant) of many scores.
  public func relevances(ofScores scores: [Float], count: Int, into relevances: inout [Float]) {
    Float.sigmoid(scores, count: count, into: &relevances)
  }
}
