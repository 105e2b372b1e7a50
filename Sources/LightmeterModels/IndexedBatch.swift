public import LightmeterFeedback
internal import LightmeterKernels

/// A batch together with the place of each of its rows in a row-sparse gradient.
///
/// - Shapes: slots have one entry per pair; -1 where the gradient has no row for it (validation pairs whose user or item
///   the training batch does not touch).
public struct IndexedBatch: Sendable {
  /// The pairs.
  public var pairs = PairBatch()
  /// Gradient slot of each pair's user.
  public var userSlots: [Int32] = []
  /// Gradient slot of each pair's item.
  public var itemSlots: [Int32] = []
  /// User row of each slot.
  public var userRows: [Int32] = []
  /// Item row of each slot.
  public var itemRows: [Int32] = []
  /// An empty batch.
  public init() {}
  /// Number of pairs.
  public var count: Int { pairs.count }
}

/// Finds the distinct users and items of batches in time that does not grow with the tables.
public struct BatchIndexer: Sendable {
  private var maps: SlotMaps
  /// Rows of the user tables that it indexes.
  public var userCount: Int { maps.userCount }
  /// Rows of the item tables.
  public var itemCount: Int { maps.itemCount }

  /// An indexer for tables of these sizes.
  ///
  /// - Complexity: O(users + items) memory, once.
  public init(userCount: Int, itemCount: Int) { maps = SlotMaps(userCount: userCount, itemCount: itemCount) }

  /// Gives every distinct user and item of `batch.pairs` a slot, in order of first appearance.
  public mutating func index(_ batch: inout IndexedBatch) {
    maps.assign(
      users: batch.pairs.users, items: batch.pairs.items, userSlots: &batch.userSlots, itemSlots: &batch.itemSlots,
      userRows: &batch.userRows, itemRows: &batch.itemRows)
  }

  /// Looks the pairs of `other` up among the rows of the batch indexed last; -1 where it has no such row.
  public func locate(_ other: inout IndexedBatch) {
    maps.locate(
      users: other.pairs.users, items: other.pairs.items, userSlots: &other.userSlots, itemSlots: &other.itemSlots)
  }
}
