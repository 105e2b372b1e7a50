public import LightmeterFeedback

/// A test of rated pairs: each test user with the items that were rated, as Yahoo! R3 and Coat have it.
///
/// - Shapes: compressed rows, items ascending within a user.
/// - Stability: stable
public struct RatedTest: Sendable {
  /// Number of users, in the test or not.
  public let userCount: Int
  /// Number of items.
  public let itemCount: Int
  /// What the card says the candidates are.
  public var candidates = "items rated in the test"
  let offsets: [Int]
  let items: [Int32]
  let labels: [UInt8]
  let ratings: [Float]?

  /// Sorts pairs into users.
  ///
  /// - Parameters:
  ///   - labels: 1 where the pair is relevant, else 0.
  ///   - ratings: the ratings behind the labels, for protocols with a rule of their own; nil where there are none or
  ///     where they are not on the usual scale of 1 to 5.
  /// - Throws: ``EvaluationError/repeatedTestPair(user:item:)``.
  public init(
    userCount: Int, itemCount: Int, users: [Int32], items: [Int32], labels: [UInt8], ratings: [Float]? = nil
  ) throws(EvaluationError) {
    precondition(
      items.count == users.count && labels.count == users.count && (ratings?.count ?? users.count) == users.count,
      "the columns of a test have one length")
    let order = users.indices.sorted { (users[$0], items[$0]) < (users[$1], items[$1]) }
    var offsets = [Int](repeating: 0, count: userCount + 1)
    for user in users { offsets[Int(user) + 1] += 1 }
    for user in 0..<userCount { offsets[user + 1] += offsets[user] }
    for k in order.indices.dropFirst()
    where users[order[k]] == users[order[k - 1]] && items[order[k]] == items[order[k - 1]] {
      throw .repeatedTestPair(user: Int(users[order[k]]), item: Int(items[order[k]]))
    }
    self.userCount = userCount
    self.itemCount = itemCount
    self.offsets = offsets
    self.items = order.map { items[$0] }
    self.labels = order.map { labels[$0] }
    self.ratings = ratings.map { ratings in order.map { ratings[$0] } }
  }

  /// A test from a batch of pairs, its feedback as labels.
  ///
  /// - Throws: ``EvaluationError/repeatedTestPair(user:item:)``.
  public init(userCount: Int, itemCount: Int, pairs: PairBatch) throws(EvaluationError) {
    try self.init(
      userCount: userCount, itemCount: itemCount, users: pairs.users, items: pairs.items, labels: pairs.feedback)
  }

  /// Number of pairs.
  public var count: Int { items.count }
  /// Number of users with at least one pair.
  public var testUserCount: Int { (0..<userCount).count { offsets[$0] < offsets[$0 + 1] } }
}

/// A test by full ranking: all items of the catalogue, or the same listed items for everyone, are candidates.
///
/// - Stability: stable
public struct CatalogueTest: Sendable {
  /// The relevant pairs of the test.
  public var relevant: FeedbackMatrix
  /// The candidates, ascending; nil: the whole catalogue.
  public var candidates: [Int32]?
  /// Where the candidates are listed, for the card; nil: not said.
  public var candidateSource: String?
  /// Pairs taken out of each user's candidates: what the user had in training. Nil: none.
  public var seen: FeedbackMatrix?
  /// The test users, ascending; nil: the users with at least one relevant pair.
  public var users: [Int32]?

  /// A test by full ranking.
  ///
  /// - Precondition: `seen` has the shape of `relevant`; `candidates` and `users` are in range.
  public init(
    relevant: FeedbackMatrix, candidates: [Int32]? = nil, seen: FeedbackMatrix? = nil, users: [Int32]? = nil
  ) {
    precondition(
      seen == nil || (seen?.userCount == relevant.userCount && seen?.itemCount == relevant.itemCount),
      "seen and relevant pairs have different shapes")
    self.relevant = relevant
    self.candidates = candidates.map { Array(Set($0)).sorted() }
    self.seen = seen
    self.users = users.map { Array(Set($0)).sorted() }
    precondition(
      (self.candidates?.last).map { $0 < relevant.itemCount } ?? true && (self.candidates?.first ?? 0) >= 0,
      "a candidate is not one of the \(relevant.itemCount) items")
    precondition(
      (self.users?.last).map { $0 < relevant.userCount } ?? true && (self.users?.first ?? 0) >= 0,
      "a test user is not one of the \(relevant.userCount) users")
  }

  var testUsers: [Int32] {
    users ?? (0..<relevant.userCount).filter { !relevant.range(of: $0).isEmpty }.map(Int32.init)
  }
}

/// True probabilities of relevance of one user for a run of items, written over `probabilities`.
public typealias TrueRelevance =
  @Sendable (
    _ user: Int, _ items: Range<Int>, _ probabilities: inout [Float]
  ) -> Void

/// A test where the probability of relevance is known for every pair, as in a simulated world.
///
/// - Stability: stable
public struct TrueRelevanceTest: Sendable {
  /// Number of users of the world.
  public var userCount: Int
  /// Number of items of the world.
  public var itemCount: Int
  /// The truth.
  public var relevance: TrueRelevance
  /// Pairs taken out of each user's candidates: the clicked ones. Nil: none.
  public var seen: FeedbackMatrix?
  /// The test users, ascending; nil: all.
  public var users: [Int32]?

  /// A test against the truth.
  public init(
    userCount: Int, itemCount: Int, seen: FeedbackMatrix? = nil, users: [Int32]? = nil,
    relevance: @escaping TrueRelevance
  ) {
    precondition(
      seen == nil || (seen?.userCount == userCount && seen?.itemCount == itemCount),
      "seen pairs and the world have different shapes")
    self.userCount = userCount
    self.itemCount = itemCount
    self.seen = seen
    self.users = users.map { Array(Set($0)).sorted() }
    self.relevance = relevance
  }
}
