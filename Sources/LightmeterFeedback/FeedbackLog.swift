/// Listed pairs as columns, in any order, repeats allowed.
///
/// - Shapes: all columns have the same length; the optional ones are nil or full.
/// - Stability: stable
public struct ListedPairs: Sendable, Equatable {
  /// User index per row.
  public var users: [Int32]
  /// Item index per row.
  public var items: [Int32]
  /// 1 where the row was shown; nil where the log does not say. Read only when impressions are declared, and then nil
  /// means shown.
  public var shown: [UInt8]?
  /// The probability with which the logging policy showed the row, in (0, 1].
  public var propensities: [Float]?

  /// Wraps columns of one length.
  public init(users: [Int32] = [], items: [Int32] = [], shown: [UInt8]? = nil, propensities: [Float]? = nil) {
    precondition(
      users.count == items.count && (shown?.count ?? users.count) == users.count
        && (propensities?.count ?? users.count) == users.count, "the columns of listed pairs have one length")
    self.users = users
    self.items = items
    self.shown = shown
    self.propensities = propensities
  }

  /// How many rows it holds.
  public var count: Int { users.count }
}

/// A biased log after the positive rule: what ``TrainingDataBuilder`` starts from.
///
/// A pair that is listed on both sides is positive: any click wins, and a pair shown without a click is one negative
/// however often it was shown. Of several propensities of a pair the largest is kept.
///
/// - Stability: stable
public struct FeedbackLog: Sendable, Equatable {
  /// Number of users, listed or not.
  public var userCount: Int
  /// Number of items, listed or not.
  public var itemCount: Int
  /// Clicks, or ratings that the positive rule accepts.
  public var positives: ListedPairs
  /// Pairs listed without a click: low ratings, impressions. Empty where the log lists clicks only.
  public var negatives: ListedPairs

  /// Bundles the two sides of a log.
  public init(userCount: Int, itemCount: Int, positives: ListedPairs, negatives: ListedPairs = ListedPairs()) {
    self.userCount = userCount
    self.itemCount = itemCount
    self.positives = positives
    self.negatives = negatives
  }

  /// Applies a positive rule to rows of a log as read from a file.
  ///
  /// A row that is neither positive nor shown (its `shown` is 0) says nothing and is left out.
  ///
  /// - Parameters:
  ///   - rows: which rows, for example the training side of a ``RowSplit``; nil takes all.
  ///   - isPositive: the rule, asked once per row.
  public init(_ log: Interactions, rows: [Int32]? = nil, isPositive: (Int) -> Bool) {
    self.init(
      userCount: log.users.count, itemCount: log.items.count,
      positives: ListedPairs(shown: log.shown.map { _ in [] }, propensities: log.propensities.map { _ in [] }),
      negatives: ListedPairs(shown: log.shown.map { _ in [] }, propensities: log.propensities.map { _ in [] }))
    // Untouched room costs no memory; growing by doubling would hold two copies.
    positives.users.reserveCapacity(rows?.count ?? log.count)
    positives.items.reserveCapacity(rows?.count ?? log.count)
    for k in 0..<(rows?.count ?? log.count) {
      let row = rows.map { Int($0[k]) } ?? k
      if isPositive(row) {
        positives.append(row, of: log)
      } else if log.shown?[row] ?? 1 != 0 {
        negatives.append(row, of: log)
      }
    }
  }
}

extension ListedPairs {
  fileprivate mutating func append(_ row: Int, of log: Interactions) {
    users.append(log.userColumn[row])
    items.append(log.itemColumn[row])
    if let value = log.shown?[row] { shown?.append(value) }
    if let value = log.propensities?[row] { propensities?.append(value) }
  }
}
