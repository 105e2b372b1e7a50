internal import LightmeterFeedback
public import LightmeterKernels

/// A model of how likely a user was to see an item, with what training needs of it.
///
/// Models without parameters keep every default. `items` are the relevance model's item factors, which Eq. (14) reads;
/// whether they are differentiated is the strategy's choice, so their derivatives are requirements of their own.
///
/// - Stability: experimental
public protocol ExposureModel<S>: Sendable {
  /// The precision of its parameters.
  associatedtype S: TrainingScalar
  /// The parameter tables α; empty when nothing is learned.
  var tables: [Table<S>] { get set }
  /// The rows that a batch reads, each once, one entry per table.
  func touchedRows(of batch: IndexedBatch) -> [[Int32]]
  /// Writes m of every pair into `tape.exposures`, each in [0, 1].
  func exposures(for batch: IndexedBatch, items: ItemEmbeddings<S>, tape: inout ExposureTape<S>)
  /// Adds Σ_k cotangents[k] ∂m_k/∂α to `gradient`. Of the tape it reads exposures, gates and affinities: all that
  /// ``ExposureTape/take(_:of:)`` takes.
  func pullback(
    _ cotangents: [S], for batch: IndexedBatch, items: ItemEmbeddings<S>, tape: inout ExposureTape<S>,
    into gradient: inout [RowGradient<S>])
  /// Adds Σ_k cotangents[k] ∂m_k/∂w_i to the item rows' gradient.
  func itemPullback(
    _ cotangents: [S], for batch: IndexedBatch, tape: inout ExposureTape<S>, into gradient: inout RowGradient<S>)
  /// Adds Σ_k cotangents[k] ∂(∂m_k/∂w_i · v_i)/∂α to `gradient` and writes the slopes ∂m_k/∂w_i · v_i to `tape.slopes`.
  func mixedPullback(
    _ cotangents: [S], along direction: RowGradient<S>, for batch: IndexedBatch, items: ItemEmbeddings<S>,
    tape: inout ExposureTape<S>, into gradient: inout [RowGradient<S>])
  /// What the model says now, for export; `items` are the relevance model's item factors.
  func estimate(items: Table<S>) -> StoredExposure
}

/// Columns that an exposure model's forward pass leaves for its pullbacks; reused from step to step.
public struct ExposureTape<S: TrainingScalar>: Sendable {
  /// m per pair; what is beyond the batch means nothing, here as in every column.
  public var exposures: [S] = []
  /// ∂m/∂w_i · v_i per pair, after a mixed pullback.
  public var slopes: [S] = []
  /// What Eq. (14) keeps; the mean of its gates is logged.
  public var blend = BlendColumns<S>()
  var first: [S] = []
  var second: [S] = []
  var third: [S] = []
  var fourth: [S] = []
  var gateLogits: [S] = []
  var zeros: [Int32] = []
  var known: [Float] = []
  /// An empty tape.
  public init() {}

  /// Takes what a pullback reads, of the pairs at given places.
  public mutating func take(_ places: [Int32], of whole: ExposureTape<S>) {
    reserve(places.count)
    S.gather(whole.exposures, at: places, into: &exposures)
    // Columns that another model's forward pass leaves empty.
    guard !whole.blend.gate.isEmpty else { return }
    S.gather(whole.blend.affinity, at: places, into: &blend.affinity)
    S.gather(whole.blend.gate, at: places, into: &blend.gate)
  }

  mutating func reserve(_ count: Int) {
    S.reserve(&exposures, count)
    S.reserve(&slopes, count)
    S.reserve(&first, count)
    S.reserve(&second, count)
    S.reserve(&third, count)
    S.reserve(&fourth, count)
    if zeros.count < count { zeros = [Int32](repeating: 0, count: count + count / 4) }
  }
}

extension ExposureModel {
  /// Zeroes a gradient for the rows that `batch` touches, one entry per table.
  public func resetGradient(_ gradient: inout [RowGradient<S>], for batch: IndexedBatch) {
    reset(&gradient, rows: touchedRows(of: batch), tables: tables)
  }

  /// Adds Σ cotangent · derivative by the parameters.
  public func pullback(
    _ cotangents: [S], for batch: IndexedBatch, items: ItemEmbeddings<S>, tape: inout ExposureTape<S>,
    into gradient: inout [RowGradient<S>]
  ) {}

  /// Adds Σ cotangent · ∂m/∂w_i to the item rows.
  public func itemPullback(
    _ cotangents: [S], for batch: IndexedBatch, tape: inout ExposureTape<S>, into gradient: inout RowGradient<S>
  ) {}

  /// Adds the derivative by the parameters of the slope along an item displacement.
  public func mixedPullback(
    _ cotangents: [S], along direction: RowGradient<S>, for batch: IndexedBatch, items: ItemEmbeddings<S>,
    tape: inout ExposureTape<S>, into gradient: inout [RowGradient<S>]
  ) {
    tape.reserve(batch.count)
    S.clear(&tape.slopes, batch.count)
  }
}

/// Exposure that nothing learns: a constant, popularity, FixedMix, a table, logged propensities, a calibration.
///
/// - Source: METHODS §5, §7.4, §20.
public struct FixedExposure<S: TrainingScalar>: ExposureModel {
  /// The parameter tables.
  public var tables: [Table<S>] {
    get { [] }
    set { precondition(newValue.isEmpty, "a fixed exposure has no tables") }
  }
  /// What it says.
  public let stored: StoredExposure

  /// Says `stored` for every pair.
  public init(_ stored: StoredExposure) { self.stored = stored }

  /// None.
  public func touchedRows(of batch: IndexedBatch) -> [[Int32]] { [] }

  /// m of every pair, into the tape.
  @_specialize(where S == Float)
  public func exposures(for batch: IndexedBatch, items: ItemEmbeddings<S>, tape: inout ExposureTape<S>) {
    tape.reserve(batch.count)
    if tape.known.count != batch.count { tape.known = [Float](repeating: 0, count: batch.count) }
    stored.exposures(users: batch.pairs.users, items: batch.pairs.items, into: &tape.known)
    S.convert(tape.known, into: &tape.exposures)
  }

  /// What the model says now, for export.
  public func estimate(items: Table<S>) -> StoredExposure { stored }
}
