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

  /// Looks the pairs of `other` up among the rows of the batch indexed last; -1 where it has no such row.
  public func locate(_ other: inout IndexedBatch) {
    users.locate(other.pairs.users, slots: &other.userSlots)
    items.locate(other.pairs.items, slots: &other.itemSlots)
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
