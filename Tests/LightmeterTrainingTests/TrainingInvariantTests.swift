import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import TestSupport
import Testing

@testable import LightmeterTraining

/// Identities of METHODS §18 that hold for any data: degenerate gates, seeds, resuming, weights, divergence.
@Suite struct TrainingInvariantTests {
  private func data() -> TrainingData { SmallTrainingData.make() }

  private func method(_ strategy: Strategy = .bilevel(Bilevel()), epochs: Int = 4) -> PointwiseMethod {
    var method = PointwiseMethod()
    (method.estimator, method.exposure, method.strategy) = (LowVariance(), .blended(power: 0.5), strategy)
    (method.dimension, method.epochs, method.batchSize) = (4, epochs, 16)
    method.inner.learningRate = 0.05
    method.outer.learningRate = 0.05
    return method
  }

  private func factors(_ model: TrainedModel) throws -> [[Float]] {
    let scorer = try #require(model.scorer as? FactorModel)
    return [scorer.users.values, scorer.items.values]
  }

  @Test func sameSeedSameBytesOtherSeedOthers() throws {
    let first = try factors(method().fit(data(), seed: 1, observer: SilentObserver()))
    #expect(try factors(method().fit(data(), seed: 1, observer: SilentObserver())) == first)
    #expect(try factors(method().fit(data(), seed: 2, observer: SilentObserver())) != first)
  }

  @Test func weightedRiskWithoutRiskIsJointOptToTheLastBit() throws {
    let joint = try method(.joint(throughExposure: true)).fit(data(), seed: 1, observer: SilentObserver())
    var likelihood = method(.joint(throughExposure: true))
    likelihood.estimator = WeightedRisk(likelihoodWeight: 1, riskWeight: 0)
    #expect(try factors(likelihood.fit(data(), seed: 1, observer: SilentObserver())) == factors(joint))
    likelihood.estimator = WeightedRisk(likelihoodWeight: 1, riskWeight: 0.01)
    #expect(try factors(likelihood.fit(data(), seed: 1, observer: SilentObserver())) != factors(joint))
  }

  private struct Keeper: TrainingObserver {
    let file: ResumeFile
    func observe(_ event: TrainingEvent) -> TrainingDecision {
      guard case .epoch(let record, _, let snapshot) = event, record.epoch == 2 else { return .proceed }
      do { try file.write(snapshot.state!()) } catch { Issue.record(error) }
      return .stop
    }
  }

  @Test(arguments: OptimizerKind.allCases) func resumedRunEndsInTheBytesOfAnUnbrokenOne(kind: OptimizerKind) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).resume").path
    let file = ResumeFile(path: path, fingerprint: "run")
    defer { file.remove() }
    var whole = method()
    whole.optimizer = kind
    let unbroken = try factors(whole.fit(data(), seed: 1, observer: SilentObserver()))
    let half = try whole.fit(data(), seed: 1, observer: Keeper(file: file))
    #expect(half.history.count == 2)
    #expect(try factors(half) != unbroken)
    var rest = whole
    rest.resumeFrom = file
    let resumed = try rest.fit(data(), seed: 1, observer: SilentObserver())
    #expect(resumed.history.map(\.epoch) == [1, 2, 3, 4])
    #expect(try factors(resumed) == unbroken)
    rest.resumeFrom = ResumeFile(path: path, fingerprint: "another run")
    #expect(throws: TrainingError.self) { try rest.fit(data(), seed: 1, observer: SilentObserver()) }
    // As files were before they said a format.
    var older = try ModelContainer.read(path)
    older.manifest = older.manifest.replacing(/"format":\d+,/, with: "")
    try older.write(to: path)
    rest.resumeFrom = file
    let error = #expect(throws: TrainingError.self) { try rest.fit(data(), seed: 1, observer: SilentObserver()) }
    #expect(error?.description.hasSuffix("another version of Lightmeter; remove it to start anew") == true)
  }

  @Test func divergenceNamesEpochAndBatch() throws {
    var wild = method(.fixed)
    wild.estimator = Naive()
    wild.exposure = .none
    wild.inner.learningRate = 1e20
    let error = #expect(throws: TrainingError.self) { try wild.fit(data(), seed: 1, observer: SilentObserver()) }
    guard case .diverged(let epoch, let batch, _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(epoch >= 1 && batch >= 1)
    #expect(error?.description.contains("epoch \(epoch), batch \(batch)") == true)
  }

  @Test func bilevelWithoutValidationIsRefused() {
    var empty = data()
    empty.validation = PairBatch()
    #expect(throws: TrainingError.self) { try method().fit(empty, seed: 1, observer: SilentObserver()) }
  }

  /// Five steps with the exposure held at `blended`, and five with `mixed` fixed, in the precision that trains.
  private func expectTheSameBits(
    _ mixed: [Float], _ change: (inout BlendedExposure<Float>) -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let problem = GoldenProblem<Float>()
    var frozen = problem.trainer(.bilevel(Bilevel(virtualStep: 0.5)), outer: GradientDescent(learningRate: 0))
    var blended = problem.exposure
    change(&blended)
    frozen.exposure = blended
    var fixed = problem.trainer(.fixed)
    fixed.exposure = FixedExposure(.perItem(mixed))
    for _ in 0..<5 {
      _ = frozen.step(on: problem.batch, validation: problem.validation)
      _ = fixed.step(on: problem.batch, validation: problem.validation)
    }
    for table in 0..<2 {
      let values = frozen.backbone.tables[table].values
      #expect(values == fixed.backbone.tables[table].values, sourceLocation: sourceLocation)
      #expect(values != problem.backbone.tables[table].values, sourceLocation: sourceLocation)
    }
  }

  @Test func frozenExposureAtZeroIsFixedMixToTheLastBit() throws {
    // All exposure parameters 0: gate ½ and affinity ½, so m = ¼ + θ/2.
    try expectTheSameBits(GoldenProblem<Float>().exposure.popularity.map { 0.25 + 0.5 * $0 }) { blended in
      for table in blended.tables.indices {
        blended.tables[table].values = blended.tables[table].values.map { _ in 0 }
      }
    }
  }

  @Test func aClosedGateIsUMFToTheLastBit() throws {
    try expectTheSameBits(GoldenProblem<Float>().exposure.popularity) { blended in
      blended.tables[1].values = blended.tables[1].values.map { _ in 0 }
      blended.tables[1].values[4] = -800
    }
  }

  @Test func givenExposuresAreWhatTheirSourceSays() throws {
    let data = data()
    func exposures(_ source: ExposureSource) throws -> [Float] {
      var method = method(.fixed, epochs: 1)
      method.exposure = source
      let model = try method.fit(data, seed: 1, observer: SilentObserver())
      var column = [Float](repeating: .nan, count: data.itemCount)
      try #require(model.exposure).exposures(user: 3, items: 0..<data.itemCount, into: &column)
      return column
    }
    let popularity = Popularity.exposure(of: data.positives, exponent: 0.5)
    #expect(try exposures(.none) == popularity.map { _ in 1 })
    #expect(try exposures(.popularity(power: 0.5, weight: 1, level: 0)) == popularity)
    #expect(try exposures(.popularity(power: 0.5, weight: 0.5, level: 0.5)) == popularity.map { 0.25 + 0.5 * $0 })
    #expect(
      try exposures(.popularity(power: 1, weight: 1, level: 0)) == Popularity.exposure(of: data.positives, exponent: 1))
  }

  @Test func alternatingMovesTheExposureAtTheNewModel() {
    let problem = GoldenProblem<Double>()
    var alternating = problem.trainer(.alternating(throughExposure: true))
    _ = alternating.step(on: problem.batch, validation: problem.validation)
    // The same in two steps: the model alone, then the exposure alone.
    var model = problem.trainer(.joint(throughExposure: true), outer: GradientDescent(learningRate: 0))
    _ = model.step(on: problem.batch, validation: problem.validation)
    var exposure = problem.trainer(.joint(throughExposure: true), inner: GradientDescent(learningRate: 0))
    exposure.backbone = model.backbone
    _ = exposure.step(on: problem.batch, validation: problem.validation)
    for table in 0..<2 {
      #expect(alternating.backbone.tables[table].values == model.backbone.tables[table].values)
      #expect(alternating.exposure.tables[table].values == exposure.exposure.tables[table].values)
    }
  }

  @Test func theStepsOfAnEpochGoThroughAllValidationBatches() throws {
    let whole = data()
    var first = whole
    let most = (whole.validation.count + 1) / 2
    first.validation = ValidationBatches(whole.validation.itemMajor(), most: most, seed: 1).batches(epoch: 0)[0]
    var method = method(.bilevel(Bilevel(validationPairsPerStep: most)), epochs: 1)
    method.batchSize = 8
    let all = try factors(method.fit(whole, seed: 1, observer: SilentObserver()))
    #expect(try factors(method.fit(first, seed: 1, observer: SilentObserver())) != all)
  }

  @Test func weightOfTwoCountsAPairTwice() {
    let problem = GoldenProblem<Double>()
    var weighted = problem.batch
    weighted.weights = (0..<weighted.count).map { $0 == 0 ? 2 : 1 }
    var doubled = problem.batch
    doubled.append(user: doubled.users[0], item: doubled.items[0], feedback: doubled.feedback[0])
    func gradient(_ batch: PairBatch) -> [Double] {
      var trainer = problem.trainer(.joint(throughExposure: true))
      _ = trainer.step(on: batch, validation: problem.validation)
      let scale = Double(batch.count)
      return
        (trainer.work.modelGradient[0].dense(rows: 6, width: 4)
        + trainer.work.exposureGradient[0].dense(rows: 6, width: 4)).map { $0 * scale }
    }
    #expect(largestDifference(gradient(weighted), gradient(doubled)) < 1e-12)
    #expect(largestDifference(gradient(weighted), gradient(problem.batch)) > 1e-3)
  }

  @Test func knownExposureLeavesNothingToLearn() {
    let problem = GoldenProblem<Double>()
    var known = problem.batch
    known.knownExposures = [Float](repeating: 1, count: known.count)
    for strategy in [Strategy.joint(throughExposure: true), .bilevel(Bilevel(virtualStep: 0.5))] {
      var trainer = problem.trainer(strategy)
      _ = trainer.step(on: known, validation: problem.validation)
      #expect(trainer.exposure.tables.map(\.values) == problem.exposure.tables.map(\.values))
      _ = trainer.step(on: problem.batch, validation: problem.validation)
      #expect(trainer.exposure.tables.map(\.values) != problem.exposure.tables.map(\.values))
    }
  }

  @Test func clicksAloneGiveNoHypergradient() {
    let problem = GoldenProblem<Double>()
    var clicks = problem.batch
    clicks.feedback = clicks.feedback.map { _ in 1 }
    var trainer = problem.trainer(.bilevel(Bilevel(virtualStep: 0.5)))
    let record = trainer.step(on: clicks, validation: problem.validation)
    #expect(record.exposureGradientSquared == 0)
  }

  @Test func heavyDecayLeavesTheIntercept() throws {
    var heavy = method(.fixed, epochs: 40)
    (heavy.estimator, heavy.exposure, heavy.intercept) = (Naive(), .none, .value(-1.5))
    heavy.inner.weightDecay = 100
    let model = try heavy.fit(data(), seed: 1, observer: SilentObserver())
    var scores = [Float](repeating: 0, count: 10)
    model.scorer.scores(user: 3, items: 0..<10, into: &scores)
    #expect(scores.allSatisfy { abs($0 + 1.5) < 0.05 })
  }
}
