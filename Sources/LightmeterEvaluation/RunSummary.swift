internal import LightmeterKernels

/// Mean and spread of a number over runs.
///
/// - Stability: stable
public struct RunSummary: Codable, Sendable, Hashable, CustomStringConvertible {
  /// The runs' values, in run order.
  public let values: [Double]

  /// Summarises runs.
  ///
  /// - Precondition: at least one run.
  public init(_ values: [Double]) {
    precondition(!values.isEmpty, "a summary of no run says nothing")
    self.values = values
  }

  /// Mean over the runs.
  public var mean: Double { values.reduce(0, +) / Double(values.count) }

  /// Standard deviation with n − 1; nil for a single run.
  public var standardDeviation: Double? { Spread.standardDeviation(values) }

  /// `0.5771 ± 0.0012 (5 runs)`.
  public var description: String {
    let spread = standardDeviation.map { " ± \(decimal($0, places: 4))" } ?? ""
    return "\(decimal(mean, places: 4))\(spread) (\(values.count) \(values.count == 1 ? "run" : "runs"))"
  }
}

extension MeasuredValue {
  /// Each user's mean over runs of the same metric that differ in their seed, so that an interval over users can be made.
  ///
  /// - Throws: ``EvaluationError/notComparable(_:)`` when the runs differ in metric, protocol or users.
  public static func averaged(_ runs: [MeasuredValue]) throws(EvaluationError) -> MeasuredValue {
    guard let first = runs.first else { throw .notComparable("there is no run") }
    for run in runs where run.name != first.name || run.card.preset != first.card.preset {
      throw .notComparable("\(first.name) under \(first.card.preset) and \(run.name) under \(run.card.preset)")
    }
    for run in runs where run.users != first.users { throw .notComparable("the runs count different users") }
    var sums = [Double](repeating: 0, count: first.users.count)
    for run in runs { for k in sums.indices { sums[k] += run.perUser[k] } }
    var card = first.card
    card.run.seeds = runs.flatMap(\.card.run.seeds)
    return MeasuredValue(
      metric: first.metric, cutoff: first.cutoff, users: first.users, perUser: sums.map { $0 / Double(runs.count) },
      card: card)
  }
}

/// Two models on the same users: second minus first.
///
/// - Stability: stable
public struct PairedComparison: Codable, Sendable, Hashable {
  /// Name of the metric.
  public let metric: String
  /// Users that both count.
  public let userCount: Int
  /// Mean difference with its interval.
  public let difference: ConfidenceInterval
  /// Share of users whose value rose.
  public let shareGained: Double
  /// Share of users whose value fell.
  public let shareLost: Double
  /// Standard error of the mean difference.
  public let standardError: Double
  /// P-value of “no difference” by flipping signs.
  public let probability: Double
  /// The smallest true difference that such a comparison finds with 80 % power at 5 %.
  public let minimumDetectable: Double
  /// What the numbers mean.
  public let card: ProtocolCard

  /// Compares two results of one metric under one protocol, user by user.
  ///
  /// - Throws: ``EvaluationError/notComparable(_:)`` when metric or protocol differ, or fewer than two users are shared.
  public init(
    from first: MeasuredValue, to second: MeasuredValue, bootstrap: Bootstrap = Bootstrap()
  ) throws(EvaluationError) {
    guard first.name == second.name, first.card.preset == second.card.preset else {
      throw .notComparable(
        "\(first.name) under \(first.card.preset) and \(second.name) under \(second.card.preset)")
    }
    let differences = Self.differences(first, second)
    guard let interval = bootstrap.interval(ofMean: differences),
      let probability = bootstrap.signFlipProbability(differences),
      let deviation = Spread.standardDeviation(differences)
    else { throw .notComparable("they share \(differences.count) users, and two are the least") }
    metric = first.name
    userCount = differences.count
    difference = interval
    shareGained = Double(differences.count { $0 > 0 }) / Double(differences.count)
    shareLost = Double(differences.count { $0 < 0 }) / Double(differences.count)
    standardError = deviation / Double(differences.count).squareRoot()
    self.probability = probability
    minimumDetectable = Power.minimumDetectable(standardDeviation: deviation, count: differences.count)
    card = first.card
  }

  private static func differences(_ first: MeasuredValue, _ second: MeasuredValue) -> [Double] {
    var differences: [Double] = []
    var (a, b) = (0, 0)
    while a < first.users.count, b < second.users.count {
      if first.users[a] == second.users[b] {
        differences.append(second.perUser[b] - first.perUser[a])
        a += 1
        b += 1
      } else if first.users[a] < second.users[b] {
        a += 1
      } else {
        b += 1
      }
    }
    return differences
  }
}

extension PairedComparison: CustomStringConvertible {
  /// The difference in one line, then the card.
  public var description: String {
    """
    \(metric) difference \(difference) over \(userCount) users, \(decimal(shareGained * 100, places: 0)) % gained, \
    \(decimal(shareLost * 100, places: 0)) % lost, p \(decimal(probability, places: 4)), detectable \
    \(decimal(minimumDetectable, places: 4))
    \(card)
    """
  }
}

/// How small a difference a comparison can find, and how many users it takes.
///
///     difference = (z(1 − size/2) + z(power)) · standard deviation / √users
///
/// - Stability: stable
public enum Power {
  /// The smallest true mean difference that is found with the given power by a two-sided test.
  public static func minimumDetectable(
    standardDeviation: Double, count: Int, power: Double = 0.8, size: Double = 0.05
  ) -> Double {
    precondition(count > 0, "no user shows no difference")
    return factor(power: power, size: size) * standardDeviation / Double(count).squareRoot()
  }

  /// How many users such a test needs for a difference.
  public static func usersNeeded(
    standardDeviation: Double, difference: Double, power: Double = 0.8, size: Double = 0.05
  ) -> Int {
    precondition(difference > 0, "a difference of \(difference) cannot be found")
    let root = factor(power: power, size: size) * standardDeviation / difference
    return Int((root * root).rounded(.up))
  }

  private static func factor(power: Double, size: Double) -> Double {
    precondition(power > 0 && power < 1 && size > 0 && size < 1, "power \(power) and size \(size) are probabilities")
    return normalQuantile(1 - size / 2) + normalQuantile(power)
  }

  /// The standard normal quantile.
  ///
  /// - Numerics: Acklam's rational approximation, relative error below 1.2e-9.
  static func normalQuantile(_ p: Double) -> Double {
    let a = [
      -3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02, 1.383577518672690e+02,
      -3.066479806614716e+01, 2.506628277459239e+00,
    ]
    let b = [
      -5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01,
      -1.328068155288572e+01, 1,
    ]
    let c = [
      -7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00, -2.549732539343734e+00,
      4.374664141464968e+00, 2.938163982698783e+00,
    ]
    let d = [7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00, 1]
    func polynomial(_ coefficients: [Double], _ x: Double) -> Double {
      coefficients.reduce(0) { $0 * x + $1 }
    }
    if p > 0.97575 { return -normalQuantile(1 - p) }
    if p < 0.02425 {
      let q = (-2 * Portable.log(p)).squareRoot()
      return polynomial(c, q) / polynomial(d, q)
    }
    let q = p - 0.5
    return polynomial(a, q * q) * q / polynomial(b, q * q)
  }

  /// P-values corrected for their number by Holm's step-down rule, in the given order.
  public static func holm(_ probabilities: [Double]) -> [Double] {
    var corrected = probabilities
    var running = 0.0
    for (rank, index) in probabilities.indices.sorted(by: { probabilities[$0] < probabilities[$1] }).enumerated() {
      running = max(running, min(1, Double(probabilities.count - rank) * probabilities[index]))
      corrected[index] = running
    }
    return corrected
  }
}

enum Spread {
  /// Two-pass standard deviation with n − 1; nil for fewer than two values.
  static func standardDeviation(_ values: [Double]) -> Double? {
    guard values.count > 1 else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(values.count - 1)).squareRoot()
  }
}
