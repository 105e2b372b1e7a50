internal import LightmeterFeedback
public import LightmeterKernels

/// A relevance model: parameters ω and the logit s of a user–item pair, with the three linear maps that training needs.
///
/// Strategies use nothing else, so bi-level training works for any backbone: to join, give a forward, a pullback (Jᵀc)
/// and a pushforward (Jv) over row-sparse gradients. ⟨c, Jv⟩ = ⟨Jᵀc, v⟩ is part of the contract and of the tests.
///
/// - Stability: experimental
public protocol Backbone<S>: Sendable {
  /// The precision of its parameters.
  associatedtype S: TrainingScalar
  /// The parameter tables ω.
  var tables: [Table<S>] { get set }
  /// Item rows as exposure models read them.
  var itemEmbeddings: ItemEmbeddings<S> { get }
  /// Which table holds the item rows, and which rows of each table a batch touches.
  var itemTable: Int { get }
  /// The rows that a batch reads, each once, one entry per table: the batch's slots.
  func touchedRows(of batch: IndexedBatch) -> [[Int32]]
  /// Writes the logit of every pair.
  ///
  /// - Shapes: `logits` (batch.count), overwritten.
  func logits(for batch: IndexedBatch, into logits: inout [S])
  /// Adds Σ_k cotangents[k] ∂logit_k/∂ω to `gradient`, whose rows are the batch's slots; pairs without a slot are skipped.
  func pullback(_ cotangents: [S], for batch: IndexedBatch, into gradient: inout [RowGradient<S>])
  /// Writes ⟨∂logit_k/∂ω, direction⟩ for every pair; `direction` has the batch's slots as rows.
  func pushforward(_ direction: [RowGradient<S>], for batch: IndexedBatch, into tangents: inout [S])
  /// The table whose rows of the pairs' users ``crossEntropy(of:copies:scale:columns:into:)`` can take from copies; nil for none.
  var copiedTable: Int? { get }
  /// Writes the cross-entropy of the chosen pairs and adds `scale` times the gradient of the sum over all to the shared rows.
  /// Losses are needed where ``OuterPairs/isWhole`` is true: their mean over a part of the pairs means nothing.
  /// The three maps suffice for it; a backbone that can do it in fewer passes has its own.
  ///
  /// - Parameter copies: the user rows to take in place of those of ``copiedTable``; nil for the table's own.
  func crossEntropy(
    of pairs: OuterPairs, copies: OuterRows<S>?, scale: S, columns: inout CrossEntropyColumns<S>,
    into gradient: inout [RowGradient<S>])
}

extension Backbone {
  /// Zeroes a gradient for the rows that `batch` touches, one entry per table.
  public func resetGradient(_ gradient: inout [RowGradient<S>], for batch: IndexedBatch) {
    reset(&gradient, rows: touchedRows(of: batch), tables: tables)
  }

  /// None.
  public var copiedTable: Int? { nil }

  /// Logits, terms, pullback.
  public func crossEntropy(
    of pairs: OuterPairs, copies: OuterRows<S>?, scale: S, columns: inout CrossEntropyColumns<S>,
    into gradient: inout [RowGradient<S>]
  ) {
    precondition(copies == nil, "the three maps read the tables")
    let batch = pairs.withSharedSlots
    logits(for: batch, into: &columns.logits)
    S.crossEntropy(
      feedback: batch.pairs.feedback, logits: columns.logits, loss: &columns.loss, byLogit: &columns.byLogit)
    for k in 0..<batch.count { columns.byLogit[k] *= scale }
    pullback(columns.byLogit, for: batch, into: &gradient)
  }
}

/// Zeroes a gradient for given rows of tables.
func reset<S>(_ gradient: inout [RowGradient<S>], rows: [[Int32]], tables: [Table<S>]) {
  while gradient.count < rows.count { gradient.append(RowGradient()) }
  for table in rows.indices { gradient[table].reset(rows: rows[table], stride: tables[table].stride) }
}
