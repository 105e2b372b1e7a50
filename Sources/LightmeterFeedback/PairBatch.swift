/// User–item pairs with their feedback, as columns: a mini-batch, a validation set, a list of impressions.
///
/// - Shapes: all columns have the same length; the optional ones are nil or full.
/// - Stability: stable
public struct PairBatch: Sendable, Equatable {
  /// User index per pair.
  public var users: [Int32]
  /// Item index per pair.
  public var items: [Int32]
  /// 1 where the pair was clicked, else 0.
  public var feedback: [UInt8]
  /// Known exposure per pair, in [0, 1]; NaN where it is not known and the exposure model answers. Nil: known nowhere.
  public var knownExposures: [Float]?
  /// Weight of the pair's loss (1/propensity of being logged, or 1). Nil: 1 everywhere.
  public var weights: [Float]?

  /// Wraps columns of one length.
  public init(
    users: [Int32] = [], items: [Int32] = [], feedback: [UInt8] = [], knownExposures: [Float]? = nil,
    weights: [Float]? = nil
  ) {
    precondition(
      users.count == items.count && users.count == feedback.count
        && (knownExposures?.count ?? users.count) == users.count && (weights?.count ?? users.count) == users.count,
      "the columns of a batch have one length")
    self.users = users
    self.items = items
    self.feedback = feedback
    self.knownExposures = knownExposures
    self.weights = weights
  }

  /// How many pairs it holds.
  public var count: Int { users.count }
  /// Whether it holds none.
  public var isEmpty: Bool { users.isEmpty }

  /// Empties every column and keeps the storage; `known` and `weighted` say which optional columns will be filled.
  public mutating func removeAll(known: Bool = false, weighted: Bool = false) {
    users.removeAll(keepingCapacity: true)
    items.removeAll(keepingCapacity: true)
    feedback.removeAll(keepingCapacity: true)
    if known { knownExposures?.removeAll(keepingCapacity: true) }
    if weighted { weights?.removeAll(keepingCapacity: true) }
    knownExposures = known ? (knownExposures ?? []) : nil
    weights = weighted ? (weights ?? []) : nil
  }

  /// Adds one pair. Optional columns are filled where the batch has them (NaN, 1 when not given).
  public mutating func append(
    user: Int32, item: Int32, feedback label: UInt8, knownExposure: Float = .nan, weight: Float = 1
  ) {
    users.append(user)
    items.append(item)
    feedback.append(label)
    knownExposures?.append(knownExposure)
    weights?.append(weight)
  }
}
