public import LightmeterFeedback
internal import LightmeterKernels

/// Turns a scorer and a test into metrics, under any number of protocols in one pass over the scores.
///
/// Users are cut into shards of fixed size and results are joined in shard order, so they do not depend on the number
/// of threads. Per-user values are kept: intervals and paired comparisons need them.
///
/// - Complexity: rated tests O(pairs); full ranking O(users × items) scores, memory O(shard × depth) per thread besides
///   the per-user values (and O(shard × items) when the area under the curve is asked for).
/// - Stability: stable
public struct RankingEvaluator: Sendable {
  /// The protocols.
  public var presets: [ProtocolPreset]
  /// What the cards say of training and data.
  public var run: RunProtocol
  /// Seed of the order of tied items.
  public var tieSeed: UInt64

  /// An evaluator.
  ///
  /// - Precondition: at least one protocol.
  public init(presets: [ProtocolPreset] = [.strict], run: RunProtocol = RunProtocol(), tieSeed: UInt64 = 0) {
    precondition(!presets.isEmpty, "an evaluation without a protocol computes nothing")
    self.presets = presets
    self.run = run
    self.tieSeed = tieSeed
  }

  // MARK: - Rated tests

  /// Ranks each test user's rated items.
  ///
  /// - Parameters:
  ///   - training: training positives, for protocols that look at them.
  /// - Returns: one result per protocol, in their order.
  /// - Throws: ``EvaluationError``.
  public func evaluate(
    _ scorer: any Scorer, on test: RatedTest, training: FeedbackMatrix? = nil
  ) throws(EvaluationError) -> [EvaluationResult] {
    let work = try RatedWork(self, scorer, test, training)
    var parts: [[PresetColumns]] = []
    for shard in work.shards { parts.append(try work.columns(of: shard)) }
    return results(joining: parts, work.descriptions)
  }

  /// The same on several threads; same numbers.
  public func evaluate(
    _ scorer: any Scorer, on test: RatedTest, training: FeedbackMatrix? = nil, threads: Int
  ) async throws -> [EvaluationResult] {
    let work = try RatedWork(self, scorer, test, training)
    let parts = try await inShards(work.shards, threads: threads) { try work.columns(of: $0) }
    return results(joining: parts, work.descriptions)
  }

  // MARK: - Full ranking

  /// Ranks all candidates for each test user.
  ///
  /// - Returns: one result per protocol, in their order.
  /// - Throws: ``EvaluationError``.
  public func evaluate(
    _ scorer: any Scorer, on test: CatalogueTest, training: FeedbackMatrix? = nil
  ) throws(EvaluationError) -> [EvaluationResult] {
    let work = try CatalogueWork(self, scorer, test, training)
    var parts: [[PresetColumns]] = []
    for shard in work.shards { parts.append(try work.columns(of: shard)) }
    return results(joining: parts, work.descriptions)
  }

  /// The same on several threads; same numbers.
  public func evaluate(
    _ scorer: any Scorer, on test: CatalogueTest, training: FeedbackMatrix? = nil, threads: Int
  ) async throws -> [EvaluationResult] {
    let work = try CatalogueWork(self, scorer, test, training)
    let parts = try await inShards(work.shards, threads: threads) { try work.columns(of: $0) }
    return results(joining: parts, work.descriptions)
  }

  /// Ranks all pairs that were not seen against their true probability of relevance γ: gains are γ, the ideal order is
  /// by γ. DCG and NDCG at the cutoffs; the evaluator's protocols are not used.
  ///
  /// - Throws: ``EvaluationError``.
  public func evaluate(
    _ scorer: any Scorer, on test: TrueRelevanceTest, cutoffs: [Int] = [20]
  ) throws(EvaluationError) -> EvaluationResult {
    let evaluator = gradedEvaluator(cutoffs)
    let work = try CatalogueWork(evaluator, scorer, test)
    var parts: [[PresetColumns]] = []
    for shard in work.shards { parts.append(try work.columns(of: shard)) }
    return evaluator.results(joining: parts, work.descriptions)[0]
  }

  /// The same on several threads; same numbers.
  public func evaluate(
    _ scorer: any Scorer, on test: TrueRelevanceTest, cutoffs: [Int] = [20], threads: Int
  ) async throws -> EvaluationResult {
    let evaluator = gradedEvaluator(cutoffs)
    let work = try CatalogueWork(evaluator, scorer, test)
    let parts = try await inShards(work.shards, threads: threads) { try work.columns(of: $0) }
    return evaluator.results(joining: parts, work.descriptions)[0]
  }

  private func gradedEvaluator(_ cutoffs: [Int]) -> RankingEvaluator {
    RankingEvaluator(
      presets: [
        ProtocolPreset(
          name: "true-relevance", candidates: .catalogue, users: UserRule(),
          convention: MetricConvention(ties: .average),
          metrics: [.ndcg, .dcg], cutoffs: cutoffs)
      ], run: run, tieSeed: tieSeed)
  }

  // MARK: - Joining

  private func results(joining parts: [[PresetColumns]], _ about: [CardFacts]) -> [EvaluationResult] {
    presets.indices.map { index in
      let preset = presets[index]
      var columns = PresetColumns(preset)
      for part in parts { columns.append(part[index]) }
      let card = ProtocolCard(
        preset: preset.name, binarise: about[index].binarise, candidates: about[index].candidates,
        itemsDropped: about[index].dropped, usersKept: preset.users.text, usersKeptCount: columns.kept,
        usersTotal: about[index].users, emptyUserValue: preset.emptyUserValue, convention: preset.convention,
        cutoffs: preset.cutoffs, userInterval: "95 % bootstrap over users", run: run)
      let values = preset.columns.enumerated().map { position, column in
        MeasuredValue(
          metric: column.metric, cutoff: column.cutoff, users: columns.users[position],
          perUser: columns.values[position], card: card)
      }
      return EvaluationResult(preset: preset, card: card, values: values)
    }
  }
}

/// What a card needs from the test.
struct CardFacts: Sendable {
  var binarise: String
  var candidates: String
  var dropped: String
  var users: Int
}

extension ProtocolPreset {
  /// Every metric with every cutoff it needs, in the order of results.
  var columns: [(metric: RankingMetric, cutoff: Int?)] {
    metrics.flatMap { metric in
      metric.hasCutoff ? cutoffs.map { (metric, Int?.some($0)) } : [(metric, nil)]
    }
  }
}

/// One protocol's per-user values of a shard of users.
struct PresetColumns: Sendable {
  private(set) var kept = 0
  private(set) var users: [[Int32]]
  private(set) var values: [[Double]]

  init(_ preset: ProtocolPreset) {
    users = [[Int32]](repeating: [], count: preset.columns.count)
    values = [[Double]](repeating: [], count: users.count)
  }

  /// Adds a user when the protocol keeps it.
  mutating func add(_ user: Int32, _ list: RankedRelevance, trainingPositives: Int?, under preset: ProtocolPreset) {
    let rule = preset.users
    guard list.positiveCount >= rule.positives, list.candidateCount - list.positiveCount >= rule.negatives,
      (trainingPositives ?? 0) >= rule.trainingPositives, list.candidateCount > 0
    else { return }
    kept += 1
    let read = preset.labels.floor.map { list.softened(floor: $0) } ?? list
    for (position, column) in preset.columns.enumerated() {
      let value = preset.convention.value(column.metric, of: read, cutoff: column.cutoff ?? 1)
      guard let value = value ?? (column.metric.hasCutoff ? preset.emptyUserValue : nil) else { continue }
      users[position].append(user)
      values[position].append(value)
    }
  }

  mutating func append(_ other: PresetColumns) {
    kept += other.kept
    for position in users.indices {
      users[position] += other.users[position]
      values[position] += other.values[position]
    }
  }
}

/// Runs fixed shards on up to `threads` tasks and returns what they gave in shard order.
func inShards<Shard: Sendable, Result: Sendable>(
  _ shards: [Shard], threads: Int, _ body: @escaping @Sendable (Shard) throws -> Result
) async throws -> [Result] {
  precondition(threads > 0, "\(threads) threads do no work")
  return try await withThrowingTaskGroup(of: [(Int, Result)].self) { group in
    for worker in 0..<min(threads, shards.count) {
      group.addTask {
        try stride(from: worker, to: shards.count, by: threads).map { ($0, try body(shards[$0])) }
      }
    }
    var found: [(Int, Result)] = []
    for try await part in group { found += part }
    return found.sorted { $0.0 < $1.0 }.map(\.1)
  }
}
