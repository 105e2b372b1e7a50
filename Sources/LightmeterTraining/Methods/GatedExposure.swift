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
  /// The item rows that the columns below are of.
  private var rows: [Int32] = []
  private var mixing: [S] = []
  private var level: [S] = []
  private var exponent: [S] = []
  private var base: [S] = []
  private var popularity: [S] = []
  private var scratch: [S] = []
  /// m of each row.
  private(set) var exposures: [S] = []

  /// A table for the gates of models with `dimension` factors.
  static func table(dimension: Int) -> Table<S> {
    Table(name: "exposure.gates", rows: 3, factorWidth: dimension, extraColumns: 1)
  }

  /// Evaluates m of item rows, each once.
  ///
  /// - Parameters:
  ///   - embeddings: the item factors, as one table or several that are to be added.
  ///   - popularity: of every item.
  mutating func evaluate(gates: Table<S>, embeddings: [ItemEmbeddings<S>], rows: [Int32], popularity all: [S]) {
    self.rows = rows
    let count = rows.count
    for column in [\GatedExposure.mixing, \.level, \.exponent, \.base, \.popularity, \.exposures] {
      S.reserve(&self[keyPath: column], count)
    }
    S.reserve(&scratch, count)
    for (gate, column) in [\GatedExposure.mixing, \.level, \.exponent].enumerated() {
      let gateRows = [Int32](repeating: Int32(gate), count: count)
      for (index, embedding) in embeddings.enumerated() {
        S.dotRows(
          gates.view, gateRows, embedding.rows, rows, width: gates.factorWidth,
          offset: index == 0 ? gates.values[gate * gates.stride + gates.factorWidth] : 0, accumulate: index > 0,
          into: &scratch)
      }
      S.sigmoid(scratch, count: count, into: &self[keyPath: column])
    }
    for k in 0..<count {
      let share = all[Int(rows[k])]
      let x = mixing[k] * level[k] + (1 - mixing[k]) * share
      (popularity[k], base[k]) = (share, x)
      exposures[k] = S(Portable.exp(Double(exponent[k]) * Portable.log(Double(x))))
    }
  }

  /// Adds Σ byExposure[k] ∂m_k/∂gates to `gradient`, which has the three rows; one entry per row evaluated last.
  mutating func pullback(
    _ byExposure: [S], dimension: Int, embeddings: [ItemEmbeddings<S>], into gradient: inout RowGradient<S>
  ) {
    for gate in 0..<3 {
      for k in rows.indices { scratch[k] = byExposure[k] * slope(gate, k) }
      let slots = [Int32](repeating: Int32(gate), count: rows.count)
      for embedding in embeddings {
        S.scatterRows(
          scratch, embedding.rows, rows, slots: slots, width: dimension, into: &gradient.values,
          targetStride: gradient.stride)
      }
      gradient.values[gate * gradient.stride + dimension] += S(S.summarize(scratch, count: rows.count).sum)
    }
  }

  /// ∂m_k by the logit of a gate.
  private func slope(_ gate: Int, _ k: Int) -> S {
    let byBase = exponent[k] * exposures[k] / base[k]
    switch gate {
    case 0: return byBase * (level[k] - popularity[k]) * mixing[k] * (1 - mixing[k])
    case 1: return byBase * mixing[k] * level[k] * (1 - level[k])
    default:
      return exposures[k] * S(Portable.log(Double(base[k]))) * exponent[k] * (1 - exponent[k])
    }
  }
}
