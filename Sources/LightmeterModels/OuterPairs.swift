public import LightmeterFeedback
public import LightmeterKernels

/// The pairs of an outer loss, item by item, and where a batch's gradient has rows for them.
///
/// The pairs are mostly the same for many steps, so what belongs to a row is looked up by the batch's rows, which are few.
public struct OuterPairs: Sendable {
  /// All pairs, with items ascending, and their rows, each once.
  public private(set) var indexed = IndexedBatch()
  /// Those that the step reads, or all: those of items of linked pairs, and those of the batch's users. A linked pair's
  /// derivative needs the whole sum of its own item and user alone.
  public private(set) var chosen = ChosenPairs()
  /// Whether the step reads all pairs, for their mean loss; the gradient needs only those that share a row with the batch.
  public private(set) var isWhole = true
  private var runs: [Int32] = []
  private var given = PairBatch()
  private var maps: SlotMaps?
  private var (userEntries, itemEntries) = (SlotEntries(), SlotEntries())
  private var (users, items) = (SharedSlots(), SharedSlots())

  /// No pairs.
  public init() {}
  /// Number of all pairs.
  public var count: Int { indexed.count }

  /// Takes pairs, unless they are those that it has.
  ///
  /// - Complexity: O(pairs), and O(users + items) memory, once.
  public mutating func take(_ pairs: PairBatch, userCount: Int, itemCount: Int) {
    guard pairs != given else { return }
    given = pairs
    let ascending = zip(pairs.items, pairs.items.dropFirst()).allSatisfy { $0 <= $1 }
    indexed.pairs = ascending ? pairs : pairs.itemMajor()
    var own = maps.take() ?? SlotMaps(userCount: userCount, itemCount: itemCount)
    own.assign(
      users: indexed.pairs.users, items: indexed.pairs.items, userSlots: &indexed.userSlots,
      itemSlots: &indexed.itemSlots, userRows: &indexed.userRows, itemRows: &indexed.itemRows)
    maps = own
    SlotMaps.itemRuns(of: indexed.pairs.items, into: &runs)
    userEntries.group(indexed.userSlots, slotCount: indexed.userRows.count)
    itemEntries.group(runs.dropLast().map { indexed.itemSlots[Int($0)] }, slotCount: indexed.itemRows.count)
  }

  /// Finds the rows of `batch` that these pairs read, or takes all of them, and gives the pairs their slots.
  ///
  /// - Parameters:
  ///   - all: whether rows that no pair reads are shared as well.
  ///   - whole: whether the step reads all pairs; see ``isWhole``.
  ///   - linking: the feedback of the batch's pairs that can be linked: those whose exposure has a derivative.
  public mutating func share(
    _ batch: IndexedBatch, all: Bool, whole: Bool, linking kinds: FeedbackKinds = .all, as shared: inout SharedRows
  ) {
    isWhole = whole
    guard let maps else { return shared.takeAll(of: batch) }
    maps.shareUsers(batch.userRows, slots: batch.userSlots, entries: userEntries, all: all, into: &users)
    maps.shareItems(batch.itemRows, slots: batch.itemSlots, entries: itemEntries, all: all, into: &items)
    shared.take(&users, &items)
    if !all { shared.link(batch, kinds) }
    chosen.choose(
      runs: runs, runSlots: items.entrySlots, wanted: all ? nil : shared.batch.itemSlots,
      slotCount: shared.batch.itemRows.count, ownSlots: indexed.userSlots, userSlots: users.entrySlots, whole: whole,
      users: indexed.pairs.users, items: indexed.pairs.items, feedback: indexed.pairs.feedback)
  }

  /// The rows that the chosen pairs read, each once; there are no slots.
  public func chosenRows() -> IndexedBatch {
    if isWhole { return indexed }
    var rows = IndexedBatch()
    rows.userRows = chosen.distinctUsers(of: indexed.userRows)
    rows.itemRows = chosen.distinctItems
    return rows
  }

  /// The chosen pairs as a batch whose slots are the shared ones; -1 where a pair's row is not shared.
  var withSharedSlots: IndexedBatch {
    var batch = IndexedBatch()
    batch.pairs = PairBatch(users: chosen.users, items: chosen.items, feedback: chosen.feedback)
    batch.userSlots = [Int32](repeating: -1, count: chosen.count)
    batch.itemSlots = batch.userSlots
    for (pair, slot) in zip(chosen.shared, chosen.sharedSlots) { batch.userSlots[Int(pair)] = slot }
    for run in chosen.runSlots.indices {
      for pair in chosen.runs[run]..<chosen.runs[run + 1] { batch.itemSlots[Int(pair)] = chosen.runSlots[run] }
    }
    return batch
  }
}

/// Copies of the user rows of an outer loss's pairs, in the order of the pairs' distinct users: a pass over the pairs goes
/// through memory nearly in order, and they can be displaced without the table.
///
/// Worth their upkeep where the pairs stay the same and a step moves few of their users.
public struct OuterRows<S: TrainingScalar>: Sendable {
  /// The pairs whose rows these are; empty for none.
  public private(set) var pairs = PairBatch()
  private var values: [S] = []
  private var stride = 0
  /// No copies.
  public init() {}

  /// The copies as kernels read them, by the slots of `ChosenPairs`.
  public var view: RowsView<S> { RowsView(values, stride: stride) }

  /// Copies the row of every user.
  public mutating func fill(for outer: OuterPairs, from table: Table<S>) {
    pairs = outer.indexed.pairs
    stride = table.stride
    S.reserve(&values, outer.indexed.userRows.count * stride)
    S.copyRows(of: table.view, outer.indexed.userRows, into: &values, at: nil)
  }

  /// Copies the rows that a batch shares with the pairs, after the table's have moved.
  public mutating func update(_ shared: SharedRows, from table: Table<S>) {
    S.copyRows(of: table.view, shared.batch.userRows, into: &values, at: shared.userPlaces)
  }

  /// The same rows, displaced along the batch's gradient; ``update(_:from:)`` takes them back.
  public mutating func displace(_ shared: SharedRows, from table: Table<S>, by gradient: RowGradient<S>, scale: S) {
    S.copyRows(
      of: table.view, shared.batch.userRows, plus: gradient.values, slots: shared.userOrigins, scale: scale,
      into: &values, at: shared.userPlaces)
  }
}

/// The rows that a batch shares with the pairs of an outer loss, as a gradient of their own.
///
/// An outer loss on other pairs has derivatives by the batch's rows only where those pairs read them: often few.
public struct SharedRows: Sendable {
  /// The linked pairs, those of the batch's that have a shared row, by slots of the shared rows; -1 where the other row of a
  /// pair is not shared. Its `pairs` are empty.
  public var batch = IndexedBatch()
  /// Whether every pair of the batch counts as linked; ``linked`` and ``places`` mean nothing then.
  public private(set) var isAll = true
  /// The linked pairs by slots of their own rows: users and items of the batch, shared or not.
  public private(set) var linked = IndexedBatch()
  /// Places of the linked pairs in the batch.
  public var places: [Int32] { linkedPairs.places }
  /// Slots that the shared users have in the batch.
  public private(set) var userOrigins: [Int32] = []
  /// Slots that the shared users have among the users of the other pairs; -1 where those do not read them.
  public private(set) var userPlaces: [Int32] = []
  /// Slots that the shared items have in the batch.
  public private(set) var itemOrigins: [Int32] = []

  private var linkedPairs = LinkedPairs()

  /// No rows.
  public init() {}

  /// Takes all rows of `batch`, in its order.
  public mutating func takeAll(of batch: IndexedBatch) {
    isAll = true
    (self.batch.userRows, self.batch.userSlots) = (batch.userRows, batch.userSlots)
    (self.batch.itemRows, self.batch.itemSlots) = (batch.itemRows, batch.itemSlots)
    userOrigins = batch.userRows.indices.map { Int32($0) }
    userPlaces = [Int32](repeating: -1, count: batch.userRows.count)
    itemOrigins = batch.itemRows.indices.map { Int32($0) }
  }

  // Swapped: who shared the columns would copy them when they are written again.
  fileprivate mutating func take(_ users: inout SharedSlots, _ items: inout SharedSlots) {
    isAll = true
    swap(&batch.userRows, &users.rows)
    swap(&batch.userSlots, &users.slots)
    swap(&userOrigins, &users.origins)
    swap(&userPlaces, &users.marked)
    swap(&batch.itemRows, &items.rows)
    swap(&batch.itemSlots, &items.slots)
    swap(&itemOrigins, &items.origins)
  }

  fileprivate mutating func link(_ whole: IndexedBatch, _ kinds: FeedbackKinds) {
    isAll = false
    swapLinked()
    linkedPairs.link(
      kinds, users: whole.pairs.users, items: whole.pairs.items, feedback: whole.pairs.feedback,
      userSlots: whole.userSlots,
      itemSlots: whole.itemSlots, userCount: whole.userRows.count, itemCount: whole.itemRows.count,
      sharedUserSlots: &batch.userSlots, sharedItemSlots: &batch.itemSlots)
    swapLinked()
  }

  private mutating func swapLinked() {
    swap(&linked.pairs.users, &linkedPairs.users)
    swap(&linked.pairs.items, &linkedPairs.items)
    swap(&linked.pairs.feedback, &linkedPairs.feedback)
    swap(&linked.userSlots, &linkedPairs.userSlots)
    swap(&linked.itemSlots, &linkedPairs.itemSlots)
    swap(&linked.userRows, &linkedPairs.userRows)
    swap(&linked.itemRows, &linkedPairs.itemRows)
  }
}
