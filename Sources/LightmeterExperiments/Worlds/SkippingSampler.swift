internal import LightmeterFeedback
internal import LightmeterKernels

/// Draws the log of a large clean world without visiting every cell.
///
/// Items are sorted once by an upper bound of their probability (norms bound the personal parts) and cut into blocks of
/// nearly equal bounds. Per user the sampler skips through the blocks under their bounds and accepts a proposal with
/// probability / bound: exact, so it agrees in distribution with ``WorldDraws`` (not in bytes).
///
/// Impressions are the user's clicks, the same bytes as without impressions, and the pairs that were shown and declined:
///
///     P(click) = m γ,   P(shown | no click) = m (1 − γ) / (1 − m γ)
///
/// so every click is a shown pair and an impression has probability m.
///
/// - Complexity: O(items · 2304) once; per user O(blocks + proposals · rank), blocks up to a few thousand. Proposals are about a
///   hundred times the accepted pairs at personal parts of 1, fewer at smaller ones.
/// - Numerics: bounds are widened by 1e-9, above the rounding of the probabilities.
/// - Source: METHODS §13.2b.
/// - Stability: experimental
public struct SkippingSampler: Sendable {
  /// Which pairs are drawn.
  public enum Target: Sendable {
    /// Pairs that were seen and liked.
    case clicks
    /// Pairs that were seen: the clicks of ``clicks`` and what was declined.
    case impressions
  }

  /// The pairs of one user.
  public struct UserRows: Sendable, Equatable {
    /// The user.
    public internal(set) var user: Int32 = 0
    /// Items in ascending order.
    public internal(set) var items: [Int32] = []
    /// 1 where clicked, parallel to `items`.
    public internal(set) var clicked: [UInt8] = []
    /// How many proposals were made to find them.
    public internal(set) var proposals = 0
    var candidates = Proposals()

    /// Equal pairs of an equal user, found by as many proposals.
    public static func == (a: UserRows, b: UserRows) -> Bool {
      a.user == b.user && a.items == b.items && a.clicked == b.clicked && a.proposals == b.proposals
    }
  }

  private let world: CleanWorld
  private let seed: UInt64
  private let clicks: BlockTable
  /// For what was shown and declined; nil where only clicks are drawn.
  private let shown: BlockTable?

  /// Upper edges of the user classes: norms in units of √rank, and activities. Closest where the bounds grow fastest.
  static let reachEdges = (0..<23).map { 0.5 + 0.07 * Double($0) } + [3.0001]
  static let tasteEdges = [0.75, 0.9, 1.05, 1.2, 1.35, 1.5, 1.8, 3.0001]
  static let activityEdges = [-1.2, -0.6, -0.2, 0.2, 0.5, 0.8, 1.1, 1.4, 1.8, 2.2, 2.6, 3.0001]

  /// Sorts the items and bounds every block for every class of users.
  public init(_ world: CleanWorld, target: Target = .clicks, seed: UInt64? = nil) {
    self.world = world
    self.seed = seed ?? world.seed
    clicks = BlockTable(ItemBounds(world, relevanceCounts: true))
    shown = target == .impressions ? BlockTable(ItemBounds(world, relevanceCounts: false)) : nil
  }

  /// Draws the pairs of one user; the same for the same seed, whatever users came before.
  public func draw(user: Int, into rows: inout UserRows) {
    rows.user = Int32(user)
    rows.proposals = 0
    let factors = world.userRow(user)
    let userClass = classIndex(factors)
    var generator = WorldStream.skips.generator(seed, shard: user)
    var clicked: [Int32] = []
    rows.proposals += clicks.propose(userClass, factors, &generator, into: &rows.candidates)
    rows.candidates.forEach { item, level, bound in
      if isClicked(factors, item: Int(item), level: level, bound: bound) { clicked.append(item) }
    }
    clicked.sort()
    guard let shown else {
      rows.items = clicked
      rows.clicked = [UInt8](repeating: 1, count: clicked.count)
      return
    }
    generator = WorldStream.declined.generator(seed, shard: user)
    var declined: [Int32] = []
    rows.proposals += shown.propose(userClass, factors, &generator, into: &rows.candidates)
    rows.candidates.forEach { item, level, bound in
      if isDeclined(factors, item: Int(item), level: level, bound: bound), !SkippingSampler.holds(clicked, item) {
        declined.append(item)
      }
    }
    declined.sort()
    rows.merge(clicked: clicked, declined: declined)
  }

  /// Draws user after user and hands each one's pairs on, in user order.
  ///
  /// - Returns: how many proposals were made in all.
  @discardableResult
  public func forEachUser<E: Error>(_ body: (UserRows) throws(E) -> Void) throws(E) -> Int {
    var rows = UserRows()
    var proposals = 0
    for user in 0..<world.userCount {
      draw(user: user, into: &rows)
      proposals += rows.proposals
      try body(rows)
    }
    return proposals
  }

  // MARK: one proposal

  private func isClicked(_ factors: ArraySlice<Float>, item: Int, level: Double, bound: Double) -> Bool {
    let logits = world.logits(factors, item: item)
    let probability = Portable.sigmoid(logits.exposure) * Portable.sigmoid(logits.relevance)
    assert(probability <= bound, "the bound \(bound) of item \(item) is below its probability \(probability)")
    return level < probability
  }

  private func isDeclined(_ factors: ArraySlice<Float>, item: Int, level: Double, bound: Double) -> Bool {
    let logits = world.logits(factors, item: item)
    let (exposure, relevance) = (Portable.sigmoid(logits.exposure), Portable.sigmoid(logits.relevance))
    assert(exposure <= bound, "the bound \(bound) of item \(item) is below its exposure \(exposure)")
    return level < exposure * (1 - relevance) / (1 - exposure * relevance)
  }

  private static func holds(_ sorted: [Int32], _ item: Int32) -> Bool {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < item { low = middle + 1 } else { high = middle }
    }
    return low < sorted.count && sorted[low] == item
  }

  // MARK: classes of users

  private func classIndex(_ factors: ArraySlice<Float>) -> Int {
    let rank = world.parameters.rank
    let start = factors.startIndex
    var (taste, reach) = (0.0, 0.0)
    for k in 1...rank {
      taste += Double(factors[start + k]) * Double(factors[start + k])
      reach += Double(factors[start + rank + k]) * Double(factors[start + rank + k])
    }
    let scale = Double(rank)
    let reachClass = SkippingSampler.reachEdges.firstIndex { (reach / scale).squareRoot() <= $0 }!
    let tasteClass = SkippingSampler.tasteEdges.firstIndex { (taste / scale).squareRoot() <= $0 }!
    let activityClass = SkippingSampler.activityEdges.firstIndex { Double(factors[start]) <= $0 }!
    return (reachClass * SkippingSampler.tasteEdges.count + tasteClass) * SkippingSampler.activityEdges.count
      + activityClass
  }
}

extension SkippingSampler.UserRows {
  /// Two ascending lists of items as one, with what was clicked beside it.
  fileprivate mutating func merge(clicked hits: [Int32], declined: [Int32]) {
    items.removeAll(keepingCapacity: true)
    clicked.removeAll(keepingCapacity: true)
    var (hit, miss) = (0, 0)
    while hit < hits.count || miss < declined.count {
      let takesHit = miss == declined.count || (hit < hits.count && hits[hit] < declined[miss])
      items.append(takesHit ? hits[hit] : declined[miss])
      clicked.append(takesHit ? 1 : 0)
      if takesHit { hit += 1 } else { miss += 1 }
    }
  }
}
