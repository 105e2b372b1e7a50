import Lightmeter

/// Weighted matrix factorisation on a simulated log: 50,000 × 10,000, about two million clicks, d 64.
struct AlsCase {
  static let (userCount, itemCount, dimension, clicksPerUser) = (50_000, 10_000, 64, 44)
  private static let agreedSweeps = 2
  private let data: TrainingData
  private let solver: RowSolver

  /// `als-exact` or `als-cg`; nil for another name.
  init?(_ name: String) {
    switch name {
    case "als-exact": solver = .cholesky
    case "als-cg": solver = .conjugateGradient(steps: 3)
    default: return nil
    }
    var generator = SeededGenerator(seed: 3, stream: .world)
    var (users, items): ([Int32], [Int32]) = ([], [])
    for user in 0..<AlsCase.userCount {
      for _ in 0..<AlsCase.clicksPerUser {
        users.append(Int32(user))
        items.append(Int32(generator.uniform() * generator.uniform() * Double(AlsCase.itemCount)))
      }
    }
    let positives = FeedbackMatrix(
      userCount: AlsCase.userCount, itemCount: AlsCase.itemCount, users: users, items: items)
    data = TrainingData(positives: positives, popularity: Popularity.exposure(of: positives), stream: .all)
  }

  private func train(_ sweeps: Int) throws -> TrainedModel {
    var method = WeightedMatrixFactorization()
    (method.dimension, method.epochs, method.solver) = (AlsCase.dimension, sweeps, solver)
    return try method.fit(data, seed: 1, observer: SilentObserver())
  }

  /// Seconds per sweep of a run from the start.
  func run(_ sweeps: Int) throws -> Double {
    try train(sweeps).history.reduce(0) { $0 + $1.seconds } / Double(sweeps)
  }

  /// Writes the clicks, the starting tables and what the tables are after the first exact sweeps.
  static func export(to folder: NumpyFolder) throws {
    guard let exact = AlsCase("als-exact") else { return }
    let positives = exact.data.positives
    try folder.write(positives.offsets.map { Int32($0) }, shape: [positives.offsets.count], as: "als.offsets")
    try folder.write(positives.items, shape: [positives.count], as: "als.items")
    let start = MatrixFactorization<Float>(
      userCount: userCount, itemCount: itemCount, dimension: dimension, deviation: 0.01, seed: 1)
    try folder.write(start.tables[0].values, shape: [userCount, dimension], as: "als.initial.users")
    try folder.write(start.tables[1].values, shape: [itemCount, dimension], as: "als.initial.items")
    guard let trained = try exact.train(agreedSweeps).scorer as? FactorModel else { return }
    try folder.write(trained.users.values, shape: [userCount, dimension], as: "als.lightmeter.users")
    try folder.write(trained.items.values, shape: [itemCount, dimension], as: "als.lightmeter.items")
  }
}
