public import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
public import LightmeterObjectives

/// What a step reads beside the parameters: its pairs, the validation pairs, and where the rows of both stand in the step's
/// gradients. None of it depends on the parameters, so it can be made while the step before moves them.
///
/// - Stability: experimental
public struct StepInput: Sendable {
  /// Whether the step's record has what training itself does not need: the gradients' norms, a pass over every touched row,
  /// and the mean loss of all validation pairs, many of which have no row in the batch.
  public private(set) var isMeasured = true
  var batch = IndexedBatch()
  /// The validation pairs, and the rows that they share with the batch; empty without an outer level on them.
  var outer = OuterPairs()
  /// The rows that the outer loss and the batch share: where the virtual step matters and where v is not 0.
  var shared = SharedRows()
  private var indexer: BatchIndexer?

  /// An empty input.
  public init() {}

  /// Whether it has no pairs: a step needs at least one.
  public var isEmpty: Bool { batch.pairs.isEmpty }

  /// Finds the rows of the pairs, and of `validation` those that are theirs, where the strategy has an outer level.
  ///
  /// - Complexity: O(pairs of both); O(users + items) memory, once.
  mutating func index(
    validation: PairBatch, for strategy: Strategy, mixing kinds: FeedbackKinds, measured: Bool, userCount: Int,
    itemCount: Int
  ) {
    isMeasured = measured
    var own = indexer.take() ?? BatchIndexer(userCount: userCount, itemCount: itemCount)
    defer { indexer = own }
    own.index(&batch)
    guard case .bilevel(let settings) = strategy else { return }
    guard settings.outerSet == .validation else { return shared.takeAll(of: batch) }
    outer.take(validation, userCount: userCount, itemCount: itemCount)
    // All rows and pairs of the batch where the exposure's derivative goes along v, and where a pull has one by every exposure.
    outer.share(
      batch, all: settings.innerThroughExposure || settings.pull > 0, whole: measured, linking: kinds, as: &shared)
  }
}

/// The inputs of a run's steps, each made on a free thread while the step before it runs; the same at any thread count.
///
/// - Stability: experimental
public struct StepInputs: Sendable {
  private struct Place: Sendable {
    let epoch, index: Int
    let validation: PairBatch
    let measured: Bool
  }
  private let ahead: Ahead<Place, StepInput>

  /// The inputs of steps by `strategy` on the batches of `sampler`.
  ///
  /// - Parameter estimator: the loss of those steps.
  /// - Complexity: O(users + items) memory, once for the input under way and once for the caller's.
  public init(
    _ sampler: BatchSampler, userCount: Int, itemCount: Int, strategy: Strategy, estimator: any Estimator
  ) {
    let kinds = estimator.mixedFeedback
    ahead = Ahead(StepInput()) { place, input in
      sampler.fill(&input.batch.pairs, epoch: place.epoch, index: place.index)
      if input.isEmpty { return }
      input.index(
        validation: place.validation, for: strategy, mixing: kinds, measured: place.measured, userCount: userCount,
        itemCount: itemCount)
    }
  }

  /// Has the input of a batch made, to be taken next.
  ///
  /// - Parameters:
  ///   - validation: the outer set of that step; ignored by strategies without one.
  ///   - measured: see ``StepInput/isMeasured``; the parameters after the step do not depend on it, but for rounding where
  ///     the optimizer defers rows.
  /// - Precondition: what was begun before was taken.
  public func begin(epoch: Int, index: Int, validation: PairBatch, measured: Bool) {
    ahead.begin(Place(epoch: epoch, index: index, validation: validation, measured: measured))
  }

  /// Swaps the input that was begun for `input`, whose storage is used again.
  ///
  /// - Precondition: one was begun.
  public func take(_ input: inout StepInput) { ahead.take(&input) }
}
