internal import LightmeterFeedback
internal import LightmeterKernels

/// Logistic matrix factorisation that fits the probability of a 0/1 matrix on all its cells: what a semi-synthetic world
/// takes for the truth.
///
///     p_ui = σ(c + b_u + b_i + x_u·z_i)
///
/// - Shapes: a row holds the factors, then its own bias and a one (users: bias, one; items: one, bias), padded to a
///   multiple of four.
/// - Source: METHODS §9.2 (the calibrated form), §13.2.
struct LogisticFactors: Sendable, Equatable {
  let userCount: Int
  let itemCount: Int
  let dimension: Int
  let stride: Int
  var intercept: Float = 0
  var userRows: [Float]
  var itemRows: [Float]

  init(userCount: Int, itemCount: Int, dimension: Int, deviation: Double, generator: inout SeededGenerator) {
    self.userCount = userCount
    self.itemCount = itemCount
    self.dimension = dimension
    stride = (dimension + 2 + 3) / 4 * 4
    userRows = [Float](repeating: 0, count: userCount * stride)
    itemRows = [Float](repeating: 0, count: itemCount * stride)
    for user in 0..<userCount {
      for k in 0..<dimension { userRows[user * stride + k] = Float(deviation * generator.normal()) }
      userRows[user * stride + dimension + 1] = 1
    }
    for item in 0..<itemCount {
      for k in 0..<dimension { itemRows[item * stride + k] = Float(deviation * generator.normal()) }
      itemRows[item * stride + dimension] = 1
    }
  }

  /// c + b_u + b_i + x_u·z_i, summed in `Double`.
  func logit(user: Int, item: Int) -> Double {
    var sum = Double(intercept)
    for k in 0..<dimension + 2 { sum += Double(userRows[user * stride + k]) * Double(itemRows[item * stride + k]) }
    return sum
  }
}

/// How the probabilities of a semi-synthetic world are fitted; the strength of the fit decides what world it is.
public enum WorldFit: Sendable, Hashable, Codable {
  /// Few steps on few cells: `steps` Adam steps of rate `rate` on `cells` uniformly drawn cells each.
  case sampled(dimension: Int, steps: Int, cells: Int, rate: Double)
  /// `steps` Adam steps on all cells under a squared-norm penalty λ/2 on the summed loss.
  case full(dimension: Int, penalty: Double, steps: Int, rate: Double)

  /// The default: 300 steps of 256 cells, Adam 0.01, dimension 20 (the schedule of RelMF's generator).
  public static let relMF = WorldFit.sampled(dimension: 20, steps: 300, cells: 256, rate: 0.01)
  /// The secondary: dimension 10, λ = 50, 150 full-matrix steps; the rate at which ML-100K's means come out as in METHODS.
  public static let regularised = WorldFit.full(dimension: 10, penalty: 50, steps: 150, rate: 0.02)

  var dimension: Int {
    switch self {
    case .sampled(let dimension, _, _, _), .full(let dimension, _, _, _): dimension
    }
  }
}

/// Fits ``LogisticFactors`` to a 0/1 matrix.
struct LogisticFit {
  private var factors: LogisticFactors
  private var userMoments: AdamMoments<Float>
  private var itemMoments: AdamMoments<Float>
  private var interceptMoments = (first: 0.0, second: 0.0)
  private var step = 0
  private let rate: Double
  private let penalty: Float
  private var userGradient: [Float]
  private var itemGradient: [Float]
  private var interceptGradient = 0.0

  static func fit(_ positives: FeedbackMatrix, _ fit: WorldFit, seed: UInt64, shard: Int) -> LogisticFactors {
    switch fit {
    case .sampled(let dimension, let steps, let cells, let rate):
      var trainer = LogisticFit(positives, dimension: dimension, rate: rate, penalty: 0, seed: seed, shard: shard)
      var generator = WorldStream.cells.generator(seed, shard: shard)
      for _ in 0..<steps { trainer.sampledStep(positives, cells: cells, &generator) }
      return trainer.factors
    case .full(let dimension, let penalty, let steps, let rate):
      var trainer = LogisticFit(
        positives, dimension: dimension, rate: rate, penalty: penalty, seed: seed, shard: shard)
      for _ in 0..<steps { trainer.fullStep(positives) }
      return trainer.factors
    }
  }

  private init(_ positives: FeedbackMatrix, dimension: Int, rate: Double, penalty: Double, seed: UInt64, shard: Int) {
    var generator = WorldStream.initialise.generator(seed, shard: shard)
    factors = LogisticFactors(
      userCount: positives.userCount, itemCount: positives.itemCount, dimension: dimension, deviation: 0.1,
      generator: &generator)
    self.rate = rate
    self.penalty = Float(penalty)
    userMoments = AdamMoments(count: factors.userRows.count)
    itemMoments = AdamMoments(count: factors.itemRows.count)
    userGradient = [Float](repeating: 0, count: factors.userRows.count)
    itemGradient = [Float](repeating: 0, count: factors.itemRows.count)
  }

  /// Gradient of the mean cross-entropy over uniformly drawn cells, then one step.
  private mutating func sampledStep(_ positives: FeedbackMatrix, cells: Int, _ generator: inout SeededGenerator) {
    var (users, items): ([Int32], [Int32]) = ([], [])
    for _ in 0..<cells {
      users.append(Int32(generator.below(factors.userCount)))
      items.append(Int32(generator.below(factors.itemCount)))
    }
    var residuals = self.residuals(users: users, items: items)
    for k in users.indices {
      if positives.contains(user: Int(users[k]), item: items[k]) { residuals[k] -= 1 }
      residuals[k] /= Float(cells)
    }
    accumulate(residuals, users: users, items: items)
    adamStep()
  }

  /// Gradient of the summed cross-entropy over all cells, user by user, then one step.
  private mutating func fullStep(_ positives: FeedbackMatrix) {
    let items = (0..<Int32(factors.itemCount)).map { $0 }
    for user in 0..<factors.userCount {
      let users = [Int32](repeating: Int32(user), count: items.count)
      var residuals = self.residuals(users: users, items: items)
      for item in positives.items(of: user) { residuals[Int(item)] -= 1 }
      accumulate(residuals, users: users, items: items)
    }
    adamStep()
  }

  /// p of each pair.
  private func residuals(users: [Int32], items: [Int32]) -> [Float] {
    var logits = [Float](repeating: 0, count: users.count)
    Float.dotRows(
      RowsView(factors.userRows, stride: factors.stride), users, RowsView(factors.itemRows, stride: factors.stride),
      items, width: factors.dimension + 2, offset: factors.intercept, accumulate: false, into: &logits)
    var probabilities = logits
    Float.sigmoid(logits, count: logits.count, into: &probabilities)
    return probabilities
  }

  private mutating func accumulate(_ residuals: [Float], users: [Int32], items: [Int32]) {
    let width = factors.dimension + 2
    Float.scatterRows(
      residuals, RowsView(factors.itemRows, stride: factors.stride), items, slots: users, width: width,
      into: &userGradient, targetStride: factors.stride)
    Float.scatterRows(
      residuals, RowsView(factors.userRows, stride: factors.stride), users, slots: items, width: width,
      into: &itemGradient, targetStride: factors.stride)
    for residual in residuals { interceptGradient += Double(residual) }
  }

  private mutating func adamStep() {
    step += 1
    let (dimension, stride) = (factors.dimension, factors.stride)
    for user in 0..<factors.userCount { userGradient[user * stride + dimension + 1] = 0 }
    for item in 0..<factors.itemCount { itemGradient[item * stride + dimension] = 0 }
    let corrections = (first: 1 - LogisticFit.power(0.9, step), second: 1 - LogisticFit.power(0.999, step))
    let narrow = (first: Float(corrections.first), second: Float(corrections.second))
    let decay = (0..<stride).map { $0 < dimension ? penalty : 0 }
    let settings = AdamSettings<Float>(rate: Float(rate))
    Float.adamAll(
      &factors.userRows, &userMoments, gradient: userGradient, slotOfRow: (0..<Int32(factors.userCount)).map { $0 },
      stride: stride, corrections: narrow, decay: decay, settings: settings)
    Float.adamAll(
      &factors.itemRows, &itemMoments, gradient: itemGradient, slotOfRow: (0..<Int32(factors.itemCount)).map { $0 },
      stride: stride, corrections: narrow, decay: decay, settings: settings)
    interceptMoments.first = 0.9 * interceptMoments.first + 0.1 * interceptGradient
    interceptMoments.second = 0.999 * interceptMoments.second + 0.001 * interceptGradient * interceptGradient
    let root = (interceptMoments.second / corrections.second).squareRoot()
    factors.intercept -= Float(rate * interceptMoments.first / corrections.first / (root + 1e-8))
    for k in userGradient.indices { userGradient[k] = 0 }
    for k in itemGradient.indices { itemGradient[k] = 0 }
    interceptGradient = 0
  }

  private static func power(_ base: Double, _ exponent: Int) -> Double {
    var result = 1.0
    for _ in 0..<exponent { result *= base }
    return result
  }
}
