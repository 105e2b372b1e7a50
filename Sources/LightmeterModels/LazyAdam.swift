public import LightmeterKernels

/// Adam that moves only the rows a batch touches, each with its own step count.
///
/// Moments, decay and bias correction of a row advance only in steps in which the row has a gradient, so a rare row's
/// first step has the full length and a step costs nothing for the rest of the table. Under bi-level training an exposure
/// row has one where a pair of it shares a user or an item with the validation pairs and has a mixed derivative. It
/// regularises differently from ``Adam``: tune it apart.
///
/// - Source: METHODS §4.
public struct LazyAdam<S: TrainingScalar>: Optimizer {
  /// Step length.
  public let learningRate: S
  /// Yes.
  public var movesOnlyGradientRows: Bool { true }
  private var tables: [OptimizerState<S>]
  private let decays: [[S]]
  private let corrections = AdamCorrections<S>()

  /// Zero moments and step counts for the given tables.
  public init(_ settings: OptimizerSettings, for tables: [Table<S>]) {
    learningRate = S(settings.learningRate)
    self.tables = tables.map {
      OptimizerState(moments: AdamMoments(count: $0.values.count), steps: [Int32](repeating: 0, count: $0.rows))
    }
    decays = tables.map { $0.columnDecay(weight: S(settings.weightDecay), bias: S(settings.biasDecay)) }
  }

  /// All that a resumed run needs.
  public var state: [OptimizerState<S>] {
    get { tables }
    set { tables = newValue }
  }

  /// One step; see ``Optimizer``.
  @_specialize(where S == Float)
  public mutating func step(_ parameters: inout [Table<S>], along gradient: [RowGradient<S>]) {
    var moves: [RowSteps<S>] = []
    for index in parameters.indices {
      moves.append(
        RowSteps(
          parameters[index].values, tables[index].moments, steps: tables[index].steps,
          gradient: gradient[index].values, rows: gradient[index].rows, decay: decays[index]))
      // One holder at a time: a second one would have the arrays copied.
      parameters[index].values = []
      (tables[index].moments, tables[index].steps) = (AdamMoments(values: []), [])
    }
    S.adamRows(&moves, corrections: corrections.columns, settings: AdamSettings(rate: learningRate))
    for index in parameters.indices.reversed() {
      let moved = moves.removeLast()
      parameters[index].values = moved.table
      (tables[index].moments, tables[index].steps) = (moved.moments, moved.steps)
    }
  }
}
