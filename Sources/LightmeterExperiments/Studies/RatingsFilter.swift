/// Which users and items of a ratings file a world is fitted to.
///
/// Users with fewer ratings than `leastPerUser` go first, then items with fewer of the remaining ratings than
/// `leastPerItem`, once; the survivors are counted in the order in which they first appear, and the first so many kept.
///
/// - Source: Biif, §4.1 (Amazon CDs: 10, 8, 3,000, 3,000); METHODS §13.2.
public struct RatingsFilter: Sendable, Hashable {
  /// Least ratings of a user.
  public var leastPerUser = 0
  /// Least ratings of an item, after users were dropped.
  public var leastPerItem = 0
  /// How many users are kept.
  public var firstUsers = Int.max
  /// How many items are kept.
  public var firstItems = Int.max

  /// Whether everything stays as it is.
  var isEmpty: Bool { self == RatingsFilter() }

  /// The kept rows with their new indices, and how many users and items there are.
  ///
  /// - Complexity: O(rows).
  func apply(users: [Int32], items: [Int32], userCount: Int, itemCount: Int) -> Kept {
    var perUser = [Int](repeating: 0, count: userCount)
    for user in users { perUser[Int(user)] += 1 }
    var perItem = [Int](repeating: 0, count: itemCount)
    for (user, item) in zip(users, items) where perUser[Int(user)] >= leastPerUser { perItem[Int(item)] += 1 }
    var (userIndex, itemIndex) = ([Int32](repeating: -1, count: userCount), [Int32](repeating: -1, count: itemCount))
    var (nextUser, nextItem): (Int32, Int32) = (0, 0)
    let rows = users.indices.filter { row in
      let (user, item) = (Int(users[row]), Int(items[row]))
      return perUser[user] >= leastPerUser && perItem[item] >= leastPerItem
    }
    for row in rows {
      let (user, item) = (Int(users[row]), Int(items[row]))
      if userIndex[user] < 0 { (userIndex[user], nextUser) = (nextUser, nextUser + 1) }
      if itemIndex[item] < 0 { (itemIndex[item], nextItem) = (nextItem, nextItem + 1) }
    }
    var kept = Kept(userCount: min(Int(nextUser), firstUsers), itemCount: min(Int(nextItem), firstItems))
    for row in rows {
      let (user, item) = (userIndex[Int(users[row])], itemIndex[Int(items[row])])
      guard user < kept.userCount, item < kept.itemCount else { continue }
      kept.rows.append(row)
      kept.users.append(user)
      kept.items.append(item)
    }
    return kept
  }

  /// What a filter leaves.
  struct Kept {
    var userCount: Int
    var itemCount: Int
    var rows: [Int] = []
    var users: [Int32] = []
    var items: [Int32] = []
  }
}
