internal import LightmeterEvaluation

/// Dots with intervals: the values of every row, and their differences from a control.
struct StudyCharts: Sendable {
  let study: Study
  /// Published values by row and metric.
  var published: @Sendable (_ label: String, _ metric: String) -> Double? = { _, _ in nil }

  static let usersMeaning = "95 %, bootstrap over users"

  /// Values of every row: one metric alone with its numbers, several side by side.
  func values(_ part: StudyPart) -> any Chart {
    let charts = part.metrics.map { values(part, $0.name, title: $0.name) }
    guard charts.count == 1 else { return IntervalGrid(title: "Every method on \(part.label)", charts: charts) }
    var chart = charts[0]
    chart.title = "\(part.metrics[0].name) on \(part.label)"
    return chart
  }

  /// Differences of every other row from a control.
  func differences(_ part: StudyPart, from control: String) -> any Chart {
    let paired = part.metrics.filter { StudyTables(study: study).isPaired($0.name) }
    let charts = paired.map { differences(part, $0.name, from: control, title: $0.name) }
    guard charts.count == 1 else {
      return IntervalGrid(title: "Difference from \(control) on \(part.label)", charts: charts)
    }
    var chart = charts[0]
    chart.title = "Difference in \(paired[0].name) from \(control) on \(part.label)"
    return chart
  }

  /// One metric on all data sets side by side.
  func overview(_ parts: [StudyPart], _ metric: String) -> IntervalGrid {
    IntervalGrid(
      title: "\(metric) of every method", charts: parts.map { values($0, metric, title: $0.label) })
  }

  /// Differences from a control on all data sets side by side.
  func overview(_ parts: [StudyPart], _ metric: String, from control: String) -> IntervalGrid {
    IntervalGrid(
      title: "Difference in \(metric) from \(control)",
      charts: parts.map { differences($0, metric, from: control, title: $0.label) })
  }

  func values(_ part: StudyPart, _ metric: String, title: String) -> IntervalChart {
    let cells = part.cells(metric)
    let control = part.results.controls.first
    let base = control.flatMap { part.labels.firstIndex(of: $0) }.flatMap { $0 < cells.count ? cells[$0] : nil }
    return IntervalChart(
      title: title, axis: ChartAxis(metric),
      rows: part.labels.enumerated().map { place, label in
        let cell = place < cells.count ? cells[place] : nil
        return IntervalChart.Row(
          label, cell?.summary.mean ?? .nan, interval: Self.range(cell?.interval),
          mark: IntervalMark(cell?.mark ?? .plain), other: published(label, metric))
      },
      reference: base.flatMap { cell in
        control.map { LineChart.Reference("\($0) (control)", at: cell.summary.mean) }
      },
      intervalMeaning: Self.usersMeaning, places: study.report.places)
  }

  private func differences(
    _ part: StudyPart, _ metric: String, from control: String, title: String
  ) -> IntervalChart {
    let cells = part.cells(metric)
    let rows = part.labels.enumerated().compactMap { place, label -> IntervalChart.Row? in
      guard label != control else { return nil }
      guard place < cells.count, let found = cells[place]?.comparisons[control] else {
        return IntervalChart.Row(label, .nan)
      }
      let difference = found.paired.difference
      let mark: IntervalMark = !found.isSignificant ? .plain : difference.mean > 0 ? .better : .worse
      return IntervalChart.Row(label, difference.mean, interval: Self.range(difference), mark: mark)
    }
    return IntervalChart(
      title: title, axis: ChartAxis("difference in \(metric)", reaches: []), rows: rows,
      reference: LineChart.Reference("no difference from \(control)", at: 0),
      intervalMeaning: Self.usersMeaning + ", paired", places: study.report.places)
  }

  /// An interval as a range; nil if its ends are not finite.
  private static func range(_ interval: ConfidenceInterval?) -> ClosedRange<Double>? {
    guard let interval, interval.low.isFinite, interval.high.isFinite, interval.low <= interval.high else { return nil }
    return interval.low...interval.high
  }
}
