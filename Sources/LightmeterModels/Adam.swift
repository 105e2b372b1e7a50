public import LightmeterKernels

/// Adam that moves every row at every step: the semantics of the paper's framework.
///
///     g ← g + decay · w;  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;  w ← w − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
///
/// Rows without gradient decay and coast on their momentum too. Stepping them all would cost time in proportion to the
/// tables, so rows without gradient wait, at most `DeferredSteps/longest` steps, and then take their missed steps at once
/// (`DeferredSteps`); the first ``deferAfter`` steps, in which the bias corrections move fast, are made one by one, and so
/// are those of a table of which a batch moves more than a quarter.
///
/// ``LazyAdam`` is another algorithm, not a faster form of this one.
///
/// - Numerics: within 2e-5 of the plain loop, relative to the largest movement of a weight: a property test.
/// - Source: METHODS §4; PyTorch's coupled `weight_decay`.
public struct Adam<S: TrainingScalar>: Optimizer {
  /// Step length.
  public let learningRate: S
  /// Steps before rows may wait; `Int.max` for the plain loop.
  public let deferAfter: Int
  private var tables: [OptimizerState<S>]
  private let decays: [[S]]
  private var slotsOfRows: [[Int32]]
  private let corrections = AdamCorrections<S>()
  private var step = 0
  // Step up to which each row is done; filled when the first row waits.
  private var done: [[Int32]] = []
  private var missed = DeferredSteps<S>()
  // A row that waited costs about five rows that did not: where a batch moves more than a quarter of a table, none waits.
  private static var rowsPerWaiting: Int { 4 }

  /// Zero moments for the given tables.
  ///
  /// - Parameters:
  ///   - deferAfter: steps that are made row by row before any row may wait.
  public init(_ settings: OptimizerSettings, for tables: [Table<S>], deferAfter: Int = 256) {
    precondition(deferAfter >= 0, "rows cannot wait before the first step")
    learningRate = S(settings.learningRate)
    self.deferAfter = deferAfter
    self.tables = tables.map { OptimizerState(moments: AdamMoments(count: $0.values.count), steps: [0]) }
    decays = tables.map { $0.columnDecay(weight: S(settings.weightDecay), bias: S(settings.biasDecay)) }
    slotsOfRows = tables.map { [Int32](repeating: -1, count: $0.rows) }
  }

  /// Whether rows may lag behind.
  public var defers: Bool { step >= deferAfter }

  /// All that a resumed run needs.
  public var state: [OptimizerState<S>] {
    get {
      precondition(
        done.allSatisfy { $0.allSatisfy { $0 == step } }, "rows wait for missed steps; settle all before saving")
      return tables
    }
    set {
      tables = newValue
      step = Int(newValue.first?.steps[0] ?? 0)
      done = []
    }
  }

  /// Brings rows up to date; see ``Optimizer``.
  @_specialize(where S == Float)
  public mutating func settle(_ parameters: inout [Table<S>], rows: [[Int32]]?) {
    guard !done.isEmpty else { return }
    for index in parameters.indices {
      settle(&parameters[index], index, rows: rows?[index], range: 0..<parameters[index].rows)
    }
  }

  private mutating func settle(_ table: inout Table<S>, _ index: Int, rows: [Int32]?, range: Range<Int>) {
    S.adamSettle(
      &table.values, &tables[index].moments, last: &done[index], now: Int32(step), rows: rows, range: range,
      stride: table.stride, forms: missed.forms, corrections: corrections.columns, decay: decays[index],
      settings: AdamSettings(rate: learningRate))
  }

  /// One step; see ``Optimizer``. The rows of the gradient are settled.
  @_specialize(where S == Float)
  public mutating func step(_ parameters: inout [Table<S>], along gradient: [RowGradient<S>]) {
    if defers {
      deferredStep(&parameters, along: gradient)
    } else {
      fullStep(&parameters, along: gradient)
    }
    for index in tables.indices { tables[index].steps[0] = Int32(step) }
  }

  /// The most steps that any row waits for now.
  var longestWait: Int { done.flatMap { $0 }.map { step - Int($0) }.max() ?? 0 }

  private mutating func fullStep(_ parameters: inout [Table<S>], along gradient: [RowGradient<S>]) {
    step += 1
    for index in parameters.indices { moveAll(&parameters[index], index, along: gradient[index]) }
  }

  private mutating func moveAll(_ table: inout Table<S>, _ index: Int, along gradient: RowGradient<S>) {
    let rows = gradient.rows
    for slot in rows.indices { slotsOfRows[index][Int(rows[slot])] = Int32(slot) }
    S.adamAll(
      &table.values, &tables[index].moments, gradient: gradient.values, slotOfRow: slotsOfRows[index],
      stride: table.stride, corrections: corrections.at(step), decay: decays[index],
      settings: AdamSettings(rate: learningRate))
    for row in rows { slotsOfRows[index][Int(row)] = -1 }
  }

  private mutating func deferredStep(_ parameters: inout [Table<S>], along gradient: [RowGradient<S>]) {
    if done.isEmpty { done = parameters.map { [Int32](repeating: Int32(step), count: $0.rows) } }
    let movesAll = parameters.indices.map { gradient[$0].rows.count * Self.rowsPerWaiting > parameters[$0].rows }
    for index in parameters.indices where movesAll[index] {
      settle(&parameters[index], index, rows: nil, range: 0..<parameters[index].rows)
    }
    step += 1
    missed.advance(to: step)
    for index in parameters.indices {
      if movesAll[index] {
        moveAll(&parameters[index], index, along: gradient[index])
        for row in done[index].indices { done[index][row] = Int32(step) }
        continue
      }
      S.adamRows(
        &parameters[index].values, &tables[index].moments, steps: &done[index], gradient: gradient[index].values,
        rows: gradient[index].rows, corrections: corrections.columns,
        decay: decays[index], settings: AdamSettings(rate: learningRate))
      // A slice of the table in turn, so that no row waits longer than the closed form holds.
      let (rows, turns) = (parameters[index].rows, DeferredSteps<S>.longest)
      let turn = step % turns
      settle(&parameters[index], index, rows: nil, range: rows * turn / turns..<rows * (turn + 1) / turns)
    }
  }
}

/// 1 − β₁ᵗ and 1 − β₂ᵗ for t below 2¹⁶; the last entries serve every later step: both are 1 in double precision's last
/// digits but one.
struct AdamCorrections<S: TrainingScalar>: Sendable {
  let columns: (first: [S], second: [S])

  init() {
    var first = S.zeros(1 << 16)
    var second = first
    var (power1, power2) = (1.0, 1.0)
    for step in first.indices {
      first[step] = S(1 - power1)
      second[step] = S(1 - power2)
      power1 *= 0.9
      power2 *= 0.999
    }
    columns = (first, second)
  }

  func at(_ step: Int) -> (first: S, second: S) {
    let index = min(step, columns.first.count - 1)
    return (columns.first[index], columns.second[index])
  }
}
