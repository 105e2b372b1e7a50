/// The evaluators of published programs, by what their code does. Where a program and its paper differ, the program
/// counts. Ties are ranked by the seeded order, because the programs leave them to an unstable sort.
extension ProtocolPreset {
  /// The default: users with a positive and a negative, ties averaged, NDCG and plain DCG both.
  public static let strict = ProtocolPreset(
    name: "strict", users: UserRule(positives: 1, negatives: 1), convention: MetricConvention(ties: .average),
    metrics: RankingMetric.allCases, cutoffs: [1, 3, 5, 10])

  /// CJMF, and by inference Biif: DCG as it is, AP divided by the hits among the first K; users with a positive, a
  /// negative and a training positive.
  ///
  /// CJMF's program also drops items without a training positive: set ``dropped`` for that.
  ///
  /// - Source: Zhu et al. 2020, `utility.py`.
  public static let cjmf2020 = ProtocolPreset(
    name: "cjmf2020", labels: .threshold(atLeast: 4), candidates: .ratedItems,
    users: UserRule(positives: 1, negatives: 1, trainingPositives: 1),
    convention: MetricConvention(averagePrecisionNormaliser: .hits), metrics: [.dcg, .averagePrecision],
    cutoffs: [1, 2, 3])

  /// RelMF's real-data program: labels softened to 0.001 … 1 (so the running sums of AP and recall contain the floors),
  /// all users, rank 2 undiscounted, AP not normalised.
  ///
  /// - Source: Saito et al. 2020, `src/evaluate/evaluator.py` and `metrics.py`.
  public static let relmf2020 = ProtocolPreset(
    name: "relmf2020", labels: .softened(atLeast: 4, floor: 0.001), candidates: .ratedItems, users: UserRule(),
    convention: MetricConvention(discount: .rankTwoUndiscounted, averagePrecisionNormaliser: .none),
    metrics: [.dcg, .recall, .averagePrecision], cutoffs: [1, 3, 5])

  /// UBPR: graded gains, DCG, AP and recall all divided by the user's total gain, rank 2 undiscounted, users without
  /// gain count as 0.
  ///
  /// - Source: Saito 2020, `src/evaluate/metrics.py`; gains by `preprocessor.py` with an ε of 0 on the test.
  public static let ubpr2020 = ProtocolPreset(
    name: "ubpr2020", labels: .exponential(highest: 5), candidates: .ratedItems, users: UserRule(), emptyUserValue: 0,
    convention: MetricConvention(
      discount: .rankTwoUndiscounted, dcgNormaliser: .totalGain, averagePrecisionNormaliser: .totalGain),
    metrics: [.dcg, .recall, .averagePrecision], cutoffs: [1, 3, 5])

  /// BISER: NDCG, AP and recall by positives, users without positives count as 0.
  ///
  /// - Source: Lee et al. 2022.
  public static let biser2022 = ProtocolPreset(
    name: "biser2022", labels: .threshold(atLeast: 4), candidates: .ratedItems, users: UserRule(), emptyUserValue: 0,
    convention: MetricConvention(averagePrecisionNormaliser: .positives),
    metrics: [.ndcg, .averagePrecision, .recall], cutoffs: [1, 3, 5])

  /// ReCRec: labels softened to 0.001 … 1, users with a positive, AP not normalised.
  ///
  /// - Source: Lin et al. 2024, `src/evaluate/evaluator.py` and `metrics.py`.
  public static let recrec2024 = ProtocolPreset(
    name: "recrec2024", labels: .softened(atLeast: 4, floor: 0.001), candidates: .ratedItems,
    users: UserRule(positives: 1), convention: MetricConvention(averagePrecisionNormaliser: .none),
    metrics: [.ndcg, .averagePrecision, .recall], cutoffs: [1, 3, 5])

  /// AutoDebias, implicit: NDCG@5, precision and recall of users with a positive.
  ///
  /// - Source: Chen et al. 2021, `utils/metrics.py`.
  public static let autodebias2021 = ProtocolPreset(
    name: "autodebias2021", labels: .threshold(atLeast: 4), candidates: .ratedItems, users: UserRule(positives: 1),
    convention: MetricConvention(), metrics: [.ndcg, .precision, .recall], cutoffs: [5])

  /// The doubly robust family (CVIB, N-IPS, N-DR, …): rating ≥ 3, a user without positives has NDCG 1, recall divides
  /// by at least 1.
  ///
  /// - Source: `ndcg_func` and `recall_func` of those programs.
  public static let drFamily = ProtocolPreset(
    name: "dr-family", labels: .threshold(atLeast: 3), candidates: .ratedItems, users: UserRule(), emptyUserValue: 1,
    convention: MetricConvention(recallNormaliser: .totalGainAtLeastOne), metrics: [.ndcg, .recall], cutoffs: [5, 10])

  /// MRDR: DCG as it is; its “recall” is the mean hit count and can exceed 1.
  ///
  /// - Source: Guo et al. 2021.
  public static let mrdr2021 = ProtocolPreset(
    name: "mrdr2021", labels: .threshold(atLeast: 4), candidates: .ratedItems, users: UserRule(positives: 1),
    convention: MetricConvention(recallNormaliser: .none), metrics: [.dcg, .recall], cutoffs: [2, 4, 6])

  /// Full ranking of KuaiRec's fully observed block: NDCG and recall of users with a positive.
  ///
  /// The split of the block's rows into validation and test halves that UpliftRec's program makes is not part of it.
  public static let upliftKuairec2024 = ProtocolPreset(
    name: "uplift-kuairec2024", candidates: .catalogue, users: UserRule(positives: 1), convention: MetricConvention(),
    metrics: [.ndcg, .recall], cutoffs: [20, 100])

  /// Every preset, the strict default first.
  public static let all: [ProtocolPreset] = [
    .strict, .cjmf2020, .relmf2020, .ubpr2020, .biser2022, .recrec2024, .autodebias2021, .drFamily, .mrdr2021,
    .upliftKuairec2024,
  ]

  /// The preset of a name, or nil.
  public static func named(_ name: String) -> ProtocolPreset? { all.first { $0.name == name } }
}
