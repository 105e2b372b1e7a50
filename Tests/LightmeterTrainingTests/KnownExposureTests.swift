import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import Testing

@testable import LightmeterTraining

/// METHODS §20: an exposure that is known is used with its value, pair by pair, and overrides the model's.
@Suite struct KnownExposureTests {
  /// A different exposure for every pair.
  private struct TableOfPairs: ExposureEstimate {
    static func value(_ user: Int, _ item: Int) -> Float { 0.05 + 0.9 * Float((user * 7 + item * 3) % 11) / 11 }
    func exposures(user: Int, items: Range<Int>, into exposures: inout [Float]) {
      for (k, item) in items.enumerated() { exposures[k] = Self.value(user, item) }
    }
  }

  private static let estimators: [(name: String, value: any Estimator)] = [
    ("inverse", InversePropensity()), ("low", LowVariance()),
  ]

  /// Loss and slope of a pair, written out.
  private func terms(_ name: String, _ y: UInt8, _ s: Double, _ m: Double) -> (loss: Double, slope: Double) {
    let p = 1 / (1 + exp(-s))
    if name == "inverse" { return (log(1 + exp(s)) - Double(y) / m * s, p - Double(y) / m) }
    return y == 1 ? (-log(m * p), -(1 - p)) : (-log(1 - m * p), m * p * (1 - p) / (1 - m * p))
  }

  @Test(arguments: ["inverse", "low"]) func aPairsKnownExposureEntersLossAndSlope(name: String) throws {
    let estimator = try #require(Self.estimators.first { $0.name == name }).value
    let problem = GoldenProblem<Double>()
    var batch = problem.batch
    // Every third pair is left to the model.
    batch.knownExposures = (0..<batch.count).map { $0 % 3 == 2 ? .nan : 0.1 + 0.05 * Float($0) }
    var trainer = problem.trainer(.joint(throughExposure: true), estimator: estimator)
    trainer.index(batch, validation: PairBatch())
    var own = trainer
    own.work.input.batch.pairs.knownExposures = nil
    _ = own.forward()
    let record = trainer.forward()
    var sum = 0.0
    for k in 0..<batch.count {
      let known = try #require(batch.knownExposures)[k]
      let m = known.isNaN ? own.work.tape.exposures[k] : Double(known)
      #expect(trainer.work.tape.exposures[k] == m)
      let wanted = terms(name, batch.feedback[k], trainer.work.logits[k], m)
      #expect(abs(trainer.work.terms.loss[k] - wanted.loss) < 1e-12, "pair \(k)")
      #expect(abs(trainer.work.terms.byLogit[k] - wanted.slope) < 1e-12, "pair \(k)")
      sum += m
      // What is known is not learned; what is not known is, but for a declined pair under inverse propensity.
      let learns = known.isNaN && (batch.feedback[k] == 1 || name == "low")
      #expect((trainer.work.terms.byExposure[k] != 0) == learns)
    }
    #expect(abs(record.exposures.sum - sum) < 1e-12)
  }

  /// A method whose logits are a constant in the first batch: no factors, no biases, a given intercept.
  private func method(_ exposure: ExposureSource, _ estimator: any Estimator, intercept: Intercept) -> PointwiseMethod {
    var method = PointwiseMethod()
    (method.estimator, method.exposure, method.intercept) = (estimator, exposure, intercept)
    (method.dimension, method.initialDeviation, method.epochs, method.batchSize) = (2, 0, 1, 4096)
    return method
  }

  @Test(arguments: ["inverse", "low"]) func aKnownTableIsReadPairByPair(name: String) throws {
    let estimator = try #require(Self.estimators.first { $0.name == name }).value
    var data = SmallTrainingData.make(stream: .all)
    data.trueExposure = TableOfPairs()
    let model = try method(.known, estimator, intercept: .value(-0.5)).fit(data, seed: 1, observer: SilentObserver())
    let record = try #require(model.history.first)
    var (loss, exposures) = (0.0, [Double]())
    for user in 0..<12 {
      for item in 0..<10 {
        let m = Double(TableOfPairs.value(user, item))
        loss += terms(name, data.positives.contains(user: user, item: Int32(item)) ? 1 : 0, -0.5, m).loss / 120
        exposures.append(m)
      }
    }
    #expect(abs(record.trainingLoss - loss) < 1e-5)
    #expect(abs(record.meanExposure - exposures.reduce(0, +) / 120) < 1e-6)
    #expect(record.leastExposure == exposures.min() && record.greatestExposure == exposures.max())
    let stored = try #require(model.exposure)
    #expect(stored.exposure(user: 3, item: 4) == TableOfPairs.value(3, 4))
    #expect(stored.exposure(user: 4, item: 3) == TableOfPairs.value(4, 3))
  }

  /// Listed pairs with an exposure each, some unknown.
  private func listed() -> (data: TrainingData, pairs: [(y: UInt8, m: Float)]) {
    var data = SmallTrainingData.make(stream: .rated)
    let positives = data.positives.count
    data.positiveExposures = (0..<positives).map { $0 % 4 == 3 ? .nan : 0.5 + 0.01 * Float($0) }
    data.extraNegatives = PairBatch(knownExposures: [])
    for user in 0..<12 {
      for item in 0..<10 where !data.positives.contains(user: user, item: Int32(item)) {
        let known = item == 4 ? .nan : 0.6 + 0.03 * Float((user + item) % 12)
        data.extraNegatives.append(user: Int32(user), item: Int32(item), feedback: 0, knownExposure: known)
      }
    }
    var pairs: [(y: UInt8, m: Float)] = (data.positiveExposures ?? []).map { (1, $0) }
    pairs += (data.extraNegatives.knownExposures ?? []).map { (0, $0) }
    // Where nothing is known the method's own exposure answers: 1 here.
    return (data, pairs.map { ($0.y, $0.m.isNaN ? 1 : $0.m) })
  }

  @Test(arguments: ["inverse", "low"]) func exposuresOfTheLogReachTheLoss(name: String) throws {
    let estimator = try #require(Self.estimators.first { $0.name == name }).value
    let (data, pairs) = listed()
    let record = try #require(
      method(.none, estimator, intercept: .value(-0.5)).fit(data, seed: 1, observer: SilentObserver()).history.first)
    let count = Double(pairs.count)
    #expect(record.pairs == pairs.count)
    #expect(abs(record.meanExposure - pairs.reduce(0) { $0 + Double($1.m) } / count) < 1e-6)
    let loss = pairs.reduce(0) { $0 + terms(name, $1.y, -0.5, Double($1.m)).loss } / count
    #expect(abs(record.trainingLoss - loss) < 1e-5)
  }

  @Test func theBaseRateIsDividedByTheKnownExposures() throws {
    let (data, pairs) = listed()
    let model = try method(.none, LowVariance(), intercept: .baseRate).fit(data, seed: 1, observer: SilentObserver())
    let scorer = try #require(model.scorer as? FactorModel)
    let mean = pairs.reduce(0) { $0 + Double($1.m) } / Double(pairs.count)
    let rate = min(0.5, Double(data.positives.count) / Double(pairs.count) / mean)
    #expect(rate < 0.5, "a rate that is cut would not tell")
    #expect(abs(Double(scorer.intercept) - log(rate / (1 - rate))) < 1e-5)
  }

  @Test func anOracleWithoutATruthIsRefused() {
    #expect(throws: TrainingError.self) {
      _ = try method(.known, LowVariance(), intercept: .none).fit(
        SmallTrainingData.make(), seed: 1, observer: SilentObserver())
    }
  }
}
