/// What the runs of a study took.
struct StudyCostSection: Sendable {
  let study: Study

  func blocks(_ parts: [StudyPart]) -> [Page.Block] {
    let charts = parts.map(chart)
    let figure: any Chart =
      charts.count == 1
      ? charts[0] : IntervalGrid(title: "Seconds of a final run, scoring included", charts: charts)
    return [
      .figure(
        figure,
        caption: "Wall time on one thread, mean over seeds; lines from the quickest to the slowest seed. Runs that "
          + "shared the machine with others are slower."),
      .table(
        table(parts),
        caption: "Cost by method. Peak memory is that of the process so far, so it never falls from run to run."),
    ]
  }

  private func chart(_ part: StudyPart) -> IntervalChart {
    IntervalChart(
      title: part.label == study.name || part.label.isEmpty ? "Seconds of a final run" : part.label,
      axis: ChartAxis("wall time of a run", unit: "s", scale: .logarithmic),
      rows: own(part).map { row in
        let seconds = row.records.map(\.seconds)
        let mean = seconds.reduce(0, +) / Double(max(1, seconds.count))
        let range = seconds.min().flatMap { least in seconds.max().map { least...$0 } }
        return IntervalChart.Row(row.label, seconds.isEmpty ? .nan : mean, interval: seconds.count > 1 ? range : nil)
      }, intervalMeaning: "least to most of the seeds", places: 2)
  }

  /// Rows with runs of their own.
  private func own(_ part: StudyPart) -> [StudyRow] { part.results.rows.filter(\.taken.isEmpty) }

  private func table(_ parts: [StudyPart]) -> TableValue {
    let hasSets = parts.count > 1
    let columns = [
      "s per run", "epochs", "s per epoch", "peak memory, MB", "tuning budget, epochs", "tuning, s",
    ].map { TableValue.Column($0) }
    return TableValue(
      columns: [.init("method", .leading)] + (hasSets ? [.init("data", .leading)] : []) + columns,
      rows: parts.flatMap { part in
        own(part).map { row in
          let data = hasSets ? [TableValue.Cell(part.label)] : []
          return [TableValue.Cell(row.label)] + data + cells(row, part)
        }
      })
  }

  private func cells(_ row: StudyRow, _ part: StudyPart) -> [TableValue.Cell] {
    func number(_ value: Double?, _ places: Int) -> TableValue.Cell {
      value.map { .number($0, places: places) } ?? TableValue.Cell(NumberText.absent)
    }
    let seconds = row.records.map(\.seconds)
    let budget = study.methods.first { $0.label == row.label }.map { study.tuningEpochs($0) } ?? 0
    let peak = row.records.map(\.peakBytes).max().map { Double($0) / 1e6 }
    let epochs = row.records.first.map { "\($0.history.count)" } ?? NumberText.absent
    return [
      number(seconds.isEmpty ? nil : seconds.reduce(0, +) / Double(seconds.count), 2), TableValue.Cell(epochs),
      number(row.secondsPerEpoch, 3), number(peak, 0),
      TableValue.Cell(budget == 0 ? NumberText.absent : NumberText.grouped(budget)),
      number(part.tuningSeconds[row.label], 1),
    ]
  }
}
