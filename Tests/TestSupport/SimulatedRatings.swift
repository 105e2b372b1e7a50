internal import Foundation
internal import LightmeterKernels

/// Ratings files of published forms and sizes, in place of those that nobody may hand on: what is rated was chosen by
/// taste and popularity, and what was shown at random is liked less.
///
/// The numbers say nothing about the real files: only form, size and share of high ratings are theirs.
public struct SimulatedRatings: Sendable {
  private let appeal: [Double]
  private let users: [[Double]]
  private let items: [[Double]]
  private let noise: UInt64

  /// A taste of `rank` factors and an appeal of every item.
  public init(users: Int, items: Int, rank: Int = 6, seed: UInt64 = 1) {
    func draws(_ count: Int, _ shard: Int) -> [Double] {
      var generator = SeededGenerator(seed: seed, stream: .world, shard: shard)
      return (0..<count).map { _ in generator.normal() }
    }
    func rows(_ count: Int, _ shard: Int) -> [[Double]] {
      let all = draws(count * rank, shard)
      return (0..<count).map { Array(all[$0 * rank..<($0 + 1) * rank]) }
    }
    appeal = draws(items, 1)
    self.users = rows(users, 2)
    self.items = rows(items, 3)
    noise = SeededGenerator.key(seed: seed, stream: .world, shard: 4)
  }

  /// How much a user likes an item; about standard normal over all pairs.
  func liking(_ user: Int, _ item: Int) -> Double {
    let (x, y) = (users[user], items[item])
    var product = 0.0
    for k in x.indices { product += x[k] * y[k] }
    // Four uniform 16-bit numbers add up to about a normal one.
    let bits = SeededGenerator.hash(noise, UInt64(user), UInt64(item))
    let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)
    let draw = (Double(sum) / 65_536 - 2) * 3.0.squareRoot()
    return 0.6 * appeal[item] + 0.6 * product / Double(x.count).squareRoot() + 0.53 * draw
  }

  /// A user's items, so many, by weight times e^(strength · liking), without repetition and without those listed; one
  /// is there whatever its weight.
  func chosen(
    by user: Int, count: Int, weights: [Double], strength: Double, always: Int, without: Set<Int>, key: UInt64
  ) -> [Int] {
    var ranked: [(key: Double, item: Int)] = always < weights.count ? [(.infinity, always)] : []
    for item in weights.indices where item != always && !without.contains(item) {
      let uniform = SeededGenerator.unit(SeededGenerator.hash(key, UInt64(user), UInt64(item))) + 0x1p-54
      let gumbel = -Portable.log(-Portable.log(uniform))
      ranked.append((weights[item] + strength * liking(user, item) + gumbel, item))
    }
    ranked.sort { $0.key > $1.key }
    return ranked.prefix(count).map(\.item).sorted()
  }
}

// MARK: - Yahoo! R3

/// Counts of a log that users chose and of a test shown at random.
public struct SimulatedSizes: Sendable {
  public var users, items, ratings, testUsers, perTestUser: Int
  /// Share of ratings of 4 and 5 in the log; among few items no more than there are to like.
  public var likedShare: Double

  /// Bundles the counts.
  ///
  /// - Precondition: the last users, one for each item, are not among the first, who have a test: each rates its item, so
  ///   that the log lacks none.
  public init(users: Int, items: Int, ratings: Int, testUsers: Int, perTestUser: Int, likedShare: Double = 0.401) {
    precondition(testUsers + items <= users, "\(testUsers) test users and \(items) items for \(users) users")
    (self.users, self.items, self.ratings) = (users, items, ratings)
    (self.testUsers, self.perTestUser, self.likedShare) = (testUsers, perTestUser, likedShare)
  }

  /// Those of Yahoo! R3.
  public static let yahooR3 = SimulatedSizes(
    users: 15_400, items: 1000, ratings: 311_704, testUsers: 5400, perTestUser: 10)
}

extension SimulatedRatings {
  /// Shares of ratings 1 to 5 at random showing; 4 and 5 together as on Yahoo! R3, the others a guess.
  private static let shares = [0.53, 0.17, 0.2121, 0.0629, 0.025]

  /// Writes a log and a test of Yahoo! R3's form into `folder`; every user has ten ratings or more, no pair is in both.
  public static func writeYahooR3(into folder: String, _ sizes: SimulatedSizes = .yahooR3, seed: UInt64 = 1) throws {
    let taste = SimulatedRatings(users: sizes.users, items: sizes.items, seed: seed)
    var test: [(user: Int, item: Int)] = []
    for user in 0..<sizes.testUsers {
      let order = KeyedPermutation(
        count: sizes.items, key: SeededGenerator.key(seed: seed, stream: .split, shard: user))
      test += (0..<sizes.perTestUser).map { order($0) }.sorted().map { (user, $0) }
    }
    let sorted = test.map { taste.liking($0.user, $0.item) }.sorted()
    var (cuts, below): ([Double], Double) = ([], 0)
    for share in shares.dropLast() {
      below += share
      cuts.append(sorted[Int(below * Double(sorted.count))])
    }
    func rating(_ user: Int, _ item: Int) -> Int {
      let liking = taste.liking(user, item)
      return 1 + cuts.count { liking >= $0 }
    }
    let shown = Dictionary(grouping: test, by: \.user).mapValues { Set($0.map(\.item)) }
    let choice = Choice(taste: taste, sizes: sizes, shown: shown, seed: seed)
    let strength = choice.strength(reaching: sizes.likedShare, above: cuts[2])
    var train = ""
    for user in 0..<sizes.users {
      for item in choice.items(of: user, strength: strength) {
        train += "\(user + 1)\t\(item + 1)\t\(rating(user, item))\n"
      }
    }
    let name = "\(folder)/yahoo-r3/ydata-ymusic-rating-study-v1_0-"
    try FileManager.default.createDirectory(atPath: "\(folder)/yahoo-r3", withIntermediateDirectories: true)
    try Data(train.utf8).write(to: URL(fileURLWithPath: name + "train.txt"))
    let rows = test.map { "\($0.user + 1)\t\($0.item + 1)\t\(rating($0.user, $0.item))\n" }.joined()
    try Data(rows.utf8).write(to: URL(fileURLWithPath: name + "test.txt"))
  }

  /// What every user rates: some much more than others, popular items more often.
  private struct Choice {
    let taste: SimulatedRatings
    let weights: [Double]
    let activity: [Int]
    let shown: [Int: Set<Int>]
    let key: UInt64

    init(taste: SimulatedRatings, sizes: SimulatedSizes, shown: [Int: Set<Int>], seed: UInt64) {
      (self.taste, self.shown) = (taste, shown)
      key = SeededGenerator.key(seed: seed, stream: .world, shard: 5)
      var generator = SeededGenerator(seed: seed, stream: .world, shard: 6)
      weights = (0..<sizes.items).map { _ in 0.8 * generator.normal() }
      let spread = (0..<sizes.users).map { _ in Portable.exp(1.1 * generator.normal()) }
      let (sum, least, most) = (spread.reduce(0, +), 10, sizes.items / 2)
      let rest = Double(sizes.ratings - least * sizes.users)
      var counts = spread.map { min(most, least + Int(rest * $0 / sum)) }
      var (missing, user) = (sizes.ratings - counts.reduce(0, +), 0)
      precondition(missing >= 0, "\(sizes.ratings) ratings are fewer than \(least) for each of \(sizes.users) users")
      while missing > 0 {
        if counts[user] < most { (counts[user], missing) = (counts[user] + 1, missing - 1) }
        user = (user + 1) % sizes.users
      }
      activity = counts
    }

    func items(of user: Int, strength: Double) -> [Int] {
      taste.chosen(
        by: user, count: activity[user], weights: weights, strength: strength, always: activity.count - 1 - user,
        without: shown[user] ?? [], key: key)
    }

    /// How much liking must decide for the chosen share to come out, by bisection on two hundred users.
    func strength(reaching share: Double, above cut: Double) -> Double {
      let sample = stride(from: 0, to: activity.count, by: max(1, activity.count / 200))
      var (low, high) = (0.0, 6.0)
      for _ in 0..<10 {
        let middle = (low + high) / 2
        var (liked, all) = (0, 0)
        for user in sample {
          let items = items(of: user, strength: middle)
          liked += items.count { taste.liking(user, $0) >= cut }
          all += items.count
        }
        if Double(liked) < share * Double(all) { low = middle } else { high = middle }
      }
      return (low + high) / 2
    }
  }
}

// MARK: - Amazon 2014

extension SimulatedRatings {
  /// Writes `user,item,rating,timestamp` rows of Amazon's form of 2014 to `path`: most users rate little, most ratings are 5.
  ///
  /// With 9,000 users and items about 3,500 of each pass the filter of the Biif paper, §4.1.
  public static func writeAmazon2014(to path: String, users: Int = 9000, items: Int = 9000, seed: UInt64 = 1) throws {
    let taste = SimulatedRatings(users: users, items: items, seed: seed)
    var generator = SeededGenerator(seed: seed, stream: .world, shard: 7)
    var cumulative: [Double] = []
    for _ in 0..<items { cumulative.append((cumulative.last ?? 0) + Portable.exp(1.2 * generator.normal())) }
    let total = cumulative.last ?? 0
    // Upper ends of ratings 1 to 4 in liking, which is about standard normal: half of the ratings are 5.
    let cuts = [-1.5, -1.1, -0.7, 0.0]
    var rows: [String] = []
    for user in 0..<users {
      var taken = Set<Int>()
      let count = min(items / 4, 1 + Int(7 * Portable.exp(1.3 * generator.normal())))
      while taken.count < count {
        let place = generator.uniform() * total
        let item = min(items - 1, cumulative.partitioningIndex { $0 > place })
        let liking = taste.liking(user, item)
        if !taken.contains(item), generator.uniform() < Stable.sigmoid(liking) {
          taken.insert(item)
          let rating = 1 + cuts.count { liking >= $0 }
          let time = 900_000_000 + generator.below(500_000_000)
          rows.append("\(name("A", user)),\(name("B", item)),\(rating).0,\(time)\n")
        }
      }
    }
    generator.shuffle(&rows)
    try Data(rows.joined().utf8).write(to: URL(fileURLWithPath: path))
  }

  /// An id of ten letters and digits, as Amazon's.
  private static func name(_ letter: String, _ index: Int) -> String {
    let digits = String(SeededGenerator.hash(11, UInt64(index)) % 101_559_956_668_416, radix: 36, uppercase: true)
    return letter + String(repeating: "0", count: 9 - digits.count) + digits
  }
}

extension Array {
  /// The first index whose element is in the second half, where all such elements stand last.
  fileprivate func partitioningIndex(_ isSecond: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isSecond(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
