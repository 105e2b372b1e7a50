public import LightmeterFeedback

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
  private var users: SlotMap
  private var items: SlotMap
  /// Rows of the user tables that it indexes.
  public let userCount: Int
  /// Rows of the item tables.
  public let itemCount: Int

  /// An indexer for tables of these sizes.
  ///
  /// - Complexity: O(users + items) memory, once.
  public init(userCount: Int, itemCount: Int) {
    (self.userCount, self.itemCount) = (userCount, itemCount)
    users = SlotMap(count: userCount)
    items = SlotMap(count: itemCount)
  }

  /// Gives every distinct user and item of `batch.pairs` a slot, in order of first appearance.
  public mutating func index(_ batch: inout IndexedBatch) {
    users.assign(batch.pairs.users, slots: &batch.userSlots, rows: &batch.userRows)
    items.assign(batch.pairs.items, slots: &batch.itemSlots, rows: &batch.itemRows)
  }

  /// Takes the rows of a block of users × items, each once, as those of `batch`, in the order given; it gets no pairs.
  public mutating func index(users: [Int32], items: [Int32], into batch: inout IndexedBatch) {
    batch.pairs.removeAll()
    self.users.assign(users, slots: &batch.userSlots, rows: &batch.userRows)
    self.items.assign(items, slots: &batch.itemSlots, rows: &batch.itemRows)
  }

  /// Looks the pairs of `other` up among the rows of the batch indexed last; -1 where it has no such row.
  public func locate(_ other: inout IndexedBatch) {
    users.locate(other.pairs.users, slots: &other.userSlots)
    items.locate(other.pairs.items, slots: &other.itemSlots)
  }
}

/// The rows that a batch shares with other pairs, as a gradient of their own.
///
/// An outer loss on other pairs has derivatives by the batch's rows only where those pairs read them: often few.
public struct SharedRows: Sendable {
  /// The batch's pairs by slots of the shared rows; -1 where a pair's user or item is not shared. Its `pairs` are empty.
  public var batch = IndexedBatch()
  /// Slots that the shared users have in the batch.
  public var userOrigins: [Int32] = []
  /// Slots that the shared items have in the batch.
  public var itemOrigins: [Int32] = []
  private var places: [Int32] = []

  /// No rows.
  public init() {}

  /// Finds the rows of `batch` that `other` reads, and gives the pairs of `other` their slots among those.
  ///
  /// - Parameter other: located among the rows of `batch` (``BatchIndexer/locate(_:)``).
  public mutating func find(in batch: IndexedBatch, readBy other: inout IndexedBatch) {
    SharedRows.find(
      batch.userRows, batch.userSlots, &other.userSlots, &self.batch.userRows, &self.batch.userSlots, &userOrigins,
      &places)
    SharedRows.find(
      batch.itemRows, batch.itemSlots, &other.itemSlots, &self.batch.itemRows, &self.batch.itemSlots, &itemOrigins,
      &places)
  }

  /// Takes all rows of `batch`, in its order: whatever is located among them keeps its slots.
  public mutating func takeAll(of batch: IndexedBatch) {
    (self.batch.userRows, self.batch.userSlots) = (batch.userRows, batch.userSlots)
    (self.batch.itemRows, self.batch.itemSlots) = (batch.itemRows, batch.itemSlots)
    userOrigins = batch.userRows.indices.map { Int32($0) }
    itemOrigins = batch.itemRows.indices.map { Int32($0) }
  }

  private static func find(
    _ rows: [Int32], _ slots: [Int32], _ other: inout [Int32], _ shared: inout [Int32], _ sharedSlots: inout [Int32],
    _ origins: inout [Int32], _ places: inout [Int32]
  ) {
    shared.removeAll(keepingCapacity: true)
    origins.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    places.append(contentsOf: repeatElement(-1, count: rows.count))
    for k in other.indices where other[k] >= 0 {
      let slot = Int(other[k])
      if places[slot] < 0 {
        places[slot] = Int32(shared.count)
        shared.append(rows[slot])
        origins.append(other[k])
      }
      other[k] = places[slot]
    }
    if sharedSlots.count != slots.count { sharedSlots = [Int32](repeating: 0, count: slots.count) }
    for k in slots.indices { sharedSlots[k] = places[Int(slots[k])] }
  }
}

/// Row → slot for one batch at a time. Each row's mark holds the round that wrote it, so starting anew costs nothing.
struct SlotMap: Sendable {
  private var marks: [UInt64]
  private var round: UInt64 = 0

  init(count: Int) { marks = [UInt64](repeating: 0, count: count) }

  mutating func assign(_ members: [Int32], slots: inout [Int32], rows: inout [Int32]) {
    round += 1
    rows.removeAll(keepingCapacity: true)
    if slots.count != members.count { slots = [Int32](repeating: 0, count: members.count) }
    let stamp = round << 32
    for k in members.indices {
      let row = Int(members[k])
      let mark = marks[row]
      if mark >> 32 == round {
        slots[k] = Int32(truncatingIfNeeded: mark & 0xffff_ffff)
      } else {
        slots[k] = Int32(rows.count)
        marks[row] = stamp | UInt64(rows.count)
        rows.append(members[k])
      }
    }
  }

  func locate(_ members: [Int32], slots: inout [Int32]) {
    if slots.count != members.count { slots = [Int32](repeating: 0, count: members.count) }
    for k in members.indices {
      let mark = marks[Int(members[k])]
      slots[k] = mark >> 32 == round ? Int32(truncatingIfNeeded: mark & 0xffff_ffff) : -1
    }
  }
}
