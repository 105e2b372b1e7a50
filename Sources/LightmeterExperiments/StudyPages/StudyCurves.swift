internal import LightmeterEvaluation
internal import LightmeterTraining

/// What happened while the models were trained, with bands over seeds.
struct StudyCurves: Sendable {
  let study: Study
  /// A loss curve of more epochs shows every second, third and so on.
  private static let mostEpochs = 30

  /// A value that a run has at several places.
  private typealias Run = [(x: Double, y: Double)]

  /// The mean over runs at every place that all have, with mean ± one standard deviation as band; nil without two places.
  private static func series(_ name: String, _ runs: [Run]) -> LineChart.Series? {
    guard let first = runs.first else { return nil }
    let tables = runs.map { run in Dictionary(run.map { ($0.x, $0.y) }, uniquingKeysWith: { $1 }) }
    let places = first.map(\.x).filter { x in tables.allSatisfy { $0[x] != nil } }
    guard places.count > 1 else { return nil }
    let summaries = places.map { x in RunSummary(tables.compactMap { $0[x] }) }
    let band =
      runs.count < 2
      ? nil
      : LineChart.Band(
        lower: summaries.map { $0.mean - ($0.standardDeviation ?? 0) },
        upper: summaries.map { $0.mean + ($0.standardDeviation ?? 0) })
    return LineChart.Series(name, x: places, y: summaries.map(\.mean), band: band)
  }

  private static func meaning(_ count: Int, _ what: String) -> String {
    "mean ± one standard deviation over \(count) \(what)"
  }

  /// The end of a caption about bands.
  private static func remark(_ count: Int, _ what: String) -> String {
    count == 1 ? " One \(what), so there is no band." : ""
  }

  /// Every figure of a data set that its records allow.
  func blocks(_ part: StudyPart) -> [Page.Block] {
    [choice(part), loss(part), exposure(part, bySteps: true), exposure(part, bySteps: false)].compactMap(\.self)
  }

  /// The metric that chooses, at the checkpoints of the tuning runs.
  private func choice(_ part: StudyPart) -> Page.Block? {
    let series = part.labels.compactMap { label -> LineChart.Series? in
      let runs = (part.chosenRuns[label] ?? []).map { record in record.scores.map { (Double($0.epoch), $0.value) } }
      return Self.series(label, runs)
    }
    guard !series.isEmpty else { return nil }
    let seeds = study.tuning.seeds.count
    return .figure(
      LineChart(
        title: "What chose, while tuning on \(part.label)", horizontal: ChartAxis("epoch", isWhole: true),
        vertical: ChartAxis(study.tuning.name), series: series, bandMeaning: Self.meaning(seeds, "tuning seeds")),
      caption: "The metric by which configurations and epochs were chosen, for the chosen configuration of each "
        + "method; test data is not in it." + Self.remark(seeds, "tuning seed"))
  }

  /// Training loss; methods minimise different losses, so each is divided by its own first value.
  private func loss(_ part: StudyPart) -> Page.Block? {
    let series = part.results.rows.compactMap { row -> LineChart.Series? in
      guard row.taken.isEmpty else { return nil }
      let runs = row.records.filter { $0.failure == nil }.compactMap { record -> Run? in
        guard let first = record.history.first?.trainingLoss, first > 0, record.history.count > 1 else { return nil }
        let step = (record.history.count + Self.mostEpochs - 1) / Self.mostEpochs
        let kept = record.history.enumerated().filter { $0.offset % step == 0 || $0.offset + 1 == record.history.count }
        return kept.map { (Double($0.element.epoch), $0.element.trainingLoss / first) }
      }
      return Self.series(row.label, runs)
    }
    guard !series.isEmpty else { return nil }
    let seeds = part.results.seeds.count
    return .figure(
      LineChart(
        title: "Training loss on \(part.label)", horizontal: ChartAxis("epoch", isWhole: true),
        vertical: ChartAxis("training loss, part of the first epoch's"), series: series,
        bandMeaning: Self.meaning(seeds, "seeds")),
      caption: "Whether training had settled. Methods minimise different losses: only the shape of a curve can be "
        + "compared." + Self.remark(seeds, "seed"))
  }

  /// Correlation of exposure with the truth, by step within the first epochs or by epoch.
  private func exposure(_ part: StudyPart, bySteps: Bool) -> Page.Block? {
    let series = part.results.rows.compactMap { row -> LineChart.Series? in
      let runs = row.records.map { record in
        (record.trace ?? []).compactMap { point -> (x: Double, y: Double)? in
          guard let x = bySteps ? point.step : point.epoch, let y = point.correlation else { return nil }
          return (Double(x), y)
        }
      }
      return Self.series(row.label, runs)
    }
    guard !series.isEmpty else { return nil }
    var references: [LineChart.Reference] = []
    if let world = part.results.dataset.statistics {
      references = [
        .init("popularity of the clicks", at: world.popularityCorrelation),
        .init("ceiling of any exposure that is the same for all users", at: world.itemOnlyCeiling),
      ]
    }
    let seeds = part.results.seeds.count
    let axis = bySteps ? "step" : "epoch"
    return .figure(
      LineChart(
        title: "Learned exposure against the truth, by \(axis), on \(part.label)",
        horizontal: ChartAxis(axis, isWhole: true),
        vertical: ChartAxis("correlation with the true exposure"), series: series, references: references,
        bandMeaning: Self.meaning(seeds, "seeds")),
      caption: "Correlation over items, mean over users (Eq. 20); a model whose exposure is the same for all items "
        + "has none and no curve." + Self.remark(seeds, "seed"))
  }
}
