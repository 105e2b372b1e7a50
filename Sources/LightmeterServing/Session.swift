internal import LightmeterFeedback
internal import LightmeterModels

/// Lists for people whom the model does not know.
extension Recommender {
  /// The answer to a session.
  public struct SessionList: Sendable, Hashable, Codable {
    /// Best first.
    public var items: [Recommendation]
    /// Ids of the session that the model does not know; they told nothing.
    public var unknown: [String]
    /// Whether nothing of the session was known, and the list is that of ``fallback``.
    public var isFallback: Bool
  }

  /// The best items for somebody of whom only clicks are known.
  ///
  /// Folds the session in as one more user (``foldIn(session:declined:sample:)``) and ranks for that row. A session of
  /// which the model knows no item gets the list of ``fallback``.
  ///
  /// - Parameters:
  ///   - session: raw ids of clicked items, in any order.
  ///   - declined: raw ids of items that were shown and not clicked.
  ///   - count: K.
  ///   - excluded: raw item ids to leave out; unknown ones exclude nothing.
  ///   - filterSeen: whether to leave out the session's items.
  /// - Throws: ``Problem``.
  /// - Stability: experimental
  public func recommend(
    session: some Collection<String>, declined: some Collection<String> = [], count: Int, mode: Mode = .relevance,
    excluding excluded: some Sequence<String> = [], filterSeen: Bool = true
  ) throws(Problem) -> SessionList {
    let (clicks, unknown) = known(session, in: model.items)
    let (declines, unknownDeclines) = known(declined, in: model.items)
    let all = unknown + unknownDeclines
    if clicks.isEmpty && declines.isEmpty {
      let items = try fallback.recommend(count: count, mode: mode, excluding: excluded)
      return SessionList(items: items, unknown: all, isFallback: true)
    }
    let guest = try guest(session: session, declined: declined)
    let items = try guest.recommend(
      user: Recommender.guestName, count: count, mode: mode, excluding: excluded, filterSeen: filterSeen)
    return SessionList(items: items, unknown: all, isFallback: false)
  }

  /// The list for people of whom nothing is known; computed when first asked for, and kept.
  ///
  /// - Stability: experimental
  public var fallback: CorrectedPopularity { cache.fallback { CorrectedPopularity(model) } }

  /// A recommender for one new user, whose raw id is ``guestName``: lists and explanations as for any other.
  ///
  /// - Throws: ``Problem/noFoldIn(_:)``.
  /// - Stability: experimental
  public func guest(
    session: some Sequence<String>, declined: some Sequence<String> = []
  ) throws(Problem) -> Recommender {
    let (members, objective) = try foldable()
    let ids = Array(session)
    let folded = try foldIn(session: ids, declined: declined)
    let clicks = known(ids, in: model.items).rows
    let grown = zip(members, folded.rows).map { member, row in
      member.replacingUsers(by: member.users.single(row))
    }
    let exposure = try exposureOfNewUser(clicks: clicks.count, perUser: objective.clicksPerUser)
    let scorer: StoredScorer = grown.count == 1 ? .factors(grown[0]) : .ensemble(EnsembleModel(members: grown))
    return Recommender(single(scorer, exposure: exposure, clicks: clicks))
  }

  /// The raw id of a folded-in user.
  public static var guestName: String { "session" }

  private func single(_ scorer: StoredScorer, exposure: StoredExposure?, clicks: [Int32]) -> StoredModel {
    var users = IdentifierTable()
    _ = users.intern(Recommender.guestName)
    return StoredModel(
      scorer: scorer, exposure: exposure, users: users, items: model.items, popularity: model.popularity,
      seen: FeedbackMatrix(
        userCount: 1, itemCount: model.items.count, users: [Int32](repeating: 0, count: clicks.count), items: clicks),
      manifest: model.manifest)
  }
}
