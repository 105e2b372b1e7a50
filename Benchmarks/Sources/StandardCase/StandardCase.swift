public import Lightmeter

/// The data that step times are taken on: a simulated log of Yahoo!R3's size, 15,400 × 1,000 with 125,000 positives,
/// `sampled(5)`, 6,000 validation pairs on 60 popular items.
public enum StandardCase {
  /// Number of factors d.
  public static let dimension = 50
  /// Indices per batch.
  public static let batchSize = 1024

  /// Draws the log; the same on every machine.
  public static func data() -> TrainingData {
    let (users, items, positives, validationPairs) = (15_400, 1_000, 125_000, 6_000)
    var generator = SeededGenerator(seed: 1, stream: .world)
    var userColumn: [Int32] = []
    var itemColumn: [Int32] = []
    for _ in 0..<positives {
      userColumn.append(Int32(generator.below(users)))
      let skewed = generator.uniform() * generator.uniform()
      itemColumn.append(Int32(skewed * Double(items)))
    }
    let matrix = FeedbackMatrix(userCount: users, itemCount: items, users: userColumn, items: itemColumn)
    var validation = PairBatch()
    for pair in 0..<validationPairs {
      validation.append(
        user: Int32(generator.below(users)), item: Int32(generator.below(60)), feedback: UInt8(pair % 2))
    }
    return TrainingData(
      positives: matrix, validation: validation.itemMajor(), popularity: Popularity.exposure(of: matrix),
      stream: .sampled(negativesPerPositive: 5))
  }
}
