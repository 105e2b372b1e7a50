import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import Testing

@testable import LightmeterTraining

/// The hypergradient against central differences of the two-level function itself, with biases, weights and known
/// exposures, and the identities of METHODS §6.6.
@Suite struct HypergradientTests {
  private let batch = PairBatch(
    users: [0, 0, 1, 2, 3, 4, 2, 1], items: [0, 3, 1, 2, 4, 5, 0, 3], feedback: [1, 0, 0, 1, 0, 0, 0, 1],
    knownExposures: [.nan, .nan, .nan, 0.8, .nan, 0.3, .nan, .nan], weights: [1, 2, 1, 0.5, 1, 1, 3, 1])
  private let wide = PairBatch(users: [0, 1, 2, 4, 3], items: [0, 1, 3, 5, 0], feedback: [1, 0, 1, 0, 0])
  // Shares no row with three of the batch's pairs: those of users 3 and 4, and one of user 1.
  private let narrow = PairBatch(users: [0, 2], items: [1, 0], feedback: [1, 0])

  private func trainer(_ settings: Bilevel) -> Trainer<Double> {
    let backbone = MatrixFactorization<Double>(
      userCount: 5, itemCount: 6, dimension: 3, biases: .userAndItem, intercept: -0.4, deviation: 0.7, seed: 3)
    let exposure = BlendedExposure<Double>(
      userCount: 5, dimension: 3, popularity: [1, 0.8, 0.6, 0.5, 0.3, 0.1], deviation: 0.6, seed: 4)
    return Trainer(
      backbone: backbone, exposure: exposure, estimator: LowVariance(), strategy: .bilevel(settings),
      inner: GradientDescent(learningRate: 0.3), outer: GradientDescent(learningRate: 0.1), userCount: 5, itemCount: 6)
  }

  /// The outer loss after one virtual step, as a function of the exposure parameters alone.
  private func outerLoss(
    _ trainer: inout Trainer<Double>, _ settings: Bilevel, _ validation: PairBatch
  ) -> Double {
    trainer.index(batch, validation: validation)
    _ = trainer.forward()
    trainer.modelGradient(throughExposure: settings.innerThroughExposure)
    return trainer.hypergradient(settings) ?? .nan
  }

  static let cases: [Bilevel] = [
    Bilevel(scale: .literal), Bilevel(scale: .literal, innerThroughExposure: true),
    Bilevel(reduction: .sum, scale: .literal),
    Bilevel(outerSet: .trainingBatch, scale: .literal, outerThroughExposure: true),
    Bilevel(outerSet: .trainingBatch, scale: .literal, innerThroughExposure: true, outerThroughExposure: true),
  ]

  @Test(arguments: 0..<5, [true, false]) func itIsTheDerivativeOfTheOuterLossThroughOneStep(index: Int, isWide: Bool) {
    let settings = HypergradientTests.cases[index]
    let validation = isWide ? wide : narrow
    var trainer = trainer(settings)
    _ = outerLoss(&trainer, settings, validation)
    if index == 0 { #expect(trainer.work.input.shared.linked.count == (isWide ? 5 : 3), "three of eight are clicks") }
    // A summed outer loss is reported as its mean; its derivative is of the sum.
    let size = settings.reduction == .sum ? Double(validation.count) : 1
    for table in 0..<2 {
      let gradient = trainer.work.exposureGradient[table]
      let dense = gradient.dense(rows: trainer.exposure.tables[table].rows, width: gradient.stride)
      for position in dense.indices {
        if position % gradient.stride >= trainer.exposure.tables[table].width { continue }
        let step = 1e-5
        var (up, down) = (trainer, trainer)
        up.exposure.tables[table].values[position] += step
        down.exposure.tables[table].values[position] -= step
        let slope = size * (outerLoss(&up, settings, validation) - outerLoss(&down, settings, validation)) / (2 * step)
        // Central differences: truncation step² and rounding 1e-16/step, both under 1e-8 here.
        #expect(abs(slope - dense[position]) < 1e-8, "table \(table), position \(position)")
      }
    }
  }

  /// The hypergradient of `settings` as whole tables.
  private func gradients(
    _ settings: Bilevel, prior: [Float] = [], validation: PairBatch? = nil
  ) -> [[Double]] {
    var trainer = trainer(settings)
    trainer.pullPrior = prior
    _ = outerLoss(&trainer, settings, validation ?? wide)
    return (0..<2).map { table in
      let gradient = trainer.work.exposureGradient[table]
      return gradient.dense(rows: trainer.exposure.tables[table].rows, width: gradient.stride)
    }
  }

  @Test(arguments: [Bilevel.OuterSet.validation, .trainingBatch]) func scalesDifferByTheirFactor(
    set: Bilevel.OuterSet
  ) {
    let (literal, perPair, unit) = (
      gradients(Bilevel(outerSet: set, scale: .literal)), gradients(Bilevel(outerSet: set, scale: .perPair)),
      gradients(Bilevel(outerSet: set, scale: .unit))
    )
    for table in 0..<2 {
      // Rate 0.3 and eight pairs.
      #expect(largestDifference(literal[table], perPair[table].map { 0.3 * $0 }) < 1e-12)
      #expect(largestDifference(perPair[table], unit[table].map { $0 / 8 }) < 1e-12)
      #expect(unit[table].contains { abs($0) > 1e-4 })
    }
  }

  /// λ/n Σ (m − m⁰)² over the batch, whether or not a pair shares a row with the validation pairs; a pair whose exposure is
  /// known has nothing to be pulled.
  @Test(arguments: [true, false]) func thePullIsTheDerivativeOfItsPenalty(isWide: Bool) {
    let prior: [Float] = [0.2, 0.9, 0.4, 0.1, 0.7, 0.5]
    let validation = isWide ? wide : narrow
    let with = gradients(Bilevel(pull: 0.7), prior: prior, validation: validation)
    let without = gradients(Bilevel(), validation: validation)
    let start = trainer(Bilevel())
    func penalty(_ trainer: Trainer<Double>) -> Double {
      var copy = trainer
      copy.index(batch, validation: wide)
      _ = copy.forward()
      return (0..<batch.count).filter { batch.knownExposures?[$0].isNaN == true }.reduce(0.0) { sum, k in
        let miss = copy.work.tape.exposures[k] - Double(prior[Int(batch.items[k])])
        return sum + 0.7 / Double(batch.count) * miss * miss
      }
    }
    for table in 0..<2 {
      let stride = start.exposure.tables[table].stride
      for position in with[table].indices where position % stride < start.exposure.tables[table].width {
        var (up, down) = (start, start)
        up.exposure.tables[table].values[position] += 1e-5
        down.exposure.tables[table].values[position] -= 1e-5
        let slope = (penalty(up) - penalty(down)) / 2e-5
        #expect(abs(slope - (with[table][position] - without[table][position])) < 1e-8, "\(table), \(position)")
      }
    }
  }

  @Test func pairsWhoseUserAndItemTheValidationSetLacksMoveNothing() {
    let settings = Bilevel(scale: .literal)
    var trainer = trainer(settings)
    let far = PairBatch(users: [0], items: [0], feedback: [1])
    let pairs = PairBatch(users: [3, 4], items: [2, 4], feedback: [0, 0])
    trainer.index(pairs, validation: far)
    _ = trainer.forward()
    trainer.modelGradient(throughExposure: false)
    _ = trainer.hypergradient(settings)
    #expect(trainer.work.exposureGradient.allSatisfy { $0.squaredNorm == 0 })
    trainer.index(pairs, validation: PairBatch(users: [3], items: [0], feedback: [1]))
    _ = trainer.hypergradient(settings)
    #expect(trainer.work.exposureGradient[0].squaredNorm > 0, "a shared user is enough")
  }

  @Test func aClosedGateIsPopularityAndFollowsUMF() {
    var bilevel = trainer(Bilevel(scale: .literal))
    // Only the gate's bias counts at −800: r is 0 and m is popularity, whatever e and a are.
    for position in 0..<3 { bilevel.exposure.tables[1].values[position] = 0 }
    bilevel.exposure.tables[1].values[3] = -800
    let stored = StoredExposure.perItem([1, 0.8, 0.6, 0.5, 0.3, 0.1])
    var fixed = Trainer<Double>(
      backbone: bilevel.backbone, exposure: FixedExposure<Double>(stored), estimator: LowVariance(), strategy: .fixed,
      inner: GradientDescent(learningRate: 0.3), outer: GradientDescent(learningRate: 0.1), userCount: 5, itemCount: 6)
    for _ in 0..<5 {
      _ = bilevel.step(on: batch, validation: wide)
      _ = fixed.step(on: batch, validation: wide)
    }
    for table in 0..<2 {
      // Popularity reaches the fixed model as Float: equal to its rounding.
      #expect(largestDifference(bilevel.backbone.tables[table].values, fixed.backbone.tables[table].values) < 1e-6)
    }
  }
}
