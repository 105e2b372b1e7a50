internal import LightmeterEvaluation

/// What a study found and what it leaves open, in plain words.
struct StudySummary: Sendable {
  let study: Study

  private var places: Int { study.report.places }

  private func number(_ value: Double) -> String { NumberText.fixed(value, places: places) }

  /// `A, B and C`; `A; B, c; D` where a name has a comma of its own.
  static func list(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "none" }
    if names.contains(where: { $0.contains(",") }) { return names.joined(separator: "; ") }
    return names.dropLast().joined(separator: ", ") + " and " + last
  }

  /// Whether a row is told what no log says.
  private func isOracle(_ label: String) -> Bool {
    study.methods.contains { $0.label == label && $0.members == nil && $0.recipe.method == "oracle" }
  }

  /// What the tables of a data set say.
  func points(_ part: StudyPart) -> [String] {
    guard let (metric, cells) = part.metrics.first else { return [] }
    return [best(part, metric, cells)].compactMap(\.self)
      + part.results.controls.compactMap { against($0, part, cells) }
      + part.results.controls.compactMap { detectable($0, part, cells) }
      + [others(part), exposure(part)].compactMap(\.self)
  }

  /// How near the rows' exposures come to a world's true one, nearest first.
  private func exposure(_ part: StudyPart) -> String? {
    guard let world = part.results.dataset.statistics else { return nil }
    let found = part.results.rows.compactMap { row -> (label: String, mean: Double)? in
      let correlations = row.records.compactMap { $0.exposure?.correlation }
      return correlations.isEmpty ? nil : (row.label, RunSummary(correlations).mean)
    }.sorted { $0.mean > $1.mean }
    guard found.count > 1 else { return nil }
    func three(_ value: Double) -> String { NumberText.fixed(value, places: 3) }
    return "Correlation of exposure with the truth at the end: "
      + Self.list(found.map { "\($0.label) \(three($0.mean))" })
      + ". Popularity of the clicks has \(three(world.popularityCorrelation)); no exposure that is the same for all users "
      + "can pass \(three(world.itemOnlyCeiling))."
  }

  private func best(_ part: StudyPart, _ metric: String, _ cells: [StudyCell?]) -> String? {
    let labels = part.labels
    guard let top = cells.firstIndex(where: { $0?.mark == .best }), let cell = cells[top] else {
      return "By \(metric) there are not two rows with a value, so none is best."
    }
    let seeds = cell.summary.values.count
    var text =
      "By \(metric), \(labels[top]) has the highest "
      + (seeds == 1 ? "value of one seed" : "mean of \(seeds) seeds") + ": \(number(cell.summary.mean))"
    if let interval = cell.interval {
      text += " (95 % interval over users \(number(interval.low)) to \(number(interval.high)))"
    }
    let tied = cells.indices.filter { cells[$0]?.mark == .tied }.map { labels[$0] }
    text +=
      tied.isEmpty
      ? ". No other row is tied with it." : ". Statistically tied with it: \(Self.list(tied))."
    guard isOracle(labels[top]) else { return text }
    let feasible = cells.indices.filter { cells[$0] != nil && !isOracle(labels[$0]) }
    guard let next = feasible.max(by: { mean(cells[$0]) < mean(cells[$1]) }) else { return text }
    return text + " It is told the true exposure, which no log holds; the best row without that is \(labels[next]) "
      + "with \(number(mean(cells[next])))."
  }

  private func mean(_ cell: StudyCell?) -> Double { cell?.summary.mean ?? -.infinity }

  private func against(_ control: String, _ part: StudyPart, _ cells: [StudyCell?]) -> String? {
    let found = cells.indices.compactMap { place in
      cells[place]?.comparisons[control].map { (label: part.labels[place], comparison: $0) }
    }
    guard !found.isEmpty else { return nil }
    let significant = found.filter(\.comparison.isSignificant)
    let higher = significant.filter { $0.comparison.paired.difference.mean > 0 }.map(\.label)
    let lower = significant.filter { $0.comparison.paired.difference.mean < 0 }.map(\.label)
    let open = found.filter { !$0.comparison.isSignificant }.map(\.label)
    let parts = [("Higher", higher), ("Lower", lower), ("No difference shown", open)].filter { !$0.1.isEmpty }
    return "Against \(control), user by user and corrected for \(found.count) comparisons (Holm, 5 %). "
      + parts.map { "\($0.0): \(Self.list($0.1))." }.joined(separator: " ")
  }

  private func detectable(_ control: String, _ part: StudyPart, _ cells: [StudyCell?]) -> String? {
    let found = cells.compactMap { $0?.comparisons[control]?.paired.minimumDetectable }.filter(\.isFinite)
    guard let least = found.min(), let most = found.max() else { return nil }
    let users = cells.lazy.compactMap { $0?.averaged.users.count }.first ?? 0
    let (low, high) = (bound(least), bound(most))
    let range = low == high ? low : "\(low) to \(high), by row,"
    return "The smallest true difference from \(control) that these \(NumberText.grouped(users)) users would have "
      + "shown four times out of five is \(range) before correction; smaller ones are left open."
  }

  /// A positive number that is never printed as 0.
  private func bound(_ value: Double) -> String {
    let unit = NumberText.powerOfTen(-places)
    return value < unit / 2 ? "below \(number(unit))" : number(value)
  }

  private func others(_ part: StudyPart) -> String? {
    let rest = part.metrics.dropFirst().compactMap { metric in
      metric.cells.firstIndex { $0?.mark == .best }.map { (metric: metric.name, label: part.labels[$0]) }
    }
    guard !rest.isEmpty else { return nil }
    var order: [String] = []
    for entry in rest where !order.contains(entry.label) { order.append(entry.label) }
    let parts = order.map { label in
      "\(label) by \(Self.list(rest.filter { $0.label == label }.map(\.metric)))"
    }
    return "Highest by the other metrics: \(parts.joined(separator: "; "))."
  }

  /// What the numbers do not say.
  func limits(_ parts: [StudyPart], absent: [(label: String, reason: String)]) -> [String] {
    var points: [String] = []
    if parts.contains(where: { $0.results.seeds.count == 1 }) {
      points.append("One seed: how much results scatter between runs is not shown, and no ± stands in the tables.")
    }
    points.append(
      "Intervals and p-values are over the users of the test, with the runs of all seeds averaged; they say nothing "
        + "about other data, other times or other users.")
    points.append(
      "“Tied” and “no difference shown” mean that these users cannot tell the rows apart, not that the rows are equal.")
    if parts.contains(where: { $0.results.rows.count > 3 }) {
      points.append("The best of many rows is picked by looking, so its mean is a little flattered.")
    }
    let worlds = parts.filter { $0.results.dataset.world != nil }.map(\.label)
    if !worlds.isEmpty {
      points.append(
        "\(Self.list(worlds)): simulated. Users there behave as the simulation says; who wins is a statement about such "
          + "worlds.")
    }
    for set in absent { points.append("Without \(set.label): \(set.reason).") }
    for (label, reason) in study.absentMethods.sorted(by: { $0.key < $1.key }) {
      points.append("Without \(label): \(reason).")
    }
    return points + study.report.notes
  }

  /// What forbids or limits quoting the numbers.
  func stamps(_ parts: [StudyPart]) -> [String] {
    [study.stamp].compactMap(\.self)
      + parts.filter { $0.results.seeds.count < study.seeds.count }.map { part in
        "UNFINISHED: on \(part.label), \(part.results.seeds.count) of \(study.seeds.count) seeds are done for every row, "
          + "and only they are shown."
      }
  }

  /// Runs that gave no model.
  func failures(_ parts: [StudyPart]) -> [String] {
    parts.flatMap { part in
      part.failures.map { failure in
        "On \(part.label), \(failure.count) of \(failure.of) runs of \(failure.label) gave no model: \(failure.reason)"
      }
    }
  }
}
