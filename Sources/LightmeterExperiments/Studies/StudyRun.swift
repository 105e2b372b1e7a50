internal import LightmeterEvaluation
internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterTraining

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// One unit of work: a recipe on a data set with a seed, for tuning or for the tables.
struct StudyRun: Sendable {
  let dataset: StudyDataset
  let method: StudyMethod
  let recipe: Recipe
  let seed: UInt64
  let phase: RunRecord.Phase
  /// Epochs after which the choice metric is taken, ascending; empty: after the last.
  let checkpoints: [Int]
  /// The epoch that the tables show; nil: the last.
  let chosenEpoch: Int?
  let study: Study

  /// Raised whenever numbers may change for the same study.
  static let revision = "lightmeter-study-6"

  /// The content address: everything that the numbers depend on.
  var key: String {
    let recipeText = recipe.description
    let presets = StudyRun.canonical(study.scoring.presets)
    var parts = [
      StudyRun.revision, dataset.digest, recipeText, method.validation.rawValue, "\(seed)", phase.rawValue,
      "\(checkpoints)", study.scoring.stream ?? "", study.tuning.name,
    ]
    // Where the test chooses, tuning scores are made under the protocol too.
    if phase == .tune, study.tuning.metric?.readsTest == true {
      parts += [presets, "\(study.scoring.cutoffs ?? [])"]
    }
    if phase == .final {
      parts += [presets, "\(study.scoring.cutoffs ?? [])", "\(study.scoring.includesAll)", "\(chosenEpoch ?? 0)"]
      parts.append("\(study.report.lastEpoch)")
      if !measures.isEmpty { parts.append("measures \(measures.map { "\($0.rawValue): \($0.title)" })") }
      if study.trace { parts.append("trace \(ExposureTrace.firstSteps) 200") }
    }
    var hash = XXH64()
    hash.update(parts.joined(separator: "\u{1}"))
    return StudyDataset.hex(hash.finish())
  }

  private static func canonical(_ presets: [ProtocolPreset]) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    guard let data = try? encoder.encode(presets) else { preconditionFailure("protocols are plain values") }
    return String(decoding: data, as: UTF8.self)
  }

  /// Trains, chooses or tests, and says what came out. A method that diverges leaves a record that says so.
  ///
  /// - Throws: what makes the study itself impossible, and ``StudyError/interrupted(done:of:)`` on Ctrl-C.
  func execute() throws -> RunRecord {
    let clock = ContinuousClock()
    let start = clock.now
    var record = RunRecord(
      key: key, phase: phase, data: dataset.description.label, dataDigest: dataset.digest, method: method.label,
      recipe: recipe, seed: seed)
    let plan = try recipe.validated()
    let stream = plan.stream ?? study.scoring.stream.flatMap { TrainingStream(parsing: $0) }
    let training = try dataset.training(stream: stream, validation: method.validation, seed: seed)
    record.summary = training.summary
    let found = RunFindings()
    let last = plan.entry.isTrained ? plan.pointwise.epochs : 0
    let chosen = plan.entry.isTrained ? min(chosenEpoch ?? last, last) : 0
    let trace = phase == .final && study.trace ? ExposureTrace(dataset.world) : nil
    let observer = CheckpointObserver(trace: trace) { epoch, snapshot in
      let isChosen = phase == .final && epoch == chosen && epoch != last
      if checkpoints.contains(epoch) || isChosen, epoch != last {
        try visit(epoch, snapshot.model(), training, isChosen: isChosen, isLast: false, found)
      }
      // Nothing beyond the chosen epoch is wanted unless the last one is.
      return isChosen && !study.report.lastEpoch
    }
    do {
      let model = try plan.fit(training.data, seed: seed, observer: observer)
      if let error = observer.failure { throw error }
      record.history = model.history
      if !observer.stoppedEarly {
        try visit(last, model, training, isChosen: phase == .final && chosen == last, isLast: true, found)
      }
    } catch let error as TrainingError {
      if case .interrupted = error { throw StudyError.interrupted(done: 0, of: 0) }
      guard case .diverged = error else { throw error }
      record.failure = error.description
    }
    found.write(to: &record)
    record.trace = trace?.points
    record.epoch = chosen
    record.seconds = Double((clock.now - start) / .milliseconds(1)) / 1000
    record.peakBytes = ProcessUsage.peakBytes
    return record
  }

  private func visit(
    _ epoch: Int, _ model: TrainedModel, _ training: StudyTraining, isChosen: Bool, isLast: Bool, _ found: RunFindings
  ) throws {
    if let score = try choiceMetric(of: model.scorer, training) {
      found.add(RunRecord.Score(epoch: epoch, value: score, measures: measured(model.scorer, training)))
    }
    guard phase == .final, isChosen || (isLast && study.report.lastEpoch) else { return }
    let results = try evaluate(model.scorer, training).map(StoredResult.init)
    if isLast && study.report.lastEpoch { found.setLast(results) }
    guard isChosen else { return }
    found.set(results, exposure: exposure(of: model), try groups(of: model, training))
  }

  /// Slice measures that a choosing row goes by, beyond the tuning metric.
  private var measures: [SliceMeasure] {
    phase == .final ? Set(study.methods.compactMap(\.measure)).sorted { $0.rawValue < $1.rawValue } : []
  }

  private func measured(_ scorer: any Scorer, _ training: StudyTraining) -> [String: Double]? {
    guard let pairs = training.selection, !measures.isEmpty else { return nil }
    return Dictionary(
      uniqueKeysWithValues: measures.compactMap { measure in
        measure.value(of: scorer, on: pairs, seen: training.data.positives).map { (measure.rawValue, $0) }
      })
  }

  private func choiceMetric(of scorer: any Scorer, _ training: StudyTraining) throws -> Double? {
    switch study.tuning.metric {
    case nil: return nil
    case .test(let name):
      return try evaluate(scorer, training).first?.values.first { $0.name == name }?.mean
    case .snipsDCG(let cutoff):
      guard let held = training.data.hyperValidation, held.count > 0 else {
        throw StudyError.badValue(
          at: "data.hyperValidation", value: "0", allowed: "a share above 0 where SNIPS chooses")
      }
      return try SelfNormalizedIPS(gain: .dcg, cutoff: cutoff).evaluate(
        scorer, heldOut: held, training: training.data.positives,
        propensities: PropensityWeighting.popularity(training.data.positives)
      ).value
    case .slice(let measure):
      guard let pairs = training.selection else {
        throw StudyError.badValue(at: "tuning.metric", value: study.tuning.name, allowed: "a data set with a slice")
      }
      return measure.value(of: scorer, on: pairs, seen: training.data.positives)
    }
  }

  private func evaluate(_ scorer: any Scorer, _ training: StudyTraining) throws -> [EvaluationResult] {
    let summary = training.summary
    var about = RunProtocol(
      trainingStream: summary.stream.text, selectionMetric: study.tuning.name, seeds: [seed],
      baselines: study.methods.map(\.label))
    about.validation = RunProtocol.Validation(source: summary.validationSource, size: summary.validation.pairs)
    about.split = RunProtocol.Split(
      kind: "own test; held out for tuning", fraction: summary.hyperValidationFraction, unit: "listed pairs", seed: seed
    )
    about.data = RunProtocol.Dataset(name: dataset.description.label, digest: dataset.digest)
    let tieSeed: UInt64 = 0
    switch try dataset.test(seed) {
    case .rated(let test):
      return try RankingEvaluator(presets: presets { test.supports($0) }, run: about, tieSeed: tieSeed)
        .evaluate(scorer, on: test, training: training.data.positives)
    case .catalogue(let test):
      return try RankingEvaluator(presets: presets { test.supports($0) }, run: about, tieSeed: tieSeed)
        .evaluate(scorer, on: test, training: training.data.positives)
    case .truth(let test): return [try evaluate(scorer, on: test, about)]
    case .drawn(let test, let truth):
      return try RankingEvaluator(presets: presets { test.supports($0) }, run: about, tieSeed: tieSeed)
        .evaluate(scorer, on: test, training: training.data.positives) + [evaluate(scorer, on: truth, about)]
    }
  }

  private func evaluate(
    _ scorer: any Scorer, on truth: TrueRelevanceTest, _ about: RunProtocol
  ) throws -> EvaluationResult {
    try RankingEvaluator(run: about, tieSeed: 0)
      .evaluate(scorer, on: truth, cutoffs: study.scoring.cutoffs ?? [20])
  }

  private func presets(_ supports: (ProtocolPreset) -> Bool) -> [ProtocolPreset] {
    let named = study.scoring.presets
    guard study.scoring.includesAll else { return named }
    return named
      + ProtocolPreset.all.filter { preset in
        supports(preset) && !named.contains { $0.name == preset.name }
      }
  }

  private func exposure(of model: TrainedModel) -> RunRecord.Exposure? {
    guard let world = dataset.world, let estimate = model.exposure else { return nil }
    let quality = ExposureQuality(
      of: estimate, against: world, userCount: world.userCount, itemCount: world.itemCount)
    return RunRecord.Exposure(correlation: quality.correlation, error: quality.rootMeanSquaredError)
  }
}

extension TrainingStream {
  /// The stream as recipes spell it.
  var text: String {
    switch self {
    case .sampled(let count): "sampled:\(count)"
    case .all: "all"
    case .rated: "rated"
    }
  }
}
