import LightmeterFeedback
import LightmeterKernels

/// Data of a debug-sized run: 12 users × 10 items, each half of the users clicks its half of the items.
enum SmallTrainingData {
  static func make(stream: TrainingStream = .sampled(negativesPerPositive: 2)) -> TrainingData {
    var generator = SeededGenerator(seed: 2, stream: .world)
    var (users, items): ([Int32], [Int32]) = ([], [])
    var validation = PairBatch()
    for user in 0..<12 {
      for item in 0..<10 {
        let likes = (user < 6) == (item < 5)
        if likes && generator.uniform() < 0.7 {
          users.append(Int32(user))
          items.append(Int32(item))
        } else if generator.uniform() < 0.4 {
          validation.append(user: Int32(user), item: Int32(item), feedback: likes ? 1 : 0)
        }
      }
    }
    let positives = FeedbackMatrix(userCount: 12, itemCount: 10, users: users, items: items)
    return TrainingData(
      positives: positives, validation: validation, popularity: Popularity.exposure(of: positives, exponent: 0.5),
      stream: stream)
  }
}
