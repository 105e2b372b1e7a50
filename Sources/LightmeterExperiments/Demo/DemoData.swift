internal import LightmeterEvaluation
internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// A drawn world: its truth as tables, and what each kind of method may learn from.
struct DemoData: Sendable {
  let truth: DemoTruth
  let statistics: WorldStatistics
  /// Clicks, and nothing else but the truth for the oracle.
  let clicks: TrainingData
  /// Clicks and a slice of random traffic.
  let withSlice: TrainingData
  /// All that was shown, clicked or not.
  let impressions: TrainingData
  let impressionCount: Int
  let slicePairs: Int
  let sliceClicks: Int
  let carvedPairs: Int
  /// Scores all unclicked pairs of all users.
  let test: TrueRelevanceTest
  /// The same for some users, for the curves.
  let glimpse: TrueRelevanceTest
  let digest: String
  let sentence: String

  init(_ demo: Demo) throws {
    var parameters = demo.world.parameters
    (parameters.userCount, parameters.itemCount, parameters.seed) = (demo.userCount, demo.itemCount, demo.seed)
    let world = try CleanWorld(parameters)
    let truth = DemoTruth(world)
    let draws = WorldDraws(world, seed: demo.seed)
    let shown = draws.impressions()
    let slice = draws.randomTraffic(count: Int(Demo.slicePart * Double(demo.userCount * demo.itemCount)))
    let logs = DemoData.logs(shown, demo)
    let carved = try TrainingDataBuilder.build(
      logs.clicks,
      options: TrainingDataOptions(stream: .all, hyperValidationFraction: 0, seed: demo.seed))
    let given = try TrainingDataBuilder.build(
      logs.clicks,
      options: TrainingDataOptions(
        stream: .all, validation: .given(slice), hyperValidationFraction: 0, seed: demo.seed))
    let listed = try TrainingDataBuilder.build(
      logs.impressions,
      options: TrainingDataOptions(
        stream: .rated, validation: .absent, hyperValidationFraction: 0, seed: demo.seed, impressions: .complete))
    var (clicks, withSlice) = (carved.data, given.data)
    clicks.trueExposure = truth
    withSlice.randomTraffic = slice
    (self.truth, self.clicks, self.withSlice, impressions) = (truth, clicks, withSlice, listed.data)
    impressionCount = shown.count
    (slicePairs, sliceClicks) = (slice.count, slice.feedback.reduce(0) { $0 + Int($1) })
    carvedPairs = carved.summary.validation.pairs
    let seen = FeedbackMatrix(
      userCount: demo.userCount, itemCount: demo.itemCount, users: logs.clicks.positives.users,
      items: logs.clicks.positives.items)
    statistics = WorldStatistics(world, clicks: seen)
    test = truth.test(seen: seen, users: nil)
    let step = max(1, demo.userCount / 200)
    glimpse = truth.test(seen: seen, users: stride(from: 0, to: demo.userCount, by: step).map(Int32.init))
    var hash = XXH64()
    hash.update(shown.users)
    hash.update(shown.items)
    hash.update(shown.feedback)
    digest = StudyDataset.hex(hash.finish())
    sentence = DemoData.sentence(demo, statistics, impressions: shown.count)
  }

  private static func logs(_ shown: PairBatch, _ demo: Demo) -> (clicks: FeedbackLog, impressions: FeedbackLog) {
    var (clicked, declined) = (ListedPairs(), ListedPairs())
    for k in shown.users.indices {
      if shown.feedback[k] != 0 {
        clicked.users.append(shown.users[k])
        clicked.items.append(shown.items[k])
      } else {
        declined.users.append(shown.users[k])
        declined.items.append(shown.items[k])
      }
    }
    return (
      FeedbackLog(userCount: demo.userCount, itemCount: demo.itemCount, positives: clicked),
      FeedbackLog(userCount: demo.userCount, itemCount: demo.itemCount, positives: clicked, negatives: declined)
    )
  }

  private static func sentence(_ demo: Demo, _ world: WorldStatistics, impressions: Int) -> String {
    "The \(demo.world.rawValue) world: \(NumberText.grouped(demo.userCount)) users × "
      + "\(NumberText.grouped(demo.itemCount)) items, seed \(demo.seed). Mean exposure "
      + "\(NumberText.fixed(world.meanExposure, places: 3)), mean relevance "
      + "\(NumberText.fixed(world.meanRelevance, places: 3)), correlation of the two "
      + "\(NumberText.fixed(world.correlation, places: 2)); \(NumberText.grouped(impressions)) impressions, "
      + "\(NumberText.grouped(world.clicks)) clicks, \(NumberText.grouped(world.itemsWithoutClick)) items without a click."
  }
}

/// The true probabilities of a small world, computed once.
struct DemoTruth: ExposureEstimate {
  let userCount: Int
  let itemCount: Int
  /// (users × items), row-major.
  let relevance: [Float]
  /// (users × items), row-major.
  let exposure: [Float]

  init(_ world: any World) {
    (userCount, itemCount) = (world.userCount, world.itemCount)
    var (relevance, exposure): ([Float], [Float]) = ([], [])
    relevance.reserveCapacity(userCount * itemCount)
    exposure.reserveCapacity(userCount * itemCount)
    var row = TruthRow()
    for user in 0..<userCount {
      world.truth(user: user, items: 0..<itemCount, into: &row)
      for item in 0..<itemCount {
        relevance.append(Float(row.relevance[item]))
        exposure.append(Float(row.exposure[item]))
      }
    }
    (self.relevance, self.exposure) = (relevance, exposure)
  }

  func exposures(user: Int, items: Range<Int>, into exposures: inout [Float]) {
    let start = user * itemCount
    for (k, item) in items.enumerated() { exposures[k] = exposure[start + item] }
  }

  func exposures(users: [Int32], items: [Int32], into exposures: inout [Float]) {
    for k in users.indices { exposures[k] = exposure[Int(users[k]) * itemCount + Int(items[k])] }
  }

  func test(seen: FeedbackMatrix, users: [Int32]?) -> TrueRelevanceTest {
    TrueRelevanceTest(userCount: userCount, itemCount: itemCount, seen: seen, users: users) {
      [relevance, itemCount] user, items, probabilities in
      let start = user * itemCount
      for (k, item) in items.enumerated() { probabilities[k] = relevance[start + item] }
    }
  }
}
