internal import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels

/// Items near an item by what people want: the cosine between item factors.
///
///     similarity(i, j) = q_i · q_j / (‖q_i‖ ‖q_j‖)
///
/// Biases are left out: they say how much an item is wanted, not what it is like. In an ensemble it is the mean of the
/// members' cosines.
///
/// - Complexity: O(items · d) once and per question; 4 bytes per item and member.
/// - Stability: experimental
public struct SimilarItems: Sendable {
  /// An item and how near it is.
  public struct Neighbour: Sendable, Hashable {
    /// Raw item id.
    public var item: String
    /// In [−1, 1].
    public var similarity: Float
  }

  private let model: StoredModel
  private let tables: [Table<Float>]
  private let inverseNorms: [[Float]]

  /// Nil for a model without item vectors: counts, means and the random control.
  public init?(_ model: StoredModel) {
    switch model.scorer {
    case .factors(let factors) where factors.items.factorWidth > 1: tables = [factors.items]
    case .ensemble(let ensemble) where ensemble.members[0].items.factorWidth > 1:
      tables = ensemble.members.map(\.items)
    default: return nil
    }
    self.model = model
    inverseNorms = tables.map { table in
      let (values, stride, width) = (table.values, table.stride, table.factorWidth)
      return (0..<table.rows).map { row in
        var squares: Float = 0
        for column in row * stride..<row * stride + width { squares += values[column] * values[column] }
        return squares > 0 ? 1 / squares.squareRoot() : 0
      }
    }
  }

  /// The nearest items, best first, the item itself left out.
  ///
  /// - Throws: `Recommender.Problem.unknownItem`.
  public func nearest(to item: String, count: Int) throws(Recommender.Problem) -> [Neighbour] {
    guard let own = model.items.index(of: item) else { throw .unknownItem(item) }
    var best = TopK(min(count, model.items.count))
    var (sums, row): ([Float], [Float]) = ([], [])
    let tile = 2048
    for first in stride(from: 0, to: model.items.count, by: tile) {
      let range = first..<min(first + tile, model.items.count)
      sums = [Float](repeating: 0, count: range.count)
      for (table, norms) in zip(tables, inverseNorms) {
        Float.rowScores(
          table.view, row: Int(own), table.view, range: range, width: table.factorWidth, offset: 0, into: &row)
        let scale = norms[Int(own)] / Float(tables.count)
        for k in 0..<range.count { sums[k] += row[k] * scale * norms[first + k] }
      }
      if range.contains(Int(own)) { sums[Int(own) - first] = .nan }
      best.offer(sums, range: 0..<range.count, base: first)
    }
    return best.ranked.map { Neighbour(item: model.items[Int($0.item)], similarity: min(max($0.score, -1), 1)) }
  }
}
