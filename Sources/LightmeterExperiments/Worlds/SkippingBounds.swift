internal import LightmeterKernels

/// Items in bins of similar personal parts, within a bin in descending order of their bounds and cut into blocks of nearly
/// equal bounds, with each block's bound by class of users.
///
/// The bins keep a block's bounds close together for every class of users, not only for the one that the items are sorted
/// for.
struct BlockTable: Sendable {
  private let starts: [Int]
  private let quick: QuickLogits
  /// Bound of each block and −log(1 − bound), class by class.
  private let bounds: [Double]
  private let rates: [Double]

  init(_ bounder: ItemBounds) {
    let itemCount = bounder.world.itemCount
    let bins = bounder.bins(reach: 10, taste: 4)
    let reference = (0..<itemCount).map { bounder.bound(item: $0, reach: 1, taste: 1, activity: 0) }
    let order = (0..<itemCount).sorted { (bins[$1], reference[$0], $1) > (bins[$0], reference[$1], $0) }
    var starts: [Int] = []
    var top = 0.0
    for (position, item) in order.enumerated()
    where position == 0 || bins[item] != bins[order[position - 1]] || reference[item] < 0.85 * top {
      starts.append(position)
      top = reference[item]
    }
    starts.append(order.count)
    self.starts = starts
    quick = QuickLogits(bounder.world, order: order, relevanceCounts: bounder.relevanceCounts)
    bounds = BlockTable.blockBounds(bounder, order: order, starts: starts)
    rates = bounds.map(BlockTable.rate)
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
    // Points of a Poisson process on a line where an item of rate −log(1 − bound) is that long: an item is hit at least
    // once with probability `bound`. One draw per proposal, none per block.
    var distance = BlockTable.exponential(&generator)
    for block in 0..<starts.count - 1 {
      let rate = rates[first + block]
      let end = starts[block + 1]
      var position = starts[block]
      while distance < Double(end - position) * rate {
        // Rounding may reach the end that the comparison excludes.
        position = min(position + Int(distance / rate), end - 1)
        let bound = bounds[first + block]
        proposals.positions.append(Int32(truncatingIfNeeded: position))
        proposals.levels.append(generator.uniform() * bound)
        proposals.bounds.append(bound)
        position += 1
        distance = BlockTable.exponential(&generator)
      }
      distance -= Double(end - position) * rate
    }
    let count = proposals.positions.count
    quick.keepPossible(&proposals, factors)
    return count
  }

  private static func exponential(_ generator: inout SeededGenerator) -> Double {
    -Portable.log(1 - generator.uniform())
  }

  private static func rate(_ bound: Double) -> Double {
    if bound > 1e-3 { return min(-Portable.log(1 - bound), 700) }
    return bound * (1 + bound * (1 / 2 + bound * (1 / 3 + bound * (1 / 4 + bound / 5))))
  }

  /// A row of blocks for each class of users (reach, taste, activity).
  private static func blockBounds(_ bounder: ItemBounds, order: [Int], starts: [Int]) -> [Double] {
    let blocks = starts.count - 1
    let (reaches, tastes) = (SkippingSampler.reachEdges.count, SkippingSampler.tasteEdges.count)
    let activities = SkippingSampler.activityEdges.count
    // Shards of items, not of blocks: a few blocks hold most of the items.
    let size = 2048
    let pieces = (0..<blocks).flatMap { block in
      stride(from: starts[block], to: starts[block + 1], by: size).map {
        (block: block, items: $0..<min($0 + size, starts[block + 1]))
      }
    }
    let greatest = Threads.map(shards: pieces.count) { greatestProducts(bounder, order[pieces[$0].items]) }
    var bounds = [Double](repeating: 0, count: reaches * tastes * activities * blocks)
    for (piece, products) in zip(pieces, greatest) {
      for reach in 0..<reaches {
        for taste in 0..<tastes {
          for activity in 0..<activities {
            let place = ((reach * tastes + taste) * activities + activity) * blocks + piece.block
            let product = products[(reach * activities + activity) * tastes + taste]
            bounds[place] = max(bounds[place], min(product * (1 + 1e-9), 1))
          }
        }
      }
    }
    return bounds
  }

  /// The greatest bound among items for each class of users, taste last: contiguous where the loop is hot.
  private static func greatestProducts(_ bounder: ItemBounds, _ items: ArraySlice<Int>) -> [Double] {
    let (reachEdges, tasteEdges) = (SkippingSampler.reachEdges, SkippingSampler.tasteEdges)
    // One exponential for each factor of the odds instead of one for each product.
    let activityOdds = SkippingSampler.activityEdges.map { bounder.activityOdds($0) }
    let (activities, tastes) = (activityOdds.count, tasteEdges.count)
    var relevance = [Double](repeating: 0, count: tastes)
    var greatest = [Double](repeating: 0, count: reachEdges.count * activities * tastes)
    for item in items {
      for k in 0..<tastes { relevance[k] = bounder.relevance(item: item, taste: tasteEdges[k]) }
      for (reach, reachEdge) in reachEdges.enumerated() {
        let odds = bounder.exposureOdds(item: item, reach: reachEdge)
        for activity in 0..<activities {
          // Infinite odds have no quotient; 1 bounds everything.
          let product = odds * activityOdds[activity]
          let exposure = product < 1e300 ? product / (1 + product) : 1
          let first = (reach * activities + activity) * tastes
          for taste in 0..<tastes {
            greatest[first + taste] = max(greatest[first + taste], exposure * relevance[taste])
          }
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

  /// A bin for each item: of equal width by the size of its personal part of exposure, then of relevance.
  func bins(reach: Int, taste: Int) -> [Int] {
    let reachBins = ItemBounds.bins(reachNorms, reach)
    guard relevanceCounts else { return reachBins }
    return zip(reachBins, ItemBounds.bins(tasteNorms, taste)).map { $0 * taste + $1 }
  }

  private static func bins(_ values: [Double], _ count: Int) -> [Int] {
    guard let low = values.min(), let high = values.max(), low < high else { return values.map { _ in 0 } }
    return values.map { min(Int(($0 - low) / (high - low) * Double(count)), count - 1) }
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

  /// Odds of ``exposure(item:reach:activity:)`` at activity 0.
  func exposureOdds(item: Int, reach: Double) -> Double {
    let promotion = Double(world.itemRows[item * CleanWorld.itemStride(world.parameters) + 1])
    return Portable.exp(
      max(
        world.exposureIntercept + world.parameters.skew * promotion
          + world.parameters.personalExposure * reach * reachNorms[item], -600))
  }

  /// What an activity multiplies the odds by.
  func activityOdds(_ activity: Double) -> Double { Portable.exp(world.parameters.activitySpread * activity) }

  func bound(item: Int, reach: Double, taste: Double, activity: Double) -> Double {
    exposure(item: item, reach: reach, activity: activity) * relevance(item: item, taste: taste)
  }
}
