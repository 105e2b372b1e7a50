internal import ArgumentParser
internal import LightmeterEvaluation
internal import LightmeterExperiments
internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterTraining

/// `lightmeter train`: a log in, a model file out, with its controls beside it.
struct TrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Learn a recommender from a click log and compare it with its controls.",
    discussion: """
      lightmeter train clicks.csv -o model.lightmeter
      lightmeter train ratings.csv --positive 'rating>=4' --method umf -o model.lightmeter
      lightmeter train shown.csv --impressions complete -o model.lightmeter
      lightmeter train clicks.csv --validation-random random.csv --method auto -o model.lightmeter
      zcat log.gz | lightmeter train - --no-header --columns user=1,item=2 -o model.lightmeter

      WHAT HELPS MOST: clicks alone cannot say what people would have wanted had they seen it. Two things can. A log of \
      impressions (what was shown, clicked or not: a 'shown' column and --impressions) makes every unclicked pair a real \
      answer. One per cent of random traffic (--validation-random) reveals relevance without exposure; `lightmeter \
      reading` says how much there is to gain from it. In simulated worlds where exposure and taste are independent, \
      both lift ranking far above anything estimated from clicks alone (`lightmeter demo`).

      A run that is stopped leaves MODEL.resume; the same command with --resume goes on and ends in the same bytes.
      """)

  @Argument(help: "The log: a file, or - for standard input.") var log: String
  @Option(name: [.short, .long], help: "The model file to write.") var output: String
  @OptionGroup(title: "Reading the log") var reading: LogOptions

  @Option(help: "A method of `lightmeter methods`, or auto: the best on a held-out part of the random slice.")
  var method = "biif"
  @Option(name: .customLong("set"), help: "A recipe key, such as dimension=32; `lightmeter methods biif` lists them.")
  var settings: [String] = []
  @Option(parsing: .unconditional, help: "Passes over the log; else as many as give about 3,000 steps, from 20 to 300.")
  var epochs: Int?
  @Option(parsing: .unconditional, help: "Seed of splits, initial values and streams.") var seed: UInt64 = 1
  @Flag(inversion: .prefixedNo, help: "Biases and an intercept at the base rate; the paper's methods have neither.")
  var prior = true

  @Option(help: "What the log says of what was shown: none, complete or partial.") var impressions = Impressions.none
  @Option(help: "A slice of random traffic: the validation set, and what exposure is calibrated on.")
  var validationRandom: String?
  @Option(
    parsing: .unconditional,
    help: "Weigh listed pairs by 1/logged propensity, cut at this value (needs a propensity column).")
  var largestWeight: Float?

  @Option(parsing: .unconditional, help: "Share of each user's items held out for the comparison; 0 holds out nothing.")
  var testFraction = 0.1
  @Option(parsing: .unconditional, help: "Hold out this share of the latest rows instead.") var testLatest: Double?
  @Option(parsing: .unconditional, help: "Hold out each user's last rows instead.") var testLast: Int?

  @Flag(help: "Train the method alone, without its controls.") var only = false
  @Flag(help: "Go on from MODEL.resume.") var resume = false
  @Flag(help: "Leave the users' history out of the model file.") var withoutHistory = false
  @OptionGroup var threads: ThreadOptions
  @Option(
    parsing: .unconditional,
    help: "Refuse a run that needs more GiB of memory than this; what the machine has left if not given.")
  var memoryLimit: Double?
  @Option(help: "text or json.") var format = OutputFormat.text

  func validate() throws {
    guard epochs.map({ $0 > 0 }) ?? true else { throw ValidationError("--epochs \(epochs ?? 0): at least 1") }
    guard testLatest.map({ $0 > 0 && $0 < 1 }) ?? true else {
      throw ValidationError("--test-latest \(testLatest ?? 0): above 0, below 1")
    }
    guard testLast.map({ $0 > 0 }) ?? true else { throw ValidationError("--test-last \(testLast ?? 0): at least 1") }
    guard testLatest == nil || testLast == nil else { throw ValidationError("take --test-latest or --test-last") }
    guard (0..<1).contains(testFraction) else {
      throw ValidationError("--test-fraction \(testFraction): from 0 to below 1")
    }
  }

  func run() async throws {
    try await ExitStatus.guarding {
      Interruption.install()
      threads.apply()
      try checkSettings()
      try Plan.check(recipe(named: method == "auto" ? "mf" : method, epochs: epochs ?? 20))
      try InputKind.check(output: output, isNone: [log, validationRandom])
      // Opened and given up: a place that cannot be written should be known before the training.
      _ = try AtomicFile(output)
      if resume, !ResumeFile(path: output + ".resume", fingerprint: "").exists {
        throw TrainingError.resume("there is no \(output).resume; run without --resume to start anew")
      }
      var job = TrainingJob(log: try reading.load(log))
      (job.seed, job.keepsHistory, job.impressions) = (seed, !withoutHistory, impressions)
      job.largestPropensityWeight = largestWeight
      job.split =
        testLatest.map { .temporal(fraction: $0) } ?? testLast.map { .lastPerUser(count: $0) }
        ?? (testFraction > 0 ? .perUser(fraction: testFraction) : .none)
      if let slice = job.slice {
        guard validationRandom == nil else {
          throw ValidationError(
            "the log's column 'random' marks \(slice.count) pairs as random traffic already; leave --validation-random out"
          )
        }
        describe(slice)
      }
      if impressions == .none, job.log.interactions.shown != nil {
        Terminal.note("note: the column 'shown' tells nothing of exposure without --impressions partial or complete")
      }
      if let validationRandom {
        job.slice = try reading.load(
          validationRandom, users: job.log.interactions.users, items: job.log.interactions.items, as: "random traffic")
      }
      try await train(&job)
    }
  }

  private func describe(_ slice: PairBatch) {
    Terminal.note(
      "random traffic: \(slice.count) pairs that the column 'random' marks, \(slice.feedback.count { $0 == 1 }) positive; "
        + "no clicks to learn from")
  }

  private func checkSettings() throws {
    let keys = try parsedSettings().keys
    if epochs != nil && keys.contains("epochs") { throw ValidationError("take --epochs or --set epochs, not both") }
    guard method == "auto", let other = keys.sorted().first(where: { !RecipeKey.ofControls.contains($0) }) else {
      return
    }
    throw ValidationError("--set \(other): --method auto chooses that itself; name a method to set it")
  }

  /// The recipe of a method with this command's flags on top of its defaults.
  private func recipe(named name: String, epochs: Int) throws -> Recipe {
    let entry = try MethodCatalogue.entry(named: name)
    var recipe = Recipe(name)
    // A flag that would have no effect is an error of `validated()`, except for controls that ride along.
    let given = try parsedSettings().filter { key, _ in
      name == method || (RecipeKey.ofControls.contains(key) && entry.takes(key))
    }
    guard entry.isTrained else {
      recipe.settings = given
      return recipe
    }
    // Methods that go through their parts several times an epoch get as many steps, not as many epochs.
    let share = self.epochs == nil ? entry.passesPerEpoch : 1
    // The suggestion counts steps of batches; sweeps have a number of their own.
    if !entry.sweeps || self.epochs != nil {
      recipe.settings["epochs"] = .number(Double((epochs + share - 1) / share))
    }
    if prior, entry.takes("biases") {
      recipe.settings["biases"] = .text("userAndItem")
      recipe.settings["intercept"] = .text("baseRate")
    }
    recipe.settings.merge(given) { $1 }
    return recipe
  }

  private func parsedSettings() throws -> [String: RecipeValue] {
    var parsed: [String: RecipeValue] = [:]
    for setting in settings {
      let sides = setting.split(separator: "=", maxSplits: 1)
      guard sides.count == 2 else { throw ValidationError("--set \(setting): write key=value") }
      parsed[String(sides[0])] = RecipeValue(parsing: String(sides[1]))
    }
    return parsed
  }

  private func train(_ job: inout TrainingJob) async throws {
    let forecast = try foretell(job)
    let (chosen, prepared) = try choose(job)
    job.releaseRows()
    let resumeFile = ResumeFile(path: output + ".resume", fingerprint: job.fingerprint(of: chosen))
    var plan = try chosen.validated()
    plan.pointwise.resumeFrom = resume ? resumeFile : nil
    let observer = ConsoleObserver(title: plan.entry.title, checkpoint: resumeFile)
    let model = try stopping("training \(plan.entry.title)", observer, of: plan.entry.title) {
      () throws(TrainingError) in
      try plan.fit(prepared.data, seed: seed, observer: observer)
    }

    var table = ComparisonTable()
    let baselines = only ? [] : ["popularity", "mf"].filter { $0 != chosen.method }
    var measured: EvaluationResult?
    for name in baselines {
      let control = try recipe(named: name, epochs: epochs ?? job.suggestedEpochs).validated()
      let controlModel = try stopping("training the control \(control.entry.title)", observer, of: plan.entry.title) {
        () throws(TrainingError) in
        try control.fit(
          prepared.data, seed: seed, observer: ConsoleObserver(title: control.entry.title, checkpoint: nil))
      }
      try table.add(control.entry.title, try await job.evaluate(controlModel, prepared, baselines: baselines))
    }
    measured = try await job.evaluate(model, prepared, baselines: baselines)
    try table.add(plan.entry.title, measured)
    let stored = try job.stored(model, recipe: chosen, prepared, results: table.results, card: measured?.card)
    try stored.write(to: output)
    resumeFile.remove()
    try report(table, card: measured?.card, model: model, job: job, forecast: forecast)
  }

  /// Does a part of the run; where Ctrl-C stops it, the error says what is kept and the command that goes on.
  private func stopping(
    _ part: String, _ observer: ConsoleObserver, of method: String,
    _ body: () throws(TrainingError) -> TrainedModel
  ) throws -> TrainedModel {
    do { return try body() } catch {
      guard case .interrupted = error else { throw error }
      let epochs = observer.keptEpochs
      // A first epoch leaves nothing, unless the run itself went on from a state.
      guard epochs > 0 || resume else { throw error }
      let keeps = epochs > 0 ? "keeps \(method) after \(epochs) whole epochs" : "is as it was"
      throw ResumableStop(
        state: "interrupted while \(part); \(output).resume \(keeps)",
        command: CommandText.own(adding: "--resume") + (log == "-" ? "    (with the same log on standard input)" : ""))
    }
  }

  /// Says what the run will take, or refuses it.
  private func foretell(_ job: TrainingJob) throws -> MemoryForecast {
    let plan = try recipe(named: method == "auto" ? "mf" : method, epochs: epochs ?? job.suggestedEpochs).validated()
    let forecast = job.memoryForecast(plan, controls: !only, resumes: resume)
    let limit = memoryLimit.map { Int($0 * 0x1p30) } ?? MemoryLimit.current
    try forecast.check(limit: limit)
    Terminal.note(
      "memory: about \(MemoryShortage.text(forecast.bytes)) at the peak"
        + (limit.map { " of \(MemoryShortage.text($0)) that can be had" } ?? ""))
    if let advice = SpeedAdvice(plan, forecast: forecast, given: Set(try parsedSettings().keys)) {
      Terminal.note("\(advice)")
    }
    return forecast
  }

  /// The recipe to train: the asked one, or under auto the best of the candidates on the held-out slice.
  private func choose(_ job: TrainingJob) throws -> (Recipe, TrainingJob.Prepared) {
    guard method == "auto" else {
      let recipe = try recipe(named: method, epochs: epochs ?? job.suggestedEpochs)
      let prepared = try job.prepare(stream: try recipe.validated().stream)
      Terminal.note("validation set: \(prepared.summary.validation)\n\(prepared.protocolDescription)")
      return (recipe, prepared)
    }
    let prepared = try job.prepare(stream: nil)
    guard !prepared.selection.isEmpty else {
      throw TrainingError.missing("--method auto chooses on random traffic: pass a slice with --validation-random")
    }
    var choice = SliceChoice(pairs: prepared.selection, seen: prepared.data.positives)
    var recipes: [Recipe] = []
    for (number, candidate) in SliceChoice.candidates.enumerated() {
      let recipe = try recipe(named: candidate.method, epochs: epochs ?? job.suggestedEpochs).setting(
        candidate.settings)
      let model = try recipe.validated().fit(
        prepared.data, seed: seed, observer: ConsoleObserver(title: "\(candidate)", checkpoint: nil))
      recipes.append(recipe)
      guard let verdict = choice.add(model, candidate: number) else { break }
      let against = verdict.difference.map {
        ", \(NumberText.fixed($0.mean, places: 4)) ± \(NumberText.fixed($0.error, places: 4)) from naive training"
      }
      Terminal.note(
        "\(candidate): mean percentile \(NumberText.fixed(verdict.value, places: 4)) of clicked random pairs"
          + (against ?? ""))
    }
    guard let best = choice.best else {
      throw TrainingError.missing("no held-out random pair is clicked and new to the log: pass a larger slice")
    }
    Terminal.note(
      "chosen on \(choice.clicked) clicked pairs among \(prepared.selection.count) held-out random ones: "
        + "\(recipes[best.candidate])"
        + (best.candidate == 0 ? "; no correction beats it by more than a standard error" : ""))
    return (recipes[best.candidate], prepared)
  }

  private func report(
    _ table: ComparisonTable, card: ProtocolCard?, model: TrainedModel, job: TrainingJob, forecast: MemoryForecast
  ) throws {
    if format == .json {
      return try Terminal.emit(
        json: TrainReport(
          model: output, results: table.results, card: card,
          epochs: model.history.map { TrainReport.Epoch(pairs: $0.pairs, seconds: $0.seconds) },
          forecastBytes: forecast.bytes, peakBytes: ProcessUsage.peakBytes))
    }
    if let card {
      Terminal.emit(table.text)
      Terminal.emit("\n" + Terminal.wrapped("\(card)"))
      Terminal.emit("\n" + table.verdict)
      Terminal.emit(
        "The held-out clicks are biased by exposure as the log is: they reward showing again what was shown."
          + (job.slice == nil ? " Random traffic (--validation-random, `lightmeter evaluate --random`) would not." : "")
      )
    }
    Terminal.emit("\nwrote \(output)")
    Terminal.emit("next: lightmeter recommend \(output) --user ID    lightmeter explain \(output) USER ITEM")
  }
}

private struct TrainReport: Encodable {
  var model: String
  var results: [ModelManifest.Result]
  var card: ProtocolCard?
  var epochs: [Epoch]
  /// Memory at the peak, as foretold and as measured.
  var forecastBytes: Int
  var peakBytes: Int

  struct Epoch: Encodable {
    var pairs: Int
    var seconds: Double
  }
}

extension Plan {
  /// Fails early on a recipe that cannot run.
  fileprivate static func check(_ recipe: Recipe) throws { _ = try recipe.validated() }
}
