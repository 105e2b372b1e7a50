internal import LightmeterFeedback
internal import LightmeterModels

/// Why a pair was clicked or not, as the model sees it.
///
///     P(never seen | no click) = (1 − m) / (1 − m p);   P(seen and declined | no click) = m (1 − p) / (1 − m p)
///
/// - Units and range: probabilities; the two add up to 1.
public struct Explanation: Sendable, Hashable, Codable {
  /// Raw user id.
  public var user: String
  /// Raw item id.
  public var item: String
  /// P(relevant), p.
  public var relevance: Double
  /// P(exposed), m; nil where the model says nothing of exposure.
  public var exposure: Double?
  /// Whether the training log holds a click; nil where the model was saved without history.
  public var clicked: Bool?
  /// P(never seen | no click); nil for a clicked pair and where exposure is unknown.
  public var neverSeen: Double?
  /// P(seen and declined | no click); nil likewise.
  public var declined: Double?
}

extension Recommender {
  /// Explains one pair.
  ///
  /// - Throws: ``Problem`` for unknown ids and for models without a probability of relevance.
  /// - Numerics: 1 − m p as (1 − m) + m (1 − p), which cancels nowhere.
  /// - Source: METHODS §5.3, the posterior of the latent exposure.
  public func explain(user: String, item: String) throws(Problem) -> Explanation {
    guard let userIndex = model.users.index(of: user) else { throw .unknownUser(user) }
    guard let itemIndex = model.items.index(of: item) else { throw .unknownItem(item) }
    guard let scorer = model.scorer.relevanceScorer else { throw .noProbability }
    var score: [Float] = [0]
    scorer.scores(user: Int(userIndex), items: Int(itemIndex)..<Int(itemIndex) + 1, into: &score)
    let relevance = Double(scorer.relevance(ofScore: score[0]))
    let dislike = Double(scorer.relevance(ofScore: -score[0]))
    let clicked = model.seen?.contains(user: Int(userIndex), item: itemIndex)
    let exposure = model.exposure.map { Double($0.exposure(user: Int(userIndex), item: Int(itemIndex))) }
    var explanation = Explanation(
      user: user, item: item, relevance: relevance, exposure: exposure, clicked: clicked, neverSeen: nil, declined: nil)
    if clicked != true, let exposure {
      let noClick = (1 - exposure) + exposure * dislike
      explanation.neverSeen = noClick > 0 ? (1 - exposure) / noClick : 0
      explanation.declined = noClick > 0 ? exposure * dislike / noClick : 1
    }
    return explanation
  }
}
