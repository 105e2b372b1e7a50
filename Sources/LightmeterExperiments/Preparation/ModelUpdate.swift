public import LightmeterEvaluation
internal import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels
internal import LightmeterServing
public import LightmeterTraining

/// Goes on from a model with a later log: new users and items, a few epochs, and what that changed.
///
/// - Source: docs/update.md says what happens to every part of the model.
/// - Stability: experimental
public struct ModelUpdate: Sendable {
  /// What is trained on beside the new log.
  public enum Replay: Sendable {
    /// Nothing: old clicks are only kept from being drawn as dislikes.
    case none
    /// The clicks that the model file keeps.
    case history
    /// An old log, read into the model's identifier tables before the new one; its clicks are history too.
    case log(LoadedLog)
  }

  /// The model to go on from.
  public let parent: StoredModel
  /// What it was trained to minimise, and how.
  public let manifest: ModelManifest
  /// The new log, read into the model's identifier tables, so that new ids come after known ones.
  public let log: LoadedLog
  /// What is trained on beside it.
  public private(set) var replay: Replay
  /// Passes over the stream.
  public var epochs = 5
  /// Share of each user's new items held out to compare before and after.
  public var testFraction = 0.2
  /// Decides split, draws and the values of rows that nothing is known of.
  public var seed: UInt64 = 1

  let plan: Plan
  private let factors: FactorModel
  private let history: FeedbackMatrix
  // Where every pair without a click is a dislike, old clicks must be there as clicks.
  private let takesAllPairs: Bool

  /// Checks that the model can be continued.
  ///
  /// - Parameters:
  ///   - log: loaded with the model's `users` and `items`, or with those of the log that is replayed.
  /// - Throws: ``UpdateError`` with the reason.
  public init(_ parent: StoredModel, log: LoadedLog, replay: Replay) throws {
    guard let manifest = ModelManifest(json: parent.manifest) else { throw UpdateError.noManifest }
    guard case .factors(let factors) = parent.scorer else {
      throw UpdateError.impossible("it is no single dot product whose rows training could move on")
    }
    let plan = try manifest.recipe.validated()
    try ModelUpdate.check(plan)
    let ids = log.interactions
    guard ids.users.count >= parent.users.count, ids.items.count >= parent.items.count else {
      throw UpdateError.impossible("the log was not read into the model's ids")
    }
    var (users, items) = (parent.seen?.userColumn ?? [], parent.seen?.items ?? [])
    var whole = parent
    if case .log(let old) = replay {
      guard old.interactions.users.count <= ids.users.count, old.interactions.items.count <= ids.items.count else {
        throw UpdateError.impossible("the new log was not read into the ids of the old one")
      }
      let clicks = old.feedback().positives
      (users, items) = (users + clicks.users, items + clicks.items)
      // What a file that was saved without history lacks.
      if whole.seen == nil { whole.seen = clicks.matrix(users: parent.users.count, items: parent.items.count) }
    } else if parent.seen == nil {
      throw UpdateError.noHistory
    }
    (self.parent, self.manifest, self.log, self.plan, self.factors) = (whole, manifest, log, plan, factors)
    history = FeedbackMatrix(userCount: ids.users.count, itemCount: ids.items.count, users: users, items: items)
    takesAllPairs = plan.entry.sweeps || manifest.data.stream == .all
    if case .none = replay { self.replay = takesAllPairs ? .history : .none } else { self.replay = replay }
  }

  private static func check(_ plan: Plan) throws {
    switch plan.entry.method(plan) {
    case is PointwiseMethod, is WeightedMatrixFactorization, is ExposureMatrixFactorization,
      is LogisticMatrixFactorization, is BayesianPersonalizedRanking:
      if case .known = plan.pointwise.exposure {
        throw UpdateError.impossible("its exposure is the truth of a simulated world, which the file does not hold")
      }
    case is AutoDebiasMethod:
      throw UpdateError.impossible(
        "AutoDebias tunes its weights together with its factors from their start on; train it again")
    case is CombinationalJointMethod:
      throw UpdateError.impossible("its base and residual models are not in the file, only their sums")
    default:
      throw UpdateError.impossible("'\(plan.entry.title)' learns nothing by training; train it again, it is quick")
    }
  }

  /// What an update ends in.
  public struct Outcome: Sendable {
    /// The model after it.
    public var model: StoredModel
    /// What changed.
    public var report: UpdateReport
    /// Of the held-out new clicks, before and after; nil where nothing was held out.
    public var before: EvaluationResult?
    /// The same after.
    public var after: EvaluationResult?
  }

  /// Folds new rows in, trains, compares.
  ///
  /// - Parameters:
  ///   - digest: of the parent's file, for the provenance.
  public func run(digest: String, observer: any TrainingObserver = SilentObserver()) async throws -> Outcome {
    let ids = log.interactions
    let split = testFraction > 0 ? try Splits.randomPerUser(ids, fraction: testFraction, seed: seed) : nil
    let feedback = trainingLog(rows: split?.train)
    let options = TrainingDataOptions(
      stream: manifest.data.stream, validation: needsValidation ? .carved() : .absent, hyperValidationFraction: 0,
      seed: seed, impressions: manifest.data.impressions,
      largestPropensityWeight: manifest.data.largestPropensityWeight)
    var (data, summary) = try TrainingDataBuilder.build(feedback, options: options)
    let all = history.union(data.positives)
    data.popularity = Popularity.exposure(of: all, exponent: summary.popularityExponent)
    data.earlierClicks = history
    let growth = ModelGrowth(parent: parent, factors: factors, plan: plan, seed: seed)
    let grown = growth.grow(users: ids.users.count, items: ids.items.count, clicks: data.positives, all: all)
    let trained = try train(data, from: grown.start, observer: observer)
    guard let scorer = StoredScorer(trained.scorer), case .factors(let updated) = scorer else {
      throw UpdateError.impossible("training gave no single dot product")
    }
    let start = FactorModel(
      users: grown.start.modelTables[0], items: grown.start.modelTables[1], intercept: factors.intercept,
      meaning: factors.meaning)
    let test = split.map { heldOut($0.test, seen: all) }
    let run = runProtocol(summary, split: split)
    let before = try await evaluate(start, test, all, run)
    let after = try await evaluate(updated, test, all, run)
    var report = UpdateReport(
      parent: digest, usersAdded: ids.users.count - parent.users.count,
      itemsAdded: ids.items.count - parent.items.count,
      usersFolded: grown.usersFolded, itemsFolded: grown.itemsFolded, clicks: data.positives.count,
      replayed: replayed.count, epochs: trained.history.count,
      usersMoved: Movement(of: factors.users, to: updated.users),
      itemsMoved: Movement(of: factors.items, to: updated.items))
    report.compare(before, after)
    let model = try stored(trained, scorer: scorer, all: all, summary: summary, report: report, after: after)
    return Outcome(model: model, report: report, before: before, after: after)
  }

  private var needsValidation: Bool {
    if plan.entry.pointwise != nil, case .bilevel = plan.pointwise.strategy { return true }
    return false
  }

  /// Old rows that are trained on.
  private var replayed: ListedPairs {
    let kept = ListedPairs(users: history.userColumn, items: history.items)
    switch replay {
    case .none: return ListedPairs()
    case .history: return kept
    case .log(let old):
      var pairs = old.feedback().positives
      guard takesAllPairs else { return pairs }
      let listed = pairs.matrix(users: history.userCount, items: history.itemCount)
      let rest = history.without(listed)
      pairs.append(ListedPairs(users: rest.userColumn, items: rest.items))
      return pairs
    }
  }

  /// The new log's training rows, with the old rows where they are replayed.
  private func trainingLog(rows: [Int32]?) -> FeedbackLog {
    var feedback = log.feedback(rows: rows)
    feedback.positives.append(replayed)
    if case .log(let old) = replay { feedback.negatives.append(old.feedback().negatives) }
    return feedback
  }

  private func train(
    _ data: TrainingData, from start: WarmStart, observer: any TrainingObserver
  ) throws -> TrainedModel {
    var plan = plan
    plan.pointwise.epochs = epochs
    plan.pointwise.warmStart = start
    // Coupled decay under dense Adam would pull the rows of everybody who is not in the new log towards 0, a full step
    // length at a time: the decay is the only gradient that they have, and Adam is scale-free.
    if case .none = replay { plan.pointwise.optimizer = .lazyAdam }
    plan.sliceWeight = 0
    return try plan.fit(data, seed: seed, observer: observer)
  }

  private func heldOut(_ rows: [Int32], seen: FeedbackMatrix) -> CatalogueTest {
    let clicked = rows.filter { log.positives[Int($0)] == 1 }
    let relevant = FeedbackMatrix(
      userCount: seen.userCount, itemCount: seen.itemCount,
      users: clicked.map { log.interactions.userColumn[Int($0)] },
      items: clicked.map { log.interactions.itemColumn[Int($0)] })
    return CatalogueTest(relevant: relevant.without(seen), seen: seen)
  }

  private func runProtocol(_ summary: TrainingDataSummary, split: RowSplit?) -> RunProtocol {
    RunProtocol(
      trainingStream: summary.stream.name, trainingPositiveRule: log.rule.description,
      split: RunProtocol.Split(kind: "\(testFraction) of each user's pairs of the new log", seed: seed),
      validation: RunProtocol.Validation(source: summary.validationSource, size: summary.validation.pairs),
      selectionMetric: "none", seeds: [seed], baselines: ["the model before the update, new rows folded in"],
      data: RunProtocol.Dataset(name: log.report.file, digest: log.digest))
  }

  private func evaluate(
    _ scorer: FactorModel, _ test: CatalogueTest?, _ seen: FeedbackMatrix, _ run: RunProtocol
  ) async throws -> EvaluationResult? {
    guard let test else { return nil }
    return try await RankingEvaluator(presets: [ProtocolPreset.strict.at(20)], run: run).evaluate(
      scorer, on: test, training: seen, threads: Threads.count
    ).first
  }

  private func stored(
    _ trained: TrainedModel, scorer: StoredScorer, all: FeedbackMatrix, summary: TrainingDataSummary,
    report: UpdateReport, after: EvaluationResult?
  ) throws -> StoredModel {
    var manifest = manifest
    let ids = log.interactions
    manifest.version = lightmeterVersion
    manifest.updates = (manifest.updates ?? []) + [report]
    (manifest.source, manifest.dataDigest, manifest.seed) = (log.report.file, log.digest, seed)
    (manifest.positiveRule, manifest.data) = (log.rule.description, summary)
    manifest.split =
      testFraction > 0 ? "\(testFraction) of each user's pairs of the new log, seed \(seed)" : "nothing held out"
    manifest.results = report.results
    manifest.card = after?.card
    manifest.history = trained.history.map { record in
      var timeless = record
      timeless.seconds = 0
      return timeless
    }
    manifest.foldIn?.grow(by: Double(all.count) / Double(max(history.count, 1)), perUser: all)
    return StoredModel(
      scorer: scorer, exposure: trained.exposure, users: ids.users, items: ids.items,
      popularity: Popularity.exposure(of: all, exponent: summary.popularityExponent), seen: all,
      manifest: try manifest.json())
  }
}

extension FoldInObjective {
  /// The ridge is a decay times the pairs of an epoch over all that the model has learned from.
  fileprivate mutating func grow(by factor: Double, perUser all: FeedbackMatrix) {
    clicksPerUser = Double(all.count) / Double(max(all.userCount, 1))
    guard unclicked != .all else { return }
    factorRidge *= factor
    biasRidge *= factor
  }
}

extension ListedPairs {
  /// More rows; where only one side says whether a row was shown, or how likely, the other's rows were shown for sure.
  fileprivate mutating func append(_ other: ListedPairs) {
    func joined<T>(_ own: [T]?, _ others: [T]?, _ certain: T) -> [T]? {
      guard own != nil || others != nil else { return nil }
      return (own ?? [T](repeating: certain, count: count))
        + (others ?? [T](repeating: certain, count: other.count))
    }
    shown = joined(shown, other.shown, 1)
    propensities = joined(propensities, other.propensities, 1)
    users += other.users
    items += other.items
  }

  /// The pairs of the first users and items.
  fileprivate func matrix(users userCount: Int, items itemCount: Int) -> FeedbackMatrix {
    let known = users.indices.filter { Int(users[$0]) < userCount && Int(items[$0]) < itemCount }
    return FeedbackMatrix(
      userCount: userCount, itemCount: itemCount, users: known.map { users[$0] }, items: known.map { items[$0] })
  }
}
