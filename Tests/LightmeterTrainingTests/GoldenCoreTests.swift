import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import TestSupport
import Testing

@testable import LightmeterTraining

/// Losses, gradients, hypergradients and trajectories against golden/core.json: to 1e-9 in Double, to rounding in Float.
@Suite struct GoldenCoreTests {
  @Test(arguments: ["naive", "ips", "lowVariance"])
  func fixedExposureLossAndGradientMatch(name: String) {
    check(name, in: Double.self, tolerance: 1e-12)
    check(name, in: Float.self, tolerance: 4e-6)
  }

  private func check<S: TrainingScalar>(_ name: String, in precision: S.Type, tolerance: Double) {
    let problem = GoldenProblem<S>()
    let reference = problem.golden["fixedExposure"][name]
    let estimator: any Estimator = ["naive": Naive(), "ips": InversePropensity(), "lowVariance": LowVariance()][name]!
    let popularity = StoredExposure.perItem(problem.golden["problem"]["popularity"].doubles.map { Float($0) })
    var trainer = problem.trainer(.fixed, estimator: estimator)
    trainer.exposure = FixedExposure<S>(popularity)
    // Popularity reaches Double models through Float; the golden exposures are put in where that rounding would show.
    trainer.index(problem.batch, validation: problem.validation)
    trainer.backbone.logits(for: trainer.work.input.batch, into: &trainer.work.logits)
    trainer.work.tape.exposures = reference["exposure"].doubles.map { S($0) }
    Trainer.evaluate(
      estimator, of: trainer.work.input.batch, logits: trainer.work.logits, exposures: trainer.work.tape.exposures,
      into: &trainer.work.terms)
    let terms = trainer.work.terms
    #expect(
      largestDifference(trainer.work.logits.prefix(14).map { Double($0) }, reference["score"].doubles) < tolerance)
    #expect(largestDifference(terms.loss.prefix(14).map { Double($0) }, reference["loss"].doubles) < tolerance)
    #expect(
      largestDifference(terms.byLogit.prefix(14).map { Double($0) }, reference["dLossDScore"].doubles) < tolerance)
    if !reference["dLossDExposure"].isNull {
      #expect(
        largestDifference(terms.byExposure.prefix(14).map { Double($0) }, reference["dLossDExposure"].doubles)
          < tolerance * 10)
      #expect(
        largestDifference(
          terms.byLogitAndExposure.prefix(14).map { Double($0) }, reference["d2LossDScoreDExposure"].doubles)
          < tolerance * 10)
    }
    trainer.modelGradient(throughExposure: false)
    let gradient = trainer.work.modelGradient
    #expect(
      largestDifference(gradient[0].dense(rows: 6, width: 4), reference["gradient"]["user"].flatMatrix) < tolerance)
    #expect(
      largestDifference(gradient[1].dense(rows: 8, width: 4), reference["gradient"]["item"].flatMatrix) < tolerance)
  }

  @Test(arguments: ["exposureHeldConstant", "throughExposure"])
  func jointGradientsMatch(variant: String) {
    let problem = GoldenProblem<Double>()
    let reference = problem.golden["learnedExposure"][variant]["joint"]
    var trainer = problem.trainer(.joint(throughExposure: variant == "throughExposure"))
    let record = trainer.step(on: problem.batch, validation: problem.validation)
    #expect(abs(record.trainingLoss - reference["meanLoss"].double) < 1e-12)
    let exposures = problem.golden["learnedExposure"]["exposureOfBatch"].doubles
    #expect(largestDifference(Array(trainer.work.tape.exposures.prefix(14)), exposures) < 1e-12)
    let model = trainer.work.modelGradient
    #expect(largestDifference(model[0].dense(rows: 6, width: 4), reference["gradientModel"]["user"].flatMatrix) < 1e-12)
    #expect(largestDifference(model[1].dense(rows: 8, width: 4), reference["gradientModel"]["item"].flatMatrix) < 1e-12)
    compare(trainer.work.exposureGradient, with: reference["gradientExposure"])
  }

  private func compare(_ gradient: [RowGradient<Double>], with reference: GoldenValue, tolerance: Double = 1e-12) {
    #expect(largestDifference(gradient[0].dense(rows: 6, width: 4), reference["user"].flatMatrix) < tolerance)
    let gate = gradient[1].dense(rows: 1, width: 5)
    #expect(largestDifference(Array(gate[0..<4]), reference["weight"].doubles) < tolerance)
    #expect(abs(gate[4] - reference["bias"].double) < tolerance)
  }

  static let bilevelCases: [(String, String, Bilevel)] = [
    ("exposureHeldConstant", "biLevelOnValidation", bilevel(.validation, inner: false, outer: false)),
    ("throughExposure", "biLevelOnValidation", bilevel(.validation, inner: true, outer: false)),
    ("exposureHeldConstant", "biLevelOnTrainBatch", bilevel(.trainingBatch, inner: false, outer: true)),
    ("throughExposure", "biLevelOnTrainBatch", bilevel(.trainingBatch, inner: true, outer: true)),
    (
      "exposureHeldConstant", "biLevelOnTrainBatch-outerExposureHeldConstant",
      bilevel(.trainingBatch, inner: false, outer: false)
    ),
    (
      "throughExposure", "biLevelOnTrainBatch-outerExposureHeldConstant",
      bilevel(.trainingBatch, inner: true, outer: false)
    ),
  ]

  private static func bilevel(_ outerSet: Bilevel.OuterSet, inner: Bool, outer: Bool) -> Bilevel {
    Bilevel(
      outerSet: outerSet, virtualStep: 0.5, scale: .literal, innerThroughExposure: inner, outerThroughExposure: outer)
  }

  @Test(arguments: 0..<6)
  func hypergradientsMatch(index: Int) {
    let (variant, name, settings) = GoldenCoreTests.bilevelCases[index]
    let problem = GoldenProblem<Double>()
    let reference = problem.golden["learnedExposure"][variant][name]
    var trainer = problem.trainer(.bilevel(settings))
    let before = trainer.backbone.tables.map(\.values)
    trainer.index(problem.batch, validation: problem.validation)
    _ = trainer.forward()
    trainer.modelGradient(throughExposure: settings.innerThroughExposure)
    let outerLoss = trainer.hypergradient(settings) ?? .nan
    if name == "biLevelOnValidation" {
      #expect(abs(outerLoss - reference["validationLossAfterStep"].double) < 1e-12)
    } else if reference.has("trainLossAfterStep") {
      #expect(abs(outerLoss - reference["trainLossAfterStep"].double) < 1e-12)
    }
    compare(trainer.work.exposureGradient, with: reference["hypergradient"])
    #expect(trainer.backbone.tables.map(\.values) == before, "the virtual step must be taken back to the bit")
  }

  @Test(
    arguments: ["exposureHeldConstant", "throughExposure"],
    ["sgd-modelFirst", "sgd-exposureFirst", "adam-modelFirst", "adam-exposureFirst"])
  func sixStepsOfBiifMatch(variant: String, run: String) {
    let problem = GoldenProblem<Double>()
    let reference = problem.golden["learnedExposure"][variant]["sixSteps"][run]
    let through = variant == "throughExposure"
    let settings = Bilevel(
      virtualStep: 0.5, scale: .literal, order: run.hasSuffix("modelFirst") ? .modelFirst : .exposureFirst,
      innerThroughExposure: through)
    let adam = run.hasPrefix("adam")
    let decayed = OptimizerSettings(learningRate: 0.05, weightDecay: 0.001, biasDecay: 0)
    let free = OptimizerSettings(learningRate: 0.05, weightDecay: 0, biasDecay: 0)
    var trainer = problem.trainer(
      .bilevel(settings),
      inner: adam
        ? Adam<Double>(decayed, for: problem.backbone.tables) : GradientDescent(learningRate: 0.5, decay: 0.001),
      outer: adam ? Adam<Double>(free, for: problem.exposure.tables) : GradientDescent(learningRate: 0.5))
    for _ in 0..<6 { _ = trainer.step(on: problem.batch, validation: problem.validation) }
    let tolerance = 1e-9
    #expect(largestDifference(trainer.backbone.tables[0].values, reference["userEmbedding"].flatMatrix) < tolerance)
    #expect(largestDifference(trainer.backbone.tables[1].values, reference["itemEmbedding"].flatMatrix) < tolerance)
    #expect(
      largestDifference(trainer.exposure.tables[0].values, reference["exposureUserEmbedding"].flatMatrix) < tolerance)
    let gate = trainer.exposure.tables[1].values
    #expect(largestDifference(Array(gate[0..<4]), reference["gateWeight"].doubles) < tolerance)
    #expect(abs(gate[4] - reference["gateBias"].double) < tolerance)
  }
}
