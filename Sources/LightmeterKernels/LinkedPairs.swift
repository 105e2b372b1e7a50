internal import CLightmeterKernels

/// The pairs of a batch that have a row in common with the pairs of an outer loss, with slots for the rows of their own.
///
/// No other pair's exposure has a derivative through the virtual step.
///
/// - Complexity: O(pairs of the batch).
public struct LinkedPairs: Sendable {
  /// Place of each in the batch, ascending.
  public var places: [Int32] = []
  /// The user of each.
  public var users: [Int32] = []
  /// The item of each.
  public var items: [Int32] = []
  /// The feedback of each.
  public var feedback: [UInt8] = []
  /// The slot of each user among ``userRows``.
  public var userSlots: [Int32] = []
  /// The slot of each item among ``itemRows``.
  public var itemSlots: [Int32] = []
  /// The distinct users, in order of first appearance.
  public var userRows: [Int32] = []
  /// The distinct items.
  public var itemRows: [Int32] = []
  private var map: [Int32] = []

  /// No pairs.
  public init() {}

  /// Finds the pairs that have a shared slot, and packs those slots.
  ///
  /// - Parameters:
  ///   - kinds: the feedback of pairs that count.
  ///   - allUsers: of the batch, as are items, feedback and slots; `userCount` and `itemCount` are the numbers of slots.
  ///   - sharedUserSlots: of every pair of the batch, -1 for none, as `sharedItemSlots`; afterwards of the linked pairs alone.
  public mutating func link(
    _ kinds: FeedbackKinds, users allUsers: [Int32], items allItems: [Int32], feedback allFeedback: [UInt8],
    userSlots allUserSlots: [Int32],
    itemSlots allItemSlots: [Int32], userCount: Int, itemCount: Int, sharedUserSlots: inout [Int32],
    sharedItemSlots: inout [Int32]
  ) {
    let count = allUsers.count
    precondition(
      sharedUserSlots.count == count && sharedItemSlots.count == count && allUserSlots.count == count
        && allItemSlots.count == count, "a pair has a slot on each side")
    resize(&places, count, 0)
    resize(&users, count, 0)
    resize(&items, count, 0)
    resize(&feedback, count, 0)
    let kept = lm_link_pairs(
      count, UInt32(kinds.rawValue), &sharedUserSlots, &sharedItemSlots, allUsers, allItems, allFeedback, &places,
      &users, &items, &feedback)
    let others = count - kept
    places.removeLast(others)
    users.removeLast(others)
    items.removeLast(others)
    feedback.removeLast(others)
    sharedUserSlots.removeLast(others)
    sharedItemSlots.removeLast(others)
    SlotMaps.number(allUserSlots, at: places, of: users, slotCount: userCount, &map, into: &userSlots, rows: &userRows)
    SlotMaps.number(allItemSlots, at: places, of: items, slotCount: itemCount, &map, into: &itemSlots, rows: &itemRows)
  }
}
