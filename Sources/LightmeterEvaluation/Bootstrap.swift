internal import LightmeterKernels

/// A mean with its percentile interval.
public struct ConfidenceInterval: Codable, Sendable, Hashable {
  /// The point estimate.
  public let mean: Double
  /// Lower end.
  public let low: Double
  /// Upper end.
  public let high: Double
  /// Share of repetitions that should cover the truth.
  public let level: Double
  /// How many resamples it was read from.
  public let resamples: Int

  /// An interval from its parts.
  public init(mean: Double, low: Double, high: Double, level: Double, resamples: Int) {
    self.mean = mean
    self.low = low
    self.high = high
    self.level = level
    self.resamples = resamples
  }

  /// Whether a value lies within.
  public func contains(_ value: Double) -> Bool { low <= value && value <= high }
}

extension ConfidenceInterval: CustomStringConvertible {
  /// `0.5771 [0.5702, 0.5839]`.
  public var description: String {
    "\(decimal(mean, places: 4)) [\(decimal(low, places: 4)), \(decimal(high, places: 4))]"
  }
}

/// Intervals and tests by resampling users.
///
/// Users are the unit: seeds vary much less than users do, so an interval over seeds alone is too narrow. With more than
/// 10,000 users they are first dealt at random into 10,000 groups of equal size (±1) and groups are resampled: the same
/// variance in expectation at bounded cost.
///
/// - Numerics: `Double` sums in a fixed order; same seed, same interval.
/// - Complexity: O(resamples × min(users, 10,000)).
/// - Stability: stable
public struct Bootstrap: Sendable {
  /// Seed of the draws.
  public var seed: UInt64
  /// How many resamples.
  public var resamples: Int
  /// Coverage of the interval.
  public var level: Double

  private static let mostUnits = 10_000

  /// Resampling of users.
  ///
  /// - Precondition: at least 100 resamples; `level` in (0, 1).
  public init(seed: UInt64 = 0, resamples: Int = 2000, level: Double = 0.95) {
    precondition(resamples >= 100, "\(resamples) resamples do not show a tail")
    precondition(level > 0 && level < 1, "a level of \(level) is not between 0 and 1")
    self.seed = seed
    self.resamples = resamples
    self.level = level
  }

  /// The percentile interval of a mean; nil with fewer than two values.
  public func interval(ofMean values: [Double]) -> ConfidenceInterval? {
    guard values.count > 1 else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    let units = units(values)
    var generator = SeededGenerator(seed: seed, stream: .bootstrap)
    var means = [Double](repeating: 0, count: resamples)
    for resample in 0..<resamples {
      var sum = 0.0
      var count = 0.0
      for _ in units.sums.indices {
        let unit = generator.below(units.sums.count)
        sum += units.sums[unit]
        count += units.counts[unit]
      }
      means[resample] = sum / count
    }
    means.sort()
    let tail = (1 - level) / 2
    return ConfidenceInterval(
      mean: mean, low: quantile(means, tail), high: quantile(means, 1 - tail), level: level, resamples: resamples)
  }

  /// P-value of “the mean is 0” by flipping signs at random: the share of sign patterns whose mean is at least as far
  /// from 0, with the observed one counted. Nil with fewer than two values.
  ///
  /// Exact for paired differences of exchangeable rankers, unlike rank tests, whose error grows with the users.
  public func signFlipProbability(_ differences: [Double]) -> Double? {
    guard differences.count > 1 else { return nil }
    let units = units(differences).sums
    let observed = abs(units.reduce(0, +))
    var generator = SeededGenerator(seed: seed, stream: .bootstrap, epoch: 1)
    var atLeast = 1
    for _ in 0..<resamples {
      var sum = 0.0
      var bits: UInt64 = 0
      for (position, unit) in units.enumerated() {
        if position % 64 == 0 { bits = generator.next() }
        sum += bits & 1 == 0 ? unit : -unit
        bits >>= 1
      }
      // Rounding must not make the observed pattern smaller than itself.
      if abs(sum) >= observed * (1 - 1e-12) { atLeast += 1 }
    }
    return Double(atLeast) / Double(resamples + 1)
  }

  /// Users as they are, or dealt into groups.
  private func units(_ values: [Double]) -> (sums: [Double], counts: [Double]) {
    let most = Self.mostUnits
    if values.count <= most { return (values, [Double](repeating: 1, count: values.count)) }
    let deal = KeyedPermutation(
      count: values.count, key: SeededGenerator.key(seed: seed, stream: .bootstrap, epoch: 2))
    var sums = [Double](repeating: 0, count: most)
    var counts = sums
    for position in values.indices {
      let unit = deal(position) % most
      sums[unit] += values[position]
      counts[unit] += 1
    }
    return (sums, counts)
  }

  private func quantile(_ sorted: [Double], _ share: Double) -> Double {
    let position = share * Double(sorted.count - 1)
    let low = Int(position)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
  }
}
