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

/// The rows that a batch shares with other pairs, as a gradient of their own.
///
/// An outer loss on other pairs has derivatives by the batch's rows only where those pairs read them: often few.
public struct SharedRows: Sendable {
  /// The batch's pairs by slots of the shared rows; -1 where a pair's user or item is not shared. Its `pairs` are empty.
  public var batch = IndexedBatch()
  /// Slots that the shared users have in the batch.
  public private(set) var userOrigins: [Int32] = []
  /// Slots that the shared items have in the batch.
  public private(set) var itemOrigins: [Int32] = []
  private var places: [Int32] = []

  /// No rows.
  public init() {}

  /// Finds the rows of `batch` that `other` reads, and gives the pairs of `other` their slots among those.
  ///
  /// - Parameter other: located among the rows of `batch` (``BatchIndexer/locate(_:)``).
  public mutating func find(in batch: IndexedBatch, readBy other: inout IndexedBatch) {
    SlotMaps.share(
      batch.userRows, slots: batch.userSlots, readBy: &other.userSlots, rows: &self.batch.userRows,
      sharedSlots: &self.batch.userSlots, origins: &userOrigins, places: &places)
    SlotMaps.share(
      batch.itemRows, slots: batch.itemSlots, readBy: &other.itemSlots, rows: &self.batch.itemRows,
      sharedSlots: &self.batch.itemSlots, origins: &itemOrigins, places: &places)
  }

  /// Takes all rows of `batch`, in its order: whatever is located among them keeps its slots.
  public mutating func takeAll(of batch: IndexedBatch) {
    (self.batch.userRows, self.batch.userSlots) = (batch.userRows, batch.userSlots)
    (self.batch.itemRows, self.batch.itemSlots) = (batch.itemRows, batch.itemSlots)
    userOrigins = batch.userRows.indices.map { Int32($0) }
    itemOrigins = batch.itemRows.indices.map { Int32($0) }
  }
}
