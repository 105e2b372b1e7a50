internal import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels
internal import Synchronization

/// Answers from a model file, in raw ids: top-K lists and explanations. Knows no trainer.
///
/// - Stability: stable
public struct Recommender: Sendable {
  /// The model.
  public let model: StoredModel
  let cache = FoldInCache()

  /// Answers from `model`.
  public init(_ model: StoredModel) { self.model = model }

  /// One recommended item.
  public struct Recommendation: Sendable, Hashable, Codable {
    /// Raw item id.
    public var item: String
    /// What the list is ranked by.
    public var score: Float
    /// P(relevant); nil where the score is no probability in disguise.
    public var relevance: Float?
    /// P(exposed); nil where the model says nothing of exposure.
    public var exposure: Float?
  }

  /// What a list is ranked by.
  public enum Mode: String, Sendable, Hashable, Codable, CaseIterable {
    /// P(relevant): what the user wants.
    case relevance
    /// P(relevant) · P(exposed): what the user would click if shown as before.
    case click
    /// P(relevant) · (1 − P(exposed)): what is wanted and was hardly shown.
    case explore
  }

  /// What is wrong with a question.
  public enum Problem: Error, Sendable, Equatable, CustomStringConvertible {
    case unknownUser(String)
    case unknownItem(String)
    case noHistory
    case noProbability
    case noExposure
    /// New users and items cannot be folded in; one clause that says why.
    case noFoldIn(String)

    /// One sentence, or the text that a recipe holds.
    public var description: String {
      switch self {
      case .unknownUser(let id): "the model knows no user '\(id)': the log it was trained on lacks that id"
      case .unknownItem(let id): "the model knows no item '\(id)': the log it was trained on lacks that id"
      case .noHistory:
        "the model was saved without the users' history, so seen items cannot be left out; pass them as an exclude list, "
          + "or ask for lists with seen items"
      case .noProbability: "this model ranks, but holds no probability of relevance; train a method that does"
      case .noExposure: "this model says nothing of exposure; train a method that estimates it, such as biif or relmf"
      case .noFoldIn(let reason):
        "this model does not take new users or items in: \(reason); name a user of its log, or train it again with them"
      }
    }
  }

  /// The best items for a user.
  ///
  /// Exact: every item is scored, in tiles, and K are kept without sorting the rest. Ties go to the item first seen in
  /// the training log.
  ///
  /// - Parameters:
  ///   - user: raw id.
  ///   - count: K.
  ///   - excluded: raw item ids to leave out; unknown ones exclude nothing.
  ///   - filterSeen: whether to leave out what the user clicked in the training log.
  /// - Throws: ``Problem``.
  /// - Complexity: O(items · d) time, O(K + tile) memory.
  public func recommend(
    user: String, count: Int, mode: Mode = .relevance, excluding excluded: some Sequence<String> = [],
    filterSeen: Bool = true
  ) throws(Problem) -> [Recommendation] {
    guard let index = model.users.index(of: user) else { throw .unknownUser(user) }
    let ranking = try Ranking(self, count: count, mode: mode, excluding: excluded, filterSeen: filterSeen)
    return ranking.lists(of: [index])[0]
  }

  /// The best items for every user, in the order of the training log.
  ///
  /// - Parameters:
  ///   - body: called with each user's raw id and list; throwing ends the run.
  public func recommendForAll(
    count: Int, mode: Mode = .relevance, excluding excluded: some Sequence<String> = [], filterSeen: Bool = true,
    _ body: (_ user: String, _ list: [Recommendation]) throws -> Void
  ) throws {
    let ranking = try Ranking(self, count: count, mode: mode, excluding: excluded, filterSeen: filterSeen)
    // Blocks of users on all threads, a round at a time: the lists that wait for the caller stay few.
    let block = 64
    let round = block * Threads.count * 4
    for first in stride(from: 0, to: model.users.count, by: round) {
      let members = Array(first..<min(first + round, model.users.count))
      let shards = stride(from: 0, to: members.count, by: block).map { members[$0..<min($0 + block, members.count)] }
      let lists = Mutex([[[Recommendation]]](repeating: [], count: shards.count))
      Threads.run(shards: shards.count) { shard in
        let found = ranking.lists(of: shards[shard].map(Int32.init))
        lists.withLock { $0[shard] = found }
      }
      for (user, list) in zip(members, lists.withLock { $0 }.joined()) { try body(model.users[user], list) }
    }
  }
}
