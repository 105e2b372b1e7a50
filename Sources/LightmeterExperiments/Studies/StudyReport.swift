internal import LightmeterEvaluation
internal import LightmeterKernels
internal import LightmeterTraining

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A finished study as a page with pictures, and its tables as Markdown, LaTeX, comma-separated values and JSON; nothing
/// in them is written by hand.
///
/// The tables are the same bytes whenever the same study is run on the same data, whatever the number of workers and however
/// often it was stopped; what the machine has a part in, times and memory, stands in ``costs`` and in the last figure and table of the page.
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
  /// Everything with pictures.
  public let page: Page
  /// Exposure against the truth during training, one line per point; nil where the study does not ask for it.
  public let trace: String?

  /// Makes the tables from the store.
  ///
  /// - Parameters:
  ///   - command: the exact command line, printed in the report.
  ///   - partial: reports the seeds that are done for every row, and says so, instead of refusing.
  ///   - reproduction: what of the paper the study is; the page then shows the paper's numbers beside the study's.
  /// - Throws: ``StudyError/unfinished(missing:of:)``.
  public init(
    _ runner: StudyRunner, command: String, partial: Bool = false, reproduction: Reproduction? = nil
  ) throws {
    let results = try runner.datasets.map { try StudyResults.read(runner, $0, partial: partial) }
    let ledger = try reproduction.map {
      try Ledger(of: $0, results, absentMethods: runner.study.absentMethods)
    }
    try self.init(runner, results: results, command: command, ledger: ledger)
  }

  init(_ runner: StudyRunner, results: [StudyResults], command: String, ledger: Ledger? = nil) throws {
    var text = StudyMarkdown(study: runner.study, command: command)
    text.head(results, absent: runner.absent)
    var data = StudyExport(study: runner.study, command: command)
    var parts: [StudyPart] = []
    for result in results {
      let metrics = result.metrics()
      let cells = try Dictionary(uniqueKeysWithValues: metrics.map { ($0, try result.cells($0)) })
      try text.add(result, cells)
      try data.add(result, cells)
      parts.append(try StudyPart(runner, result, StudyTables(study: runner.study).metrics(result, cells)))
    }
    text.foot(results)
    markdown = text.text
    latex = text.latex
    page = try StudyPage(
      study: runner.study, parts: parts, absent: runner.absent, command: command, ledger: ledger
    ).page()
    csv = data.csv
    json = try data.json()
    costs = StudyCosts.csv(results)
    trace = runner.study.trace ? StudyTraces.csv(results) : nil
  }

  /// What is written.
  public enum Format: String, Sendable, CaseIterable {
    /// Page and tables.
    case all
    /// `NAME.html`, and the folder `NAME_files` with its figures as SVG, their data as CSV and its tables.
    case html
    /// `NAME.md`, `.tex`, `.csv`, `.json`, `.costs.csv` and, where there is one, `.trace.csv`.
    case tables
  }

  /// Writes the files of a format into a folder, making it if needed; each file appears whole or not at all.
  ///
  /// - Returns: the paths of the page and the tables, and the folder of the page's figures.
  public func write(to folder: String, name: String, format: Format = .all) throws -> [String] {
    try Self.make(folder)
    var files: [(kind: String, text: String)] = []
    if format != .html {
      files = [("md", markdown), ("tex", latex), ("csv", csv), ("json", json), ("costs.csv", costs)]
      if let trace { files.append(("trace.csv", trace)) }
    }
    if format != .tables { files.append(("html", page.html())) }
    var paths: [String] = []
    for file in files { paths.append(try Self.write(file.text, "\(folder)/\(name).\(file.kind)")) }
    guard format != .tables else { return paths }
    try Self.make("\(folder)/\(name)_files")
    for file in page.attachments() { _ = try Self.write(file.content, "\(folder)/\(name)_files/\(file.name)") }
    return paths + ["\(folder)/\(name)_files/"]
  }

  private static func make(_ folder: String) throws {
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw StudyError.cannotWrite(
        path: folder, reason: "the folder of the report cannot be made; name another with --output")
    }
  }

  private static func write(_ text: String, _ path: String) throws -> String {
    let file = try LightmeterKernels.AtomicFile(path)
    try file.write(text)
    try file.commit()
    return path
  }
}

/// What runs took.
enum StudyCosts {
  static func csv(_ results: [StudyResults]) -> String {
    var lines = ["data,method,seed,seconds,epochs,seconds_per_epoch,peak_bytes,machine"]
    let machine = CSVField.quoted(ProcessUsage.machine)
    for result in results {
      for row in result.rows {
        for record in row.records {
          let epochs = record.history.map(\.seconds)
          let mean = epochs.isEmpty ? "" : NumberText.exact(epochs.reduce(0, +) / Double(epochs.count))
          lines.append(
            [
              CSVField.quoted(result.dataset.description.label), CSVField.quoted(row.label), "\(record.seed)",
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
                CSVField.quoted(result.dataset.description.label), CSVField.quoted(row.label), "\(record.seed)",
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
