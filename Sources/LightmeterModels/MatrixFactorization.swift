internal import LightmeterFeedback
public import LightmeterKernels

/// Which biases a matrix factorisation has beside its factors.
public enum BiasTerms: String, Sendable, Hashable, Codable, CaseIterable {
  case none, item, userAndItem
}

/// Matrix factorisation: the logit is a dot product of a user and an item row.
///
///     s_ui = intercept + w_u · w_i (+ b_u + b_i)
///
/// Biases live in extra columns beside a constant 1 on the other side, so scoring, export and fold-in see a plain dot
/// product. The intercept and the biases are the relevance prior: without them the low-variance estimator lets items that
/// were never exposed float on top of a full ranking (METHODS §5.4).
///
/// - Shapes: user table (users × d + extra), item table (items × d + extra).
/// - Source: Biif, Eq. (3), which has neither intercept nor biases (`biases: .none`, `intercept: 0`).
public struct MatrixFactorization<S: TrainingScalar>: Backbone {
  /// The parameter tables.
  public var tables: [Table<S>]
  /// Number of factors d.
  public let dimension: Int
  /// Which biases it learns.
  public let biases: BiasTerms
  /// Added to every logit; fixed, not decayed.
  public let intercept: S

  /// Draws factors from N(0, deviation²) with biases 0.
  ///
  /// - Parameters:
  ///   - deviation: 0.1 by default. PyTorch's N(0, 1) is excluded by METHODS §4: it ends near a random ranking.
  public init(
    userCount: Int, itemCount: Int, dimension: Int, biases: BiasTerms = .none, intercept: S = 0, deviation: S = 0.1,
    seed: UInt64
  ) {
    self.init(
      users: MatrixFactorization.table("user_factors", userCount, dimension, biases, isUser: true),
      items: MatrixFactorization.table("item_factors", itemCount, dimension, biases, isUser: false),
      biases: biases, intercept: intercept)
    tables[0].randomize(deviation: deviation, seed: seed, salt: 0)
    tables[1].randomize(deviation: deviation, seed: seed, salt: 1)
  }

  /// Takes given tables.
  public init(users: Table<S>, items: Table<S>, biases: BiasTerms, intercept: S) {
    precondition(users.width == items.width, "user rows have \(users.width) columns, item rows \(items.width)")
    self.tables = [users, items]
    self.dimension = users.factorWidth
    self.biases = biases
    self.intercept = intercept
  }

  /// An empty table of the layout that `biases` asks for.
  static func table(_ name: String, _ rows: Int, _ dimension: Int, _ biases: BiasTerms, isUser: Bool) -> Table<S> {
    switch biases {
    case .none: Table(name: name, rows: rows, factorWidth: dimension)
    case .item:
      Table(
        name: name, rows: rows, factorWidth: dimension, extraColumns: 1, fixedColumn: isUser ? dimension : nil)
    case .userAndItem:
      Table(
        name: name, rows: rows, factorWidth: dimension, extraColumns: 2,
        fixedColumn: isUser ? dimension + 1 : dimension)
    }
  }

  /// The item table is the second.
  public var itemTable: Int { 1 }

  /// Item rows as exposure models read them.
  public var itemEmbeddings: ItemEmbeddings<S> {
    ItemEmbeddings(
      rows: tables[1].view, width: dimension, paddedWidth: tables[1].width == dimension ? tables[1].stride : dimension)
  }

  // Kernels need no odd tail over whole rows: what pads them is 0 on both sides.
  private var paddedWidth: Int { tables[0].stride }

  /// The rows of the batch's users and items.
  public func touchedRows(of batch: IndexedBatch) -> [[Int32]] { [batch.userRows, batch.itemRows] }

  /// The logit of every pair.
  @_specialize(where S == Float)
  public func logits(for batch: IndexedBatch, into logits: inout [S]) {
    S.reserve(&logits, batch.count)
    S.dotRows(
      tables[0].view, batch.pairs.users, tables[1].view, batch.pairs.items, width: paddedWidth, offset: intercept,
      accumulate: false, into: &logits)
  }

  /// Adds Σ cotangent · derivative by the parameters.
  @_specialize(where S == Float)
  public func pullback(_ cotangents: [S], for batch: IndexedBatch, into gradient: inout [RowGradient<S>]) {
    let width = paddedWidth
    var sums = [
      gradient[0].begin(
        cotangents, tables[1].view, batch.pairs.items, slots: batch.userSlots, slotRows: batch.userRows, width: width,
        cleared: tables[0].fixedColumn),
      gradient[1].begin(
        cotangents, tables[0].view, batch.pairs.users, slots: batch.itemSlots, slotRows: batch.itemRows, width: width,
        cleared: tables[1].fixedColumn),
    ]
    S.scatterRows(&sums)
    gradient[1].end(sums.removeLast())
    gradient[0].end(sums.removeLast())
  }

  /// What training never moves has no derivative. Of few rows: a pass over all of a batch reaches each for one number.
  private func clearFixedColumns(of gradient: inout [RowGradient<S>]) {
    for side in 0..<2 {
      guard let fixed = tables[side].fixedColumn else { continue }
      S.clearColumns(
        &gradient[side].values, count: gradient[side].rows.count, stride: gradient[side].stride,
        columns: fixed..<fixed + 1)
    }
  }

  /// The users' rows.
  public var copiedTable: Int? { 0 }

  /// The cross-entropy and its gradient, in one pass over the user rows.
  @_specialize(where S == Float)
  public func crossEntropy(
    of pairs: OuterPairs, copies: OuterRows<S>?, scale: S, columns: inout CrossEntropyColumns<S>,
    into gradient: inout [RowGradient<S>]
  ) {
    let chosen = pairs.chosen
    guard chosen.count > 0 else { return }
    let (users, rows) = copies.map { ($0.view, chosen.userSlots) } ?? (tables[0].view, chosen.users)
    S.crossEntropyRuns(
      users, rows, tables[1].view, chosen.items, runs: chosen.runs, runSlots: chosen.runSlots,
      feedback: chosen.feedback, width: paddedWidth, offset: intercept, scale: scale, losses: pairs.isWhole,
      columns: &columns,
      into: &gradient[1].values)
    S.gather(columns.byLogit, at: chosen.shared, into: &columns.chosen)
    S.scatterRows(
      columns.chosen, tables[1].view, chosen.sharedItems, slots: chosen.sharedSlots, width: paddedWidth,
      into: &gradient[0].values, targetStride: gradient[0].stride)
    clearFixedColumns(of: &gradient)
  }

  /// ⟨∂logit/∂ω, direction⟩ per pair.
  @_specialize(where S == Float)
  public func pushforward(_ direction: [RowGradient<S>], for batch: IndexedBatch, into tangents: inout [S]) {
    S.reserve(&tangents, batch.count)
    let users = RowDots<S>.Rows(
      RowsView(direction[0].values, stride: direction[0].stride), batch.userSlots, tables[1].view, batch.pairs.items)
    let items = RowDots<S>.Rows(
      RowsView(direction[1].values, stride: direction[1].stride), batch.itemSlots, tables[0].view, batch.pairs.users)
    var dots = [RowDots(users, plus: items, width: paddedWidth, offset: 0, into: tangents)]
    // One holder at a time: a second one would have the array copied.
    tangents = []
    S.dotRows(&dots)
    tangents = dots.removeLast().out
  }
}
