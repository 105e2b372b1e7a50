internal import ArgumentParser
internal import LightmeterEvaluation
internal import LightmeterExperiments
internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// `lightmeter evaluate`: a model on a test, under named protocols.
struct EvaluateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Score a model on held-out pairs or random traffic, under named protocols.",
    discussion: """
      lightmeter evaluate model.lightmeter test.csv
      lightmeter evaluate model.lightmeter random.csv --random --presets all
      lightmeter evaluate new.lightmeter test.csv --against old.lightmeter
      lightmeter evaluate model.lightmeter world/random.csv --random --truth world/truth.csv
      lightmeter evaluate model.lightmeter test.csv --candidates in-stock.txt

      Without --random the test lists clicks, and each is looked for in a full ranking of the catalogue (what the user \
      clicked in training is left out). With --random the test lists pairs that were shown regardless of taste, clicked \
      or not: each user's pairs are ranked among themselves, which needs no correction.
      """)

  @Argument(help: "The model file.") var model: String
  @Argument(help: "The test: a file, or - for standard input.") var test: String
  @OptionGroup(title: "Reading the test") var reading: LogOptions
  @Flag(help: "The test is random traffic: rank each user's listed pairs.") var random = false
  @Option(help: "Protocols by name, separated by commas, or all.") var presets = "strict"
  @Option(help: "Cutoffs, separated by commas; else the protocol's own.") var cutoffs: String?
  @Option(help: "A second model to compare with, pair by pair.") var against: String?
  @Option(help: "A file of what is ranked instead of the catalogue: one item id a line, or user,item pairs.")
  var candidates: String?
  @Option(help: "The true exposure of every pair (simulate --truth): correlation, error, calibration.") var truth:
    String?
  @OptionGroup var threads: ThreadOptions
  @Option(help: "text or json.") var format = OutputFormat.text

  func validate() throws {
    guard !random || candidates == nil else {
      throw ValidationError("--random ranks the pairs that the test lists, so --candidates would have no effect")
    }
    guard truth == nil || (against == nil && format == .text) else {
      throw ValidationError("--truth prints a table of its own: leave --against and --format json out")
    }
  }

  func run() async throws {
    try await ExitStatus.guarding {
      threads.apply()
      let stored = try InputKind.model(model)
      let pairs = try reading.load(test, users: stored.users, items: stored.items, as: "test")
      if pairs.isEmpty {
        throw ReadError(
          .empty, file: test, problem: "holds no pair whose user and item the model knows",
          remedy: "test on the ids of the training log")
      }
      let listed = try candidates.map { try CandidateList.read($0, model: stored) }
      let results = try await results(of: stored, on: pairs, among: listed)
      if results.isEmpty {
        throw ValidationError("none of the protocols '\(presets)' fits this kind of test")
      }
      if let against {
        let other = try InputKind.model(against)
        guard other.users == stored.users, other.items == stored.items else {
          throw ValidationError("\(against) knows other users or items: two models of one log can be compared")
        }
        return try compare(results, with: try await self.results(of: other, on: pairs, among: listed))
      }
      if format == .json { return try Terminal.emit(json: results.map { Summary($0) }) }
      for result in results { emit(result) }
      if let truth { try emitQuality(of: stored, truth: truth) }
    }
  }

  /// A protocol's numbers with their intervals, and its card once.
  private struct Summary: Encodable {
    struct Value: Encodable {
      var metric: String
      var users: Int
      var mean: Double?
      var interval: ConfidenceInterval?
    }
    var preset: String
    var values: [Value]
    var card: ProtocolCard

    init(_ result: EvaluationResult) {
      preset = result.preset.name
      card = result.card
      values = result.values.map {
        Value(metric: $0.name, users: $0.users.count, mean: $0.mean, interval: $0.interval())
      }
    }
  }

  private func emit(_ result: EvaluationResult) {
    let table = TableValue(
      columns: [
        TableValue.Column(result.preset.name, .leading), TableValue.Column("mean [95 %]"), TableValue.Column("users"),
      ],
      rows: result.values.map { value in
        let interval = value.interval()
        let mean = value.mean ?? .nan
        return [
          TableValue.Cell(value.name),
          interval.map { .interval(mean, $0.low...$0.high, places: 4) } ?? .number(mean, places: 4),
          TableValue.Cell("\(value.users.count)"),
        ]
      })
    Terminal.emit("\(table.plain())\n\(Terminal.wrapped("\(result.card)"))\n")
  }

  private func emitQuality(of stored: StoredModel, truth: String) throws {
    guard let exposure = stored.exposure else {
      throw ValidationError("\(model) says nothing of exposure; train a method that estimates it")
    }
    let quality = try ExposureTruth(path: truth, model: stored).quality(of: exposure, model: stored)
    Terminal.emit(Terminal.wrapped(ExposureTruth.text(quality)))
  }

  private func chosen() throws -> [ProtocolPreset] {
    let cut = try cutoffs.map { text in
      try text.split(separator: ",").map { part in
        guard let cutoff = Int(part), cutoff > 0 else {
          throw ValidationError("--cutoffs \(text): whole numbers above 0")
        }
        return cutoff
      }
    }
    let names = presets == "all" ? ProtocolPreset.all.map(\.name) : presets.split(separator: ",").map { String($0) }
    return try names.map { name in
      guard var preset = ProtocolPreset.named(name) else {
        throw ValidationError(
          "there is no protocol '\(name)'; there are \(ProtocolPreset.all.map(\.name).joined(separator: ", "))")
      }
      if let cut { preset.cutoffs = cut }
      return preset
    }
  }

  private func results(
    of stored: StoredModel, on pairs: PairBatch, among listed: CandidateList?
  ) async throws -> [EvaluationResult] {
    if random {
      return try await results(
        of: stored, on: try RatedTest(userCount: stored.users.count, itemCount: stored.items.count, pairs: pairs))
    }
    let clicked = pairs.users.indices.filter { pairs.feedback[$0] == 1 }
    let relevant = FeedbackMatrix(
      userCount: stored.users.count, itemCount: stored.items.count, users: clicked.map { pairs.users[$0] },
      items: clicked.map { pairs.items[$0] })
    var catalogue = CatalogueTest(relevant: relevant, seen: stored.seen)
    switch listed {
    case .pairs(let own):
      return try await results(
        of: stored,
        on: try CandidateList.test(own, clicked: relevant, seen: stored.seen, file: candidates ?? ""))
    case .items(let items):
      catalogue = CatalogueTest(relevant: relevant, candidates: items, seen: stored.seen)
      catalogue.candidateSource = candidates
    case nil: break
    }
    let fitting = try chosen().filter { catalogue.supports($0) && (stored.seen != nil || !$0.needsTraining) }
    guard !fitting.isEmpty else { return [] }
    return try await RankingEvaluator(presets: fitting, run: runProtocol(of: stored)).evaluate(
      stored.scorer, on: catalogue, training: stored.seen, threads: Threads.count)
  }

  private func results(of stored: StoredModel, on rated: RatedTest) async throws -> [EvaluationResult] {
    let fitting = try chosen().filter { rated.supports($0) && (stored.seen != nil || !$0.needsTraining) }
    guard !fitting.isEmpty else { return [] }
    return try await RankingEvaluator(presets: fitting, run: runProtocol(of: stored)).evaluate(
      stored.scorer, on: rated, training: stored.seen, threads: Threads.count)
  }

  private func runProtocol(of stored: StoredModel) -> RunProtocol {
    let manifest = ModelManifest(json: stored.manifest)
    return RunProtocol(
      trainingStream: manifest?.data.stream.name, trainingPositiveRule: manifest?.positiveRule,
      split: RunProtocol.Split(kind: random ? "own file of random traffic" : "own file"),
      seeds: manifest.map { [$0.seed] } ?? [],
      data: RunProtocol.Dataset(
        name: manifest.map { "trained on \($0.source), tested on \(test)" } ?? test, digest: manifest?.dataDigest))
  }

  private func compare(_ new: [EvaluationResult], with old: [EvaluationResult]) throws {
    var comparisons: [PairedComparison] = []
    for second in new {
      guard let first = old.first(where: { $0.preset == second.preset }) else { continue }
      for value in second.values {
        guard let before = first.value(value.metric, cutoff: value.cutoff) else { continue }
        comparisons.append(try PairedComparison(from: before, to: value))
      }
    }
    if format == .json { return try Terminal.emit(json: comparisons) }
    let table = TableValue(
      columns: [
        TableValue.Column("metric", .leading), TableValue.Column("difference [95 %]"), TableValue.Column("p"),
        TableValue.Column("detectable"), TableValue.Column("users up"), TableValue.Column("users down"),
      ],
      rows: comparisons.map { comparison in
        [
          TableValue.Cell(comparison.metric),
          .interval(
            comparison.difference.mean, comparison.difference.low...comparison.difference.high, places: 4),
          .number(comparison.probability, places: 3), .number(comparison.minimumDetectable, places: 4),
          TableValue.Cell("\(Int(100 * comparison.shareGained)) %"),
          TableValue.Cell("\(Int(100 * comparison.shareLost)) %"),
        ]
      })
    Terminal.emit("\(model) minus \(against ?? ""), paired over users\n\n\(table.plain())")
    for (place, card) in comparisons.map(\.card).enumerated()
    where comparisons.firstIndex(where: { $0.card == card }) == place {
      Terminal.emit("\n" + Terminal.wrapped("\(card)"))
    }
  }
}
