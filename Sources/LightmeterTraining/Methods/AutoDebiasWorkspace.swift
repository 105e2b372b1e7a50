internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// The reused columns of AutoDebias' steps. Matrices over a block's cells are users × items, row-major.
struct AutoDebiasWorkspace<S: TrainingScalar>: Sendable {
  var block = AutoDebiasBlock()
  /// The block's rows; its pairs mean nothing.
  var batch = IndexedBatch()
  var factors = AutoDebiasFactors<S>()
  /// Users' and items' rows of the block, as they were when it began.
  var rows: [[S]] = [[], []]
  var scores: [S] = []
  var cotangents: [S] = []
  var tangents: [S] = []
  var modelGradient: [RowGradient<S>] = []
  var saved: [[S]] = []
  // The validation set, and those of its pairs that the block touches, at the virtual point.
  var nearby = IndexedBatch()
  var outer = IndexedBatch()
  var outerScores: [S] = []
  var outerCotangents: [S] = []
  var outerGradient: [RowGradient<S>] = []
  var clickGradient = [RowGradient<S>(), RowGradient<S>()]
  var pairGradient = [RowGradient<S>(), RowGradient<S>(), RowGradient<S>()]
  var imputationGradient = [RowGradient<S>()]
  // Of the block: its rows by columns, for the gradients, and the places of its users and items.
  private var columnsOfRows: [PackedRows<S>] = []
  private var order: [Int32] = []

  /// Zeroes the gradients of the weights; tables of one column have a stride of 4.
  mutating func resetWeights() {
    for (side, rows) in [batch.userRows, batch.itemRows].enumerated() {
      clickGradient[side].reset(rows: rows, stride: 4)
      pairGradient[side].reset(rows: rows, stride: 4)
    }
    pairGradient[2].reset(rows: [0, 1], stride: 4)
    imputationGradient[0].reset(rows: [0, 1], stride: 4)
  }

  /// Takes the block's rows and scores its cells.
  mutating func read(_ backbone: MatrixFactorization<S>) {
    let stride = backbone.tables[0].stride
    for (side, wanted) in [batch.userRows, batch.itemRows].enumerated() {
      let values = backbone.tables[side].values
      rows[side].removeAll(keepingCapacity: true)
      for row in wanted { rows[side].append(contentsOf: values[Int(row) * stride..<(Int(row) + 1) * stride]) }
    }
    let counts = (users: block.users.count, items: block.items.count)
    columnsOfRows = [(rows[0], counts.users), (rows[1], counts.items)].map { values, count in
      let columns = Self.transposed(values, rows: count, columns: stride)
      return PackedRows(RowsView(columns, stride: count), count: stride, width: count)
    }
    if order.count < max(counts.users, counts.items) { order = (0..<Int32(max(counts.users, counts.items))).map { $0 } }
    Self.multiply(rows[0], rows[1], inner: stride, order: order, counts, into: &scores)
  }

  /// Σ cotangent · derivative by the factors, without what decays: cotangents × items' rows, and transposed × users' rows.
  mutating func pullback(_ backbone: MatrixFactorization<S>) {
    backbone.resetGradient(&modelGradient, for: batch)
    let (users, items) = (block.users.count, block.items.count)
    let stride = backbone.tables[0].stride
    let ofItems = Self.transposed(cotangents, rows: users, columns: items)
    columnsOfRows[1].scores(
      RowsView(cotangents, stride: items), rows: places(users), range: 0..<stride, offset: 0,
      into: &modelGradient[0].values)
    columnsOfRows[0].scores(
      RowsView(ofItems, stride: users), rows: places(items), range: 0..<stride, offset: 0,
      into: &modelGradient[1].values)
    for side in 0..<2 {
      guard let fixed = backbone.tables[side].fixedColumn else { continue }
      S.clearColumns(
        &modelGradient[side].values, count: modelGradient[side].rows.count, stride: stride, columns: fixed..<fixed + 1)
    }
  }

  /// ⟨∂score/∂ω, the outer gradient⟩ of every cell: v_u · q_i + p_u · v_i as one product of rows twice as long.
  mutating func pushforward() {
    let counts = (users: block.users.count, items: block.items.count)
    let stride = outerGradient[0].stride
    func joined(_ left: [S], _ right: [S], _ count: Int) -> [S] {
      var both: [S] = []
      both.reserveCapacity(2 * count * stride)
      for row in 0..<count {
        both.append(contentsOf: left[row * stride..<(row + 1) * stride])
        both.append(contentsOf: right[row * stride..<(row + 1) * stride])
      }
      return both
    }
    let users = joined(outerGradient[0].values, rows[0], counts.users)
    let items = joined(rows[1], outerGradient[1].values, counts.items)
    Self.multiply(users, items, inner: 2 * stride, order: order, counts, into: &tangents)
  }

  private func places(_ count: Int) -> [Int32] { Array(order.prefix(count)) }

  /// Products of users' and items' rows.
  private static func multiply(
    _ users: [S], _ items: [S], inner: Int, order: [Int32], _ counts: (users: Int, items: Int), into out: inout [S]
  ) {
    PackedRows(RowsView(items, stride: inner), count: counts.items, width: inner).scores(
      RowsView(users, stride: inner), rows: Array(order.prefix(counts.users)), range: 0..<counts.items, offset: 0,
      into: &out)
  }

  private static func transposed(_ matrix: [S], rows: Int, columns: Int) -> [S] {
    var out = S.zeros(rows * columns)
    for row in 0..<rows {
      for column in 0..<columns { out[column * rows + row] = matrix[row * columns + column] }
    }
    return out
  }
}

/// The weights of a block as products of one factor a user and one an item, so that no cell needs an exponential.
struct AutoDebiasFactors<S: TrainingScalar>: Sendable {
  private(set) var clickUsers: [S] = []
  private(set) var clickItems: [S] = []
  private(set) var pairUsers: [S] = []
  private(set) var pairItems: [S] = []
  /// e^(z_o/5) of unclicked and clicked pairs.
  private(set) var outcomes: [S] = []
  /// m of unclicked and clicked pairs.
  private(set) var labels: [S] = []

  mutating func read(_ click: [Table<S>], _ pair: [Table<S>], _ imputation: [Table<S>], _ batch: IndexedBatch) {
    read(click, pair, imputation, users: batch.userRows, items: batch.itemRows)
  }

  mutating func read(
    _ click: [Table<S>], _ pair: [Table<S>], _ imputation: [Table<S>], users: [Int32], items: [Int32]
  ) {
    // Cut at ±50, where a factor is e^±10: what a weight needs is far inside.
    func factors(_ table: Table<S>, _ rows: [Int32]) -> [S] {
      rows.map { S(Portable.exp(Double(min(max(table.values[Int($0) * table.stride], -50), 50)) / 5)) }
    }
    clickUsers = factors(click[0], users)
    clickItems = factors(click[1], items)
    pairUsers = factors(pair[0], users)
    pairItems = factors(pair[1], items)
    outcomes = factors(pair[2], [0, 1])
    // tanh f = 2 σ(2f) − 1.
    labels = (0..<2).map { S(2 * Portable.sigmoid(2 * Double(imputation[0].values[$0 * imputation[0].stride])) - 1) }
  }
}
