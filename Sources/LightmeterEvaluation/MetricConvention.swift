internal import LightmeterKernels

/// What a rank is worth.
public enum DiscountConvention: String, Codable, Sendable, Hashable, CaseIterable {
  /// 1 / log₂(rank + 1): the standard.
  case logRankPlusOne
  /// 1 / log₂(max(rank, 2)): rank 2 is worth as much as rank 1 (the RelMF family's programs).
  case rankTwoUndiscounted

  /// The weight of a rank, counted from 1.
  ///
  /// - Numerics: logarithms from `Portable`, so a stored metric has the same bits on every machine.
  public func weight(rank: Int) -> Double {
    let table = self == .logRankPlusOne ? DiscountTable.logRankPlusOne : DiscountTable.rankTwoUndiscounted
    return rank <= table.count ? table[rank - 1] : DiscountTable.weight(self, rank)
  }
}

private enum DiscountTable {
  static let logRankPlusOne = (1...1024).map { weight(.logRankPlusOne, $0) }
  static let rankTwoUndiscounted = (1...1024).map { weight(.rankTwoUndiscounted, $0) }

  static func weight(_ convention: DiscountConvention, _ rank: Int) -> Double {
    let argument = convention == .logRankPlusOne ? rank + 1 : max(rank, 2)
    return Portable.log(2) / Portable.log(Double(argument))
  }
}

/// What a user's DCG is divided by. NDCG, which divides by the best possible DCG, is a metric of its own.
public enum DCGNormaliser: String, Codable, Sendable, Hashable, CaseIterable {
  /// Nothing.
  case none
  /// The sum of the gains of all candidates.
  case totalGain
}

/// What the sum Σ h_k · (gain up to k) / k over the first K ranks is divided by.
public enum AveragePrecisionNormaliser: String, Codable, Sendable, Hashable, CaseIterable {
  /// Nothing.
  case none
  /// The hits among the first K, at least 1.
  case hits
  /// The smaller of K and the number of positives.
  case cutoffOrPositives
  /// The number of positives.
  case positives
  /// The sum of the gains of all candidates.
  case totalGain
}

/// What the gain among the first K ranks is divided by.
public enum RecallNormaliser: String, Codable, Sendable, Hashable, CaseIterable {
  /// The sum of the gains of all candidates: the number of positives where gains are 0 and 1.
  case totalGain
  /// The same, at least 1.
  case totalGainAtLeastOne
  /// Nothing: a mean hit count that can exceed 1.
  case none
}

/// How equal scores are ranked. The label never decides.
public enum TieRule: String, Codable, Sendable, Hashable, CaseIterable {
  /// By a seeded hash of user and item.
  case seededOrder
  /// The expectation of the metric over all orders of the tied items, in closed form for every metric.
  case average
}

/// A ranking metric; its cutoff stands beside it.
public enum RankingMetric: String, Codable, Sendable, Hashable, CaseIterable {
  case dcg, ndcg, averagePrecision, precision, recall, hitRate, reciprocalRank, auc

  /// Whether the metric reads only the first K ranks; the area under the curve reads all.
  public var hasCutoff: Bool { self != .auc }

  /// The metric's usual short name, with its cutoff.
  public func name(cutoff: Int?) -> String {
    let short =
      switch self {
      case .dcg: "DCG"
      case .ndcg: "NDCG"
      case .averagePrecision: "MAP"
      case .precision: "Precision"
      case .recall: "Recall"
      case .hitRate: "HitRate"
      case .reciprocalRank: "MRR"
      case .auc: "AUC"
      }
    return cutoff.map { "\(short)@\($0)" } ?? short
  }
}

/// The conventions under which a ranked list becomes a number.
///
/// - Stability: stable
public struct MetricConvention: Codable, Sendable, Hashable {
  /// What a rank is worth in DCG and NDCG.
  public var discount: DiscountConvention
  /// What DCG is divided by.
  public var dcgNormaliser: DCGNormaliser
  /// What average precision is divided by.
  public var averagePrecisionNormaliser: AveragePrecisionNormaliser
  /// What recall is divided by.
  public var recallNormaliser: RecallNormaliser
  /// How equal scores are ranked.
  public var ties: TieRule

  /// The standard: 1 / log₂(rank + 1), DCG as it is, AP by min(K, positives), recall by positives.
  public init(
    discount: DiscountConvention = .logRankPlusOne, dcgNormaliser: DCGNormaliser = .none,
    averagePrecisionNormaliser: AveragePrecisionNormaliser = .cutoffOrPositives,
    recallNormaliser: RecallNormaliser = .totalGain, ties: TieRule = .seededOrder
  ) {
    self.discount = discount
    self.dcgNormaliser = dcgNormaliser
    self.averagePrecisionNormaliser = averagePrecisionNormaliser
    self.recallNormaliser = recallNormaliser
    self.ties = ties
  }

  /// The value of a metric for one user's list, or nil where the convention leaves it undefined.
  ///
  /// - Precondition: `cutoff` is positive and within the list's depth (or the list is complete).
  public func value(_ metric: RankingMetric, of list: RankedRelevance, cutoff: Int) -> Double? {
    switch metric {
    case .dcg:
      RankingMetrics.dcg(list, cutoff: cutoff, discount: discount, normaliser: dcgNormaliser, ties: ties)
    case .ndcg: RankingMetrics.ndcg(list, cutoff: cutoff, discount: discount, ties: ties)
    case .averagePrecision:
      RankingMetrics.averagePrecision(list, cutoff: cutoff, normaliser: averagePrecisionNormaliser, ties: ties)
    case .precision: RankingMetrics.precision(list, cutoff: cutoff, ties: ties)
    case .recall: RankingMetrics.recall(list, cutoff: cutoff, normaliser: recallNormaliser, ties: ties)
    case .hitRate: RankingMetrics.hitRate(list, cutoff: cutoff, ties: ties)
    case .reciprocalRank: RankingMetrics.reciprocalRank(list, cutoff: cutoff, ties: ties)
    case .auc: RankingMetrics.auc(list)
    }
  }
}
