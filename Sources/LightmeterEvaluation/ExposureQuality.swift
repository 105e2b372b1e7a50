public import LightmeterFeedback
internal import LightmeterKernels

/// Which pairs an exposure is compared on.
public enum PairSample: Codable, Sendable, Hashable {
  /// Every pair.
  case all
  /// Every item of some users, drawn with a seed.
  case users(Int, seed: UInt64)
  /// Some items of some users, both drawn with a seed: for large worlds.
  case pairs(users: Int, itemsPerUser: Int, seed: UInt64)
}

/// One bin of a calibration table: pairs whose estimate lies in it.
public struct CalibrationBin: Codable, Sendable, Hashable {
  /// Lower end, included.
  public let low: Double
  /// Upper end, not included except for the last.
  public let high: Double
  /// How many pairs.
  public let pairs: Int
  /// Mean estimate of those pairs.
  public let meanEstimate: Double
  /// Mean truth of those pairs.
  public let meanTruth: Double
}

/// How close an estimated exposure is to the true one.
///
/// Correlation alone cannot see a uniform drift or a wrong scale (it is the same for any rising line per user), so the
/// errors and the calibration table stand beside it.
///
/// - Stability: stable
public struct ExposureQuality: Codable, Sendable, Hashable {
  /// Mean over users of the correlation over items, Eq. (20); nil when it is defined for no user.
  public let correlation: Double?
  /// Correlation of each user that has one, in user order.
  public let perUser: [Double]
  /// Users left out because one of the two rows is constant.
  public let constantUsers: Int
  /// Root mean squared difference over all pairs.
  public let rootMeanSquaredError: Double
  /// Mean of −m log e − (1 − m) log(1 − e), nats, with the estimate e held within 1e-6 of 0 and 1.
  public let logLoss: Double
  /// Pairs by estimate.
  public let calibration: [CalibrationBin]
  /// How many pairs were compared.
  public let pairs: Int

  /// Edges of the calibration bins: finer near 0, where exposures are.
  public static let defaultEdges: [Double] = [0, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1]

  /// Compares an estimate with the truth.
  ///
  /// - Precondition: at least one user and item; edges ascend from 0 to 1.
  /// - Numerics: centred two-pass sums in `Double` per user, not the raw moments of Eq. (20), which cancel at small
  ///   exposures.
  /// - Complexity: O(pairs) time, O(items of a user) memory.
  /// - Source: Biif, Eq. (20).
  public init(
    of estimate: any ExposureEstimate, against truth: any ExposureEstimate, userCount: Int, itemCount: Int,
    on sample: PairSample = .all, edges: [Double] = ExposureQuality.defaultEdges
  ) {
    precondition(userCount > 0 && itemCount > 0, "exposure of \(userCount) users and \(itemCount) items")
    precondition(edges.count > 1 && edges.first == 0 && edges.last == 1 && edges == edges.sorted(), "edges \(edges)")
    var sums = Sums(edges: edges)
    for user in Self.users(sample, userCount) {
      let runs = Self.items(sample, user: user, itemCount)
      sums.add(
        estimate: Self.row(estimate, user, runs), truth: Self.row(truth, user, runs))
    }
    correlation = sums.correlations.isEmpty ? nil : sums.correlations.reduce(0, +) / Double(sums.correlations.count)
    perUser = sums.correlations
    constantUsers = sums.constantUsers
    pairs = sums.pairs
    rootMeanSquaredError = (sums.squares / Double(max(1, sums.pairs))).squareRoot()
    logLoss = sums.logLoss / Double(max(1, sums.pairs))
    calibration = sums.bins()
  }

  /// Pearson's correlation of two rows by centred two-pass sums; nil when one is constant or empty.
  ///
  /// - Precondition: rows of one length.
  public static func pearsonCorrelation(_ a: [Double], _ b: [Double]) -> Double? {
    precondition(a.count == b.count, "rows of \(a.count) and \(b.count) values")
    guard !a.isEmpty else { return nil }
    let count = Double(a.count)
    let (meanA, meanB) = (a.reduce(0, +) / count, b.reduce(0, +) / count)
    var (products, squaresA, squaresB) = (0.0, 0.0, 0.0)
    for k in a.indices {
      let (x, y) = (a[k] - meanA, b[k] - meanB)
      products += x * y
      squaresA += x * x
      squaresB += y * y
    }
    // A constant row's mean may differ from its values by rounding; what is left is not a spread.
    let tiny = 1e-30 * count
    guard a.contains(where: { $0 != a[0] }), b.contains(where: { $0 != b[0] }),
      squaresA > tiny * meanA * meanA, squaresB > tiny * meanB * meanB
    else { return nil }
    return products / (squaresA.squareRoot() * squaresB.squareRoot())
  }

  private static func users(_ sample: PairSample, _ userCount: Int) -> [Int] {
    switch sample {
    case .all: return Array(0..<userCount)
    case .users(let count, let seed), .pairs(let count, _, let seed):
      let draw = KeyedPermutation(count: userCount, key: SeededGenerator.key(seed: seed, stream: .world, epoch: 1))
      return (0..<min(count, userCount)).map { draw($0) }.sorted()
    }
  }

  private static func items(_ sample: PairSample, user: Int, _ itemCount: Int) -> [Range<Int>] {
    guard case .pairs(_, let count, let seed) = sample, count < itemCount else { return [0..<itemCount] }
    let key = SeededGenerator.hash(SeededGenerator.key(seed: seed, stream: .world, epoch: 2), UInt64(user))
    let draw = KeyedPermutation(count: itemCount, key: key)
    return (0..<count).map { draw($0) }.sorted().map { $0..<$0 + 1 }
  }

  private static func row(_ estimate: any ExposureEstimate, _ user: Int, _ runs: [Range<Int>]) -> [Double] {
    var row: [Double] = []
    row.reserveCapacity(runs.reduce(0) { $0 + $1.count })
    var buffer = [Float](repeating: 0, count: runs.first?.count ?? 0)
    for run in runs {
      estimate.exposures(user: user, items: run, into: &buffer)
      for value in buffer { row.append(Double(value)) }
    }
    return row
  }
}

private struct Sums {
  var correlations: [Double] = []
  var constantUsers = 0
  var pairs = 0
  var squares = 0.0
  var logLoss = 0.0
  private let edges: [Double]
  private var counts: [Int]
  private var estimates: [Double]
  private var truths: [Double]

  init(edges: [Double]) {
    self.edges = edges
    counts = [Int](repeating: 0, count: edges.count - 1)
    estimates = [Double](repeating: 0, count: edges.count - 1)
    truths = estimates
  }

  mutating func add(estimate: [Double], truth: [Double]) {
    if let correlation = ExposureQuality.pearsonCorrelation(truth, estimate) {
      correlations.append(correlation)
    } else {
      constantUsers += 1
    }
    pairs += truth.count
    for k in truth.indices {
      let (e, m) = (estimate[k], truth[k])
      squares += (e - m) * (e - m)
      let held = min(max(e, 1e-6), 1 - 1e-6)
      logLoss -= m * Portable.log(held) + (1 - m) * Portable.log(1 - held)
      var bin = 0
      while bin < counts.count - 1, e >= edges[bin + 1] { bin += 1 }
      counts[bin] += 1
      estimates[bin] += e
      truths[bin] += m
    }
  }

  func bins() -> [CalibrationBin] {
    counts.indices.filter { counts[$0] > 0 }.map { bin in
      CalibrationBin(
        low: edges[bin], high: edges[bin + 1], pairs: counts[bin], meanEstimate: estimates[bin] / Double(counts[bin]),
        meanTruth: truths[bin] / Double(counts[bin]))
    }
  }
}
