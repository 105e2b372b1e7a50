internal import CLightmeterKernels

/// The pairs of an outer loss that a step reads, item by item, copied side by side.
///
/// The gradient that a step needs is that of the rows which its batch shares with the pairs: a pair whose user and item are
/// both elsewhere adds nothing to it.
///
/// - Complexity: O(all pairs) a step, a few operations each.
public struct ChosenPairs: Sendable {
  /// The slot of each one's user among the distinct users of all pairs.
  public private(set) var userSlots: [Int32] = []
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
  /// The item of each of ``shared``.
  public private(set) var sharedItems: [Int32] = []

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
  ///   - ownSlots: the slot of each pair's user among their distinct ones.
  ///   - userSlots: the shared slot of each pair's user, or -1.
  ///   - whole: whether to choose every pair.
  public mutating func choose(
    runs allRuns: [Int32], runSlots allRunSlots: [Int32], wanted itemSlots: [Int32]?, slotCount: Int,
    ownSlots: [Int32], userSlots sharedUserSlots: [Int32], whole: Bool, users allUsers: [Int32],
    items allItems: [Int32], feedback allFeedback: [UInt8]
  ) {
    let (count, runCount) = (allUsers.count, allRunSlots.count)
    precondition(
      sharedUserSlots.count == count && ownSlots.count == count && allItems.count == count
        && allFeedback.count == count, "a pair has one of each")
    resize(&users, count, 0)
    resize(&items, count, 0)
    resize(&feedback, count, 0)
    resize(&userSlots, count, 0)
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
        allRuns, runCount, allRunSlots, wanted, sharedUserSlots, whole ? 1 : 0, ownSlots, allUsers, allItems,
        allFeedback, &userSlots, &users, &items, &feedback, &runs, &runSlots, &shared, &sharedSlots, &foundRuns,
        &foundShared)
    }
    users.removeLast(count - found)
    items.removeLast(count - found)
    feedback.removeLast(count - found)
    userSlots.removeLast(count - found)
    runSlots.removeLast(runCount - foundRuns)
    runs.removeLast(found > 0 ? runCount - foundRuns : runs.count)
    shared.removeLast(count - foundShared)
    sharedSlots.removeLast(count - foundShared)
    resize(&sharedItems, foundShared, 0)
    lm_take_indices(items, shared, foundShared, &sharedItems)
  }

  /// The items of the chosen pairs, each once.
  public var distinctItems: [Int32] {
    var found: [Int32] = []
    for run in runs.dropLast() where items[Int(run)] != found.last { found.append(items[Int(run)]) }
    return found
  }

  /// The users of the chosen pairs, each once.
  ///
  /// - Parameter rows: the user of each of the own slots.
  public func distinctUsers(of rows: [Int32]) -> [Int32] {
    var (isWanted, found) = ([Bool](repeating: false, count: rows.count), [Int32]())
    for slot in userSlots where !isWanted[Int(slot)] {
      isWanted[Int(slot)] = true
      found.append(rows[Int(slot)])
    }
    return found
  }
}
