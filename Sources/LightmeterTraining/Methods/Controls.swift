public import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels

/// A ranking that is the same for every user: popularity, random traffic's item means.
public struct ItemRanking: Scorer {
  /// One score per item.
  public let itemScores: [Float]
  public let userCount: Int
  public var itemCount: Int { itemScores.count }
  /// Ranks every user's items by `itemScores`.
  public init(itemScores: [Float], userCount: Int) { (self.itemScores, self.userCount) = (itemScores, userCount) }

  public func scores(user: Int, items: Range<Int>, into scores: inout [Float]) {
    for (k, item) in items.enumerated() { scores[k] = itemScores[item] }
  }
}

/// A ranking that knows nothing: a seeded number per pair.
public struct RandomRanking: Scorer {
  public let userCount: Int
  public let itemCount: Int
  private let key: UInt64
  /// A ranking by `seed`.
  public init(userCount: Int, itemCount: Int, seed: UInt64) {
    (self.userCount, self.itemCount) = (userCount, itemCount)
    key = SeededGenerator.key(seed: seed, stream: .initialise)
  }

  public func scores(user: Int, items: Range<Int>, into scores: inout [Float]) {
    for (k, item) in items.enumerated() {
      scores[k] = Float(SeededGenerator.unit(SeededGenerator.hash(key, UInt64(user), UInt64(item))))
    }
  }
}

/// The control that ranks at random.
public struct RandomMethod: Method {
  /// The method.
  public init() {}
  public func fit(
    _ data: TrainingData, seed: UInt64, observer: any TrainingObserver
  ) throws(TrainingError) -> TrainedModel {
    TrainedModel(
      scorer: RandomRanking(userCount: data.userCount, itemCount: data.itemCount, seed: seed), exposure: nil,
      history: [])
  }
}

/// The control that ranks by clicks, the same for everybody.
public struct PopularityMethod: Method {
  /// The method.
  public init() {}
  public func fit(
    _ data: TrainingData, seed: UInt64, observer: any TrainingObserver
  ) throws(TrainingError) -> TrainedModel {
    TrainedModel(
      scorer: ItemRanking(itemScores: data.positives.itemCounts.map { Float($0) }, userCount: data.userCount),
      exposure: .perItem(data.popularity), history: [])
  }
}
