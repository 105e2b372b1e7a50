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
  /// The shared slot of each run's item; -1 where nothing asks for its gradient.
  public private(set) var runSlots: [Int32] = []
  /// Places among the chosen pairs of those whose user is shared, ascending.
  public private(set) var shared: [Int32] = []
  /// The shared slot of the user of each of ``shared``.
  public private(set) var sharedSlots: [Int32] = []
  /// Their places among all pairs, ascending.
  public private(set) var sharedPlaces: [Int32] = []
  /// The user of each of ``shared``.
  public private(set) var sharedUsers: [Int32] = []
  /// The item of each of ``shared``.
  public private(set) var sharedItems: [Int32] = []
  /// What the slot of each of ``shared`` comes from.
  public private(set) var sharedOrigins: [Int32] = []

  private var wanted: [UInt8] = []

  /// No pairs.
  public init() {}
  /// Number of pairs.
  public var count: Int { users.count }

  /// Chooses all pairs of runs whose slot is wanted, and of others those whose user has a slot.
  ///
  /// - Parameters:
  ///   - runs: of all pairs, from ``SlotMaps/itemRuns(of:into:)``; `runSlots` has the shared slot of each, or -1.
  ///   - itemSlots: the wanted among `slotCount` slots, and -1; nil for all.
  ///   - userSlots: the shared slot of each pair's user, or -1; `origins` what each of those slots comes from.
  ///   - whole: whether to choose every pair.
  public mutating func choose(
    runs allRuns: [Int32], runSlots allRunSlots: [Int32], wanted itemSlots: [Int32]?, slotCount: Int,
    userSlots: [Int32], origins: [Int32], whole: Bool,
    users allUsers: [Int32], items allItems: [Int32], feedback allFeedback: [UInt8]
  ) {
    let (count, runCount) = (allUsers.count, allRunSlots.count)
    precondition(
      userSlots.count == count && allItems.count == count && allFeedback.count == count, "a pair has one of each")
    resize(&users, count, 0)
    resize(&items, count, 0)
    resize(&feedback, count, 0)
    resize(&places, count, 0)
    resize(&runs, count > 0 ? runCount + 1 : 0, 0)
    resize(&runSlots, runCount, 0)
    resize(&shared, count, 0)
    resize(&sharedSlots, count, 0)
    wanted.removeAll(keepingCapacity: true)
    resize(&wanted, slotCount, itemSlots == nil ? 1 : 0)
    if let itemSlots { lm_mark_slots(itemSlots, itemSlots.count, &wanted) }
    var (found, foundRuns, foundShared) = (0, 0, 0)
    if count > 0 {
      precondition(allRuns.count == runCount + 1 && Int(allRuns[runCount]) == count, "a run of the pairs has a slot")
      found = lm_choose_pairs(
        allRuns, runCount, allRunSlots, wanted, userSlots, whole ? 1 : 0, allUsers, allItems, allFeedback, &places,
        &users,
        &items, &feedback, &runs, &runSlots, &shared, &sharedSlots, &foundRuns, &foundShared)
    }
    users.removeLast(count - found)
    items.removeLast(count - found)
    feedback.removeLast(count - found)
    places.removeLast(count - found)
    runSlots.removeLast(runCount - foundRuns)
    runs.removeLast(found > 0 ? runCount - foundRuns : runs.count)
    shared.removeLast(count - foundShared)
    sharedSlots.removeLast(count - foundShared)
    take(shared, of: places, into: &sharedPlaces)
    take(shared, of: users, into: &sharedUsers)
    take(shared, of: items, into: &sharedItems)
    take(sharedSlots, of: origins, into: &sharedOrigins)
  }

  private func take(_ places: [Int32], of column: [Int32], into out: inout [Int32]) {
    resize(&out, places.count, 0)
    lm_take_indices(column, places, places.count, &out)
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
