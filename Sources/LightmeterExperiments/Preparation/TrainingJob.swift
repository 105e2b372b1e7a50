public import LightmeterEvaluation
public import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels
public import LightmeterTraining

/// How a user's own log is divided before training.
public enum TestSplit: Sendable, Equatable {
  /// A seeded share of each user's items.
  case perUser(fraction: Double)
  /// The latest rows of the whole log.
  case temporal(fraction: Double)
  /// Each user's last rows.
  case lastPerUser(count: Int)
  /// Nothing is held out.
  case none

  func rows(of log: Interactions, seed: UInt64) throws(TrainingDataError) -> RowSplit? {
    switch self {
    case .perUser(let fraction): try Splits.randomPerUser(log, fraction: fraction, seed: seed)
    case .temporal(let fraction): try Splits.temporal(log, fraction: fraction)
    case .lastPerUser(let count): try Splits.lastPerUser(log, count: count)
    case .none: nil
    }
  }
}

/// From a loaded log to a trained, compared and storable model: what `lightmeter train` does.
public struct TrainingJob: Sendable {
  /// The log.
  public private(set) var log: LoadedLog
  /// A slice of random traffic in the log's ids.
  public var slice: PairBatch?
  /// What the log says of impressions.
  public var impressions = Impressions.none
  /// Weights listed pairs by logged propensities, cut here; nil for none.
  public var largestPropensityWeight: Float?
  /// How the test is held out.
  public var split = TestSplit.perUser(fraction: 0.1)
  /// Decides splits, initial values and streams.
  public var seed: UInt64 = 1
  /// Whether the model keeps what each user clicked.
  public var keepsHistory = true

  /// Passes that give a log of this size about 3,000 steps of 1,024 pairs (a click and five draws), within 20 to 300:
  /// small logs need more passes to be learned at all.
  public let suggestedEpochs: Int

  /// A job on a log.
  ///
  /// - Parameters:
  ///   - log: rows that its column `random` marks become the ``slice``.
  public init(log: LoadedLog) {
    var log = log
    slice = log.takeRandomTraffic()
    self.log = log
    let pairs = 6 * log.positives.count { $0 == 1 }
    suggestedEpochs = min(300, max(20, 3000 / max(1, pairs / 1024)))
  }

  /// Forgets the log's rows, after ``prepare(stream:)``; ids and everything that was counted stay.
  public mutating func releaseRows() { log.releaseRows() }

  /// The memory that training `plan` will take at its peak.
  ///
  /// - Parameters:
  ///   - controls: whether the trained control follows in the same process.
  ///   - resumes: whether the run goes on from a resume file.
  public func memoryForecast(_ plan: Plan, controls: Bool, resumes: Bool = false) -> MemoryForecast {
    let data = log.interactions
    return MemoryForecast(
      plan.pointwise,
      size: MemoryForecast.Size(
        users: data.users.count, items: data.items.count, rows: data.count,
        positives: log.positives.count { $0 == 1 }, textBytes: data.users.textBytes + data.items.textBytes),
      holdsOut: split != .none, controls: controls && plan.entry.isTrained, resumes: resumes)
  }

  /// Training data with the test beside it.
  public struct Prepared: Sendable {
    /// What methods learn from.
    public var data: TrainingData
    /// What was done to the log.
    public var summary: TrainingDataSummary
    /// Held-out clicks; nil when nothing is held out.
    public var test: CatalogueTest?
    /// How they were held out.
    public var protocolDescription: String
    /// The part of the slice that choices are made on; empty without a slice.
    public var selection: PairBatch

    /// The split as a part of a card, which names test and seed itself.
    func splitKind(seed: UInt64) -> String {
      var text = protocolDescription[...]
      if text.hasPrefix("Test: ") { text = text.dropFirst(6) }
      for end in [".", ", seed \(seed)"] where text.hasSuffix(end) { text = text.dropLast(end.count) }
      return String(text)
    }
  }

  /// Divides the log and builds the data of a stream.
  public func prepare(stream: TrainingStream?) throws -> Prepared {
    let rows = try split.rows(of: log.interactions, seed: seed)
    let slices = slice.map { SliceSplit($0, seed: seed) }
    let options = TrainingDataOptions(
      stream: stream, validation: slices.map { .given($0.fitting) } ?? .carved(), hyperValidationFraction: 0,
      seed: seed, impressions: impressions, largestPropensityWeight: largestPropensityWeight)
    var (data, summary) = try TrainingDataBuilder.build(log.feedback(rows: rows?.train), options: options)
    data.randomTraffic = slices?.fitting
    return Prepared(
      data: data, summary: summary, test: rows.map { test(of: $0, training: data.positives) },
      protocolDescription: rows?.protocolDescription ?? "nothing held out",
      selection: slices?.selection ?? PairBatch())
  }

  private func test(of rows: RowSplit, training: FeedbackMatrix) -> CatalogueTest {
    let clicked = rows.test.filter { log.positives[Int($0)] == 1 }
    let relevant = FeedbackMatrix(
      userCount: training.userCount, itemCount: training.itemCount,
      users: clicked.map { log.interactions.userColumn[Int($0)] },
      items: clicked.map { log.interactions.itemColumn[Int($0)] })
    return CatalogueTest(relevant: relevant.without(training), seen: training)
  }

  /// What the cards say of training and data.
  public func runProtocol(_ prepared: Prepared, baselines: [String]) -> RunProtocol {
    RunProtocol(
      trainingStream: prepared.summary.stream.name, trainingPositiveRule: log.rule.description,
      split: RunProtocol.Split(kind: prepared.splitKind(seed: seed), seed: seed),
      validation: RunProtocol.Validation(
        source: prepared.summary.validationSource, size: prepared.summary.validation.pairs),
      selectionMetric: "none", seeds: [seed], baselines: baselines,
      data: RunProtocol.Dataset(name: log.report.file, digest: log.digest))
  }

  /// Scores a model on the held-out clicks by full ranking; nil when nothing is held out.
  public func evaluate(_ model: TrainedModel, _ prepared: Prepared, baselines: [String]) async throws
    -> EvaluationResult?
  {
    guard let test = prepared.test else { return nil }
    let evaluator = RankingEvaluator(
      presets: [ProtocolPreset.strict.at(20)], run: runProtocol(prepared, baselines: baselines))
    return try await evaluator.evaluate(
      model.scorer, on: test, training: prepared.data.positives, threads: Threads.count
    ).first
  }

  /// The model as a file keeps it.
  public func stored(
    _ model: TrainedModel, recipe: Recipe, _ prepared: Prepared, results: [ModelManifest.Result], card: ProtocolCard?
  ) throws -> StoredModel {
    guard let scorer = StoredScorer(model.scorer) else {
      throw TrainingError.missing("a model of '\(recipe.method)' cannot be kept in a file")
    }
    let rule = try recipe.validated().foldInRule(
      summary: prepared.summary, pairsPerEpoch: model.history.last?.pairs ?? 0)
    let manifest = ModelManifest(
      recipe: recipe, seed: seed, log: log, data: prepared.summary, split: prepared.protocolDescription,
      results: results, card: card, history: model.history, foldIn: rule)
    return StoredModel(
      scorer: scorer, exposure: model.exposure, users: log.interactions.users, items: log.interactions.items,
      popularity: prepared.data.popularity, seen: keepsHistory ? prepared.data.positives : nil,
      weights: model.weights, manifest: try manifest.json())
  }

  /// Everything that must be equal for a run to go on from a resume file.
  public func fingerprint(of recipe: Recipe) -> String {
    "\(lightmeterVersion)|\(recipe)|\(seed)|\(log.digest)|\(log.rule)|\(split)|\(impressions)|"
      + "\(slice.map { $0.digest } ?? "no slice")|\(largestPropensityWeight.map { "\($0)" } ?? "")"
  }
}

extension PairBatch {
  /// XXH64 of the pairs and their labels.
  fileprivate var digest: String {
    var hash = XXH64()
    hash.update(users)
    hash.update(items)
    hash.update(feedback)
    return StudyDataset.hex(hash.finish())
  }
}
