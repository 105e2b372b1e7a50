internal import ArgumentParser
internal import LightmeterExperiments
internal import LightmeterKernels

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// `lightmeter experiment`: whole studies from one file.
struct ExperimentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment", abstract: "Run a whole study from one file and write its tables.",
    discussion: """
      lightmeter experiment run Studies/coat.yaml --data ~/data
      lightmeter experiment status Studies/coat.yaml --data ~/data
      lightmeter experiment report Studies/coat.yaml --data ~/data --output docs/results
      """,
    subcommands: [RunStudy.self, ShowStatus.self, WriteReport.self])
}

/// What all three take.
struct StudyOptions: ParsableArguments {
  @Argument(help: "The study file (YAML).") var file: String
  @Option(help: "Folder with the data sets; else the variable LIGHTMETER_DATA.") var data: String?
  @Option(help: "Folder with finished runs; several studies may share one.") var store = "runs"

  var dataFolder: String { data ?? ProcessInfo.processInfo.environment["LIGHTMETER_DATA"] ?? "." }

  /// The study, read and checked.
  var study: Study {
    get throws {
      try InputKind.check(file)
      return try Study(file: file)
    }
  }

  /// The whole command line of a subcommand on this study.
  func command(_ subcommand: String, _ rest: [String] = []) -> String {
    var text = CommandText.joined(["lightmeter", "experiment", subcommand, file])
    if let data {
      text += " --data " + CommandText.quoted(data)
    } else if ProcessInfo.processInfo.environment["LIGHTMETER_DATA"] != nil {
      text += " --data \"$LIGHTMETER_DATA\""
    }
    if store != "runs" { text += " --store " + CommandText.quoted(store) }
    return rest.isEmpty ? text : text + " " + CommandText.joined(rest)
  }
}

extension ExperimentCommand {
  struct RunStudy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "run", abstract: "Run what is missing; may be stopped and started at any moment.")
    @OptionGroup var options: StudyOptions
    @Option(parsing: .unconditional, help: "Runs at a time, each on one thread.") var workers = 2
    @Flag(help: "Print the plan with an estimate of time and memory, and run nothing.") var dryRun = false

    func validate() throws {
      guard workers > 0 else { throw ValidationError("--workers \(workers): at least one run at a time") }
    }

    func run() async throws { try await ExitStatus.guarding { try await perform() } }

    private func perform() async throws {
      Interruption.install()
      let study = try options.study
      if let stamp = study.stamp { Terminal.emit(stamp) }
      let progress = StudyProgress(workers: workers)
      let runner = try StudyRunner(
        study, data: options.dataFolder, store: RunStore(folder: options.store), workers: workers,
        report: { progress.show($0) })
      for set in runner.facts { Terminal.emit("\(set.label) (\(set.digest)): \(set.facts)") }
      for set in runner.absent { Terminal.emit("without \(set.label): \(set.reason)") }
      if dryRun { return Self.print(try runner.forecast(), workers: workers) }
      defer { progress.finish() }
      do { try await runner.run() } catch StudyError.interrupted(let done, let total) {
        throw ResumableStop(
          state: "interrupted with \(done) of \(total) runs of this phase done, all of them kept in \(options.store)",
          command: CommandText.own())
      }
    }

    /// Prints a plan.
    static func print(_ forecast: StudyForecast, workers: Int) {
      Terminal.emit(forecast.table.plain())
      let minutes = forecast.seconds / 60
      let megabytes = Double(forecast.peakBytes(workers: workers)) / 1e6
      Terminal.emit(
        "about \(NumberText.fixed(minutes, places: 1)) minutes of training on one thread at most, "
          + "\(NumberText.fixed(minutes / Double(workers), places: 1)) with \(workers) workers (scoring not counted); peak "
          + "memory about \(NumberText.fixed(megabytes, places: 0)) MB with \(workers) workers")
    }
  }

  struct ShowStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Say what is done and left.")
    @OptionGroup var options: StudyOptions

    func run() async throws { try await ExitStatus.guarding { try await perform() } }

    private func perform() async throws {
      let study = try options.study
      let runner = try StudyRunner(study, data: options.dataFolder, store: RunStore(folder: options.store))
      let status = try runner.status()
      if let stamp = study.stamp { Terminal.emit(stamp) }
      Terminal.emit("tuning runs: \(status.tuningDone) of \(status.tuning) done")
      Terminal.emit("final runs: \(status.finalDone) of \(status.final) done")
      var line = "running: \(status.running); left: \(status.left)"
      if let seconds = status.secondsLeft, status.left + status.running > 0 {
        let times = max(1, status.running)
        line +=
          "; about \(ProgressLine.duration(seconds / Double(times))) left with \(times) at a time, by the runs so far"
      }
      Terminal.emit(line)
    }
  }

  struct WriteReport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "report", abstract: "Write the report: a page with pictures, and the tables.",
      discussion: """
        lightmeter experiment report Studies/clean-worlds.yaml --output results
        lightmeter experiment report Studies/clean-worlds.yaml --format html

        NAME.html is one file that needs nothing else: no network, no script. The folder NAME_files holds its figures as \
        SVG, their data as CSV, and its tables as Markdown, LaTeX and CSV, by their numbers on the page. NAME.md, .tex, .csv \
        and .json hold all the numbers.
        """)
    @OptionGroup var options: StudyOptions
    @Option(help: "Folder of the report.") var output = "docs/results"
    @Option(help: "html (the page, its figures and their data), tables (Markdown, LaTeX, CSV, JSON) or all.")
    var format = Format.all
    @Flag(help: "Report the seeds that are done for every row, instead of refusing.") var partial = false

    /// ``StudyReport/Format`` as a flag's value.
    enum Format: String, ExpressibleByArgument, CaseIterable {
      case all, html, tables

      var files: StudyReport.Format {
        switch self {
        case .all: .all
        case .html: .html
        case .tables: .tables
        }
      }
    }

    func run() async throws { try await ExitStatus.guarding { try await perform() } }

    private func perform() async throws {
      let study = try options.study
      let runner = try StudyRunner(study, data: options.dataFolder, store: RunStore(folder: options.store))
      var rest: [String] = output == "docs/results" ? [] : ["--output", output]
      if format != .all { rest += ["--format", format.rawValue] }
      if partial { rest.append("--partial") }
      let command = "\(options.command("run")) && \(options.command("report", rest))"
      let report = try StudyReport(runner, command: command, partial: partial)
      for path in try report.write(to: output, name: study.name, format: format.files) { Terminal.emit(path) }
    }
  }
}
