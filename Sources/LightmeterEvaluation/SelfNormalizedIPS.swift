public import LightmeterFeedback
internal import LightmeterKernels

/// Inverse propensity weights of items from their click counts.
///
/// - Stability: stable
public enum PropensityWeighting {
  /// (clicks / most clicks)^exponent per item, 0 for items without a click.
  ///
  /// - Parameters:
  ///   - exponent: 0.5 gives Eq. (13); Yang et al. use (γ + 1) / 2 with γ fitted to the data set, between 1.25 and 2.
  /// - Source: Yang et al. 2018; Biif, Eq. (13) at 0.5.
  public static func popularity(_ training: FeedbackMatrix, exponent: Double = 0.5) -> [Float] {
    let counts = training.itemCounts
    let most = Double(counts.max() ?? 0)
    return counts.map { count in
      count == 0 ? 0 : Float(Portable.exp(exponent * Portable.log(Double(count) / most)))
    }
  }

  /// The exponent that belongs to Yang's γ: (γ + 1) / 2.
  public static func exponent(yangGamma: Double) -> Double { (yangGamma + 1) / 2 }
}

/// What weights tell of an estimate: how many pairs carry it.
public struct WeightDiagnostics: Codable, Sendable, Hashable {
  /// How many pairs have a weight.
  public let pairs: Int
  /// (Σ w)² / Σ w².
  public let effectivePairs: Double
  /// Share of the sum that the largest hundredth of the weights (at least one) carries.
  public let topShare: Double

  /// Reads weights in any order.
  public init(weights: [Double]) {
    let sum = weights.reduce(0, +)
    let squares = weights.reduce(0) { $0 + $1 * $1 }
    let largest = max(1, (weights.count + 99) / 100)
    pairs = weights.count
    effectivePairs = squares > 0 ? sum * sum / squares : 0
    topShare = sum > 0 ? weights.sorted(by: >).prefix(largest).reduce(0, +) / sum : 0
  }

  /// A sentence when few weights carry the estimate: fewer than 30 effective pairs, less than a tenth of the pairs, or a
  /// quarter of the weight on the top 1 % of more than 100 pairs.
  public var warning: String? {
    guard effectivePairs < 30 || effectivePairs < Double(pairs) / 10 || (pairs > 100 && topShare > 0.25) else {
      return nil
    }
    return "Few weights carry this estimate: \(pairs) pairs count as \(decimal(effectivePairs, places: 1)), and the "
      + "largest 1 % of the weights hold \(decimal(topShare * 100, places: 0)) % of the sum."
  }
}

/// An inverse-propensity estimate of a ranking metric.
///
/// - Stability: stable
public struct WeightedEstimate: Codable, Sendable, Hashable, CustomStringConvertible {
  /// The metric, with its weighting.
  public let name: String
  /// Mean over the users.
  public let value: Double
  /// The users that count, ascending.
  public let users: [Int32]
  /// The estimate of each.
  public let perUser: [Double]
  /// Who carries it: weights of all pairs as they enter the mean.
  public let weights: WeightDiagnostics
  /// Held-out pairs left out because their item has no propensity.
  public let droppedPairs: Int

  /// The estimate in one line, and the warning if there is one.
  public var description: String {
    "\(name) \(decimal(value, places: 4)) over \(users.count) users, \(weights.pairs) pairs counting as "
      + decimal(weights.effectivePairs, places: 1) + (weights.warning.map { "\n\($0)" } ?? "")
  }
}

/// Estimates a ranking metric from held-out clicks, weighting each by 1 / propensity: the way hyper-parameters are tuned
/// without a random test.
///
///     V(u) = Σ_{i ∈ H_u} c(Z_ui) / π_i  /  Σ_{i ∈ H_u} 1 / π_i        V = mean over users
///
/// H_u: the user's held-out clicks with π > 0; Z_ui: candidates scored above i; candidates: all held-out clicks of the user
/// and every item without a training click. c(Z): DCG@K 1[Z < K] / log₂(Z + 2); recall@K 1[Z < K]; AUC 1 − Z / candidates.
/// Among T others of the same score i stands anywhere: c is its mean over Z to Z + T, so that a model whose scores have all
/// become one number is worth what chance is, and not the most there is. All candidates, no sampling; the same propensities
/// for every method compared.
///
/// - Numerics: `Double`, in item order within a user.
/// - Complexity: O(users × items) scores, O(items) memory.
/// - Source: Yang et al. 2018. Held-out items without a training click are left out of H_u as there.
/// - Stability: stable
public struct SelfNormalizedIPS: Codable, Sendable, Hashable {
  /// What a held-out click is worth at its rank.
  public enum Gain: String, Codable, Sendable, Hashable, CaseIterable {
    case dcg, recall, auc
  }

  /// What the weighted sum is divided by.
  public enum Normalisation: String, Codable, Sendable, Hashable, CaseIterable {
    /// The sum of the weights: bounded by 1, small bias, small variance.
    case weights
    /// The number of pairs: plain IPS, unbounded.
    case pairs
  }

  /// What a click is worth.
  public var gain: Gain
  /// K of DCG and recall.
  public var cutoff: Int
  /// Smallest propensity that is used.
  public var floor: Float
  /// What the weighted sum is divided by.
  public var normalisation: Normalisation

  /// Self-normalised DCG@3 with a floor of 0.01.
  public init(gain: Gain = .dcg, cutoff: Int = 3, floor: Float = 0.01, normalisation: Normalisation = .weights) {
    precondition(cutoff > 0, "a ranking is cut at a positive rank, not at \(cutoff)")
    precondition(floor > 0, "a floor of \(floor) does not bound the weights")
    self.gain = gain
    self.cutoff = cutoff
    self.floor = floor
    self.normalisation = normalisation
  }

  /// `SNIPS-DCG@3`.
  public var name: String {
    let metric = gain == .auc ? "AUC" : (gain == .dcg ? "DCG@\(cutoff)" : "Recall@\(cutoff)")
    return (normalisation == .weights ? "SNIPS-" : "IPS-") + metric
  }

  /// The estimate from held-out clicks and a propensity per item.
  ///
  /// - Parameters:
  ///   - heldOut: held-out clicks.
  ///   - training: training clicks; they are no candidates unless held out too.
  ///   - propensities: one per item; 0 where the item has none.
  /// - Throws: ``EvaluationError``.
  public func evaluate(
    _ scorer: any Scorer, heldOut: FeedbackMatrix, training: FeedbackMatrix, propensities: [Float]
  ) throws(EvaluationError) -> WeightedEstimate {
    precondition(
      propensities.count == heldOut.itemCount, "\(propensities.count) propensities, \(heldOut.itemCount) items")
    return try estimate(scorer, heldOut, training) { item, _ in
      propensities[Int(item)] > 0 ? Double(max(propensities[Int(item)], floor)) : nil
    }
  }

  /// The estimate from shown pairs with the probability with which the logging policy showed each.
  ///
  /// - Parameters:
  ///   - shown: shown pairs; those with feedback 1 count.
  ///   - propensities: one per pair, in (0, 1].
  /// - Throws: ``EvaluationError/tooFewEffectivePairs(effective:pairs:needed:)`` below 30 effective pairs,
  ///   ``EvaluationError/badPropensity(position:value:)``, and what scoring throws.
  public func evaluate(
    _ scorer: any Scorer, shown: PairBatch, propensities: [Float], training: FeedbackMatrix
  ) throws(EvaluationError) -> WeightedEstimate {
    precondition(propensities.count == shown.count, "\(propensities.count) propensities for \(shown.count) pairs")
    for (position, value) in propensities.enumerated() where !(value > 0 && value <= 1) {
      throw .badPropensity(position: position, value: Double(value))
    }
    let clicked = shown.users.indices.filter { shown.feedback[$0] > 0 }
    let matrix = FeedbackMatrix(
      userCount: training.userCount, itemCount: training.itemCount, users: clicked.map { shown.users[$0] },
      items: clicked.map { shown.items[$0] })
    // A pair that was clicked at several showings keeps its likeliest one: its other showings add no new pair.
    var byPosition = [Float](repeating: 0, count: matrix.count)
    for row in clicked {
      if let position = matrix.position(user: Int(shown.users[row]), item: shown.items[row]) {
        byPosition[position] = max(byPosition[position], propensities[row])
      }
    }
    let found = try estimate(scorer, matrix, training) { _, position in Double(max(byPosition[position], floor)) }
    guard found.weights.effectivePairs >= Self.leastEffectivePairs else {
      throw .tooFewEffectivePairs(
        effective: found.weights.effectivePairs, pairs: found.weights.pairs, needed: Self.leastEffectivePairs)
    }
    return found
  }

  /// Below this an estimate by logged propensities is refused.
  public static let leastEffectivePairs = 30.0

  private func estimate(
    _ scorer: any Scorer, _ heldOut: FeedbackMatrix, _ training: FeedbackMatrix,
    _ propensity: (_ item: Int32, _ position: Int) -> Double?
  ) throws(EvaluationError) -> WeightedEstimate {
    precondition(
      training.userCount == heldOut.userCount && training.itemCount == heldOut.itemCount,
      "held-out and training clicks have different shapes")
    try check(scorer, users: heldOut.userCount, items: heldOut.itemCount)
    var row = CandidateRow(scorer: scorer, itemCount: heldOut.itemCount)
    var (users, perUser, weights, dropped) = ([Int32](), [Double](), [Double](), 0)
    for user in 0..<heldOut.userCount where !heldOut.range(of: user).isEmpty {
      let kept: [(item: Int32, weight: Double)] = heldOut.range(of: user).compactMap { position in
        propensity(heldOut.items[position], position).map { (heldOut.items[position], 1 / $0) }
      }
      dropped += heldOut.range(of: user).count - kept.count
      if kept.isEmpty { continue }
      try row.score(user: user, training: training, heldOut: heldOut)
      let places = row.places(kept.map(\.item))
      var (sum, total) = (0.0, 0.0)
      for (entry, place) in zip(kept, places) {
        sum += entry.weight * worth(above: place.above, tied: place.tied, candidates: row.candidateCount)
        total += entry.weight
      }
      let divisor = normalisation == .weights ? total : Double(kept.count)
      users.append(Int32(user))
      perUser.append(sum / divisor)
      for entry in kept { weights.append(entry.weight / divisor) }
    }
    guard !users.isEmpty else { throw .nothingToEstimate }
    return WeightedEstimate(
      name: name, value: perUser.reduce(0, +) / Double(perUser.count), users: users, perUser: perUser,
      weights: WeightDiagnostics(weights: weights), droppedPairs: dropped)
  }

  private func worth(above: Int, tied: Int, candidates: Int) -> Double {
    if gain == .auc { return 1 - (Double(above) + Double(tied) / 2) / Double(candidates) }
    var sum = 0.0
    for place in above..<max(min(above + tied + 1, cutoff), above) {
      sum += gain == .dcg ? DiscountConvention.logRankPlusOne.weight(rank: place + 1) : 1
    }
    return sum / Double(tied + 1)
  }
}

/// All candidates' scores of one user at a time.
private struct CandidateRow {
  let scorer: any Scorer
  private(set) var candidateCount = 0
  private var scores: [Float]

  init(scorer: any Scorer, itemCount: Int) {
    self.scorer = scorer
    scores = [Float](repeating: 0, count: itemCount)
  }

  /// Scores the catalogue; training clicks that are not held out become NaN, which no comparison counts.
  mutating func score(user: Int, training: FeedbackMatrix, heldOut: FeedbackMatrix) throws(EvaluationError) {
    scorer.scores(user: user, items: 0..<scores.count, into: &scores)
    if scores.contains(where: \.isNaN) { throw .scoreIsNotANumber(user: user) }
    candidateCount = scores.count
    for item in training.items(of: user) where !heldOut.contains(user: user, item: item) {
      scores[Int(item)] = .nan
      candidateCount -= 1
    }
  }

  /// How many candidates score above each of the items, and how many others the same.
  func places(_ items: [Int32]) -> [(above: Int, tied: Int)] {
    let order = items.indices.sorted { scores[Int(items[$0])] < scores[Int(items[$1])] }
    let ascending = order.map { scores[Int(items[$0])] }
    var passed = [Int](repeating: 0, count: items.count + 1)
    // At the first of the items with a score.
    var equal = [Int](repeating: 0, count: items.count)
    let lowest = ascending[0]
    for score in scores where score >= lowest {
      var (low, high) = (0, ascending.count)
      while low < high {
        let middle = (low + high) / 2
        if ascending[middle] < score { low = middle + 1 } else { high = middle }
      }
      passed[low] += 1
      if low < ascending.count && ascending[low] == score { equal[low] += 1 }
    }
    // passed[n] counts the scores above exactly n of the items.
    var found = [(above: Int, tied: Int)](repeating: (0, 0), count: items.count)
    var running = 0
    for place in stride(from: items.count, to: 0, by: -1) {
      running += passed[place]
      found[order[place - 1]].above = running
    }
    var first = 0
    for place in items.indices {
      if ascending[place] != ascending[first] { first = place }
      found[order[place]].tied = equal[first] - 1
    }
    return found
  }
}
