internal import LightmeterFeedback
internal import LightmeterModels
internal import Synchronization

/// What answers for new people need of a whole model, computed when it is first asked for and kept.
final class FoldInCache: Sendable {
  private struct Parts {
    var rule: FoldInRule?
    var fallback: CorrectedPopularity?
    var meanExposureUser: [Float]?
    var activityOrder: ActivityOrder?
    var meanUser: [Float]?
    var meanItem: [Float]?
    var itemGram: [Double]?
    var userGram: [Double]?
    var itemCounts: [Int]?
  }

  private let parts = Mutex(Parts())

  func rule(_ make: () -> FoldInRule) -> FoldInRule { part(\.rule, make) }
  func fallback(_ make: () -> CorrectedPopularity) -> CorrectedPopularity { part(\.fallback, make) }
  func meanExposureUser(_ make: () -> [Float]) -> [Float] { part(\.meanExposureUser, make) }
  func activityOrder(_ make: () -> ActivityOrder) -> ActivityOrder { part(\.activityOrder, make) }
  func meanUser(_ make: () -> [Float]) -> [Float] { part(\.meanUser, make) }
  func meanItem(_ make: () -> [Float]) -> [Float] { part(\.meanItem, make) }
  func itemGram(_ make: () -> [Double]) -> [Double] { part(\.itemGram, make) }
  func userGram(_ make: () -> [Double]) -> [Double] { part(\.userGram, make) }
  func itemCounts(_ make: () -> [Int]) -> [Int] { part(\.itemCounts, make) }

  private func part<T: Sendable>(_ path: WritableKeyPath<Parts, T?>, _ make: () -> T) -> T {
    parts.withLock { parts in
      if let kept = parts[keyPath: path] { return kept }
      let made = make()
      parts[keyPath: path] = made
      return made
    }
  }
}
