import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import Testing

@testable import LightmeterTraining

/// CJMF: parts, what is held out of what, residuals, export, resuming (METHODS §11.6).
@Suite struct CombinationalJointTests {
  private func method(epochs: Int = 2) -> CombinationalJointMethod {
    var method = CombinationalJointMethod()
    (method.parts, method.dimension, method.epochs, method.batchSize) = (3, 4, epochs, 16)
    (method.inner.learningRate, method.outer.learningRate) = (0.05, 0.05)
    (method.outer.weightDecay, method.outer.biasDecay) = (1e-3, 1e-3)
    return method
  }

  private func run(
    _ method: CombinationalJointMethod, _ data: TrainingData = SmallTrainingData.make()
  ) throws -> CombinationalJointRun { try CombinationalJointRun(method: method, data: data, seed: 3) }

  private func values(_ member: CombinationalJointMember) -> [[Float]] {
    member.backbone.tables.map(\.values) + member.gates.map(\.values)
      + (member.inner.state + member.outer.state).map(\.moments.values)
  }

  @Test func partsAreDisjointCoverAllPositivesAndAreOfOneSize() throws {
    let parts = try run(method()).parts.ofPositives
    #expect(parts.count == SmallTrainingData.make().positives.count)
    let sizes = (0..<3).map { part in parts.count { $0 == part } }
    #expect(sizes.reduce(0, +) == parts.count && sizes.max()! - sizes.min()! <= 1)
    #expect(parts != parts.sorted(), "drawn, not cut in order")
  }

  @Test(arguments: 0..<3, [BiasTerms.none, .userAndItem])
  func aModelIsBitIdenticalBeforeAndAfterThePassOnItsOwnPart(part: Int, biases: BiasTerms) throws {
    var method = method()
    method.biases = biases
    var run = try run(method)
    var tally = CombinationalJointTally()
    // Not the first pass, so that moments and gates are no longer 0.
    try run.basePass((part + 1) % 3, epoch: 0, done: 0, progress: { _, _ in }, &tally)
    let before = (run.bases.map(values), run.residuals.map(values))
    try run.basePass(part, epoch: 0, done: 1, progress: { _, _ in }, &tally)
    for model in 0..<3 {
      #expect((values(run.bases[model]) == before.0[model]) == (model == part), "model \(model)")
      for table in 0..<3 where model != part {
        #expect(values(run.bases[model])[table] != before.0[model][table], "model \(model), table \(table)")
      }
      #expect(values(run.residuals[model]) == before.1[model])
    }
  }

  @Test func theResidualPassMovesResidualModelsAlone() throws {
    var run = try run(method())
    var tally = CombinationalJointTally()
    try run.basePass(0, epoch: 0, done: 0, progress: { _, _ in }, &tally)
    let before = (run.bases.map(values), run.residuals.map(values))
    try run.residualPass(epoch: 0, progress: { _, _ in }, &tally)
    for model in 0..<3 {
      #expect(values(run.bases[model]) == before.0[model])
      for table in 0..<3 { #expect(values(run.residuals[model])[table] != before.1[model][table]) }
    }
  }

  @Test func targetsAreTakenAnewBeforeEveryPass() throws {
    var run = try run(method())
    var tally = CombinationalJointTally()
    try run.basePass(0, epoch: 0, done: 0, progress: { _, _ in }, &tally)
    // The same models in a run that has seen no pass.
    var fresh = try self.run(method())
    (fresh.bases, fresh.residuals) = (run.bases, run.residuals)
    try run.basePass(1, epoch: 0, done: 1, progress: { _, _ in }, &tally)
    try fresh.basePass(1, epoch: 0, done: 0, progress: { _, _ in }, &tally)
    for model in 0..<3 { #expect(values(run.bases[model]) == values(fresh.bases[model])) }
  }

  @Test func residualRatesAreScaled() throws {
    var slow = method()
    slow.residualRate = 1e-3
    let start = try run(slow)
    var run = start
    var tally = CombinationalJointTally()
    try run.residualPass(epoch: 0, progress: { _, _ in }, &tally)
    let sampler = BatchSampler(data: SmallTrainingData.make(), batchSize: 16, seed: 3)
    // A step of Adam is hardly longer than its rate.
    let most = 1.5 * 0.05 * 1e-3 * Float(sampler.batchCount)
    for model in 0..<3 {
      let (before, after) = (start.residuals[model].backbone.tables, run.residuals[model].backbone.tables)
      for table in 0..<2 {
        let moved = zip(before[table].values, after[table].values).map { abs($0 - $1) }.max() ?? 0
        #expect(moved > 0 && moved < most, "\(moved) of at most \(most)")
      }
    }
  }

  /// The mean gradient of the low-variance loss by a residual model's own numbers, by central differences in double.
  @Test func aResidualModelsGradientGoesThroughTheSum() throws {
    let base = try run(method()).bases[0]
    var residual = try run(method()).residuals[0]
    let (start, count) = (residual.backbone.tables, 4)
    var work = CombinationalJointWorkspace()
    work.batch.pairs = PairBatch(users: [0, 1, 2, 0], items: [3, 4, 5, 4], feedback: [1, 0, 1, 0])
    var indexer = BatchIndexer(userCount: 12, itemCount: 10)
    indexer.index(&work.batch)
    (work.targetExposures, work.targetRelevances) = ([0.4, 0.6, 0.8, 0.3], [0.5, 0.5, 0.5, 0.5])
    func loss(_ side: Int, _ place: Int, _ shift: Double) -> Double {
      (0..<count).reduce(0.0) { sum, k in
        let rows = [Int(work.batch.pairs.users[k]), Int(work.batch.pairs.items[k])]
        var score = Double(base.backbone.intercept)
        for column in 0..<4 {
          let factors = (0..<2).map { table -> Double in
            let index = rows[table] * start[table].stride + column
            let value = Double(base.backbone.tables[table].values[index]) + Double(start[table].values[index])
            return value + (table == side && index == place ? shift : 0)
          }
          score += factors[0] * factors[1]
        }
        let terms = LowVariance().terms(
          clicked: work.batch.pairs.feedback[k] != 0, logit: score, exposure: Double(work.targetExposures[k]))
        return sum + terms.loss / Double(count)
      }
    }
    _ = residual.step(on: base, popularity: [Float](repeating: 0.5, count: 10), hardClip: false, &work)
    for side in 0..<2 {
      let gradient = work.modelGradient[side]
      for (slot, row) in gradient.rows.enumerated() {
        for column in 0..<4 {
          let place = Int(row) * start[side].stride + column
          let slope = (loss(side, place, 1e-4) - loss(side, place, -1e-4)) / 2e-4
          // Single precision of numbers near 0.03.
          #expect(abs(slope - Double(gradient.values[slot * gradient.stride + column])) < 1e-6, "\(side), \(place)")
        }
      }
    }
  }

  @Test func anEpochGoesThroughTheStreamOnce() throws {
    let data = SmallTrainingData.make()
    let model = try method(epochs: 1).fit(data, seed: 3, observer: SilentObserver())
    let sampler = BatchSampler(data: data, batchSize: 16, seed: 3)
    var (pairs, batch) = (0, PairBatch())
    for index in 0..<sampler.batchCount {
      sampler.fill(&batch, epoch: 0, index: index)
      pairs += batch.count
    }
    #expect(model.history[0].pairs == pairs)
  }

  @Test func streamsThatAreNotHeldWholeGiveTheSameModels() throws {
    func models(mostHeldPairs: Int) throws -> [[[Float]]] {
      var run = try run(method())
      run.mostHeldPairs = mostHeldPairs
      for epoch in 0..<2 { _ = try run.runEpoch(epoch) { _, _ in } }
      return (run.bases + run.residuals).map(values)
    }
    #expect(try models(mostHeldPairs: 0) == models(mostHeldPairs: .max))
  }

  @Test func pairsWithoutAClickFallToAPartByChanceAnewInEveryEpoch() throws {
    var run = try run(method())
    func pairs(_ epoch: Int) throws -> [Int] {
      try (0..<3).map { part in
        var tally = CombinationalJointTally()
        try run.basePass(part, epoch: epoch, done: part, progress: { _, _ in }, &tally)
        return tally.record.pairs
      }
    }
    let (first, second) = (try pairs(0), try pairs(1))
    // Clicks are cut evenly; of two negatives a click a third each, give or take four standard deviations.
    let all = first.reduce(0, +)
    for count in first + second {
      #expect(abs(Double(count) - Double(all) / 3) < 1 + 4 * (Double(all) * 2 / 9).squareRoot(), "\(first), \(second)")
    }
    #expect(first != second)
  }

  @Test func targetsOfAClickAreItsPartsOwnModelsAndOfOtherPairsTheMeanOfAll() throws {
    let run = try run(method())
    var targets = CombinationalJointTargets()
    let popularity = [Float](repeating: 0.5, count: 10)
    targets.freeze(run.bases, popularity: popularity)
    var work = CombinationalJointWorkspace()
    work.batch.pairs = PairBatch(users: [0, 1, 2], items: [3, 4, 5], feedback: [1, 0, 1])
    targets.evaluate(parts: [2, -1, 0], &work)
    func relevance(_ model: Int, _ user: Int, _ item: Int) -> Float {
      var score: [Float] = [0]
      run.bases[model].backbone.factorModel.scores(user: user, items: item..<item + 1, into: &score)
      return Stable.sigmoid(score[0])
    }
    let wanted = [relevance(2, 0, 3), (0..<3).map { relevance($0, 1, 4) }.reduce(0, +) / 3, relevance(0, 2, 5)]
    for k in 0..<3 { #expect(abs(work.targetRelevances[k] - wanted[k]) < 1e-6) }
    #expect(work.targetExposures.prefix(3).allSatisfy { abs($0 - Float(0.5).squareRoot()) < 1e-6 }, "gates start at 0")
  }

  @Test func withFullExposureAsTargetBaseAndResidualLossAreTheCrossEntropy() throws {
    var (base, residual) = (try run(method()).bases[0], try run(method()).residuals[0])
    var work = CombinationalJointWorkspace()
    work.batch.pairs = PairBatch(users: [0, 1, 2, 3], items: [3, 4, 5, 3], feedback: [1, 0, 1, 0])
    var indexer = BatchIndexer(userCount: 12, itemCount: 10)
    indexer.index(&work.batch)
    (work.targetExposures, work.targetRelevances) = ([1, 1, 1, 1], [0.5, 0.5, 0.5, 0.5])
    let popularity = [Float](repeating: 0.5, count: 10)
    func crossEntropy(_ model: FactorModel) -> Double {
      (0..<4).map { k in
        var score: [Float] = [0]
        let item = Int(work.batch.pairs.items[k])
        model.scores(user: Int(work.batch.pairs.users[k]), items: item..<item + 1, into: &score)
        return Naive().terms(clicked: work.batch.pairs.feedback[k] != 0, logit: Double(score[0]), exposure: 1).loss
      }.reduce(0, +)
    }
    let wanted = (crossEntropy(base.backbone.factorModel), crossEntropy(residual.added(to: base)))
    let frozen = base
    let residualStep = residual.step(on: frozen, popularity: popularity, hardClip: false, &work)
    #expect(abs(base.step(on: nil, popularity: popularity, hardClip: false, &work).loss - wanted.0) < 1e-5)
    #expect(abs(residualStep.loss - wanted.1) < 1e-5)
    #expect(abs(wanted.0 - wanted.1) > 1e-5, "the residual tables count")
  }

  @Test func exposureIsOnePerItemAndHeldNearItsStartByThePublishedDecay() throws {
    let data = SmallTrainingData.make()
    var pinned = method(epochs: 6)
    (pinned.outer.weightDecay, pinned.outer.biasDecay) = (11, 11)
    let counts = data.positives.itemCounts
    let start = counts.map { ((0.5 + Float($0 + 1) / Float(counts.max()! + 1)) / 2).squareRoot() }
    func distance(_ method: CombinationalJointMethod) throws -> Float {
      guard case .perItem(let exposures)? = try method.fit(data, seed: 3, observer: SilentObserver()).exposure else {
        Issue.record("no exposure per item")
        return 0
      }
      return zip(exposures, start).map { abs($0 - $1) }.max() ?? 0
    }
    #expect(try distance(pinned) < 0.05)
    #expect(try distance(method(epochs: 6)) > 0.05)
  }

  @Test func hardClipStopsTheGradientOfConfidentPairs() throws {
    func change(hardClip: Bool) throws -> Bool {
      var base = try run(method()).bases[0]
      var work = CombinationalJointWorkspace()
      base.backbone.tables[0].values = base.backbone.tables[0].values.map { _ in 2 }
      base.backbone.tables[1].values = base.backbone.tables[1].values.map { _ in 2 }
      work.batch.pairs = PairBatch(users: [0], items: [3], feedback: [0])
      var indexer = BatchIndexer(userCount: 12, itemCount: 10)
      indexer.index(&work.batch)
      (work.targetExposures, work.targetRelevances) = ([0.5], [0.5])
      let step = base.step(on: nil, popularity: [Float](repeating: 0.5, count: 10), hardClip: hardClip, &work)
      return try #require(step.gradientSquared) > 0
    }
    #expect(try change(hardClip: false) && !change(hardClip: true))
  }

  @Test(arguments: [TrainingStream.sampled(negativesPerPositive: 2), .all])
  func resumedRunEndsInTheBytesOfAnUnbrokenOne(stream: TrainingStream) throws {
    let data = SmallTrainingData.make(stream: stream)
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).resume").path
    let file = ResumeFile(path: path, fingerprint: "run")
    defer { file.remove() }
    let unbroken = try scores(method(epochs: 3).fit(data, seed: 1, observer: SilentObserver()))
    let half = try method(epochs: 3).fit(data, seed: 1, observer: StopAfterTwo(file: file))
    #expect(half.history.count == 2)
    #expect(try scores(half) != unbroken)
    var rest = method(epochs: 3)
    rest.resumeFrom = file
    #expect(try scores(rest.fit(data, seed: 1, observer: SilentObserver())) == unbroken)
    #expect(try scores(method(epochs: 3).fit(data, seed: 2, observer: SilentObserver())) != unbroken)
  }

  private func scores(_ model: TrainedModel) throws -> [Float] {
    let ensemble = try #require(model.scorer as? EnsembleModel)
    return ensemble.members.flatMap { $0.users.values + $0.items.values }
  }
}

/// Keeps the state after the second epoch and stops there.
struct StopAfterTwo: TrainingObserver {
  let file: ResumeFile
  func observe(_ event: TrainingEvent) -> TrainingDecision {
    guard case .epoch(let record, _, let snapshot) = event, record.epoch == 2 else { return .proceed }
    do { try file.write(snapshot.state!()) } catch { Issue.record(error) }
    return .stop
  }
}
