internal import LightmeterFeedback
internal import LightmeterKernels

/// A block of users × items with its clicks.
struct AutoDebiasBlock: Sendable {
  var users: [Int32] = []
  var items: [Int32] = []
  /// Clicked cells, place of the user · number of items + place of the item.
  var clicks: [Int32] = []
  /// Weight of each click.
  var weights: [Float] = []

  /// Number of cells.
  var count: Int { users.count * items.count }
}

/// How an epoch cuts users × items into blocks.
struct AutoDebiasBlocks: Sendable {
  let userCount: Int
  let itemCount: Int
  let seed: UInt64
  let usersPerBlock: Int
  let itemsPerBlock: Int

  init(userCount: Int, itemCount: Int, cells: Int, seed: UInt64) {
    (self.userCount, self.itemCount, self.seed) = (userCount, itemCount, seed)
    let side = max(1, Int(Double(cells).squareRoot()))
    itemsPerBlock = max(1, min(side, itemCount))
    usersPerBlock = max(1, min(cells / itemsPerBlock, userCount))
  }

  /// Blocks that hold a given user.
  var columns: Int { (itemCount + itemsPerBlock - 1) / itemsPerBlock }
  /// Blocks of an epoch.
  var count: Int { columns * ((userCount + usersPerBlock - 1) / usersPerBlock) }

  /// The partition of an epoch, anew for each.
  func partition(epoch: Int) -> Partition {
    func order(_ count: Int, _ side: Int) -> [Int32] {
      let key = SeededGenerator.key(seed: seed, stream: .shuffle, epoch: epoch, shard: side)
      let permutation = KeyedPermutation(count: count, key: key)
      return (0..<count).map { Int32(permutation($0)) }
    }
    let items = order(itemCount, 2)
    var places = [Int32](repeating: 0, count: itemCount)
    for (place, item) in items.enumerated() { places[Int(item)] = Int32(place) }
    return Partition(blocks: self, columns: columns, users: order(userCount, 1), items: items, itemPlaces: places)
  }

  /// One epoch's order of users and items.
  struct Partition {
    fileprivate let blocks: AutoDebiasBlocks
    fileprivate let columns: Int
    fileprivate let users: [Int32]
    fileprivate let items: [Int32]
    fileprivate let itemPlaces: [Int32]

    /// Block `index`.
    func block(_ index: Int, positives: FeedbackMatrix, weights: [Float]?) -> AutoDebiasBlock {
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      let (firstUser, firstItem) = (row * blocks.usersPerBlock, column * blocks.itemsPerBlock)
      var block = AutoDebiasBlock()
      block.users = Array(users[firstUser..<min(firstUser + blocks.usersPerBlock, users.count)])
      block.items = Array(items[firstItem..<min(firstItem + blocks.itemsPerBlock, items.count)])
      let (clicked, places, width) = (positives.items, itemPlaces, block.items.count)
      for (slot, user) in block.users.enumerated() {
        for position in positives.range(of: Int(user)) {
          let place = Int(places[Int(clicked[position])]) - firstItem
          if place < 0 || place >= width { continue }
          block.clicks.append(Int32(slot * width + place))
          block.weights.append(weights?[position] ?? 1)
        }
      }
      return block
    }
  }
}
