public import LightmeterKernels

/// One parameter table, row-major: user factors, item factors, exposure factors, a gate.
///
/// Rows are padded to a multiple of four values so that kernels need no odd tails; padding stays 0. A fixed column holds
/// a constant that training never moves (the 1 beside a bias, so that a model with biases is still a dot product).
///
/// - Shapes: `values` (rows × stride).
public struct Table<S: TrainingScalar>: Sendable {
  /// Its name in model files.
  public let name: String
  /// Number of rows.
  public let rows: Int
  /// Meaningful columns.
  public let width: Int
  /// Elements from one row to the next; `width` rounded up to a multiple of four.
  public let stride: Int
  /// Leading columns that are factors: what exposure models read and the ordinary decay acts on.
  public let factorWidth: Int
  /// A column whose value training never moves, or nil.
  public let fixedColumn: Int?
  /// The values, row-major.
  public var values: [S]

  /// A table of zeros with 1 in the fixed column.
  public init(name: String, rows: Int, factorWidth: Int, extraColumns: Int = 0, fixedColumn: Int? = nil) {
    self.name = name
    self.rows = rows
    self.factorWidth = factorWidth
    self.width = factorWidth + extraColumns
    self.stride = (width + 3) / 4 * 4
    self.fixedColumn = fixedColumn
    values = S.zeros(rows * stride)
    if let fixedColumn {
      for row in 0..<rows { values[row * stride + fixedColumn] = 1 }
    }
  }

  /// A table of the layout of another one, with given values.
  ///
  /// - Precondition: `values` has rows × stride entries.
  public init(like other: Table<S>, rows: Int, values: [S]) {
    precondition(values.count == rows * other.stride, "\(values.count) values are no \(rows) rows of \(other.stride)")
    (name, self.rows, width, stride) = (other.name, rows, other.width, other.stride)
    (factorWidth, fixedColumn, self.values) = (other.factorWidth, other.fixedColumn, values)
  }

  /// Draws the factor columns from N(0, deviation²); biases stay 0. The same seed gives the same bytes at any thread count.
  public mutating func randomize(deviation: S, seed: UInt64, salt: Int) {
    S.drawRows(&values, stride: stride, width: factorWidth, deviation: deviation, seed: seed, salt: salt)
  }

  /// The rows as kernels read them.
  public var view: RowsView<S> { RowsView(values, stride: stride) }

  /// The decay of each column: `weight` on factors, `bias` on learned extra columns, 0 elsewhere.
  public func columnDecay(weight: S, bias: S) -> [S] {
    (0..<stride).map { column in
      if column < factorWidth { return weight }
      return column < width && column != fixedColumn ? bias : 0
    }
  }
}

extension Table<Float> {
  /// The mean row; zeros where there are none.
  ///
  /// - Numerics: summed in Double, row by row.
  public var meanRow: [Float] {
    var sums = [Double](repeating: 0, count: stride)
    for row in 0..<rows {
      for column in 0..<width { sums[column] += Double(values[row * stride + column]) }
    }
    return sums.map { Float($0 / Double(max(rows, 1))) }
  }
}

/// A gradient that touches few rows of one table: the rows, each once, and their values.
///
/// - Shapes: `rows` (touched), `values` (touched × stride of the table).
public struct RowGradient<S: TrainingScalar>: Sendable {
  /// Touched rows in order of first appearance in the batch.
  public private(set) var rows: [Int32] = []
  /// Elements from one row to the next.
  public private(set) var stride = 0
  private var stored: [S] = []
  // Zeros that are not written yet: mostly the first sum writes the rows.
  private var isUnwritten = false
  /// An empty gradient.
  public init() {}

  /// Values, row by row in the order of `rows`; what is beyond them means nothing.
  public var values: [S] {
    get { isUnwritten ? S.zeros(rows.count * stride) : stored }
    _modify {
      write()
      yield &stored
    }
  }

  /// Zeroes the gradient for new rows.
  @_specialize(where S == Float)
  public mutating func reset(rows: [Int32], stride: Int) {
    self.rows = rows
    self.stride = stride
    isUnwritten = true
    S.reserve(&stored, rows.count * stride)
  }

  private mutating func write() {
    guard isUnwritten else { return }
    isUnwritten = false
    S.clear(&stored, rows.count * stride)
  }

  /// Adds `coefficients[k]` times row `sourceRows[k]` of `source` to row `slots[k]`; the parameters are those of
  /// ``begin(_:_:_:slots:slotRows:width:cleared:)``.
  @_specialize(where S == Float)
  public mutating func add(
    _ coefficients: [S], _ source: RowsView<S>, _ sourceRows: [Int32], slots: [Int32], slotRows: [Int32], width: Int,
    cleared: Int? = nil
  ) {
    var sums = [
      begin(coefficients, source, sourceRows, slots: slots, slotRows: slotRows, width: width, cleared: cleared)
    ]
    S.scatterRows(&sums)
    end(sums.removeLast())
  }

  /// Begins such a sum, to be added up by `scatterRows` together with others; ``end(_:)`` takes it back.
  ///
  /// - Parameters:
  ///   - slotRows: the row of each slot, in order of first appearance among `slots`. Where these are the gradient's rows,
  ///     the first sum writes them, and they need not be zeroed before.
  ///   - cleared: a column that training never moves, left 0; nil for none.
  @_specialize(where S == Float)
  public mutating func begin(
    _ coefficients: [S], _ source: RowsView<S>, _ sourceRows: [Int32], slots: [Int32], slotRows: [Int32], width: Int,
    cleared: Int? = nil
  ) -> RowSum<S> {
    let writes = isUnwritten && slotRows == rows
    if writes { isUnwritten = false } else { write() }
    // One holder at a time: a second one would have the array copied.
    defer { stored = [] }
    return RowSum(
      coefficients, source, sourceRows, slots: slots, width: width, into: stored, targetStride: stride,
      unwritten: writes, cleared: cleared)
  }

  /// Takes what ``begin(_:_:_:slots:slotRows:width:cleared:)`` gave away, after it was added up.
  public mutating func end(_ sum: consuming RowSum<S>) { stored = sum.target }

  /// Sum of squares of the values.
  public var squaredNorm: Double { S.summarize(values, count: rows.count * stride).squares }
}

/// The item factors as exposure models read them: the leading `width` columns of the rows, never the biases.
///
/// Shares the table's storage: take it, use it, drop it before the table changes.
public struct ItemEmbeddings<S: TrainingScalar>: Sendable {
  /// The item table's rows.
  public let rows: RowsView<S>
  /// How many columns are factors.
  public let width: Int
  /// As many columns as hold the factors and nothing else but zeros; at least `width`.
  public let paddedWidth: Int
  /// Wraps the factor columns of `rows`.
  ///
  /// - Parameters:
  ///   - paddedWidth: more columns, known to be 0; nil for `width`.
  public init(rows: RowsView<S>, width: Int, paddedWidth: Int? = nil) {
    self.rows = rows
    self.width = width
    self.paddedWidth = paddedWidth ?? width
  }
}
