/// A log as read from a file: index columns, the optional columns that the file had, and the identifier tables.
///
/// - Shapes: every present column has one entry per kept row.
/// - Stability: stable
public struct Interactions: Sendable, Equatable {
  /// Raw user ids by index.
  public var users = IdentifierTable()
  /// Raw item ids by index.
  public var items = IdentifierTable()
  /// User index per row.
  public var userColumn: [Int32] = []
  /// Item index per row.
  public var itemColumn: [Int32] = []
  /// Rating per row (or any number that a positive rule reads: watch ratio, play count).
  public var ratings: [Float]?
  /// Weight per row.
  public var weights: [Float]?
  /// Time per row, in the file's own unit.
  public var times: [Int64]?
  /// 1 where the row was shown to the user, 0 where not.
  public var shown: [UInt8]?
  /// 1 where the row was clicked, 0 where not; nil when a rating or the row's presence says so.
  public var clicks: [UInt8]?
  /// The probability with which the logging policy showed the row, in (0, 1].
  public var propensities: [Float]?
  /// 1 where the row comes from random traffic.
  public var random: [UInt8]?

  /// An empty log.
  public init() {}
  /// Number of rows.
  public var count: Int { userColumn.count }
}

extension Interactions {
  /// The rows whose entry is not 0, in their order; the identifier tables stay whole.
  ///
  /// - Shapes: `rows` (count).
  public func keeping(_ rows: [UInt8]) -> Interactions {
    precondition(rows.count == count, "one entry per row: \(rows.count) entries, \(count) rows")
    func pick<T>(_ column: [T]) -> [T] {
      var kept: [T] = []
      for row in column.indices where rows[row] != 0 { kept.append(column[row]) }
      return kept
    }
    var result = Interactions()
    result.users = users
    result.items = items
    result.userColumn = pick(userColumn)
    result.itemColumn = pick(itemColumn)
    result.ratings = ratings.map(pick)
    result.weights = weights.map(pick)
    result.times = times.map(pick)
    result.shown = shown.map(pick)
    result.clicks = clicks.map(pick)
    result.propensities = propensities.map(pick)
    result.random = random.map(pick)
    return result
  }
}
