internal import LightmeterEvaluation
internal import LightmeterKernels
internal import LightmeterTraining

/// The tables of a finished study as Markdown, LaTeX, comma-separated values and JSON; nothing in them is written by hand.
///
/// They are the same bytes whenever the same study is run on the same data, whatever the number of workers and however
/// often it was stopped; what the machine has a part in, times and memory, stands in ``costs`` alone.
///
/// - Stability: experimental
public struct StudyReport: Sendable {
  /// For people.
  public let markdown: String
  /// The tables for a paper, with the rules of the package booktabs.
  public let latex: String
  /// One line per data set, row and metric.
  public let csv: String
  /// Everything, with the values of each seed.
  public let json: String
  /// Time and memory of each final run, one line each, and the machine.
  public let costs: String
  /// Exposure against the truth during training, one line per point; nil where the study does not ask for it.
  public let trace: String?

  /// Makes the tables from the store.
  ///
  /// - Parameters:
  ///   - command: the exact command line, printed in the report.
  ///   - partial: reports the seeds that are done for every row, and says so, instead of refusing.
  /// - Throws: ``StudyError/unfinished(missing:of:)``.
  public init(_ runner: StudyRunner, command: String, partial: Bool = false) throws {
    try self.init(
      runner, results: runner.datasets.map { try StudyResults.read(runner, $0, partial: partial) }, command: command)
  }

  init(_ runner: StudyRunner, results: [StudyResults], command: String) throws {
    var page = StudyMarkdown(study: runner.study, command: command)
    page.head(results, absent: runner.absent)
    var data = StudyExport(study: runner.study, command: command)
    for result in results {
      let metrics = result.metrics()
      let cells = try Dictionary(uniqueKeysWithValues: metrics.map { ($0, try result.cells($0)) })
      try page.add(result, cells)
      try data.add(result, cells)
    }
    page.foot(results)
    markdown = page.text
    latex = page.latex
    csv = data.csv
    json = try data.json()
    costs = StudyCosts.csv(results)
    trace = runner.study.trace ? StudyTraces.csv(results) : nil
  }

  /// Writes `NAME.md`, `.tex`, `.csv`, `.json`, `.costs.csv` and, where there is one, `.trace.csv` into a folder, each whole
  /// or not at all.
  ///
  /// - Returns: the paths.
  public func write(to folder: String, name: String) throws -> [String] {
    var files = [("md", markdown), ("tex", latex), ("csv", csv), ("json", json), ("costs.csv", costs)]
    if let trace { files.append(("trace.csv", trace)) }
    return try files.map { kind, text in
      let path = "\(folder)/\(name).\(kind)"
      let file = try AtomicFile(path)
      try file.write(text)
      try file.commit()
      return path
    }
  }
}

/// What runs took.
enum StudyCosts {
  static func csv(_ results: [StudyResults]) -> String {
    var lines = ["data,method,seed,seconds,epochs,seconds_per_epoch,peak_bytes,machine"]
    let machine = Escaping.csv(ProcessUsage.machine)
    for result in results {
      for row in result.rows {
        for record in row.records {
          let epochs = record.history.map(\.seconds)
          let mean = epochs.isEmpty ? "" : NumberText.exact(epochs.reduce(0, +) / Double(epochs.count))
          lines.append(
            [
              Escaping.csv(result.dataset.description.label), Escaping.csv(row.label), "\(record.seed)",
              NumberText.exact(record.seconds), "\(epochs.count)", mean, "\(record.peakBytes)", machine,
            ].joined(separator: ","))
        }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// Exposure against the truth while models were trained.
enum StudyTraces {
  static func csv(_ results: [StudyResults]) -> String {
    var lines = ["data,method,seed,step,epoch,correlation,rmse"]
    for result in results {
      for row in result.rows {
        for record in row.records {
          for point in record.trace ?? [] {
            lines.append(
              [
                Escaping.csv(result.dataset.description.label), Escaping.csv(row.label), "\(record.seed)",
                point.step.map { "\($0)" } ?? "", point.epoch.map { "\($0)" } ?? "",
                point.correlation.map(NumberText.exact) ?? "", NumberText.exact(point.error),
              ].joined(separator: ","))
          }
        }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Mean correlation over the runs of a row at a point; nil where a run lacks it.
  static func mean(_ row: StudyRow, step: Int? = nil, epoch: Int? = nil) -> Double? {
    let values = row.records.compactMap { record in
      record.trace?.first { $0.step == step && $0.epoch == epoch }?.correlation
    }
    return values.isEmpty || values.count < row.records.count ? nil : values.reduce(0, +) / Double(values.count)
  }
}
