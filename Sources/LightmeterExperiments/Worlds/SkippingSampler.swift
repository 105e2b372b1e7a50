internal import LightmeterFeedback
internal import LightmeterKernels

/// Draws the log of a large clean world without visiting every cell.
///
/// Items are sorted once by an upper bound of their probability (norms bound the personal parts) and cut into blocks of
/// nearly equal bounds. Per user the sampler walks each block by geometric skips under the block's bound and accepts a
/// proposal with probability / bound: exact, so it agrees in distribution with ``WorldDraws`` (not in bytes).
///
/// Impressions are the user's clicks, the same bytes as without impressions, and the pairs that were shown and declined:
///
///     P(click) = m γ,   P(shown | no click) = m (1 − γ) / (1 − m γ)
///
/// so every click is a shown pair and an impression has probability m.
///
/// - Complexity: O(items · 2744) once; per user O(blocks + proposals · rank), blocks about a hundred. Proposals are tens to
///   a hundred times the accepted pairs at personal parts of 1, fewer at smaller ones.
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
  }

  private let world: CleanWorld
  private let seed: UInt64
  private let clicks: BlockTable
  /// For what was shown and declined; nil where only clicks are drawn.
  private let shown: BlockTable?

  /// Upper edges of the user classes: norms in units of √rank, and activities.
  fileprivate static let normEdges = [
    0.55, 0.65, 0.72, 0.78, 0.84, 0.9, 0.96, 1.02, 1.08, 1.15, 1.23, 1.35, 1.6, 3.0001,
  ]
  fileprivate static let activityEdges = [
    -2, -1.5, -1.1, -0.8, -0.5, -0.25, 0, 0.25, 0.5, 0.8, 1.1, 1.5, 2, 3.0001,
  ]

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
    rows.proposals += clicks.walk(userClass, &generator) { item, level, bound in
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
    rows.proposals += shown.walk(userClass, &generator) { item, level, bound in
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
    // A power of two above the odds rejects most proposals without an exponential.
    let ceiling = SkippingSampler.powerAbove(logits.exposure) * SkippingSampler.powerAbove(logits.relevance)
    guard level < ceiling else { return false }
    let probability = Portable.sigmoid(logits.exposure) * Portable.sigmoid(logits.relevance)
    assert(probability <= bound, "the bound \(bound) of item \(item) is below its probability \(probability)")
    return level < probability
  }

  private func isDeclined(_ factors: ArraySlice<Float>, item: Int, level: Double, bound: Double) -> Bool {
    let logits = world.logits(factors, item: item)
    guard level < SkippingSampler.powerAbove(logits.exposure) else { return false }
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

  private static func powerAbove(_ logit: Double) -> Double {
    logit >= 0 ? 1 : Double(sign: .plus, exponent: Int((logit * 1.4426950408889634).rounded(.up)), significand: 1)
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
    let reachClass = SkippingSampler.normEdges.firstIndex { (reach / scale).squareRoot() <= $0 }!
    let tasteClass = SkippingSampler.normEdges.firstIndex { (taste / scale).squareRoot() <= $0 }!
    let activityClass = SkippingSampler.activityEdges.firstIndex { Double(factors[start]) <= $0 }!
    return (reachClass * SkippingSampler.normEdges.count + tasteClass) * SkippingSampler.activityEdges.count
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

/// Items in descending order of their bounds, in blocks of nearly equal bounds, with each block's bound by class of users.
private struct BlockTable {
  private let order: [Int32]
  private let starts: [Int]
  /// Bound and log(1 − bound) of each block, class by class.
  private let bounds: [Double]
  private let logMisses: [Double]

  init(_ bounder: ItemBounds) {
    let itemCount = bounder.world.itemCount
    let reference = (0..<itemCount).map { bounder.bound(item: $0, reach: 1, taste: 1, activity: 0) }
    let order = (0..<itemCount).sorted { (reference[$0], $1) > (reference[$1], $0) }
    var starts: [Int] = []
    var top = 0.0
    for (position, item) in order.enumerated() where position == 0 || reference[item] < 0.85 * top {
      starts.append(position)
      top = reference[item]
    }
    starts.append(order.count)
    self.starts = starts
    self.order = order.map { Int32($0) }
    bounds = BlockTable.blockBounds(bounder, order: order, starts: starts)
    logMisses = bounds.map(BlockTable.logMiss)
  }

  /// Proposes items of a user class, each with its block's bound as probability, and a level uniform below the bound.
  ///
  /// - Returns: how many were proposed.
  func walk(
    _ userClass: Int, _ generator: inout SeededGenerator,
    _ body: (_ item: Int32, _ level: Double, _ bound: Double) -> Void
  ) -> Int {
    let first = userClass * (starts.count - 1)
    var proposals = 0
    for block in 0..<starts.count - 1 {
      let (bound, logMiss) = (bounds[first + block], logMisses[first + block])
      var position = starts[block]
      while true {
        let skip = Portable.log(1 - generator.uniform()) / logMiss
        guard skip < Double(starts[block + 1] - position) else { break }
        position += Int(skip)
        proposals += 1
        body(order[position], generator.uniform() * bound, bound)
        position += 1
      }
    }
    return proposals
  }

  private static func logMiss(_ bound: Double) -> Double {
    if bound > 1e-3 { return Portable.log(1 - bound) }
    return -bound * (1 + bound * (1 / 2 + bound * (1 / 3 + bound * (1 / 4 + bound / 5))))
  }

  /// A row of blocks for each class of users (reach, taste, activity).
  private static func blockBounds(_ bounder: ItemBounds, order: [Int], starts: [Int]) -> [Double] {
    let blocks = starts.count - 1
    let (normEdges, activityEdges) = (SkippingSampler.normEdges, SkippingSampler.activityEdges)
    let (norms, activities) = (normEdges.count, activityEdges.count)
    var bounds = [Double](repeating: 0, count: norms * norms * activities * blocks)
    var tastes = [Double](repeating: 0, count: norms)
    for block in 0..<blocks {
      // Greatest product of a block, taste last: contiguous where the loop is hot.
      var greatest = [Double](repeating: 0, count: norms * activities * norms)
      for item in order[starts[block]..<starts[block + 1]] {
        for k in 0..<norms { tastes[k] = bounder.relevance(item: item, taste: normEdges[k]) }
        for reach in 0..<norms {
          for activity in 0..<activities {
            let exposure = bounder.exposure(item: item, reach: normEdges[reach], activity: activityEdges[activity])
            let first = (reach * activities + activity) * norms
            for taste in 0..<norms { greatest[first + taste] = max(greatest[first + taste], exposure * tastes[taste]) }
          }
        }
      }
      for reach in 0..<norms {
        for taste in 0..<norms {
          for activity in 0..<activities {
            bounds[((reach * norms + taste) * activities + activity) * blocks + block] = min(
              greatest[(reach * activities + activity) * norms + taste] * (1 + 1e-9), 1)
          }
        }
      }
    }
    return bounds
  }
}

/// Upper bounds of an item's probabilities over all users whose norms and activity stay below given values.
private struct ItemBounds {
  let world: CleanWorld
  let relevanceCounts: Bool
  let tasteNorms: [Double]
  let reachNorms: [Double]

  init(_ world: CleanWorld, relevanceCounts: Bool) {
    self.world = world
    self.relevanceCounts = relevanceCounts
    let rank = world.parameters.rank
    let stride = CleanWorld.itemStride(world.parameters)
    func norm(_ start: Int) -> Double {
      var sum = 0.0
      for k in start..<start + rank { sum += Double(world.itemRows[k]) * Double(world.itemRows[k]) }
      return sum.squareRoot()
    }
    tasteNorms = (0..<world.itemCount).map { norm($0 * stride + 2) }
    reachNorms = (0..<world.itemCount).map { norm($0 * stride + 2 + rank) }
  }

  // A user's norm is given in units of √rank, which cancels the √rank under the inner product.
  func relevance(item: Int, taste: Double) -> Double {
    guard relevanceCounts else { return 1 }
    let appeal = Double(world.itemRows[item * CleanWorld.itemStride(world.parameters)])
    return Portable.sigmoid(
      world.relevanceIntercept + appeal + world.parameters.personalRelevance * taste * tasteNorms[item])
  }

  func exposure(item: Int, reach: Double, activity: Double) -> Double {
    let promotion = Double(world.itemRows[item * CleanWorld.itemStride(world.parameters) + 1])
    return Portable.sigmoid(
      world.exposureIntercept + world.parameters.skew * promotion + world.parameters.activitySpread * activity
        + world.parameters.personalExposure * reach * reachNorms[item])
  }

  func bound(item: Int, reach: Double, taste: Double, activity: Double) -> Double {
    exposure(item: item, reach: reach, activity: activity) * relevance(item: item, taste: taste)
  }
}
