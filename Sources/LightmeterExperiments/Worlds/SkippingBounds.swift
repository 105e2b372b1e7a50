internal import LightmeterKernels

/// Items in descending order of their bounds, in blocks of nearly equal bounds, with each block's bound by class of users.
struct BlockTable {
  private let starts: [Int]
  private let quick: QuickLogits
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
    quick = QuickLogits(bounder.world, order: order, relevanceCounts: bounder.relevanceCounts)
    bounds = BlockTable.blockBounds(bounder, order: order, starts: starts)
    logMisses = bounds.map(BlockTable.logMiss)
  }

  /// Proposes items of a user class, each with its block's bound as probability and a level uniform below the bound, and
  /// keeps those whose level may be below their probability.
  ///
  /// Proposals come first and are looked at afterwards: one does not wait for the item rows of another.
  ///
  /// - Returns: how many were proposed.
  func propose(
    _ userClass: Int, _ factors: ArraySlice<Float>, _ generator: inout SeededGenerator, into proposals: inout Proposals
  ) -> Int {
    proposals.removeAll()
    let first = userClass * (starts.count - 1)
    for block in 0..<starts.count - 1 {
      let (bound, logMiss) = (bounds[first + block], logMisses[first + block])
      var position = starts[block]
      while true {
        let skip = Portable.log(1 - generator.uniform()) / logMiss
        guard skip < Double(starts[block + 1] - position) else { break }
        position += Int(skip)
        proposals.positions.append(Int32(truncatingIfNeeded: position))
        proposals.levels.append(generator.uniform() * bound)
        proposals.bounds.append(bound)
        position += 1
      }
    }
    let count = proposals.positions.count
    quick.keepPossible(&proposals, factors)
    return count
  }

  private static func logMiss(_ bound: Double) -> Double {
    if bound > 1e-3 { return Portable.log(1 - bound) }
    return -bound * (1 + bound * (1 / 2 + bound * (1 / 3 + bound * (1 / 4 + bound / 5))))
  }

  /// A row of blocks for each class of users (reach, taste, activity).
  private static func blockBounds(_ bounder: ItemBounds, order: [Int], starts: [Int]) -> [Double] {
    let blocks = starts.count - 1
    let (norms, activities) = (SkippingSampler.normEdges.count, SkippingSampler.activityEdges.count)
    // Shards of items, not of blocks: a few blocks hold most of the items.
    let size = 2048
    let pieces = (0..<blocks).flatMap { block in
      stride(from: starts[block], to: starts[block + 1], by: size).map {
        (block: block, items: $0..<min($0 + size, starts[block + 1]))
      }
    }
    let greatest = Threads.map(shards: pieces.count) { greatestProducts(bounder, order[pieces[$0].items]) }
    var bounds = [Double](repeating: 0, count: norms * norms * activities * blocks)
    for (piece, products) in zip(pieces, greatest) {
      for reach in 0..<norms {
        for taste in 0..<norms {
          for activity in 0..<activities {
            let place = ((reach * norms + taste) * activities + activity) * blocks + piece.block
            let product = products[(reach * activities + activity) * norms + taste]
            bounds[place] = max(bounds[place], min(product * (1 + 1e-9), 1))
          }
        }
      }
    }
    return bounds
  }

  /// The greatest bound among items for each class of users, taste last: contiguous where the loop is hot.
  private static func greatestProducts(_ bounder: ItemBounds, _ items: ArraySlice<Int>) -> [Double] {
    let (normEdges, activityEdges) = (SkippingSampler.normEdges, SkippingSampler.activityEdges)
    let (norms, activities) = (normEdges.count, activityEdges.count)
    var tastes = [Double](repeating: 0, count: norms)
    var greatest = [Double](repeating: 0, count: norms * activities * norms)
    for item in items {
      for k in 0..<norms { tastes[k] = bounder.relevance(item: item, taste: normEdges[k]) }
      for reach in 0..<norms {
        for activity in 0..<activities {
          let exposure = bounder.exposure(item: item, reach: normEdges[reach], activity: activityEdges[activity])
          let first = (reach * activities + activity) * norms
          for taste in 0..<norms { greatest[first + taste] = max(greatest[first + taste], exposure * tastes[taste]) }
        }
      }
    }
    return greatest
  }
}

/// Upper bounds of an item's probabilities over all users whose norms and activity stay below given values.
struct ItemBounds {
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
