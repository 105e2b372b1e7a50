internal import LightmeterFeedback
internal import LightmeterKernels

/// A world without real data behind it: relevance and exposure are separate low-rank models with a dial between them.
///
///     logit relevance(u, i) = cγ + q_i + sγ x_u·z_i / √r
///     logit exposure(u, i)  = cm + a h_i + b t_u + sm e_u·f_i / √r,   h_i = ρ q_i + √(1 − ρ²) n_i
///
/// Appeal q, own promotion n, activity t and all entries of x, z, e, f are standard normals clamped to ±3; the two
/// intercepts set the means. Users' factors are kept up to a million users and derived from the seed beyond, with the
/// same values.
///
/// - Numerics: factors are `Float`, logits and probabilities `Double` sums in a fixed order.
/// - Complexity: O(items · rank) memory, and O(users · rank) up to a million users; O(rank) per pair.
/// - Source: METHODS §13.2b.
/// - Stability: experimental
public struct CleanWorld: World {
  /// The dials it was made from.
  public let parameters: CleanWorldParameters
  /// The intercept of the relevance logit, set so that the mean relevance is the one asked for.
  public private(set) var relevanceIntercept = 0.0
  /// The intercept of the exposure logit.
  public private(set) var exposureIntercept = 0.0
  let itemRows: [Float]
  let storedUserRows: [Float]?

  /// Number of users.
  public var userCount: Int { parameters.userCount }
  /// Number of items.
  public var itemCount: Int { parameters.itemCount }
  /// The seed of the world.
  public var seed: UInt64 { parameters.seed }

  /// Draws the factors and sets the intercepts.
  ///
  /// - Throws: ``WorldError/parameter(name:value:allowed:)``.
  public init(_ parameters: CleanWorldParameters) throws {
    try self.init(parameters, storingUsersUpTo: 1_000_000)
  }

  init(_ parameters: CleanWorldParameters, storingUsersUpTo limit: Int) throws {
    let checked = try parameters.validated()
    self.parameters = checked
    itemRows = CleanWorld.makeItemRows(checked)
    if checked.userCount <= limit {
      var rows: [Float] = []
      rows.reserveCapacity(checked.userCount * CleanWorld.userStride(checked))
      for user in 0..<checked.userCount { CleanWorld.appendUserRow(user, checked, to: &rows) }
      storedUserRows = rows
    } else {
      storedUserRows = nil
    }
    setIntercepts()
  }

  /// Writes the true probabilities of `user` for a run of items.
  public func truth(user: Int, items: Range<Int>, into row: inout TruthRow) {
    precondition(user >= 0 && user < userCount, "user \(user) is not among \(userCount)")
    precondition(items.lowerBound >= 0 && items.upperBound <= itemCount, "items \(items) are not among \(itemCount)")
    row.resize(items.count)
    let factors = userRow(user)
    for (k, item) in items.enumerated() {
      let logits = self.logits(factors, item: item)
      row.relevance[k] = Portable.sigmoid(logits.relevance)
      row.exposure[k] = Portable.sigmoid(logits.exposure)
    }
  }

  // MARK: factors

  // A user's row: activity, x (rank), e (rank). An item's row: appeal, promotion, z (rank), f (rank).
  static func userStride(_ parameters: CleanWorldParameters) -> Int { 1 + 2 * parameters.rank }
  static func itemStride(_ parameters: CleanWorldParameters) -> Int { 2 + 2 * parameters.rank }

  static func cutNormal(_ generator: inout SeededGenerator) -> Float {
    Float(min(max(generator.normal(), -3), 3))
  }

  static func appendUserRow(_ user: Int, _ parameters: CleanWorldParameters, to rows: inout [Float]) {
    var generator = WorldStream.users.generator(parameters.seed, shard: user)
    for _ in 0..<userStride(parameters) { rows.append(cutNormal(&generator)) }
  }

  private static func makeItemRows(_ parameters: CleanWorldParameters) -> [Float] {
    let stride = itemStride(parameters)
    let own = (1 - parameters.correlation * parameters.correlation).squareRoot()
    var rows: [Float] = []
    rows.reserveCapacity(parameters.itemCount * stride)
    for item in 0..<parameters.itemCount {
      var generator = WorldStream.items.generator(parameters.seed, shard: item)
      for _ in 0..<stride { rows.append(cutNormal(&generator)) }
      let start = item * stride
      rows[start + 1] = Float(parameters.correlation * Double(rows[start]) + own * Double(rows[start + 1]))
    }
    return rows
  }

  func userRow(_ user: Int) -> ArraySlice<Float> {
    let stride = CleanWorld.userStride(parameters)
    if let rows = storedUserRows { return rows[user * stride..<(user + 1) * stride] }
    var row: [Float] = []
    row.reserveCapacity(stride)
    CleanWorld.appendUserRow(user, parameters, to: &row)
    return row[...]
  }

  func logits(_ user: ArraySlice<Float>, item: Int) -> (relevance: Double, exposure: Double) {
    let rank = parameters.rank
    let userStart = user.startIndex + 1
    let itemStart = item * CleanWorld.itemStride(parameters)
    var (taste, reach) = (0.0, 0.0)
    for k in 0..<rank {
      taste += Double(user[userStart + k]) * Double(itemRows[itemStart + 2 + k])
      reach += Double(user[userStart + rank + k]) * Double(itemRows[itemStart + 2 + rank + k])
    }
    let scale = Double(rank).squareRoot()
    let relevance =
      relevanceIntercept + Double(itemRows[itemStart]) + parameters.personalRelevance * taste / scale
    let exposure =
      exposureIntercept + parameters.skew * Double(itemRows[itemStart + 1])
      + parameters.activitySpread * Double(user[user.startIndex]) + parameters.personalExposure * reach / scale
    return (relevance, exposure)
  }

  // MARK: intercepts

  private mutating func setIntercepts() {
    var generator = WorldStream.calibration.generator(seed)
    var (relevance, exposure): ([Double], [Double]) = ([], [])
    for _ in 0..<parameters.calibrationPairs {
      let pair = logits(userRow(generator.below(userCount)), item: generator.below(itemCount))
      relevance.append(pair.relevance)
      exposure.append(pair.exposure)
    }
    relevanceIntercept = CleanWorld.intercept(of: relevance, mean: parameters.meanRelevance)
    exposureIntercept = CleanWorld.intercept(of: exposure, mean: parameters.meanExposure)
  }

  /// The c for which the mean of σ(c + logit) is `mean`: Newton steps inside a bracket that bisection narrows.
  static func intercept(of logits: [Double], mean: Double) -> Double {
    var (low, high) = (-200.0, 200.0)
    var c = Portable.log(mean) - Portable.log(1 - mean)
    for _ in 0..<200 {
      var (sum, slope) = (0.0, 0.0)
      for logit in logits {
        let p = Portable.sigmoid(c + logit)
        sum += p
        slope += p * (1 - p)
      }
      let excess = sum / Double(logits.count) - mean
      if abs(excess) <= 1e-12 * mean { break }
      if excess > 0 { high = c } else { low = c }
      let newton = c - excess * Double(logits.count) / slope
      let next = newton > low && newton < high ? newton : (low + high) / 2
      if next == c { break }
      c = next
    }
    return c
  }
}
