public import LightmeterFeedback
internal import LightmeterModels

/// The control that ranks at random.
public struct RandomMethod: Method {
  /// The method.
  public init() {}
  /// Learns from `data`; see ``Method``.
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
  /// Learns from `data`; see ``Method``.
  public func fit(
    _ data: TrainingData, seed: UInt64, observer: any TrainingObserver
  ) throws(TrainingError) -> TrainedModel {
    TrainedModel(
      scorer: FactorModel(itemScores: data.positives.itemCounts.map { Float($0) }, userCount: data.userCount),
      exposure: .perItem(data.popularity), history: [])
  }
}
