internal import ArgumentParser
internal import LightmeterEvaluation
internal import LightmeterExperiments
internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// `lightmeter update`: a model and a later log in, a model that knows both out.
struct UpdateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update", abstract: "Go on from a model with a new log: new users and items, without starting over.",
    discussion: """
      lightmeter update model.lightmeter today.csv -o model-2.lightmeter
      lightmeter update model.lightmeter today.csv --replay --epochs 10
      lightmeter update model.lightmeter today.csv --replay-log yesterday.csv

      New users and items are folded in; then a few epochs go through the new log, with --replay through the old clicks \
      too, which the model file keeps, or with --replay-log through those of an old log. Popularity is counted on all \
      clicks; a learned exposure goes on from where it was. A share of the new log is held out, and the report says what \
      the training changed there, better or worse. Without -o an update that is worse beyond chance is not written, and \
      the exit code is 1. Methods that go through all pairs always replay. \
      docs/update.md has the details.
      """)

  @Argument(help: "The model file.") var model: String
  @Argument(help: "The new log: a file, or - for standard input.") var log: String
  @Option(
    name: [.short, .long],
    help: "The model file to write; if not given the old one is replaced, unless that makes things worse.")
  var output: String?
  @OptionGroup(title: "Reading the log") var reading: LogOptions
  @Flag(help: "Train on the old clicks too, as the model file keeps them.") var replay = false
  @Option(
    help: """
      Train on the rows of this old log too, read by the same options; with it a model without history can go on.
      """)
  var replayLog: String?
  @Option(parsing: .unconditional, help: "Passes over the stream.") var epochs = 5
  @Option(parsing: .unconditional, help: "Seed of split, draws and initial values.") var seed: UInt64 = 1
  @Option(
    parsing: .unconditional, help: "Share of each user's new items held out for the comparison; 0 holds out nothing.")
  var testFraction = 0.2
  @OptionGroup var threads: ThreadOptions
  @Option(help: "text or json.") var format = OutputFormat.text

  func validate() throws {
    guard epochs > 0 else { throw ValidationError("--epochs: at least 1") }
    guard (0..<1).contains(testFraction) else {
      throw ValidationError("--test-fraction \(testFraction): from 0 to below 1")
    }
    guard replayLog == nil || !replay else {
      throw ValidationError("--replay and --replay-log: give one; the log replaces the clicks that the file keeps")
    }
    guard replayLog == nil || replayLog != log else {
      throw ValidationError("--replay-log: the old log and the new one are both '\(log)'")
    }
  }

  func run() async throws {
    try await ExitStatus.guarding {
      Interruption.install()
      threads.apply()
      let parent = try InputKind.model(model)
      let target = output ?? model
      try InputKind.check(output: target, isNone: [log, replayLog])
      _ = try AtomicFile(target)
      let old = try replayLog.map { try ordinary($0, parent.users, parent.items) }
      let ids = (old?.interactions.users ?? parent.users, old?.interactions.items ?? parent.items)
      let loaded = try ordinary(log, ids.0, ids.1)
      let kept = replay ? ModelUpdate.Replay.history : .none
      var update = try ModelUpdate(parent, log: loaded, replay: old.map { .log($0) } ?? kept)
      (update.epochs, update.testFraction, update.seed) = (epochs, testFraction, seed)
      let outcome = try await update.run(
        digest: try UpdateReport.digest(ofFile: model), observer: ConsoleObserver(title: "update", checkpoint: nil))
      let keepsOld = output == nil && outcome.report.isWorse
      if !keepsOld { try outcome.model.write(to: target) }
      try report(outcome, written: keepsOld ? nil : target)
      guard keepsOld else { return }
      Terminal.note("lightmeter: \(model) stays as it was; -o NEW writes the updated model all the same")
      throw ExitCode(ExitStatus.declined)
    }
  }

  /// A log without the rows that its column `random` marks, for which an update has no use.
  private func ordinary(_ path: String, _ users: IdentifierTable, _ items: IdentifierTable) throws -> LoadedLog {
    var loaded = try reading.load(path, users: users, items: items)
    if let marked = loaded.takeRandomTraffic() {
      Terminal.note(
        "note: \(marked.count) pairs that the column 'random' of \(path) marks are left out; an update has no use for them"
      )
    }
    return loaded
  }

  private func report(_ outcome: ModelUpdate.Outcome, written: String?) throws {
    let report = outcome.report
    if format == .json { return try Terminal.emit(json: report) }
    func movement(_ movement: Movement) -> String {
      "median \(NumberText.fixed(100 * movement.median, places: 1)) %, "
        + "largest \(NumberText.fixed(100 * movement.largest, places: 1)) %"
    }
    Terminal.emit(
      """
      users   \(report.usersAdded) added, \(report.usersFolded) of them folded in; known rows moved: \
      \(movement(report.usersMoved))
      items   \(report.itemsAdded) added, \(report.itemsFolded) of them folded in; known rows moved: \
      \(movement(report.itemsMoved))
      clicks  \(report.clicks) trained on, \(report.replayed) of them replayed; \(report.epochs) epochs
      """)
    if let card = outcome.after?.card { Terminal.emit("\n" + Terminal.wrapped("\(card)")) }
    Terminal.emit("\n" + report.verdict)
    if let written { Terminal.emit("\nwrote \(written)") }
  }
}
