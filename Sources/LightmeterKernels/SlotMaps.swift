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
    (userMarks, itemMarks) = (SlotMaps.marks(userCount), SlotMaps.marks(itemCount))
  }

  // Zeros, on large pages where they are many: a batch looks them up at random.
  private static func marks(_ count: Int) -> [UInt64] {
    [UInt64](unsafeUninitializedCapacity: count) { buffer, initialized in
      lm_prefer_large_pages(buffer.baseAddress, count * MemoryLayout<UInt64>.stride)
      buffer.initialize(repeating: 0)
      initialized = count
    }
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
    resize(&userSlots, users.count, 0)
    resize(&itemSlots, users.count, 0)
    resize(&userRows, users.count, 0)
    resize(&itemRows, users.count, 0)
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
    resize(&userSlots, users.count, 0)
    resize(&itemSlots, users.count, 0)
    lm_locate_slots(
      round, users.count, userMarks, userMarks.count, users, &userSlots, itemMarks, itemMarks.count, items, &itemSlots)
  }

  /// Writes where the runs of pairs with one item begin, and after them where the last one ends; ascending items give each
  /// item runs of its own. Empty without pairs.
  public static func itemRuns(of items: [Int32], into edges: inout [Int32]) {
    resize(&edges, items.count + 1, 0)
    let runs = lm_item_runs(items, items.count, &edges)
    edges.removeLast(runs > 0 ? items.count - runs : edges.count)
  }

  /// Numbers the slots that some pairs have anew, in order of first appearance.
  ///
  /// - Parameters:
  ///   - slots: of all pairs, each below `slotCount`; `places` are those of the pairs asked for, `members` their rows.
  ///   - map: room to work in.
  ///   - own: overwritten, one a pair; `rows` by the row of each of the new slots.
  static func number(
    _ slots: [Int32], at places: [Int32], of members: [Int32], slotCount: Int, _ map: inout [Int32],
    into own: inout [Int32], rows: inout [Int32]
  ) {
    map.removeAll(keepingCapacity: true)
    resize(&map, slotCount, -1)
    resize(&own, members.count, 0)
    resize(&rows, members.count, 0)
    let found = lm_number_slots(members.count, places, slots, members, &map, &own, &rows)
    rows.removeLast(members.count - found)
  }

  /// Finds the users of another batch that the pairs assigned last read.
  ///
  /// - Parameters:
  ///   - rows: the row of each slot of that batch; `slots` the slot of each of its pairs.
  ///   - entries: what each slot of the pairs assigned last has.
  ///   - all: whether every row counts as read.
  public func shareUsers(
    _ rows: [Int32], slots: [Int32], entries: SlotEntries, all: Bool, into shared: inout SharedSlots
  ) {
    share(userMarks, rows, slots, entries, all, &shared)
  }

  /// The same for the items.
  public func shareItems(
    _ rows: [Int32], slots: [Int32], entries: SlotEntries, all: Bool, into shared: inout SharedSlots
  ) {
    share(itemMarks, rows, slots, entries, all, &shared)
  }

  private func share(
    _ marks: [UInt64], _ rows: [Int32], _ slots: [Int32], _ entries: SlotEntries, _ all: Bool,
    _ shared: inout SharedSlots
  ) {
    resize(&shared.places, rows.count, 0)
    resize(&shared.rows, rows.count, 0)
    resize(&shared.origins, rows.count, 0)
    resize(&shared.marked, rows.count, 0)
    resize(&shared.slots, slots.count, 0)
    resize(&shared.entrySlots, entries.entries.count, 0)
    let kept = lm_share_rows(
      rows, rows.count, slots, slots.count, round, marks, marks.count, entries.offsets, entries.entries,
      entries.entries.count, all ? 1 : 0, &shared.places, &shared.rows, &shared.origins, &shared.marked,
      &shared.slots, &shared.entrySlots)
    shared.rows.removeLast(rows.count - kept)
    shared.origins.removeLast(rows.count - kept)
    shared.marked.removeLast(rows.count - kept)
  }
}

/// Makes `column` as long as wanted; what it had beyond is lost, and what is new is `zero`.
@inline(__always)
func resize<T: BitwiseCopyable>(_ column: inout [T], _ count: Int, _ zero: T) {
  let more = count - column.count
  guard more > 0 else { return column.removeLast(-more) }
  // By whole vectors: `repeatElement` is appended one by one.
  column.append(addingCapacity: more) { span in
    span.withUnsafeMutableBufferPointer { buffer, initialized in
      buffer[initialized..<initialized + more].initialize(repeating: zero)
      initialized += more
    }
  }
}

/// What belongs to each slot: the places of its pairs, or of its runs of pairs, ascending.
public struct SlotEntries: Sendable {
  fileprivate var offsets: [Int32] = [0]
  fileprivate var entries: [Int32] = []
  /// No slots.
  public init() {}

  /// Groups the places of `slots`, each below `count`, by slot.
  public mutating func group(_ slots: [Int32], slotCount: Int) {
    resize(&offsets, slotCount + 1, 0)
    resize(&entries, slots.count, 0)
    lm_group_by_slot(slots, slots.count, slotCount, &offsets, &entries)
  }
}

/// Rows of a batch that other pairs read, with slots of their own.
public struct SharedSlots: Sendable {
  /// The rows, in the batch's order.
  public var rows: [Int32] = []
  /// Their slots in the batch.
  public var origins: [Int32] = []
  /// Their slots among the rows of the other pairs; -1 where those do not read them.
  public var marked: [Int32] = []
  /// The shared slot of each pair of the batch; -1 where its row is not shared.
  public var slots: [Int32] = []
  /// The shared slot of each of the other pairs' entries, in the order of ``SlotEntries``; -1 where its row is not shared.
  public var entrySlots: [Int32] = []
  fileprivate var places: [Int32] = []
  /// No rows.
  public init() {}
}
