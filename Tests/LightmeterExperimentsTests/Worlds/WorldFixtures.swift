import LightmeterFeedback
import LightmeterKernels

@testable import LightmeterExperiments

/// Small worlds that a debug build draws in milliseconds.
enum Small {
  static func parameters(_ preset: WorldPreset = .independent, seed: UInt64 = 1) -> CleanWorldParameters {
    var parameters = preset.parameters
    (parameters.userCount, parameters.itemCount) = (200, 150)
    parameters.calibrationPairs = 4000
    parameters.seed = seed
    return parameters
  }

  static func world(_ preset: WorldPreset = .independent, seed: UInt64 = 1) -> CleanWorld {
    try! CleanWorld(parameters(preset, seed: seed))
  }

  /// Ratings of 60 users for 50 items with popular items and users who rate more.
  static func ratings() -> (users: [Int32], items: [Int32], ratings: [Float]) {
    var generator = SeededGenerator(seed: 9, stream: .world)
    var (users, items, ratings): ([Int32], [Int32], [Float]) = ([], [], [])
    for user in 0..<60 {
      for item in 0..<50 where generator.uniform() < 0.4 * Double(50 - item) / 50 {
        users.append(Int32(user))
        items.append(Int32(item))
        ratings.append(Float(1 + generator.below(5)))
      }
    }
    return (users, items, ratings)
  }
}
