internal import LightmeterEvaluation

/// Who gains and what is shown, by popularity of the items.
struct StudyGroups: Sendable {
  let study: Study

  private static let tenths = (1...10).map(String.init)
  private static let tenthTitle = "tenth of the items, rare to popular"
  /// The most maps of single methods.
  private static let mostMaps = 3

  /// Every figure of a data set that its records allow; one sentence where they allow none.
  func blocks(_ part: StudyPart) -> [Page.Block] {
    let found = deciles(part) + exposure(part)
    guard found.isEmpty else { return found }
    return [
      .paragraph(
        "These runs recorded nothing by popularity: their test gives every user a list of its own, or an older version "
          + "made them.")
    ]
  }

  /// Mean over the runs of ten numbers; nil unless every run has them.
  private static func mean(_ runs: [[Double]?]) -> [Double]? {
    let lists = runs.compactMap(\.self)
    guard let first = lists.first, lists.count == runs.count else { return nil }
    return first.indices.map { place in lists.reduce(0) { $0 + $1[place] } / Double(lists.count) }
  }

  // MARK: - Who gains

  private func deciles(_ part: StudyPart) -> [Page.Block] {
    let cutoff = part.results.rows.lazy.compactMap { $0.records.first?.deciles?.cutoff }.first ?? 0
    func rows(_ value: (PopularityDeciles) -> [Double]?) -> [(label: String, values: [Double])] {
      part.results.rows.compactMap { row in
        Self.mean(row.records.map { $0.deciles.flatMap(value) }).map { (row.label, $0) }
      }
    }
    func map(_ title: String, _ value: String, _ places: Int, _ rows: [(label: String, values: [Double])]) -> HeatMap {
      HeatMap(
        title: title, rows: rows.map(\.label), columns: Self.tenths, columnTitle: Self.tenthTitle,
        values: rows.flatMap(\.values), valueTitle: value, places: places)
    }
    var blocks: [Page.Block] = []
    let parts = rows(\.contribution)
    if let control = part.results.controls.first, let base = parts.first(where: { $0.label == control })?.values {
      let gains = parts.filter { $0.label != control }.map { row in
        (label: row.label, values: zip(row.values, base).map { $0 - $1 })
      }
      blocks.append(
        .figure(
          map(
            "Where the gain over \(control) comes from, on \(part.label)", "gain in NDCG@\(cutoff)",
            study.report.places, gains),
          caption: "The part of NDCG@\(cutoff) that items of each tenth of popularity earn, minus \(control)'s; a row "
            + "adds up to its gain. Mean over seeds."))
    }
    let shares = rows { $0.recommendedShare.map { 100 * $0 } }
    if !shares.isEmpty {
      blocks.append(
        .figure(
          map("What is recommended, on \(part.label)", "share of recommended places, %", 1, shares),
          caption: "Share of the first \(cutoff) places that items of each tenth of popularity get; 10 % each would be "
            + "even."))
    }
    let recall = rows { deciles in
      deciles.recall.contains { $0 != nil } ? deciles.recall.map { 100 * ($0 ?? .nan) } : nil
    }
    if !recall.isEmpty {
      blocks.append(
        .figure(
          map("What is found, on \(part.label)", "recall@\(cutoff), %", 1, recall),
          caption: "Share of the relevant pairs of each tenth of popularity that are among the first \(cutoff) places.")
      )
    }
    return blocks
  }

  // MARK: - Exposure

  private func exposure(_ part: StudyPart) -> [Page.Block] {
    let maps = part.results.rows.compactMap { row -> (row: StudyRow, maps: [ExposureMap])? in
      let maps = row.records.compactMap(\.exposureMap)
      return maps.isEmpty || maps.count < row.records.count || !row.taken.isEmpty ? nil : (row, maps)
    }
    guard !maps.isEmpty else { return [] }
    func series(_ name: String, _ lists: [[Double]?]) -> LineChart.Series? {
      Self.mean(lists).map { LineChart.Series(name, x: (1...10).map(Double.init), y: $0) }
    }
    let truth = maps.first.flatMap { series("true exposure", $0.maps.map(\.truthByItem)) }
    let curves = maps.compactMap { series($0.row.label, $0.maps.map(\.learnedByItem)) }
    let chart = LineChart(
      title: "Exposure by popularity of the items, on \(part.label)",
      horizontal: ChartAxis(Self.tenthTitle, isWhole: true),
      vertical: ChartAxis("mean exposure", scale: .logarithmic), series: (truth.map { [$0] } ?? []) + curves)
    let caption =
      "Mean probability of being shown that each method works with" + (truth == nil ? "." : ", and the true one.")
      + " Up to \(ExposureMap.mostUsers) users, mean over seeds."
    return [.figure(chart, caption: caption)] + singles(part, maps)
  }

  /// Maps of single methods by both tenths: learned minus true in worlds, else learned.
  private func singles(_ part: StudyPart, _ maps: [(row: StudyRow, maps: [ExposureMap])]) -> [Page.Block] {
    let varied = maps.filter { entry in
      let values = entry.maps[0].learned.filter(\.isFinite)
      return (values.max() ?? 0) - (values.min() ?? 0) > 1e-6 && entry.row.choice?.recipe.method != "oracle"
    }
    var seen: Set<[Double]> = []
    // Methods that take the same exposure share a map.
    let places = varied.sorted { Self.closeness($0.row) > Self.closeness($1.row) }
      .filter { seen.insert($0.maps[0].learned).inserted }.prefix(Self.mostMaps)
    return places.compactMap { entry -> Page.Block? in
      let isWorld = entry.maps[0].truth != nil
      let lists = entry.maps.map { map -> [Double]? in
        map.truth.map { zip(map.learned, $0).map { $0 - $1 } } ?? map.learned
      }
      guard let values = Self.mean(lists), values.count == 100 else { return nil }
      return .figure(
        HeatMap(
          title: "\(entry.row.label) on \(part.label): \(isWorld ? "learned minus true exposure" : "learned exposure")",
          rows: (1...10).map { "users, tenth \($0)" }, columns: Self.tenths, columnTitle: Self.tenthTitle,
          values: values, valueTitle: isWorld ? "learned minus true" : "mean exposure"),
        caption: "Users by activity, idle to busy, downwards; items by popularity to the right."
          + (maps.count > places.count && isWorld ? " Shown for the methods closest to the truth." : ""))
    }
  }

  private static func closeness(_ row: StudyRow) -> Double {
    let found = row.records.compactMap { $0.exposure?.correlation }
    return found.isEmpty ? 0 : found.reduce(0, +) / Double(found.count)
  }
}
