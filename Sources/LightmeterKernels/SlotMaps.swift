internal import CLightmeterKernels

/// Row → slot of one batch at a time, for its users and its items.
///
/// Each row's mark holds the round that wrote it, so starting anew costs nothing. Large batches find users and items on two
/// threads; the slots are the same.
///
/// - Complexity: O(users + items) memory, once; O(pairs) a batch.
public struct SlotMaps: Sendable {
  private var userMarks: [UInt64]
  private var itemMarks: [UInt64]
  private var round: UInt64 = 0

  /// Maps for tables of these sizes.
  public init(userCount: Int, itemCount: Int) {
    (userMarks, itemMarks) = ([UInt64](repeating: 0, count: userCount), [UInt64](repeating: 0, count: itemCount))
  }

  /// Rows of the user tables.
  public var userCount: Int { userMarks.count }
  /// Rows of the item tables.
  public var itemCount: Int { itemMarks.count }

  /// Gives the distinct users and items of a batch slots in order of first appearance.
  ///
  /// - Parameters:
  ///   - users: of every pair, each below ``userCount``; `items` likewise.
  ///   - userSlots: overwritten, one a pair, as are `itemSlots`.
  ///   - userRows: overwritten by the row of each slot, as are `itemRows`.
  public mutating func assign(
    users: [Int32], items: [Int32], userSlots: inout [Int32], itemSlots: inout [Int32], userRows: inout [Int32],
    itemRows: inout [Int32]
  ) {
    precondition(users.count == items.count, "a pair has a user and an item")
    round += 1
    Self.resize(&userSlots, users.count)
    Self.resize(&itemSlots, users.count)
    Self.resize(&userRows, users.count)
    Self.resize(&itemRows, users.count)
    var found = (0, 0)
    lm_assign_slots(
      round, users.count, &userMarks, userMarks.count, users, &userSlots, &userRows, &found.0, &itemMarks,
      itemMarks.count, items, &itemSlots, &itemRows, &found.1)
    userRows.removeLast(users.count - found.0)
    itemRows.removeLast(users.count - found.1)
  }

  /// Writes the slots that users and items of other pairs have in the batch assigned last; -1 where they have none.
  public func locate(users: [Int32], items: [Int32], userSlots: inout [Int32], itemSlots: inout [Int32]) {
    precondition(users.count == items.count, "a pair has a user and an item")
    Self.resize(&userSlots, users.count)
    Self.resize(&itemSlots, users.count)
    lm_locate_slots(
      round, users.count, userMarks, userMarks.count, users, &userSlots, itemMarks, itemMarks.count, items, &itemSlots)
  }

  /// Finds the rows of a batch that other pairs read, and gives them slots of their own.
  ///
  /// - Parameters:
  ///   - batchRows: the row of each slot of the batch.
  ///   - slots: the slot of each pair of the batch.
  ///   - other: slots in the batch, or -1; becomes slots of the shared rows.
  ///   - rows: overwritten by the shared rows in order of first appearance in `other`, `origins` by their slots in the batch.
  ///   - sharedSlots: overwritten by the shared slot of each pair of the batch, or -1.
  ///   - places: scratch.
  public static func share(
    _ batchRows: [Int32], slots: [Int32], readBy other: inout [Int32], rows: inout [Int32], sharedSlots: inout [Int32],
    origins: inout [Int32], places: inout [Int32]
  ) {
    resize(&places, batchRows.count)
    resize(&rows, batchRows.count)
    resize(&origins, batchRows.count)
    resize(&sharedSlots, slots.count)
    let found = lm_share_rows(
      batchRows, batchRows.count, slots, slots.count, &other, other.count, &places, &rows, &origins, &sharedSlots)
    rows.removeLast(batchRows.count - found)
    origins.removeLast(batchRows.count - found)
  }

  private static func resize(_ column: inout [Int32], _ count: Int) {
    if column.count < count {
      column.append(contentsOf: repeatElement(0, count: count - column.count))
    } else {
      column.removeLast(column.count - count)
    }
  }
}
