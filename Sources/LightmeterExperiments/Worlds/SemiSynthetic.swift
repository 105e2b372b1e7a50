internal import LightmeterFeedback
internal import LightmeterKernels

/// What is changed in the fitted probabilities of a ``SemiSyntheticWorld``.
public struct WorldTransform: Sendable, Hashable, Codable {
  /// Factor of every exposure probability.
  public var exposureFactor: Double
  /// Factor of every relevance probability.
  public var relevanceFactor: Double
  /// Whether items exchange their relevance (a seeded permutation), which breaks its correlation with exposure.
  public var permutesRelevance: Bool

  /// No change by default.
  public init(exposureFactor: Double = 1, relevanceFactor: Double = 1, permutesRelevance: Bool = false) {
    self.exposureFactor = exposureFactor
    self.relevanceFactor = relevanceFactor
    self.permutesRelevance = permutesRelevance
  }

  /// As fitted.
  public static let none = WorldTransform()
  /// Exposure × 2, relevance × 4, items of relevance permuted: where exposure and relevance are independent.
  public static let permuted = WorldTransform(exposureFactor: 2, relevanceFactor: 4, permutesRelevance: true)
}

/// A world whose probabilities are fitted to real ratings.
///
/// Exposure is the fitted probability that a pair is rated, relevance the fitted probability that it is rated above a
/// threshold; both by logistic factor models whose strength of fit is a ``WorldFit``.
///
///     exposure = min(factor · σ(s^O_ui), 0.99),   relevance = min(factor · σ(s^B_u,π(i)), 0.99)
///
/// - Numerics: fitted in `Float` by kernels that give the same bits on every instruction set; the probabilities are
///   evaluated in `Double`.
/// - Complexity: the full fit costs O(steps · users · items · dimension) time; memory O((users + items) · dimension).
/// - Source: Biif, §4.1; METHODS §13.2 (there, why the fit must be weak).
/// - Stability: experimental
public struct SemiSyntheticWorld: World {
  /// The seed of fits, permutation and draws.
  public let seed: UInt64
  /// How it was fitted.
  public let fit: WorldFit
  /// What was changed afterwards.
  public let transform: WorldTransform
  let exposureFactors: LogisticFactors
  let relevanceFactors: LogisticFactors
  private let relevanceItem: [Int32]

  /// Number of users.
  public var userCount: Int { exposureFactors.userCount }
  /// Number of items.
  public var itemCount: Int { exposureFactors.itemCount }

  /// Fits a world to a list of ratings.
  ///
  /// - Parameters:
  ///   - users: user index per rating.
  ///   - items: item index per rating.
  ///   - ratings: the ratings.
  ///   - threshold: a rating above it counts as relevant.
  /// - Throws: ``WorldError`` when a dial is out of range or when no rating, or every rating, is above the threshold.
  /// - Precondition: the columns have one length and their indices are in range.
  public init(
    users: [Int32], items: [Int32], ratings: [Float], userCount: Int, itemCount: Int, threshold: Float = 3,
    fit: WorldFit = .relMF, transform: WorldTransform = .none, seed: UInt64 = 1
  ) throws {
    precondition(users.count == items.count && users.count == ratings.count, "the columns of ratings have one length")
    try SemiSyntheticWorld.check(fit, transform)
    let liked = ratings.indices.filter { ratings[$0] > threshold }
    guard !liked.isEmpty else {
      throw WorldError.ratings("None of the \(ratings.count) ratings is above \(threshold), so nothing is relevant.")
    }
    let rated = FeedbackMatrix(userCount: userCount, itemCount: itemCount, users: users, items: items)
    guard rated.count < userCount * itemCount else {
      throw WorldError.ratings("Every pair of the \(userCount) users and \(itemCount) items is rated.")
    }
    let positives = FeedbackMatrix(
      userCount: userCount, itemCount: itemCount, users: liked.map { users[$0] }, items: liked.map { items[$0] })
    exposureFactors = LogisticFit.fit(rated, fit, seed: seed, shard: 0)
    relevanceFactors = LogisticFit.fit(positives, fit, seed: seed, shard: 1)
    (self.seed, self.fit, self.transform) = (seed, fit, transform)
    relevanceItem = SemiSyntheticWorld.permutation(itemCount, transform, seed: seed)
  }

  /// The same fitted world under another transform.
  ///
  /// - Throws: ``WorldError/parameter(name:value:allowed:)``.
  public func transformed(_ transform: WorldTransform) throws -> SemiSyntheticWorld {
    try SemiSyntheticWorld.check(fit, transform)
    return SemiSyntheticWorld(self, transform)
  }

  private init(_ other: SemiSyntheticWorld, _ transform: WorldTransform) {
    (seed, fit, self.transform) = (other.seed, other.fit, transform)
    (exposureFactors, relevanceFactors) = (other.exposureFactors, other.relevanceFactors)
    relevanceItem = SemiSyntheticWorld.permutation(other.itemCount, transform, seed: other.seed)
  }

  /// Writes the true probabilities of `user` for a run of items.
  public func truth(user: Int, items: Range<Int>, into row: inout TruthRow) {
    precondition(user >= 0 && user < userCount, "user \(user) is not among \(userCount)")
    precondition(items.lowerBound >= 0 && items.upperBound <= itemCount, "items \(items) are not among \(itemCount)")
    row.resize(items.count)
    for (k, item) in items.enumerated() {
      let exposed = Portable.sigmoid(exposureFactors.logit(user: user, item: item))
      let relevant = Portable.sigmoid(relevanceFactors.logit(user: user, item: Int(relevanceItem[item])))
      row.exposure[k] = min(transform.exposureFactor * exposed, 0.99)
      row.relevance[k] = min(transform.relevanceFactor * relevant, 0.99)
    }
  }

  private static func permutation(_ count: Int, _ transform: WorldTransform, seed: UInt64) -> [Int32] {
    var order = (0..<Int32(count)).map { $0 }
    if transform.permutesRelevance {
      var generator = WorldStream.permutation.generator(seed)
      generator.shuffle(&order)
    }
    return order
  }

  private static func check(_ fit: WorldFit, _ transform: WorldTransform) throws {
    func positive(_ name: String, _ value: Double) throws {
      guard value > 0, value.isFinite else {
        throw WorldError.parameter(name: name, value: "\(value)", allowed: "a positive number")
      }
    }
    try positive("exposure factor", transform.exposureFactor)
    try positive("relevance factor", transform.relevanceFactor)
    try positive("dimension", Double(fit.dimension))
    switch fit {
    case .sampled(_, let steps, let cells, let rate):
      try positive("number of steps", Double(steps))
      try positive("number of cells a step", Double(cells))
      try positive("learning rate", rate)
    case .full(_, let penalty, let steps, let rate):
      try positive("number of steps", Double(steps))
      try positive("learning rate", rate)
      guard penalty >= 0, penalty.isFinite else {
        throw WorldError.parameter(name: "penalty", value: "\(penalty)", allowed: "zero or a positive number")
      }
    }
  }
}
