internal import LightmeterKernels

/// Items proposed to one user, as columns.
struct Proposals: Sendable {
  /// Places in the order of the bounds.
  var positions: [Int32] = []
  /// Uniform below the bound: the pair is drawn where the level is below its probability.
  var levels: [Double] = []
  /// The block's bound.
  var bounds: [Double] = []
  /// The item of each position, once the impossible ones are gone.
  var items: [Int32] = []

  mutating func removeAll() {
    positions.removeAll(keepingCapacity: true)
    levels.removeAll(keepingCapacity: true)
    bounds.removeAll(keepingCapacity: true)
    items.removeAll(keepingCapacity: true)
  }

  func forEach(_ body: (_ item: Int32, _ level: Double, _ bound: Double) -> Void) {
    for k in items.indices { body(items[k], levels[k], bounds[k]) }
  }
}

/// Logits in single precision with a margin for their rounding: rejects nearly all proposals that exact logits would
/// reject, at a tenth of their cost, and none that they would accept.
///
///     σ(a) σ(b) ≤ exp(min(a, 0) + min(b, 0)),   log₂(2ᵉ f) ≥ e + f − 1 for f in [1, 2)
///
/// - Shapes: rows stand in the order of the bounds, so that often proposed ones share the cache.
struct QuickLogits: Sendable {
  private let order: [Int32]
  private let rank: Int
  /// Vectors of eight numbers per personal factor; the last is filled up with zeros.
  private let chunks: Int
  /// Taste factors, then reach factors of each item, times their weights.
  private let rows: [SIMD8<Float>]
  /// What does not depend on the user: of relevance, of exposure.
  private let offsets: [SIMD2<Float>]
  private let activityWeight: Float
  private let relevanceCounts: Bool
  private let margin: Float

  init(_ world: CleanWorld, order: [Int], relevanceCounts: Bool) {
    let p = world.parameters
    (rank, chunks, self.relevanceCounts) = (p.rank, (p.rank + 7) / 8, relevanceCounts)
    self.order = order.map { Int32($0) }
    activityWeight = Float(p.activitySpread)
    let itemStride = CleanWorld.itemStride(p)
    let root = Double(p.rank).squareRoot()
    let (tasteWeight, reachWeight) = (Float(p.personalRelevance / root), Float(p.personalExposure / root))
    var rows: [SIMD8<Float>] = []
    var offsets: [SIMD2<Float>] = []
    rows.reserveCapacity(order.count * 2 * chunks)
    offsets.reserveCapacity(order.count)
    for item in order {
      let start = item * itemStride
      rows.append(contentsOf: QuickLogits.vectors(world.itemRows[(start + 2)..<(start + 2 + rank)], tasteWeight))
      rows.append(
        contentsOf: QuickLogits.vectors(world.itemRows[(start + 2 + rank)..<(start + 2 + 2 * rank)], reachWeight))
      offsets.append(
        SIMD2(
          Float(world.relevanceIntercept + Double(world.itemRows[start])),
          Float(world.exposureIntercept + p.skew * Double(world.itemRows[start + 1]))))
    }
    (self.rows, self.offsets) = (rows, offsets)
    // Every factor is at most 3 in size, so no partial sum exceeds `size`; 2⁻²⁴ of it is lost per operation.
    let size =
      abs(world.relevanceIntercept) + abs(world.exposureIntercept) + 3 * (2 + 2 * p.skew + p.activitySpread)
      + 9 * root * (p.personalRelevance + p.personalExposure)
    margin = Float(size * Double(rank + 8) * 0x1p-20)
  }

  private static func vectors(_ factors: ArraySlice<Float>, _ weight: Float) -> [SIMD8<Float>] {
    stride(from: factors.startIndex, to: factors.endIndex, by: 8).map { first in
      var vector = SIMD8<Float>.zero
      for k in first..<min(first + 8, factors.endIndex) { vector[k - first] = factors[k] * weight }
      return vector
    }
  }

  /// Leaves the proposals whose level may be below their probability, with their items.
  func keepPossible(_ proposals: inout Proposals, _ factors: ArraySlice<Float>) {
    let start = factors.startIndex
    let taste = QuickLogits.vectors(factors[(start + 1)..<(start + 1 + rank)], 1)
    let reach = QuickLogits.vectors(factors[(start + 1 + rank)..<(start + 1 + 2 * rank)], 1)
    let activity = activityWeight * factors[start]
    let count = proposals.positions.count
    var kept = 0
    for k in 0..<count {
      let position = Int(proposals.positions[k])
      let first = 2 * chunks * position
      var (relevance, exposure) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
      for chunk in 0..<chunks {
        relevance += taste[chunk] * rows[first + chunk]
        exposure += reach[chunk] * rows[first + chunks + chunk]
      }
      let offset = offsets[position]
      let level = proposals.levels[k]
      let bits = Float(level.exponent) + Float(level.significand) - 1
      var highest = min(offset.y + activity + exposure.sum(), 0)
      if relevanceCounts { highest += min(offset.x + relevance.sum(), 0) }
      // Kept or overwritten by the next one: no branch to guess wrong.
      proposals.positions[kept] = proposals.positions[k]
      proposals.levels[kept] = level
      proposals.bounds[kept] = proposals.bounds[k]
      kept += bits <= (highest + margin) * 1.442696 ? 1 : 0
    }
    proposals.positions.removeLast(count - kept)
    proposals.levels.removeLast(count - kept)
    proposals.bounds.removeLast(count - kept)
    for position in proposals.positions { proposals.items.append(order[Int(position)]) }
  }
}
