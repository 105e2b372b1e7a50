internal import LightmeterEvaluation
internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterTraining
internal import Synchronization

/// One row of the demo: a recipe and what it may learn from.
struct DemoMethod: Sendable {
  let key: String
  let label: String
  let learnsFrom: DemoResult.Evidence
  let recipe: Recipe

  /// The rows in the order of the table.
  ///
  /// Settings are fixed beforehand and shared: decay 1e-5, for inverse propensity 1e-4 (METHODS §5.4). On the impression
  /// log an epoch has fewer pairs, so the batch shrinks by the same factor (as many steps) and the decay, which stands
  /// against a mean over pairs, grows by it (the same prior).
  static func lineup(epochs: Int, cells: Int, impressions: Int) -> [DemoMethod] {
    let common: [String: RecipeValue] = [
      "dimension": .number(16), "epochs": .number(Double(epochs)), "batch": .number(Double(Demo.batchSize)),
      "learningRate": .number(0.003), "weightDecay": .number(1e-5), "biases": .text("userAndItem"),
      "intercept": .text("baseRate"),
    ]
    let inverse: [String: RecipeValue] = ["weightDecay": .number(1e-4)]
    func trained(
      _ key: String, _ label: String, _ evidence: DemoResult.Evidence, _ name: String,
      _ changes: [String: RecipeValue] = [:]
    ) -> DemoMethod {
      DemoMethod(key: key, label: label, learnsFrom: evidence, recipe: Recipe(name, common).setting(changes))
    }
    let share = Double(impressions) / Double(cells)
    return [
      DemoMethod(key: "random", label: "Random", learnsFrom: .nothing, recipe: Recipe("random")),
      DemoMethod(key: "popularity", label: "Popularity", learnsFrom: .clicks, recipe: Recipe("popularity")),
      trained("mf", "MF (naive)", .clicks, "mf"),
      trained("fixedmix", "FixedMix", .clicks, "fixedmix"),
      trained("relmf", "RelMF", .clicks, "relmf", inverse),
      trained("umf", "UMF", .clicks, "umf"),
      trained("biif", "Biif", .clicks, "biif"),
      DemoMethod(key: "slice-means", label: "Slice item means", learnsFrom: .slice, recipe: Recipe("slice-means")),
      trained(
        "calibrated-inverse", "Calibrated, inverse", .slice, "calibrated",
        inverse.merging(["estimator": .text("inversePropensity")]) { $1 }),
      trained("calibrated", "Calibrated, low var.", .slice, "calibrated"),
      trained("biif-slice", "Biif on the slice", .slice, "biif", ["exposure": .text("perItem")]),
      trained(
        "mf-impressions", "MF on impressions", .impressions, "mf",
        [
          "batch": .number(max(1, (Double(Demo.batchSize) * share).rounded())),
          "weightDecay": .number(min(10, 1e-5 / max(share, 1e-6))),
        ]),
      trained("oracle", "Oracle exposure", .truth, "oracle"),
    ]
  }

  /// Trains, scores and compares exposure with the truth.
  func train(on data: DemoData, seed: UInt64, counter: DemoCounter) throws -> DemoTraining {
    let start = ContinuousClock.now
    let plan = try recipe.validated()
    let curve = DemoCurve(method: self, data: data, epochs: plan.pointwise.epochs, counter: counter)
    let model: TrainedModel
    do { model = try plan.fit(training(data), seed: seed, observer: curve) } catch {
      if Interruption.requested { throw DemoError.interrupted }
      throw DemoError.training(method: label, reason: "\(error)")
    }
    if Interruption.requested { throw DemoError.interrupted }
    let value = try RankingEvaluator(run: protocolFacts(data, seed: seed))
      .evaluate(model.scorer, on: data.test, cutoffs: [Demo.cutoff]).value(.ndcg, cutoff: Demo.cutoff)
    guard let value, let mean = value.mean else {
      throw DemoError.training(method: label, reason: "no user could be scored")
    }
    let quality = model.exposure.map {
      ExposureQuality(of: $0, against: data.truth, userCount: data.truth.userCount, itemCount: data.truth.itemCount)
    }
    let deciles = try PopularityDeciles(
      of: model.scorer, on: data.test, popularity: data.clicks.positives, cutoff: Demo.cutoff)
    let seconds = Double((ContinuousClock.now - start) / .milliseconds(1)) / 1000
    counter.finished(label, score: mean, seconds: seconds)
    return DemoTraining(
      method: self, value: value, exposureCorrelation: quality?.correlation,
      exposureError: quality?.rootMeanSquaredError, agreement: agreement(model, data), curve: curve.points,
      deciles: deciles, seconds: seconds)
  }

  private func training(_ data: DemoData) -> TrainingData {
    switch learnsFrom {
    case .nothing, .clicks, .truth: data.clicks
    case .slice: data.withSlice
    case .impressions: data.impressions
    }
  }

  private func protocolFacts(_ data: DemoData, seed: UInt64) -> RunProtocol {
    var facts = RunProtocol(
      trainingStream: "all pairs; the listed pairs for impressions", trainingPositiveRule: "a click",
      selectionMetric: "none, settings fixed beforehand", seeds: [seed],
      baselines: ["MF", "popularity", "slice item means"])
    facts.propensity.source = "by method"
    facts.split.kind = "none held out; the test is the truth"
    facts.validation = RunProtocol.Validation(
      source: "Biif: carved from clicks (\(data.carvedPairs) pairs) or random traffic (\(data.slicePairs) pairs)")
    facts.data = RunProtocol.Dataset(name: "simulated world", digest: data.digest)
    return facts
  }

  /// How many pairs of some users have which true and which learned exposure.
  private func agreement(_ model: TrainedModel, _ data: DemoData) -> BinnedDensity? {
    guard let exposure = model.exposure, learnsFrom != .truth else { return nil }
    if case .constant = exposure { return nil }
    var density = BinnedDensity(horizontal: 0...1, vertical: 0...1)
    var row = [Float](repeating: 0, count: data.truth.itemCount)
    for user in data.glimpse.users ?? [] {
      exposure.exposures(user: Int(user), items: 0..<row.count, into: &row)
      for item in row.indices {
        density.add(Double(data.truth.exposure[Int(user) * row.count + item]), Double(row[item]))
      }
    }
    return density
  }
}

/// What a training of the demo left.
struct DemoTraining: Sendable {
  let method: DemoMethod
  let value: MeasuredValue
  let exposureCorrelation: Double?
  let exposureError: Double?
  let agreement: BinnedDensity?
  let curve: [Double]
  let deciles: PopularityDeciles
  let seconds: Double
}

/// Tells of progress from several trainings at once.
final class DemoCounter: Sendable {
  private let done = Mutex(0)
  let total: Int
  let report: @Sendable (Demo.Event) -> Void

  init(total: Int, report: @escaping @Sendable (Demo.Event) -> Void) { (self.total, self.report) = (total, report) }

  func epoch(_ method: String, _ epoch: Int, of epochs: Int) {
    report(.epoch(method: method, epoch: epoch, epochs: epochs, done: done.withLock { $0 }, total: total))
  }

  func finished(_ method: String, score: Double, seconds: Double) {
    let count = done.withLock { count in
      count += 1
      return count
    }
    report(.finished(method: method, score: score, seconds: seconds, done: count, total: total))
  }
}

/// Scores some users after every epoch: the learning curve. Training is not altered.
private final class DemoCurve: TrainingObserver {
  private let values = Mutex<[Double]>([])
  let method: DemoMethod
  let data: DemoData
  let epochs: Int
  let counter: DemoCounter

  init(method: DemoMethod, data: DemoData, epochs: Int, counter: DemoCounter) {
    (self.method, self.data, self.epochs, self.counter) = (method, data, epochs, counter)
  }

  var points: [Double] { values.withLock { $0 } }

  func observe(_ event: TrainingEvent) -> TrainingDecision {
    if Interruption.requested { return .stop }
    guard case .epoch(let record, let epochs, let snapshot) = event else { return .proceed }
    let scored = try? RankingEvaluator().evaluate(snapshot.model().scorer, on: data.glimpse, cutoffs: [Demo.cutoff])
    // A curve with a gap draws a gap; the table's number is taken from the finished model.
    values.withLock { $0.append(scored?.mean(.ndcg, cutoff: Demo.cutoff) ?? .nan) }
    counter.epoch(method.label, record.epoch, of: epochs)
    return .proceed
  }
}
