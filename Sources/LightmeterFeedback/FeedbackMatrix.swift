/// Observed positive feedback as compressed rows: for each user the clicked items, ascending, each once.
///
/// - Stability: stable
public struct FeedbackMatrix: Sendable, Equatable {
  /// Number of users, clicked or not.
  public let userCount: Int
  /// Number of items, clicked or not.
  public let itemCount: Int
  /// Start of each user's items; userCount + 1 entries.
  public let offsets: [Int]
  /// Item indices, user by user, ascending within a user.
  public let items: [Int32]

  /// Builds rows from pairs in any order; repeated pairs are stored once.
  ///
  /// - Parameters:
  ///   - users: user index per pair.
  ///   - items: item index per pair, same length.
  /// - Complexity: O(pairs log pairs-per-user) time, O(pairs + users) memory.
  public init(userCount: Int, itemCount: Int, users: [Int32], items pairItems: [Int32]) {
    precondition(users.count == pairItems.count, "as many users as items in a list of pairs")
    var starts = [Int](repeating: 0, count: userCount + 1)
    for user in users { starts[Int(user) + 1] += 1 }
    for user in 0..<userCount { starts[user + 1] += starts[user] }
    var cursor = starts
    var filled = [Int32](repeating: 0, count: users.count)
    for k in users.indices {
      let user = Int(users[k])
      filled[cursor[user]] = pairItems[k]
      cursor[user] += 1
    }
    var kept = 0
    var offsets = [Int](repeating: 0, count: userCount + 1)
    for user in 0..<userCount {
      let range = starts[user]..<starts[user + 1]
      filled[range].sort()
      var last: Int32 = -1
      for k in range where filled[k] != last {
        last = filled[k]
        filled[kept] = last
        kept += 1
      }
      offsets[user + 1] = kept
    }
    filled.removeLast(filled.count - kept)
    self.userCount = userCount
    self.itemCount = itemCount
    self.offsets = offsets
    self.items = filled
  }

  /// Takes rows as a model file keeps them; nil unless they are whole, in range and ascending.
  public init?(userCount: Int, itemCount: Int, offsets: [Int], items: [Int32]) {
    guard offsets.count == userCount + 1, offsets.first == 0, offsets.last == items.count else { return nil }
    for user in 0..<userCount {
      guard offsets[user] <= offsets[user + 1], offsets[user + 1] <= items.count else { return nil }
      var last: Int32 = -1
      for item in items[offsets[user]..<offsets[user + 1]] {
        guard item > last, Int(item) < itemCount else { return nil }
        last = item
      }
    }
    (self.userCount, self.itemCount, self.offsets, self.items) = (userCount, itemCount, offsets, items)
  }

  /// Takes rows that are ascending already.
  init(userCount: Int, itemCount: Int, sortedOffsets: [Int], items: [Int32]) {
    (self.userCount, self.itemCount, offsets, self.items) = (userCount, itemCount, sortedOffsets, items)
  }

  /// Number of distinct positive pairs.
  public var count: Int { items.count }

  /// The positions in ``items`` of one user's clicks.
  public func range(of user: Int) -> Range<Int> { offsets[user]..<offsets[user + 1] }

  /// One user's clicked items, ascending.
  public func items(of user: Int) -> ArraySlice<Int32> { items[range(of: user)] }

  /// Whether the pair is a positive. O(log clicks of the user).
  public func contains(user: Int, item: Int32) -> Bool { position(user: user, item: item) != nil }

  /// Where the pair stands in ``items``, or nil.
  public func position(user: Int, item: Int32) -> Int? {
    var (low, high) = (offsets[user], offsets[user + 1])
    while low < high {
      let middle = (low + high) / 2
      if items[middle] < item { low = middle + 1 } else { high = middle }
    }
    return low < offsets[user + 1] && items[low] == item ? low : nil
  }

  /// The pairs of either, of the same numbers of users and items.
  public func union(_ other: FeedbackMatrix) -> FeedbackMatrix {
    FeedbackMatrix(
      userCount: userCount, itemCount: itemCount, users: userColumn + other.userColumn, items: items + other.items)
  }

  /// The user of a position in ``items``. O(log users).
  public func user(at position: Int) -> Int {
    var (low, high) = (0, userCount)
    while high - low > 1 {
      let middle = (low + high) / 2
      if offsets[middle] <= position { low = middle } else { high = middle }
    }
    return low
  }

  /// Clicks per item.
  public var itemCounts: [Int] {
    var counts = [Int](repeating: 0, count: itemCount)
    for item in items { counts[Int(item)] += 1 }
    return counts
  }

  /// Clicks per user.
  public var userCounts: [Int] { (0..<userCount).map { offsets[$0 + 1] - offsets[$0] } }
}
