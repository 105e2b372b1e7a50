internal import ArgumentParser
internal import LightmeterExperiments
internal import LightmeterKernels

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// `lightmeter reproduce`: the tables and figures of the Biif paper, and the ledger of its numbers.
struct ReproduceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce",
    abstract: "Make the tables and figures of the Biif paper again, and compare every number.",
    discussion: """
      lightmeter reproduce table2 --data ~/data --output results
      lightmeter reproduce all --data ~/data --store runs --output results
      lightmeter reproduce table1 --print > table1.yaml      the study file, to be changed and run by `experiment run`

      Data below --data, as their makers give them: yahoo-r3/ydata-ymusic-rating-study-v1_0-{train,test}.txt, \
      coat/{train,test}.ascii, ml-100k/u.data, ratings_CDs_and_Vinyl.csv. What is missing is left out and named. \
      May be stopped and started at any moment; finished runs are kept in --store.
      """)

  /// What to make.
  enum Target: String, ExpressibleByArgument, CaseIterable {
    case table1, table2, figure1, figure2, figure3, times, all

    var studies: [Reproduction] { Reproduction(rawValue: rawValue).map { [$0] } ?? Reproduction.allCases }
  }

  @Argument(help: "table1, table2, figure1, figure2, figure3, times or all.") var target: Target
  @Option(help: "Folder with the data sets; else the variable LIGHTMETER_DATA.") var data: String?
  @Option(help: "Folder with finished runs.") var store = "runs"
  @Option(help: "Folder of the reports and the ledger.") var output = "reproduction"
  @Option(parsing: .unconditional, help: "Runs at a time, each on one thread.") var workers = 2
  @Flag(help: "Print the plan with an estimate of time and memory, and run nothing.") var dryRun = false
  @Flag(name: .customLong("print"), help: "Print the study file and run nothing.") var prints = false

  func validate() throws {
    guard workers > 0 else { throw ValidationError("--workers \(workers): at least one run at a time") }
    if prints, target == .all { throw ValidationError("--print prints one study; name it instead of all") }
  }

  func run() async throws { try await ExitStatus.guarding { try await perform() } }

  private var folder: String { data ?? ProcessInfo.processInfo.environment["LIGHTMETER_DATA"] ?? "." }

  private func perform() async throws {
    if prints { return Terminal.write(target.studies[0].text) }
    Interruption.install()
    let kept = try RunStore(folder: store)
    if !dryRun { try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true) }
    var sources: [Reproduction: Ledger.Source] = [:]
    for study in target.studies {
      do { sources[study] = .done(try await make(study, kept)) } catch StudyError.noData(let folder, let reasons) {
        guard target == .all else { throw StudyError.noData(folder: folder, reasons: reasons) }
        sources[study] = .absent(reasons.joined(separator: "; "))
        Terminal.emit("\(study.rawValue): left out; \(reasons.joined(separator: "; "))")
      }
    }
    if !dryRun { try writeLedger(sources, kept) }
  }

  private func make(_ reproduction: Reproduction, _ kept: RunStore) async throws -> StudyRunner {
    let study = try reproduction.study()
    let progress = StudyProgress(workers: workers)
    let runner = try StudyRunner(study, data: folder, store: kept, workers: workers, report: { progress.show($0) })
    Terminal.emit("\(study.name)")
    for set in runner.facts { Terminal.emit("\(set.label) (\(set.digest)): \(set.facts)") }
    for set in runner.absent { Terminal.emit("without \(set.label): \(set.reason)") }
    for (label, reason) in study.absentMethods.sorted(by: { $0.key < $1.key }) {
      Terminal.emit("without \(label): \(reason)")
    }
    if dryRun {
      ExperimentCommand.RunStudy.print(try runner.forecast(), workers: workers)
      return runner
    }
    defer { progress.finish() }
    do { try await runner.run() } catch StudyError.interrupted(let done, let total) {
      throw ResumableStop(
        state:
          "interrupted with \(done) of \(total) runs of this phase of \(study.name) done, all of them kept in \(store)",
        command: CommandText.own())
    }
    let report = try StudyReport(runner, command: command(reproduction.rawValue), reproduction: reproduction)
    for path in try report.write(to: output, name: study.name) { Terminal.emit(path) }
    if reproduction == .times { Terminal.emit(try EpochTimes(runner).write(to: output)) }
    return runner
  }

  /// The ledger reads what was run now, and earlier, of every study; data are read for reports that stand in the folder only.
  private func writeLedger(_ now: [Reproduction: Ledger.Source], _ kept: RunStore) throws {
    var sources = now
    for reproduction in Reproduction.allCases where sources[reproduction] == nil {
      let study = try reproduction.study()
      let absent = StudyRunner.absentData(of: study, data: folder)
      if absent.count == study.data.count {
        sources[reproduction] = .absent(absent.map(\.reason).joined(separator: "; "))
      } else if FileManager.default.fileExists(atPath: "\(output)/\(study.name).json") {
        sources[reproduction] = .done(try StudyRunner(study, data: folder, store: kept))
      }
    }
    for path in try Ledger(sources).write(to: output, command: command(target.rawValue)) { Terminal.emit(path) }
  }

  private func command(_ target: String) -> String {
    var words = ["lightmeter", "reproduce", target]
    if let data { words += ["--data", data] }
    if store != "runs" { words += ["--store", store] }
    if output != "reproduction" { words += ["--output", output] }
    var text = CommandText.joined(words)
    if data == nil, ProcessInfo.processInfo.environment["LIGHTMETER_DATA"] != nil {
      text += " --data \"$LIGHTMETER_DATA\""
    }
    return text
  }
}
