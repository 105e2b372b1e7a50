internal import LightmeterFeedback
internal import LightmeterKernels

/// Draws the log of a large clean world without visiting every cell.
///
/// Items are sorted once by an upper bound of their probability (norms bound the personal parts) and cut into blocks of
/// nearly equal bounds. Per user the sampler walks each block by geometric skips under the block's bound and accepts a
/// proposal with probability / bound: exact, so it agrees in distribution with ``WorldDraws`` (not in bytes).
///
/// - Complexity: O(items · 400) once; per user O(blocks + proposals · rank), blocks in the hundreds. Proposals are tens to
///   a hundred times the accepted pairs at personal parts of 1, fewer at smaller ones.
/// - Numerics: bounds are widened by 1e-9, above the rounding of the probabilities.
/// - Source: METHODS §13.2b.
/// - Stability: experimental
public struct SkippingSampler: Sendable {
  /// Which pairs are drawn.
  public enum Target: Sendable {
    /// Pairs that were seen and liked.
    case clicks
    /// Pairs that were seen; each has a click drawn with it.
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
  private let target: Target
  private let seed: UInt64
  private let order: [Int32]
  private let blockStarts: [Int]
  /// Bound and log(1 − bound) of each block, class by class.
  private let bounds: [Double]
  private let logMisses: [Double]

  /// Upper edges of the user classes: norms in units of √rank, and activities.
  private static let normEdges = [0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 3.0001]
  private static let activityEdges = [-1.5, -0.75, -0.25, 0.25, 0.75, 1.25, 2.0, 3.0001]

  /// Sorts the items and bounds every block for every class of users.
  public init(_ world: CleanWorld, target: Target = .clicks, seed: UInt64? = nil) {
    self.world = world
    self.target = target
    self.seed = seed ?? world.seed
    let bounder = ItemBounds(world, relevanceCounts: target == .clicks)
    let reference = (0..<world.itemCount).map { bounder.bound(item: $0, reach: 1, taste: 1, activity: 0) }
    let order = (0..<world.itemCount).sorted { (reference[$0], $1) > (reference[$1], $0) }
    var starts: [Int] = []
    var top = 0.0
    for (position, item) in order.enumerated() where position == 0 || reference[item] < 0.85 * top {
      starts.append(position)
      top = reference[item]
    }
    starts.append(order.count)
    blockStarts = starts
    self.order = order.map { Int32($0) }
    bounds = SkippingSampler.blockBounds(bounder, order: order, starts: starts)
    logMisses = bounds.map(SkippingSampler.logMiss)
  }

  /// Draws the pairs of one user; the same for the same seed, whatever users came before.
  public func draw(user: Int, into rows: inout UserRows) {
    rows.user = Int32(user)
    rows.proposals = 0
    var generator = WorldStream.skips.generator(seed, shard: user)
    let factors = world.userRow(user)
    let first = classIndex(factors) * (blockStarts.count - 1)
    var accepted: [(item: Int32, clicked: UInt8)] = []
    for block in 0..<blockStarts.count - 1 {
      let (bound, logMiss) = (bounds[first + block], logMisses[first + block])
      var position = blockStarts[block]
      while true {
        let skip = Portable.log(1 - generator.uniform()) / logMiss
        guard skip < Double(blockStarts[block + 1] - position) else { break }
        position += Int(skip)
        rows.proposals += 1
        if let clicked = accept(factors, item: Int(order[position]), bound: bound, &generator) {
          accepted.append((order[position], clicked))
        }
        position += 1
      }
    }
    accepted.sort { $0.item < $1.item }
    rows.items = accepted.map(\.item)
    rows.clicked = accepted.map(\.clicked)
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

  private func accept(
    _ factors: ArraySlice<Float>, item: Int, bound: Double, _ generator: inout SeededGenerator
  ) -> UInt8? {
    let level = generator.uniform() * bound
    let logits = world.logits(factors, item: item)
    let needsRelevance = target == .clicks
    // A power of two above the odds rejects most proposals without an exponential.
    var ceiling = SkippingSampler.powerAbove(logits.exposure)
    if needsRelevance { ceiling *= SkippingSampler.powerAbove(logits.relevance) }
    guard level < ceiling else { return nil }
    let relevance = Portable.sigmoid(logits.relevance)
    let probability = Portable.sigmoid(logits.exposure) * (needsRelevance ? relevance : 1)
    assert(probability <= bound, "the bound \(bound) of item \(item) is below its probability \(probability)")
    guard level < probability else { return nil }
    return needsRelevance || generator.uniform() < relevance ? 1 : 0
  }

  private static func powerAbove(_ logit: Double) -> Double {
    logit >= 0 ? 1 : Double(sign: .plus, exponent: Int((logit * 1.4426950408889634).rounded(.up)), significand: 1)
  }

  private static func logMiss(_ bound: Double) -> Double {
    if bound > 1e-3 { return Portable.log(1 - bound) }
    return -bound * (1 + bound * (1 / 2 + bound * (1 / 3 + bound * (1 / 4 + bound / 5))))
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

  private static func blockBounds(_ bounder: ItemBounds, order: [Int], starts: [Int]) -> [Double] {
    let blocks = starts.count - 1
    let (norms, activities) = (normEdges.count, activityEdges.count)
    var bounds = [Double](repeating: 0, count: norms * norms * activities * blocks)
    var tastes = [Double](repeating: 0, count: norms)
    for block in 0..<blocks {
      for item in order[starts[block]..<starts[block + 1]] {
        for k in 0..<norms { tastes[k] = bounder.relevance(item: item, taste: normEdges[k]) }
        for reach in 0..<norms {
          for activity in 0..<activities {
            let exposure = bounder.exposure(item: item, reach: normEdges[reach], activity: activityEdges[activity])
            for taste in 0..<norms {
              let slot = ((reach * norms + taste) * activities + activity) * blocks + block
              bounds[slot] = max(bounds[slot], exposure * tastes[taste])
            }
          }
        }
      }
    }
    return bounds.map { min($0 * (1 + 1e-9), 1) }
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
