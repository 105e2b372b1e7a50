internal import LightmeterKernels
internal import LightmeterModels

/// CJMF's exposure of an item: popularity and a level of its own, mixed and raised to a power, all learned from the item's
/// relevance factors.
///
///     m_i = x^ε,   x = ω ς + (1 − ω) pop_i,   ω = σ(a · q_i + b),   ς = σ(c · q_i + d),   ε = σ(e · q_i + f)
///
/// At zero parameters m_i = √((½ + pop_i) / 2). The factors q_i are read, never moved.
///
/// - Shapes: gates (3 × dimension + 1): rows (a, b), (c, d), (e, f); popularity (items), above 0.
/// - Source: Zhu et al. 2020; METHODS §11.1.
struct GatedExposure<S: TrainingScalar>: Sendable {
  private var columns = GateColumns<S>()
  private var count = 0
  // Of each gate: cotangents, and its row of the gates table per item.
  private var slopes: [[S]] = [[], [], []]
  private var gateRows: [[Int32]] = [[], [], []]
  /// m of each row.
  var exposures: [S] { columns.exposure }

  /// A table for the gates of models with `dimension` factors.
  static func table(dimension: Int) -> Table<S> {
    Table(name: "exposure.gates", rows: 3, factorWidth: dimension, extraColumns: 1)
  }

  /// Evaluates m of items, each once.
  ///
  /// - Parameters:
  ///   - embeddings: where the item factors stand.
  ///   - rows: each item's row in `embeddings`.
  ///   - popularity: of each item, parallel to `rows`.
  mutating func evaluate(gates: Table<S>, embeddings: ItemEmbeddings<S>, rows: [Int32], popularity: [S]) {
    precondition(popularity.count >= rows.count, "\(popularity.count) popularities for \(rows.count) items")
    count = rows.count
    columns.reserve(count)
    columns.popularity = popularity
    for gate in 0..<3 {
      if gateRows[gate].count < count { gateRows[gate] = [Int32](repeating: Int32(gate), count: count) }
      S.reserve(&slopes[gate], count)
      S.dotRows(
        gates.view, gateRows[gate], embeddings.rows, rows, width: gates.factorWidth,
        offset: gates.values[gate * gates.stride + gates.factorWidth], accumulate: false, into: &slopes[gate])
    }
    S.sigmoid(slopes[0], count: count, into: &columns.mixing)
    S.sigmoid(slopes[1], count: count, into: &columns.level)
    S.sigmoid(slopes[2], count: count, into: &columns.exponent)
    S.gatePowers(of: &columns, count: count)
  }

  /// Adds Σ byExposure[k] ∂m_k/∂gates to `gradient`, which has the three rows; one entry per item evaluated last.
  mutating func pullback(
    _ byExposure: [S], dimension: Int, embeddings: ItemEmbeddings<S>, rows: [Int32], into gradient: inout RowGradient<S>
  ) {
    var (mixing, level, exponent) = (slopes[0], slopes[1], slopes[2])
    slopes = [[], [], []]
    S.gateSlopes(byExposure, of: columns, mixing: &mixing, level: &level, exponent: &exponent, count: count)
    slopes = [mixing, level, exponent]
    for gate in 0..<3 {
      S.scatterRows(
        slopes[gate], embeddings.rows, rows, slots: gateRows[gate], width: dimension, into: &gradient.values,
        targetStride: gradient.stride)
      gradient.values[gate * gradient.stride + dimension] += S(S.sum(slopes[gate], count: count))
    }
  }
}
