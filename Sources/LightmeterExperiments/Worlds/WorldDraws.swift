public import LightmeterFeedback
internal import LightmeterKernels

/// One draw of a world, cell by cell: who saw what, what they like, what they clicked.
///
/// Every cell has its own two random numbers, keyed by (seed, user, item), so tiles come in any order with the same
/// bytes, and a click, an impression and a random showing of one pair agree on whether the pair is relevant.
///
/// - Complexity: O(users · items) time for a whole log, O(items) memory beside the result. For logs of which only a small
///   part of the cells is clicked see ``SkippingSampler``.
/// - Source: METHODS §13.2, §13.2b.
/// - Stability: experimental
public struct WorldDraws: Sendable {
  /// The probabilities behind the draw.
  public let world: any World
  /// The seed of the draw.
  public let seed: UInt64
  private let exposedKey: UInt64
  private let relevantKey: UInt64

  /// The draw of `world` that belongs to `seed`; the world's own seed when none is given.
  public init(_ world: any World, seed: UInt64? = nil) {
    self.world = world
    self.seed = seed ?? world.seed
    exposedKey = WorldStream.exposed.key(self.seed)
    relevantKey = WorldStream.relevant.key(self.seed)
  }

  /// The cells of one tile, row-major: 1 where exposed, 1 where relevant.
  public struct Tile: Sendable, Equatable {
    /// 1 where the user saw the item.
    public internal(set) var exposed: [UInt8] = []
    /// 1 where the user likes the item, seen or not.
    public internal(set) var relevant: [UInt8] = []
    /// 1 where the user clicked: exposed and relevant.
    public var clicked: [UInt8] { zip(exposed, relevant).map { $0 & $1 } }
  }

  /// Draws one tile.
  public func tile(users: Range<Int>, items: Range<Int>) -> Tile {
    var tile = Tile()
    tile.exposed.reserveCapacity(users.count * items.count)
    tile.relevant.reserveCapacity(users.count * items.count)
    var row = TruthRow()
    for user in users {
      world.truth(user: user, items: items, into: &row)
      for (k, item) in items.enumerated() {
        tile.exposed.append(hit(exposedKey, user, item, row.exposure[k]) ? 1 : 0)
        tile.relevant.append(hit(relevantKey, user, item, row.relevance[k]) ? 1 : 0)
      }
    }
    return tile
  }

  /// Whether the user likes the item, seen or not.
  public func isRelevant(user: Int, item: Int) -> Bool {
    hit(relevantKey, user, item, world.truth(user: user, item: item).relevance)
  }

  /// Every impression in user order, then item order: the pairs that were seen, and whether they were clicked.
  public func forEachImpression<E: Error>(
    _ body: (_ user: Int32, _ item: Int32, _ clicked: Bool) throws(E) -> Void
  ) throws(E) {
    var row = TruthRow()
    for user in 0..<world.userCount {
      world.truth(user: user, items: 0..<world.itemCount, into: &row)
      for item in 0..<world.itemCount where hit(exposedKey, user, item, row.exposure[item]) {
        try body(Int32(user), Int32(item), hit(relevantKey, user, item, row.relevance[item]))
      }
    }
  }

  /// The clicks as a log.
  public func clicks() -> FeedbackMatrix {
    var (users, items): ([Int32], [Int32]) = ([], [])
    forEachImpression { user, item, clicked in
      if clicked {
        users.append(user)
        items.append(item)
      }
    }
    return FeedbackMatrix(userCount: world.userCount, itemCount: world.itemCount, users: users, items: items)
  }

  /// The complete impression log: every pair that was seen, its click, exposure 1.
  public func impressions() -> PairBatch {
    var batch = PairBatch()
    batch.removeAll(known: true)
    forEachImpression { user, item, clicked in
      batch.append(user: user, item: item, feedback: clicked ? 1 : 0, knownExposure: 1)
    }
    return batch
  }

  /// Every pair that the user likes, seen or not: labels for an evaluation that knows the truth.
  public func relevantPairs() -> FeedbackMatrix {
    var (users, items): ([Int32], [Int32]) = ([], [])
    var row = TruthRow()
    for user in 0..<world.userCount {
      world.truth(user: user, items: 0..<world.itemCount, into: &row)
      for item in 0..<world.itemCount where hit(relevantKey, user, item, row.relevance[item]) {
        users.append(Int32(user))
        items.append(Int32(item))
      }
    }
    return FeedbackMatrix(userCount: world.userCount, itemCount: world.itemCount, users: users, items: items)
  }

  /// A slice of random traffic: distinct pairs drawn uniformly from all, each shown for certain, clicked when relevant.
  ///
  /// - Parameters:
  ///   - count: how many pairs.
  /// - Precondition: no more pairs than the world has.
  /// - Complexity: O(count), whatever the size of the world.
  public func randomTraffic(count: Int) -> PairBatch {
    let cells = world.userCount * world.itemCount
    precondition(count >= 0 && count <= cells, "\(count) random pairs of a world that has \(cells)")
    let order = KeyedPermutation(count: cells, key: WorldStream.traffic.key(seed))
    var batch = PairBatch()
    batch.removeAll(known: true)
    for position in 0..<count {
      let cell = order(position)
      let (user, item) = (cell / world.itemCount, cell % world.itemCount)
      batch.append(
        user: Int32(user), item: Int32(item), feedback: isRelevant(user: user, item: item) ? 1 : 0, knownExposure: 1)
    }
    return batch
  }

  private func hit(_ key: UInt64, _ user: Int, _ item: Int, _ probability: Double) -> Bool {
    SeededGenerator.unit(SeededGenerator.hash(key, UInt64(user), UInt64(item))) < probability
  }
}
