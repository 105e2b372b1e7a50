internal import LightmeterFeedback
internal import LightmeterKernels

/// A rated test, prepared: checked, cut into shards.
struct RatedWork: Sendable {
  let presets: [ProtocolPreset]
  let scorer: any Scorer
  let test: RatedTest
  let training: FeedbackMatrix?
  let tieKey: UInt64
  let shards: [Range<Int>]
  let descriptions: [CardFacts]
  /// Whether an item has a training positive; empty where no protocol asks.
  private let isTrained: [Bool]

  init(
    _ evaluator: RankingEvaluator, _ scorer: any Scorer, _ test: RatedTest, _ training: FeedbackMatrix?
  ) throws(EvaluationError) {
    try check(scorer, users: test.userCount, items: test.itemCount)
    var dropsItems = false
    for preset in evaluator.presets {
      if preset.candidates == .catalogue {
        throw .presetNeedsOtherCandidates(preset: preset.name, wanted: preset.candidates)
      }
      if preset.labels.needsRatings, test.ratings == nil { throw .presetNeedsRatings(preset: preset.name) }
      if preset.needsTraining, training == nil { throw .presetNeedsTraining(preset: preset.name) }
      if preset.dropped == .withoutTrainingPositive { dropsItems = true }
    }
    precondition(
      training == nil || (training?.userCount == test.userCount && training?.itemCount == test.itemCount),
      "training and test have different shapes")
    presets = evaluator.presets
    self.scorer = scorer
    self.test = test
    self.training = training
    tieKey = SeededGenerator.key(seed: evaluator.tieSeed, stream: .ties)
    let counts = dropsItems ? training?.itemCounts ?? [] : []
    isTrained = counts.map { $0 > 0 }
    let untrained = counts.count { $0 == 0 }
    let size = 256
    shards = stride(from: 0, to: test.userCount, by: size).map { $0..<min($0 + size, test.userCount) }
    let users = test.testUserCount
    descriptions = evaluator.presets.map { preset in
      CardFacts(
        binarise: preset.labels.text(rated: test.ratings != nil), candidates: test.candidates,
        dropped: preset.dropped == .none ? "none" : "\(untrained) items without a training positive", users: users)
    }
  }

  func columns(of users: Range<Int>) throws(EvaluationError) -> [PresetColumns] {
    var columns = presets.map(PresetColumns.init)
    for user in users where test.offsets[user] < test.offsets[user + 1] {
      let range = test.offsets[user]..<test.offsets[user + 1]
      let items = Array(test.items[range])
      let scores = try scores(of: user, items)
      let keys = TopSelection.tieKeys(tieKey, user: Int32(user), items: items)
      let trained = training?.range(of: user).count
      for (index, preset) in presets.enumerated() {
        let kept = items.indices.filter { preset.dropped == .none || isTrained[Int(items[$0])] }
        let labelled = kept.map { offset in
          preset.labels.gain(
            label: test.labels[range.lowerBound + offset], rating: test.ratings?[range.lowerBound + offset])
        }
        let list = RankedRelevance(
          scores: kept.map { scores[$0] }, gains: labelled.map(\.gain), hits: labelled.map(\.hit),
          keys: kept.map { keys[$0] })
        columns[index].add(Int32(user), list, trainingPositives: trained, under: preset)
      }
    }
    return columns
  }

  private func scores(of user: Int, _ items: [Int32]) throws(EvaluationError) -> [Float] {
    var scores: [Float] = []
    scores.reserveCapacity(items.count)
    var buffer: [Float] = []
    for tile in CatalogueScan.tiles(candidates: items, itemCount: test.itemCount) {
      if buffer.count != tile.range.count { buffer = [Float](repeating: 0, count: tile.range.count) }
      scorer.scores(user: user, items: tile.range, into: &buffer)
      if let offsets = tile.offsets {
        for offset in offsets { scores.append(buffer[Int(offset)]) }
      } else {
        scores += buffer
      }
    }
    if scores.contains(where: \.isNaN) { throw .scoreIsNotANumber(user: user) }
    return scores
  }
}

/// A test by full ranking, prepared.
struct CatalogueWork: Sendable {
  let presets: [ProtocolPreset]
  let scan: CatalogueScan
  let training: FeedbackMatrix?
  let shards: [ArraySlice<Int32>]
  let descriptions: [CardFacts]

  init(
    _ evaluator: RankingEvaluator, _ scorer: any Scorer, _ test: CatalogueTest, _ training: FeedbackMatrix?
  ) throws(EvaluationError) {
    try check(scorer, users: test.relevant.userCount, items: test.relevant.itemCount)
    for preset in evaluator.presets {
      if preset.candidates == .ratedItems {
        throw .presetNeedsOtherCandidates(preset: preset.name, wanted: preset.candidates)
      }
      if preset.labels.needsRatings { throw .presetNeedsRatings(preset: preset.name) }
      if preset.needsTraining, training == nil { throw .presetNeedsTraining(preset: preset.name) }
    }
    precondition(
      Set(evaluator.presets.map(\.dropped)).count == 1, "protocols that drop different items need one evaluation each")
    var candidates = test.candidates
    let drops = evaluator.presets[0].dropped == .withoutTrainingPositive
    var untrained = 0
    if drops, let counts = training?.itemCounts {
      let all = candidates ?? (0..<Int32(test.relevant.itemCount)).map { $0 }
      candidates = all.filter { counts[Int($0)] > 0 }
      untrained = all.count - (candidates?.count ?? 0)
    }
    presets = evaluator.presets
    self.training = training
    scan = CatalogueScan(
      scorer: scorer, truth: .relevant(test.relevant), seen: test.seen, candidates: candidates,
      itemCount: test.relevant.itemCount, depth: Self.depth(evaluator.presets),
      countsPairs: evaluator.presets.contains { $0.metrics.contains(.auc) }, tieSeed: evaluator.tieSeed)
    let users = test.testUsers
    shards = Self.shards(users)
    let listed =
      candidates.map { "\($0.count) items listed\(test.candidateSource.map { " in \($0)" } ?? "")" }
      ?? "all \(test.relevant.itemCount) items"
    descriptions = evaluator.presets.map { preset in
      CardFacts(
        binarise: preset.labels.text(rated: false), candidates: listed + (test.seen == nil ? "" : " minus those seen"),
        dropped: drops ? "\(untrained) items without a training positive" : "none", users: users.count)
    }
  }

  init(_ evaluator: RankingEvaluator, _ scorer: any Scorer, _ test: TrueRelevanceTest) throws(EvaluationError) {
    try check(scorer, users: test.userCount, items: test.itemCount)
    presets = evaluator.presets
    training = nil
    scan = CatalogueScan(
      scorer: scorer, truth: .probabilities(test.relevance), seen: test.seen, candidates: nil,
      itemCount: test.itemCount, depth: Self.depth(evaluator.presets), countsPairs: false, tieSeed: evaluator.tieSeed)
    let users = test.users ?? (0..<Int32(test.userCount)).map { $0 }
    shards = Self.shards(users)
    descriptions = [
      CardFacts(
        binarise: "true probability of relevance as gain",
        candidates: "all \(test.itemCount) items" + (test.seen == nil ? "" : " minus those seen"), dropped: "none",
        users: users.count)
    ]
  }

  static func depth(_ presets: [ProtocolPreset]) -> Int { presets.flatMap(\.cutoffs).max() ?? 1 }

  static func shards(_ users: [Int32]) -> [ArraySlice<Int32>] {
    stride(from: 0, to: users.count, by: CatalogueScan.usersPerShard).map {
      users[$0..<min($0 + CatalogueScan.usersPerShard, users.count)]
    }
  }

  func columns(of users: ArraySlice<Int32>) throws(EvaluationError) -> [PresetColumns] {
    var columns = presets.map(PresetColumns.init)
    for ranking in try scan.rankings(of: users) {
      let trained = training?.range(of: Int(ranking.user)).count
      for (index, preset) in presets.enumerated() {
        columns[index].add(ranking.user, ranking.list, trainingPositives: trained, under: preset)
      }
    }
    return columns
  }
}

extension ProtocolPreset {
  /// Whether the protocol looks at training positives.
  public var needsTraining: Bool { users.trainingPositives > 0 || dropped == .withoutTrainingPositive }
}

extension RatedTest {
  /// Whether a protocol can be computed on this test.
  public func supports(_ preset: ProtocolPreset) -> Bool {
    preset.candidates != .catalogue && (ratings != nil || !preset.labels.needsRatings)
  }
}

extension CatalogueTest {
  /// Whether a protocol can be computed on this test.
  public func supports(_ preset: ProtocolPreset) -> Bool {
    preset.candidates != .ratedItems && !preset.labels.needsRatings
  }
}

/// Checks that a scorer covers a test.
func check(_ scorer: any Scorer, users: Int, items: Int) throws(EvaluationError) {
  guard scorer.userCount >= users, scorer.itemCount >= items else {
    throw .scorerTooSmall(
      users: scorer.userCount, items: scorer.itemCount, testUsers: users, testItems: items)
  }
}
