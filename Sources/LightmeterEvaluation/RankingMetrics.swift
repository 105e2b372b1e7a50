/// Ranking metrics of one user's list at a cutoff K; nil where the metric is undefined, never NaN.
///
/// With h_k = 1 for a hit at rank k, g_k its gain, n⁺ the number of hits among all candidates:
///
///     DCG = Σ g_k w(k)      NDCG = DCG / best DCG      AP = Σ h_k (g_1 + … + g_k) / k  over its normaliser
///     precision = Σ h_k / K    recall = Σ g_k / Σ all gains    hit rate = 1[Σ h_k > 0]    reciprocal rank = 1 / first hit
///
/// For plain labels gain and hit agree and these are the textbook forms. Sums run to min(K, candidates). Under
/// ``TieRule/average`` each function gives the exact expectation over a random order of the tied candidates.
///
/// - Numerics: `Double`, summed in rank order.
/// - Complexity: O(K) time without ties; O(K · hits) for AP by hits where a tie crosses the cutoff.
/// - Stability: stable
public enum RankingMetrics {
  /// Discounted cumulative gain. Undefined only when divided by a total gain of 0.
  public static func dcg(
    _ list: RankedRelevance, cutoff: Int, discount: DiscountConvention = .logRankPlusOne,
    normaliser: DCGNormaliser = .none, ties: TieRule = .seededOrder
  ) -> Double? {
    var sum = 0.0
    forEachGroup(list, cutoff: cutoff, ties: ties) { group, listed in
      var weight = 0.0
      for rank in group.start..<group.start + listed { weight += discount.weight(rank: rank + 1) }
      sum += group.gain / Double(group.count) * weight
    }
    switch normaliser {
    case .none: return sum
    case .totalGain: return list.totalGain > 0 ? sum / list.totalGain : nil
    }
  }

  /// DCG over the DCG of the best possible order. Undefined without any gain.
  public static func ndcg(
    _ list: RankedRelevance, cutoff: Int, discount: DiscountConvention = .logRankPlusOne, ties: TieRule = .seededOrder
  ) -> Double? {
    var best = 0.0
    for rank in 0..<min(cutoff, list.idealGains.count) {
      best += list.idealGains[rank] * discount.weight(rank: rank + 1)
    }
    guard best > 0 else { return nil }
    return dcg(list, cutoff: cutoff, discount: discount, ties: ties).map { $0 / best }
  }

  /// Average precision. Undefined without positives when divided by them, 0 under the other normalisers.
  public static func averagePrecision(
    _ list: RankedRelevance, cutoff: Int, normaliser: AveragePrecisionNormaliser, ties: TieRule = .seededOrder
  ) -> Double? {
    if normaliser == .hits { return averagePrecisionByHits(list, cutoff: cutoff, ties: ties) }
    var sum = 0.0
    var gainAbove = 0.0
    forEachGroup(list, cutoff: cutoff, ties: ties) { group, listed in
      sum += precisionSum(group, listed: listed, gainAbove: gainAbove)
      gainAbove += group.gain
    }
    let divisor: Double =
      switch normaliser {
      case .none, .hits: 1
      case .cutoffOrPositives: Double(min(cutoff, list.positiveCount))
      case .positives: Double(list.positiveCount)
      case .totalGain: list.totalGain
      }
    return divisor > 0 ? sum / divisor : nil
  }

  /// Hits among the first K over K.
  public static func precision(_ list: RankedRelevance, cutoff: Int, ties: TieRule = .seededOrder) -> Double? {
    var sum = 0.0
    forEachGroup(list, cutoff: cutoff, ties: ties) { group, listed in
      sum += Double(group.hits) * Double(listed) / Double(group.count)
    }
    return sum / Double(cutoff)
  }

  /// Gain among the first K over its normaliser. Undefined when that is a total gain of 0.
  public static func recall(
    _ list: RankedRelevance, cutoff: Int, normaliser: RecallNormaliser = .totalGain, ties: TieRule = .seededOrder
  ) -> Double? {
    var sum = 0.0
    forEachGroup(list, cutoff: cutoff, ties: ties) { group, listed in
      sum += group.gain * Double(listed) / Double(group.count)
    }
    switch normaliser {
    case .none: return sum
    case .totalGainAtLeastOne: return sum / max(1, list.totalGain)
    case .totalGain: return list.totalGain > 0 ? sum / list.totalGain : nil
    }
  }

  /// 1 when a hit stands among the first K; under ``TieRule/average`` the probability of it.
  public static func hitRate(_ list: RankedRelevance, cutoff: Int, ties: TieRule = .seededOrder) -> Double? {
    var miss = 1.0
    forEachGroup(list, cutoff: cutoff, ties: ties) { group, listed in
      for drawn in 0..<listed where miss > 0 {
        miss *= Double(max(0, group.count - group.hits - drawn)) / Double(group.count - drawn)
      }
    }
    return 1 - miss
  }

  /// 1 over the rank of the first hit, 0 when it lies beyond K.
  public static func reciprocalRank(_ list: RankedRelevance, cutoff: Int, ties: TieRule = .seededOrder) -> Double? {
    var miss = 1.0
    var sum = 0.0
    forEachGroup(list, cutoff: cutoff, ties: ties) { group, listed in
      for drawn in 0..<listed where miss > 0 {
        let remaining = Double(group.count - drawn)
        sum += miss * Double(group.hits) / remaining / Double(group.start + drawn + 1)
        miss *= Double(max(0, group.count - group.hits - drawn)) / remaining
      }
    }
    return sum
  }

  /// Share of (hit, other) pairs of all candidates in the right order, ties ½ under either tie rule. Undefined without
  /// both kinds, and for lists that stop early unless the evaluator counted the pairs.
  public static func auc(_ list: RankedRelevance) -> Double? { list.orderedPairShare }

  // MARK: - Ties

  /// Visits the list up to the cutoff as groups, with how many ranks of each lie within it; single ranks are groups of 1.
  private static func forEachGroup(
    _ list: RankedRelevance, cutoff: Int, ties rule: TieRule, _ visit: (TieGroup, Int) -> Void
  ) {
    precondition(cutoff > 0, "a ranking is cut at a positive rank, not at \(cutoff)")
    let end = min(cutoff, list.candidateCount)
    precondition(end <= list.gains.count, "a list of \(list.gains.count) ranks cannot be read to rank \(end)")
    var rank = 0
    var nextTie = 0
    while rank < end {
      if rule == .average, nextTie < list.ties.count, list.ties[nextTie].start == rank {
        let group = list.ties[nextTie]
        visit(group, min(group.count, end - rank))
        rank += group.count
        nextTie += 1
      } else {
        let (gain, hit) = (list.gains[rank], list.hits[rank])
        visit(
          TieGroup(start: rank, count: 1, hits: hit ? 1 : 0, hitGain: hit ? gain : 0, missGain: hit ? 0 : gain), 1)
        rank += 1
      }
    }
  }

  /// Expected Σ h_k (gain up to k) / k over the first `listed` ranks of a group in random order.
  ///
  ///     E[h_j (G + g_1 + … + g_j)] = p/n · (G + mean hit gain + (j − 1) · mean gain of the others)
  private static func precisionSum(_ group: TieGroup, listed: Int, gainAbove: Double) -> Double {
    guard group.hits > 0 else { return 0 }
    let (count, hits) = (Double(group.count), Double(group.hits))
    let hitMean = group.hitGain / hits
    let othersMean = group.count > 1 ? (group.gain - hitMean) / (count - 1) : 0
    var sum = 0.0
    for place in 0..<listed {
      sum += (gainAbove + hitMean + Double(place) * othersMean) / Double(group.start + place + 1)
    }
    return sum * hits / count
  }

  private static func averagePrecisionByHits(_ list: RankedRelevance, cutoff: Int, ties: TieRule) -> Double {
    var sum = 0.0
    var gainAbove = 0.0
    var hitsAbove = 0
    var crossing: (group: TieGroup, listed: Int)?
    forEachGroup(list, cutoff: cutoff, ties: ties) { group, listed in
      if listed < group.count {
        crossing = (group, listed)
      } else {
        sum += precisionSum(group, listed: listed, gainAbove: gainAbove)
        gainAbove += group.gain
        hitsAbove += group.hits
      }
    }
    guard let (group, listed) = crossing else { return sum / Double(max(1, hitsAbove)) }
    // The hits of the group that land within the cutoff are hypergeometric; given their number the rest is as above.
    let hitMean = group.hits > 0 ? group.hitGain / Double(group.hits) : 0
    let missMean = group.hits < group.count ? group.missGain / Double(group.count - group.hits) : 0
    var expectation = 0.0
    for (landed, probability) in hypergeometric(population: group.count, hits: group.hits, draws: listed) {
      let part = TieGroup(
        start: group.start, count: listed, hits: landed, hitGain: hitMean * Double(landed),
        missGain: missMean * Double(listed - landed))
      let value = sum + precisionSum(part, listed: listed, gainAbove: gainAbove)
      expectation += probability * value / Double(max(1, hitsAbove + landed))
    }
    return expectation
  }

  /// P(t hits among the draws) for every t that can occur.
  private static func hypergeometric(population: Int, hits: Int, draws: Int) -> [(Int, Double)] {
    let lowest = max(0, draws - (population - hits))
    let highest = min(hits, draws)
    var weights = [1.0]
    for t in lowest..<highest {
      let up = Double(hits - t) * Double(draws - t)
      let down = Double(t + 1) * Double(population - hits - draws + t + 1)
      let next = weights[weights.count - 1] * up / down
      weights.append(next)
      if next > 1e200 { for k in weights.indices { weights[k] *= 1e-200 } }
    }
    let total = weights.reduce(0, +)
    return weights.enumerated().map { (lowest + $0.offset, $0.element / total) }
  }
}
