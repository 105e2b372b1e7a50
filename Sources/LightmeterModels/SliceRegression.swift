public import LightmeterFeedback
internal import LightmeterKernels

/// How much of popularity is deserved: relevance on random traffic regressed on popularity and activity in the log.
///
///     logit γ⁰_ui = β₀ + β₁ (log(c_i + ½) − mean) + β₂ log a_u
///
/// **β₁ is the reading of the meter**: the share of the differences in log popularity that is relevance. 1: popularity is
/// deserved, exposure is the same for all items, naive training is right. 0: popularity is all exposure.
///
/// - Numerics: maximum likelihood with a ridge of ½(β₁² + β₂²), by Newton steps that are halved until the objective
///   falls; `Double`, portable functions, pairs in the order of the slice.
/// - Complexity: O(slice) per step, about eight steps.
/// - Source: METHODS §20.1.
/// - Stability: experimental
public struct SliceRegression: Sendable, Hashable, Codable {
  /// β₀, β₁ (popularity), β₂ (activity).
  public let coefficients: [Double]
  /// Standard errors from the curvature of the objective: pairs taken as independent.
  public let standardErrors: [Double]
  /// Standard errors that allow the pairs of one item to share an effect (sandwich, clustered by item); the wider of the
  /// two is the honest one.
  public let itemClusteredErrors: [Double]
  /// β₀ + β₁ (log(c_i + ½) − mean) per item.
  public let itemLogits: [Double]
  /// β₂ log a_u per user, a_u clipped to [0.05, 5].
  public let userLogits: [Double]
  /// Pairs in the slice.
  public let pairCount: Int

  /// Weight of popularity, β₁.
  public var popularity: Double { coefficients[1] }
  /// Weight of activity, β₂.
  public var activity: Double { coefficients[2] }
  /// Standard error of β₁: the wider of the two kinds.
  public var popularityError: Double { max(standardErrors[1], itemClusteredErrors[1]) }
  /// Standard error of β₂: the wider of the two kinds.
  public var activityError: Double { max(standardErrors[2], itemClusteredErrors[2]) }

  /// Fits the regression.
  ///
  /// - Parameters:
  ///   - clicks: the ordinary log, which gives popularity and activity.
  ///   - slice: randomly shown pairs with their clicks.
  /// - Throws: ``CalibrationError``.
  public init(clicks: FeedbackMatrix, slice: PairBatch) throws {
    let counts = try SliceCounts(slice, itemCount: clicks.itemCount)
    guard counts.clickRate < 1 else { throw CalibrationError.onlyClicks(pairs: slice.count) }
    let logCounts = clicks.itemCounts.map { Portable.log(Double($0) + 0.5) }
    let mean = logCounts.reduce(0, +) / Double(logCounts.count)
    let popularity = logCounts.map { $0 - mean }
    let activity = Calibration.activities(of: clicks, clippedTo: 0.05...5).map { Portable.log($0) }
    let problem = LogisticRidge(
      first: slice.items.map { popularity[Int($0)] }, second: slice.users.map { activity[Int($0)] },
      labels: slice.feedback, groups: slice.items)
    let solution = try problem.solve()
    coefficients = solution
    let covariance = problem.covariance(at: solution, groupCount: clicks.itemCount)
    standardErrors = covariance.model
    itemClusteredErrors = covariance.clustered
    itemLogits = popularity.map { solution[0] + solution[1] * $0 }
    userLogits = activity.map { solution[2] * $0 }
    pairCount = slice.count
  }

  /// γ⁰ of one pair.
  public func relevance(user: Int, item: Int) -> Double { Portable.sigmoid(itemLogits[item] + userLogits[user]) }

  /// How many random pairs bring the standard error of β₁ down to `target`, by the 1/√n law.
  public func pairsNeeded(forPopularityError target: Double = 0.1) -> Int {
    let ratio = popularityError / target
    return Int((Double(pairCount) * ratio * ratio).rounded(.up))
  }
}

/// Logistic regression on two covariates with a ridge on their slopes: the arithmetic of ``SliceRegression``.
struct LogisticRidge {
  let first: [Double]
  let second: [Double]
  let labels: [UInt8]
  let groups: [Int32]
  var ridge = 1.0

  /// −log likelihood + ridge/2 (β₁² + β₂²).
  func objective(_ beta: [Double]) -> Double {
    var sum = 0.5 * ridge * (beta[1] * beta[1] + beta[2] * beta[2])
    for k in labels.indices {
      let s = logit(beta, k)
      let softplus = max(s, 0) + Portable.log(1 + Portable.exp(-abs(s)))
      sum += softplus - Double(labels[k]) * s
    }
    return sum
  }

  func gradient(_ beta: [Double]) -> [Double] {
    var gradient = [0, ridge * beta[1], ridge * beta[2]]
    for k in labels.indices {
      let residual = Portable.sigmoid(logit(beta, k)) - Double(labels[k])
      gradient[0] += residual
      gradient[1] += residual * first[k]
      gradient[2] += residual * second[k]
    }
    return gradient
  }

  /// Rows (0,0), (0,1), (0,2), (1,1), (1,2), (2,2).
  func hessian(_ beta: [Double]) -> [Double] {
    var h = [0, 0, 0, ridge, 0, ridge]
    for k in labels.indices {
      let p = Portable.sigmoid(logit(beta, k))
      let (w, a, b) = (p * (1 - p), first[k], second[k])
      h[0] += w
      h[1] += w * a
      h[2] += w * b
      h[3] += w * a * a
      h[4] += w * a * b
      h[5] += w * b * b
    }
    return h
  }

  func solve(steps: Int = 100) throws -> [Double] {
    let rate = Double(labels.count { $0 == 1 }) / Double(labels.count)
    var beta = [Portable.log(rate / (1 - rate)), 0, 0]
    var value = objective(beta)
    var finalSteps = 0
    for _ in 0..<steps {
      let gradient = gradient(beta)
      let move = LogisticRidge.multiply(LogisticRidge.inverse(hessian(beta)), gradient)
      // The Newton decrement: twice the fall that is still to be had. Once it is small, steps converge quadratically and
      // rounding would mislead a comparison of objectives, so three plain steps end the search.
      let decrement = zip(move, gradient).reduce(0) { $0 + $1.0 * $1.1 }
      if decrement <= 1e-8 {
        beta = zip(beta, move).map { $0 - $1 }
        finalSteps += 1
        if finalSteps == 3 { return beta }
        continue
      }
      guard let length = descent(from: beta, along: move, below: value) else { break }
      beta = zip(beta, move).map { $0 - length * $1 }
      value = objective(beta)
    }
    throw CalibrationError.notConverged(steps: steps)
  }

  /// The longest of 1, ½, ¼, … with which the objective falls.
  private func descent(from beta: [Double], along move: [Double], below value: Double) -> Double? {
    var length = 1.0
    while length > 1e-9 {
      if objective(zip(beta, move).map { $0 - length * $1 }) < value { return length }
      length /= 2
    }
    return nil
  }

  /// Square roots of the diagonals of H⁻¹ and of H⁻¹ (Σ_groups g gᵀ) H⁻¹.
  func covariance(at beta: [Double], groupCount: Int) -> (model: [Double], clustered: [Double]) {
    let inverse = LogisticRidge.inverse(hessian(beta))
    var scores = [Double](repeating: 0, count: 3 * groupCount)
    for k in labels.indices {
      let residual = Double(labels[k]) - Portable.sigmoid(logit(beta, k))
      let start = 3 * Int(groups[k])
      scores[start] += residual
      scores[start + 1] += residual * first[k]
      scores[start + 2] += residual * second[k]
    }
    var sandwich = [0.0, 0, 0]
    for group in 0..<groupCount {
      let influence = LogisticRidge.multiply(inverse, Array(scores[3 * group..<3 * group + 3]))
      for k in 0..<3 { sandwich[k] += influence[k] * influence[k] }
    }
    return ([inverse[0], inverse[3], inverse[5]].map { $0.squareRoot() }, sandwich.map { $0.squareRoot() })
  }

  private func logit(_ beta: [Double], _ k: Int) -> Double { beta[0] + beta[1] * first[k] + beta[2] * second[k] }

  /// Inverse of a symmetric 3 × 3 matrix by cofactors, in the same six places.
  private static func inverse(_ h: [Double]) -> [Double] {
    let (a, b, c, d, e, f) = (h[0], h[1], h[2], h[3], h[4], h[5])
    let (x, y, z) = (d * f - e * e, c * e - b * f, b * e - c * d)
    let determinant = a * x + b * y + c * z
    return [x, y, z, a * f - c * c, b * c - a * e, a * d - b * b].map { $0 / determinant }
  }

  private static func multiply(_ h: [Double], _ v: [Double]) -> [Double] {
    [
      h[0] * v[0] + h[1] * v[1] + h[2] * v[2], h[1] * v[0] + h[3] * v[1] + h[4] * v[2],
      h[2] * v[0] + h[4] * v[1] + h[5] * v[2],
    ]
  }
}
