internal import CLightmeterKernels

/// The pairs of an outer loss that a step reads, item by item, copied side by side.
///
/// The gradient that a step needs is that of the rows which its batch shares with the pairs: a pair whose user and item are
/// both elsewhere adds nothing to it.
///
/// - Complexity: O(all pairs) a step, a few operations each.
public struct ChosenPairs: Sendable {
  /// Place of each among all pairs, ascending.
  public private(set) var places: [Int32] = []
  /// The user of each.
  public private(set) var users: [Int32] = []
  /// The item of each.
  public private(set) var items: [Int32] = []
  /// The feedback of each.
  public private(set) var feedback: [UInt8] = []
  /// Where runs of pairs with one item begin, and where the last one ends; empty without pairs.
  public private(set) var runs: [Int32] = []
  /// The shared slot of each run's item; -1 where the batch does not have it.
  public private(set) var runSlots: [Int32] = []
  /// Where the pairs stand whose user is shared, in the order in which they were given.
  public private(set) var shared: [Int32] = []
  private var position: [Int32] = []

  /// No pairs.
  public init() {}
  /// Number of pairs.
  public var count: Int { users.count }

  /// Chooses all pairs of runs with a slot, and of others those whose user is shared.
  ///
  /// - Parameters:
  ///   - runs: of all pairs, from ``SlotMaps/itemRuns(of:into:)``; `slots` has one for each, or -1.
  ///   - shared: places of the pairs whose user is shared.
  ///   - all: whether to choose every pair.
  public mutating func choose(
    runs allRuns: [Int32], slots: [Int32], shared given: [Int32], all: Bool, users allUsers: [Int32],
    items allItems: [Int32], feedback allFeedback: [UInt8]
  ) {
    let (count, runCount) = (allUsers.count, slots.count)
    resize(&users, count, 0)
    resize(&items, count, 0)
    resize(&feedback, count, 0)
    resize(&places, count, 0)
    resize(&position, count, 0)
    resize(&runs, count > 0 ? runCount + 1 : 0, 0)
    resize(&runSlots, runCount, 0)
    resize(&shared, given.count, 0)
    guard count > 0 else { return }
    precondition(allRuns.count == runCount + 1 && Int(allRuns[runCount]) == count, "a run of the pairs has a slot")
    var keptRuns = 0
    let kept = lm_choose_pairs(
      allRuns, runCount, slots, given, given.count, all ? 1 : 0, allUsers, allItems, allFeedback, &position, &places,
      &users, &items, &feedback, &runs, &runSlots, &shared, &keptRuns)
    users.removeLast(count - kept)
    items.removeLast(count - kept)
    feedback.removeLast(count - kept)
    places.removeLast(count - kept)
    runSlots.removeLast(runCount - keptRuns)
    runs.removeLast(kept > 0 ? runCount - keptRuns : runs.count)
  }

  /// The users of the chosen pairs, each once.
  ///
  /// - Parameter slots: of all pairs, each below `count`.
  public func distinctUsers(slots: [Int32], count: Int) -> [Int32] { distinct(users, slots, count) }

  /// The items of the chosen pairs, each once.
  public func distinctItems(slots: [Int32], count: Int) -> [Int32] { distinct(items, slots, count) }

  private func distinct(_ members: [Int32], _ slots: [Int32], _ count: Int) -> [Int32] {
    var (map, own, rows): ([Int32], [Int32], [Int32]) = ([], [], [])
    SlotMaps.number(slots, at: places, of: members, slotCount: count, &map, into: &own, rows: &rows)
    return rows
  }
}
