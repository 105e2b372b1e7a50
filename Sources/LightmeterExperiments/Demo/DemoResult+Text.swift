internal import LightmeterEvaluation

extension DemoResult {
  /// One method a row; at most 100 columns wide on a terminal.
  public var table: TableValue {
    TableValue(
      columns: [
        .init("method", .leading), .init("learns from", .leading), .init("NDCG@20 [95 %]"),
        .init("difference from MF [95 %]"), .init("PCC"),
      ],
      rows: rows.map { row in
        [
          .init(row.method), .init(row.learnsFrom.text),
          .interval(row.ndcg.mean, row.ndcg.low...row.ndcg.high, places: 3),
          .init(row.difference.map { DemoText.signed($0) } ?? NumberText.absent),
          .init(row.exposureCorrelation.map { NumberText.fixed($0, places: 2) } ?? NumberText.absent),
        ]
      })
  }

  /// What the columns mean.
  public var legend: String {
    "NDCG@20: unclicked items ranked against their true relevance, mean over users. PCC: correlation of learned with "
      + "true exposure over a user's items, mean over users; \(NumberText.absent) where exposure is none or constant."
  }

  /// What the numbers say, in plain sentences, each computed from them.
  public var sentences: [String] {
    [relation, clicksOnly, slice, impressionLog, ceiling, exposureLearned, caution].compactMap(\.self)
  }

  /// How to go on with one's own log.
  public var nextSteps: [String] {
    [
      "lightmeter reading LOG                            what your log can and cannot tell",
      "lightmeter train LOG                              clicks only",
      "lightmeter train LOG --validation-random SLICE    with pairs that were shown at random",
    ]
  }

  private var relation: String? {
    guard let popularity = row("popularity"), let random = row("random") else { return nil }
    return "What is shown and what is liked correlate at \(NumberText.fixed(statistics.correlation, places: 2)) here; "
      + "ranking by popularity reaches \(DemoText.three(popularity.ndcg.mean)), at random "
      + "\(DemoText.three(random.ndcg.mean)), naive MF \(DemoText.three(row("mf")?.ndcg.mean ?? .nan))."
  }

  private var clicksOnly: String? {
    let debiased = rows.filter { $0.learnsFrom == .clicks && !["mf", "popularity"].contains($0.key) }
    guard let biif = row("biif"), let difference = biif.difference else { return nil }
    let better = debiased.filter { DemoText.verdict($0.difference) == .gains }
    let others =
      better.isEmpty
      ? "No method that learns from clicks alone beats naive MF in this world."
      : "From clicks alone, \(DemoText.list(better.map(\.method))) "
        + "\(better.count == 1 ? "beats" : "beat") naive MF in this world."
    return "Clicks alone: Biif \(DemoText.compare(difference)). \(others)"
  }

  private var slice: String? {
    let given = rows.filter { $0.learnsFrom == .slice }
    guard !given.isEmpty else { return nil }
    let parts = given.compactMap { row in row.difference.map { "\(row.method) \(DemoText.compare($0))" } }
    var text =
      "With 1 % of random traffic (\(NumberText.grouped(slicePairs)) pairs, "
      + "\(NumberText.grouped(sliceClicks)) of them clicked): " + parts.joined(separator: "; ") + "."
    let better = given.filter { DemoText.verdict($0.difference) == .gains }
    text +=
      better.isEmpty
      ? " So the slice bought nothing over naive MF here."
      : " So the slice bought something over naive MF in \(better.count) of \(given.count) uses."
    if let means = row("slice-means") {
      let above = given.filter { $0.key != "slice-means" && $0.ndcg.mean > means.ndcg.mean }
      text +=
        above.isEmpty
        ? " None of the methods trained with it is above its plain item means."
        : " Above its plain item means: \(DemoText.list(above.map(\.method)))."
    }
    return text
  }

  private var impressionLog: String? {
    guard let difference = row("mf-impressions")?.difference else { return nil }
    return
      "With the complete impression log (\(NumberText.grouped(impressions)) pairs that were shown), the same naive "
      + "model \(DemoText.compare(difference, to: "itself on clicks")): what was seen and declined then counts as a "
      + "dislike, and what was never seen does not."
  }

  private var ceiling: String? {
    guard let oracle = row("oracle"), let difference = oracle.difference else { return nil }
    let biif = row("biif").map { "; Biif stands at \(DemoText.three($0.ndcg.mean))" } ?? ""
    return
      "Told the true exposure of every pair, the low-variance loss reaches \(DemoText.three(oracle.ndcg.mean)) and "
      + "\(DemoText.compare(difference))\(biif)."
  }

  private var exposureLearned: String? {
    let known = rows.filter { $0.learnsFrom != .truth && $0.exposureCorrelation != nil }
    guard let best = known.max(by: { ($0.exposureCorrelation ?? 0) < ($1.exposureCorrelation ?? 0) }),
      let value = best.exposureCorrelation
    else { return nil }
    let biif = row("biif")?.exposureCorrelation.map {
      "Biif's exposure correlates with the truth at \(NumberText.fixed($0, places: 2)); "
    }
    return (biif ?? "") + "the closest is \(best.method) at \(NumberText.fixed(value, places: 2)). No exposure that is "
      + "the same for all users can pass about \(NumberText.fixed(statistics.itemOnlyCeiling, places: 2)) here."
  }

  private var caution: String? {
    "One world, one seed, settings fixed beforehand: intervals are over users, so another --seed may move a small "
      + "difference across 0. Other worlds: "
      + WorldPreset.allCases.filter { $0 != world }.map { "--world \($0.rawValue)" }.joined(separator: ", ") + "."
  }
}

/// Wording of differences.
enum DemoText {
  enum Verdict { case gains, level, loses }

  /// By the interval, not by the mean.
  static func verdict(_ difference: ConfidenceInterval?) -> Verdict {
    guard let difference else { return .level }
    if difference.low > 0 { return .gains }
    return difference.high < 0 ? .loses : .level
  }

  static func compare(_ difference: ConfidenceInterval, to whom: String = "naive MF") -> String {
    switch verdict(difference) {
    case .gains: "beats \(whom) by \(signed(difference))"
    case .loses: "falls below \(whom), \(signed(difference))"
    case .level: "cannot be told from \(whom), \(signed(difference))"
    }
  }

  static func signed(_ value: ConfidenceInterval) -> String {
    "\(signed(value.mean)) [\(signed(value.low)), \(signed(value.high))]"
  }

  static func signed(_ value: Double) -> String {
    let text = three(value)
    return text.hasPrefix("-") ? text : "+" + text
  }

  static func three(_ value: Double) -> String { NumberText.fixed(value, places: 3) }

  static func list(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " and " + last
  }
}
