public import LightmeterFeedback
internal import LightmeterKernels

/// A log of a moment's size: items of different popularity, a slice of random traffic, a known exposure.
public enum SmallLog {
  /// `users` × `items`, an item clicked with probability 0.1 + 0.03 times its index; half of the other pairs are shown.
  public static func make(users userCount: Int, items itemCount: Int, seed: UInt64) -> TrainingData {
    var generator = SeededGenerator(seed: seed, stream: .world)
    var (users, items): ([Int32], [Int32]) = ([], [])
    var slice = PairBatch()
    for user in 0..<userCount {
      for item in 0..<itemCount {
        if generator.uniform() < 0.1 + 0.03 * Double(item) {
          users.append(Int32(user))
          items.append(Int32(item))
        } else if generator.uniform() < 0.5 {
          slice.append(user: Int32(user), item: Int32(item), feedback: generator.uniform() < 0.4 ? 1 : 0)
        }
      }
    }
    return data(
      FeedbackMatrix(userCount: userCount, itemCount: itemCount, users: users, items: items), slice: slice,
      stream: .sampled(negativesPerPositive: 3))
  }

  /// Even users like even items and odd users odd ones; they clicked all of theirs but the one of their own number.
  public static func checkerboard(_ size: Int) -> TrainingData {
    var (users, items): ([Int32], [Int32]) = ([], [])
    var slice = PairBatch()
    for user in 0..<size {
      for item in 0..<size where user != item {
        let likes = user % 2 == item % 2
        if likes {
          users.append(Int32(user))
          items.append(Int32(item))
        }
        if (user + 3 * item) % 5 == 0 { slice.append(user: Int32(user), item: Int32(item), feedback: likes ? 1 : 0) }
      }
    }
    return data(
      FeedbackMatrix(userCount: size, itemCount: size, users: users, items: items), slice: slice, stream: .all)
  }

  private static func data(_ positives: FeedbackMatrix, slice: PairBatch, stream: TrainingStream) -> TrainingData {
    var data = TrainingData(
      positives: positives, validation: slice, popularity: Popularity.exposure(of: positives, exponent: 0.5),
      stream: stream)
    data.randomTraffic = slice
    data.trueExposure = StripedExposure()
    return data
  }
}

/// Every third item is seen by half of the users, the others by three quarters.
private struct StripedExposure: ExposureEstimate {
  func exposures(user: Int, items: Range<Int>, into exposures: inout [Float]) {
    for (k, item) in items.enumerated() { exposures[k] = item % 3 == 0 ? 0.5 : 0.75 }
  }

  func exposures(users: [Int32], items: [Int32], into exposures: inout [Float]) {
    for k in users.indices { exposures[k] = items[k] % 3 == 0 ? 0.5 : 0.75 }
  }
}
