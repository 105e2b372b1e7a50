public import LightmeterKernels

/// Adam that moves every row at every step: the semantics of the paper's framework.
///
///     g ← g + decay · w;  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;  w ← w − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
///
/// Rows without gradient decay and coast on their momentum too, so a step costs time in proportion to the tables.
/// ``LazyAdam`` is another algorithm, not a faster form of this one.
///
/// - Source: METHODS §4; PyTorch's coupled `weight_decay`.
public struct Adam<S: TrainingScalar>: Optimizer {
  /// Step length of the next step.
  public var learningRate: S
  private let settings: OptimizerSettings
  private var tables: [OptimizerState<S>]
  private var decays: [[S]]
  private var slotsOfRows: [[Int32]]
  private var power1 = 1.0
  private var power2 = 1.0

  /// Zero moments for the given tables.
  public init(_ settings: OptimizerSettings, for tables: [Table<S>]) {
    learningRate = S(settings.learningRate)
    self.settings = settings
    self.tables = tables.map { OptimizerState(moments: AdamMoments(count: $0.values.count), steps: [0]) }
    decays = tables.map { $0.columnDecay(weight: S(settings.weightDecay), bias: S(settings.biasDecay)) }
    slotsOfRows = tables.map { [Int32](repeating: -1, count: $0.rows) }
  }

  /// All that a resumed run needs.
  public var state: [OptimizerState<S>] {
    get { tables }
    set {
      tables = newValue
      // Replayed as they were made, one multiplication a step, so that a resumed run has the same bits.
      (power1, power2) = (1, 1)
      for _ in 0..<(newValue.first?.steps[0] ?? 0) {
        power1 *= 0.9
        power2 *= 0.999
      }
    }
  }

  /// One step; see ``Optimizer``.
  public mutating func step(_ parameters: inout [Table<S>], along gradient: [RowGradient<S>]) {
    power1 *= 0.9
    power2 *= 0.999
    for index in parameters.indices {
      let rows = gradient[index].rows
      mark(table: index, rows: rows, clear: false)
      S.adamAll(
        &parameters[index].values, &tables[index].moments, gradient: gradient[index].values,
        slotOfRow: slotsOfRows[index], stride: parameters[index].stride,
        corrections: (S(1 - power1), S(1 - power2)), decay: decays[index], settings: AdamSettings(rate: learningRate))
      mark(table: index, rows: rows, clear: true)
      tables[index].steps[0] += 1
    }
  }

  private mutating func mark(table: Int, rows: [Int32], clear: Bool) {
    for slot in rows.indices { slotsOfRows[table][Int(rows[slot])] = clear ? -1 : Int32(slot) }
  }
}

/// Adam that moves only the rows a batch touches, each with its own step count.
///
/// Moments, decay and bias correction of a row advance only in steps in which the row has a gradient, so a rare row's
/// first step has the full length and a step costs nothing for the rest of the table. It regularises differently from
/// ``Adam``: tune it apart.
///
/// - Source: METHODS §4.
public struct LazyAdam<S: TrainingScalar>: Optimizer {
  /// Step length of the next step.
  public var learningRate: S
  private let settings: OptimizerSettings
  private var tables: [OptimizerState<S>]
  private var decays: [[S]]
  private let corrections: (first: [S], second: [S])

  /// Zero moments and step counts for the given tables.
  public init(_ settings: OptimizerSettings, for tables: [Table<S>]) {
    learningRate = S(settings.learningRate)
    self.settings = settings
    self.tables = tables.map {
      OptimizerState(moments: AdamMoments(count: $0.values.count), steps: [Int32](repeating: 0, count: $0.rows))
    }
    decays = tables.map { $0.columnDecay(weight: S(settings.weightDecay), bias: S(settings.biasDecay)) }
    corrections = LazyAdam.corrections()
  }

  /// 1 − β₁ᵗ and 1 − β₂ᵗ for t up to 2¹⁶; beyond, both are 1 in double precision's last digits but one.
  private static func corrections() -> (first: [S], second: [S]) {
    var first = [S](repeating: 1, count: 1 << 16)
    var second = first
    var power1 = 1.0
    var power2 = 1.0
    for step in 0..<first.count {
      first[step] = S(1 - power1)
      second[step] = S(1 - power2)
      power1 *= 0.9
      power2 *= 0.999
    }
    return (first, second)
  }

  /// All that a resumed run needs.
  public var state: [OptimizerState<S>] {
    get { tables }
    set { tables = newValue }
  }

  /// One step; see ``Optimizer``.
  public mutating func step(_ parameters: inout [Table<S>], along gradient: [RowGradient<S>]) {
    for index in parameters.indices {
      let rows = gradient[index].rows
      var steps: [Int32] = []
      swap(&steps, &tables[index].steps)
      S.adamRows(
        &parameters[index].values, &tables[index].moments, steps: &steps, gradient: gradient[index].values, rows: rows,
        stride: parameters[index].stride, corrections: corrections, decay: decays[index],
        settings: AdamSettings(rate: learningRate))
      swap(&steps, &tables[index].steps)
    }
  }
}
