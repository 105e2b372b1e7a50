import Lightmeter

/// Top-10 lists for all users of a drawn factor model, 20,000 items, d 64, what a user clicked left out.
struct TopTenCase {
  private static let (itemCount, dimension, clicksPerUser) = (20_000, 64, 20)
  private let model: StoredModel

  init(userCount: Int) {
    let itemCount = TopTenCase.itemCount
    func table(_ name: String, _ rows: Int, _ salt: Int) -> Table<Float> {
      var table = Table<Float>(name: name, rows: rows, factorWidth: TopTenCase.dimension)
      table.randomize(deviation: 0.3, seed: 2, salt: salt)
      return table
    }
    func identifiers(_ count: Int) -> IdentifierTable {
      var table = IdentifierTable()
      for index in 0..<count { _ = table.intern("\(index)") }
      return table
    }
    var generator = SeededGenerator(seed: 2, stream: .world)
    var (users, items): ([Int32], [Int32]) = ([], [])
    for user in 0..<userCount {
      for _ in 0..<TopTenCase.clicksPerUser {
        users.append(Int32(user))
        items.append(Int32(generator.uniform() * generator.uniform() * Double(itemCount)))
      }
    }
    model = StoredModel(
      scorer: .factors(
        FactorModel(
          users: table("user_factors", userCount, 0), items: table("item_factors", itemCount, 1), intercept: 0)),
      exposure: nil, users: identifiers(userCount), items: identifiers(itemCount),
      popularity: [Float](repeating: 0, count: itemCount),
      seen: FeedbackMatrix(userCount: userCount, itemCount: itemCount, users: users, items: items), manifest: "{}")
  }

  /// Makes every user's list and returns how many items were recommended.
  func run() throws -> Int {
    var count = 0
    try Recommender(model).recommendForAll(count: 10, excluding: []) { _, list in count += list.count }
    return count
  }

  /// Writes the factors, the clicks and the first users' lists.
  func export(to folder: NumpyFolder) throws {
    guard case .factors(let factors) = model.scorer, let seen = model.seen else { return }
    let width = TopTenCase.dimension
    try folder.write(factors.users.values, shape: [factors.userCount, width], as: "topten.users")
    try folder.write(factors.items.values, shape: [factors.itemCount, width], as: "topten.items")
    try folder.write(seen.offsets.map { Int32($0) }, shape: [seen.offsets.count], as: "topten.seen_offsets")
    try folder.write(seen.items, shape: [seen.count], as: "topten.seen_items")
    let checked = min(200, factors.userCount)
    var (items, scores): ([Int32], [Float]) = ([], [])
    for user in 0..<checked {
      for entry in try Recommender(model).recommend(user: "\(user)", count: 10) {
        items.append(Int32(entry.item) ?? -1)
        scores.append(entry.score)
      }
    }
    try folder.write(items, shape: [checked, 10], as: "topten.lightmeter_items")
    try folder.write(scores, shape: [checked, 10], as: "topten.lightmeter_scores")
  }
}
