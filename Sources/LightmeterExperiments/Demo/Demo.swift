/// A whole experiment in a world where everything is known: what debiasing can do with clicks alone, and what a little
/// random traffic or a log of impressions adds.
///
/// The world's parameters are those of METHODS §13.2b; only its size is chosen, so that it ends soon. No setting is
/// chosen by the result.
///
/// - Source: METHODS §13.2b, §20.1.
/// - Stability: experimental
public struct Demo: Sendable {
  /// Which world.
  public var world: WorldPreset
  /// Decides the world, the draw and the starts of training.
  public var seed: UInt64
  /// Users of the world.
  public var userCount: Int
  /// Items of the world.
  public var itemCount: Int
  /// Passes over the pairs.
  public var epochs: Int
  /// Trainings at a time; the numbers do not depend on it.
  public var width: Int

  /// Share of all pairs that is shown at random.
  static let slicePart = 0.01
  /// Length of the lists that are scored.
  static let cutoff = 20
  /// Pairs per step where an epoch goes through all pairs.
  static let batchSize = 2048

  /// A demo.
  ///
  /// - Precondition: at least 20 users and 20 items, one epoch, one training at a time.
  public init(
    world: WorldPreset = .independent, seed: UInt64 = 1, userCount: Int = 1000, itemCount: Int = 1000,
    epochs: Int = 20, width: Int = 2
  ) {
    precondition(userCount >= 20 && itemCount >= 20, "a world of \(userCount) × \(itemCount) pairs shows nothing")
    precondition(epochs > 0 && width > 0, "\(epochs) epochs, \(width) trainings at a time")
    (self.world, self.seed, self.userCount, self.itemCount) = (world, seed, userCount, itemCount)
    (self.epochs, self.width) = (epochs, width)
  }

  /// What is told while it runs.
  public enum Event: Sendable {
    /// The world is drawn.
    case world(String)
    /// A method has gone through an epoch.
    case epoch(method: String, epoch: Int, epochs: Int, done: Int, total: Int)
    /// A method is trained and scored.
    case finished(method: String, score: Double, seconds: Double, done: Int, total: Int)
  }

  /// Draws the world, trains and scores every method.
  ///
  /// - Throws: ``WorldError``, or ``DemoError`` when a training fails or Ctrl-C was pressed.
  public func run(report: @escaping @Sendable (Event) -> Void = { _ in }) async throws -> DemoResult {
    let start = ContinuousClock.now
    let data = try DemoData(self)
    report(.world(data.sentence))
    let lineup = DemoMethod.lineup(epochs: epochs, cells: userCount * itemCount, impressions: data.impressionCount)
    let counter = DemoCounter(total: lineup.count, report: report)
    let rows = try await withThrowingTaskGroup(of: (Int, DemoTraining).self) { group in
      var next = 0
      var found: [(Int, DemoTraining)] = []
      func add() {
        guard next < lineup.count else { return }
        let (place, method) = (next, lineup[next])
        group.addTask { (place, try method.train(on: data, seed: seed, counter: counter)) }
        next += 1
      }
      for _ in 0..<width { add() }
      for try await one in group {
        found.append(one)
        add()
      }
      return found.sorted { $0.0 < $1.0 }.map(\.1)
    }
    return try DemoResult(self, data, rows, seconds: Double((ContinuousClock.now - start) / .milliseconds(1)) / 1000)
  }
}

/// Why a demo has no result.
public enum DemoError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A training failed.
  case training(method: String, reason: String)
  /// Ctrl-C.
  case interrupted

  /// One sentence.
  public var description: String {
    switch self {
    case .training(let method, let reason): "The demo ended because \(method) could not be trained: \(reason)."
    case .interrupted: "The demo was interrupted and wrote nothing."
    }
  }
}
