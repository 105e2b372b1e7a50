import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import LightmeterTraining
import TestSupport
import Testing

@testable import LightmeterExperiments

/// Recipes as text and JSON, their errors, and that every method of the catalogue trains.
@Suite struct RecipeTests {
  private func world() -> TrainingData { SmallLog.make(users: 20, items: 15, seed: 1) }

  /// A default that its own key would refuse, or that is not stated at all, is a lie to whoever copies it.
  @Test(arguments: MethodCatalogue.all.map(\.name))
  func everyDefaultIsStatedAndTakenByItsKey(method: String) throws {
    let entry = try MethodCatalogue.entry(named: method)
    for key in RecipeKey.all where key.applies(to: entry) {
      guard let value = key.standard(of: entry) else {
        #expect(["clip", "exposurePower"].contains(key.name), "\(method) does not state its \(key.name)")
        continue
      }
      var plan = try Recipe(method).validated()
      #expect(key.apply(&plan, value), "\(method): \(key.name)=\(value)")
      if let range = key.range, case .number(let number) = value { #expect(range.contains(number)) }
      if !key.choices.isEmpty { #expect(key.choices.contains(value.description)) }
    }
    #expect(
      RecipeKey.all.filter { $0.applies(to: entry) }.count >= (entry.pointwise != nil ? 16 : entry.defaults?.count ?? 1)
    )
  }

  @Test func unknownNamesNameTheNearest() {
    #expect(throws: RecipeError.unknownMethod("bif", nearest: "biif")) { try Recipe("bif").validated() }
    #expect(throws: RecipeError.unknownKey("weigthDecay", nearest: "weightDecay")) {
      try Recipe("mf", ["weigthDecay": .number(0)]).validated()
    }
    #expect(throws: RecipeError.keyWithoutEffect("outerLearningRate", method: "umf")) {
      try Recipe("umf", ["outerLearningRate": .number(1e-3)]).validated()
    }
    #expect(throws: RecipeError.keyWithoutEffect("virtualStep", method: "jointopt")) {
      try Recipe("jointopt", ["virtualStep": .number(1e-3)]).validated()
    }
    #expect(throws: RecipeError.keyWithoutEffect("epochs", method: "popularity")) {
      try Recipe("popularity", ["epochs": .number(3)]).validated()
    }
  }

  @Test(arguments: [
    ("epochs", RecipeValue.number(0)), ("epochs", .number(1.5)), ("epochs", .text("many")),
    ("learningRate", .number(-1)),
    ("optimizer", .text("sgd")), ("biases", .text("both")), ("stream", .text("sampled:x")), ("clip", .number(2)),
    ("estimator", .text("dr")), ("exposure", .text("guess")), ("throughExposure", .text("maybe")),
    ("intercept", .text("auto")),
  ])
  func badValuesNameKeyValueAndRange(key: String, value: RecipeValue) {
    let error = #expect(throws: RecipeError.self) { try Recipe("biif", [key: value]).validated() }
    guard case .badValue(key, value.description, let allowed)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(!allowed.isEmpty && error?.description.contains(value.description) == true)
  }

  @Test func blocksOfUsersNeedAStreamThatIsNotAll() throws {
    let error = #expect(throws: RecipeError.self) {
      try Recipe("biif", ["shuffle": .text("blocks"), "stream": .text("all")]).validated()
    }
    #expect(
      error?.description
        == "'blocks' is no value for 'shuffle': it takes full, or blocks with the streams sampled and rated")
  }

  @Test func recipesSurviveJSON() throws {
    let recipe = Recipe("biif", ["epochs": .number(3), "stream": .text("sampled:5"), "weightDecay": .number(1e-6)])
    let back = try JSONDecoder().decode(Recipe.self, from: try JSONEncoder().encode(recipe))
    #expect(back == recipe)
    #expect(recipe.description == "biif epochs=3 stream=sampled:5 weightDecay=1e-06")
    let plan = try back.validated()
    #expect(plan.pointwise.epochs == 3 && plan.stream == .sampled(negativesPerPositive: 5))
    #expect(plan.pointwise.inner.weightDecay == 1e-6)
  }

  private func bilevel(_ plan: Plan) -> Bilevel? {
    guard case .bilevel(let settings) = plan.pointwise.strategy else { return nil }
    return settings
  }

  @Test func everyKeySetsWhatItSaysAndNothingIsLeftOut() throws {
    let checks: [KeyCheck] = [
      ("dimension", .number(7), { $0.pointwise.dimension == 7 }),
      ("epochs", .number(7), { $0.pointwise.epochs == 7 }),
      ("batch", .number(7), { $0.pointwise.batchSize == 7 }),
      ("stream", .text("all"), { $0.stream == .all }),
      ("shuffle", .text("blocks"), { $0.pointwise.shuffle == .blocks }),
      ("learningRate", .number(0.7), { $0.pointwise.inner.learningRate == 0.7 }),
      ("weightDecay", .number(0.7), { $0.pointwise.inner.weightDecay == 0.7 }),
      ("biasDecay", .number(0.7), { $0.pointwise.inner.biasDecay == 0.7 }),
      ("optimizer", .text("lazyAdam"), { $0.pointwise.optimizer == .lazyAdam }),
      ("biases", .text("item"), { $0.pointwise.biases == .item }),
      ("intercept", .number(-0.7), { $0.pointwise.intercept == .value(-0.7) }),
      ("initialDeviation", .number(0.7), { $0.pointwise.initialDeviation == 0.7 }),
      ("estimator", .text("naive"), { $0.pointwise.estimator is Naive }),
      ("clip", .number(0.7), { ($0.pointwise.estimator as? InversePropensity)?.clip == 0.7 }),
      ("exposure", .text("perItem"), { $0.pointwise.exposure == .perItem(power: 0.5) }),
      ("exposurePower", .number(0.7), { $0.pointwise.exposure == .blended(power: 0.7) }),
      ("outerLearningRate", .number(0.7), { $0.pointwise.outer.learningRate == 0.7 }),
      ("exposureDecay", .number(0.7), { $0.pointwise.outer.weightDecay == 0.7 && $0.pointwise.outer.biasDecay == 0.7 }),
      ("hypergradientScale", .text("literal"), { self.bilevel($0)?.scale == .literal }),
      ("reduction", .text("sum"), { self.bilevel($0)?.reduction == .sum }),
      ("order", .text("exposureFirst"), { self.bilevel($0)?.order == .exposureFirst }),
      ("virtualStep", .number(0.7), { self.bilevel($0)?.virtualStep == 0.7 }),
      ("pull", .number(0.7), { self.bilevel($0)?.pull == 0.7 }),
      ("validationPairsPerStep", .number(7), { self.bilevel($0)?.validationPairsPerStep == 7 }),
      ("throughExposure", .text("true"), { self.bilevel($0)?.innerThroughExposure == true }),
      ("sliceWeight", .number(0.7), { $0.sliceWeight == 0.7 }),
    ]
    #expect(
      checks.map(\.key) == RecipeKey.all.filter { !$0.isOfOneKind }.map(\.name), "every key is held to what it sets")
    try expectEach(checks, of: "biif")
  }

  @Test func everyWordForExposureMeansItsSource() throws {
    let sources: [String: ExposureSource] = [
      "none": .none, "popularity": .popularity(power: 0.5, weight: 1, level: 0),
      "fixedMix": .popularity(power: 0.5, weight: 0.5, level: 0.5), "blended": .blended(power: 0.5),
      "perItem": .perItem(power: 0.5), "plain": .calibrated(.plain),
      "plainWithActivity": .calibrated(.plainWithActivity), "regressed": .calibrated(.regressed), "known": .known,
    ]
    #expect(Set(sources.keys) == Set(RecipeKey.all.first { $0.name == "exposure" }?.choices ?? []))
    for (word, source) in sources {
      #expect(try Recipe("biif", ["exposure": .text(word)]).validated().pointwise.exposure == source, "\(word)")
    }
  }

  private typealias KeyCheck = (key: String, value: RecipeValue, isSet: (Plan) -> Bool)

  private func expectEach(_ checks: [KeyCheck], of method: String) throws {
    let plain = try Recipe(method).validated()
    for check in checks {
      var settings = [check.key: check.value]
      // A clip needs an estimator that divides.
      if check.key == "clip", method == "biif" { settings["estimator"] = .text("inversePropensity") }
      let plan = try Recipe(method, settings).validated()
      #expect(check.isSet(plan) && !check.isSet(plain), "\(check.key)")
      // One key sets one thing: every other check stays as it is without it.
      for other in checks where other.key != check.key {
        let shared = ["clip", "estimator"].contains(other.key) || ["exposure", "exposurePower"].contains(other.key)
        if !shared { #expect(!other.isSet(plan), "\(check.key) also sets \(other.key)") }
      }
    }
  }

  private func risk(_ plan: Plan) -> WeightedRisk? { plan.pointwise.estimator as? WeightedRisk }

  @Test func everyKeyOfOneKindSetsWhatItSaysAndIsRefusedElsewhere() throws {
    let risks: [KeyCheck] = [
      ("weighting", .text("addedPositive"), { self.risk($0)?.weighting == .addedPositive }),
      ("likelihoodWeight", .number(0.7), { self.risk($0)?.likelihoodWeight == 0.7 }),
      ("riskWeight", .number(0.7), { self.risk($0)?.riskWeight == 0.7 }),
      ("detachWeights", .text("true"), { self.risk($0)?.detachesWeights == true }),
    ]
    try expectEach(risks + [("clip", .number(0.7), { self.risk($0)?.clip == 0.7 })], of: "ceb")
    func joint(_ plan: Plan) -> CombinationalJointMethod? { plan.entry.method(plan) as? CombinationalJointMethod }
    let jointly: [KeyCheck] = [
      ("parts", .number(3), { joint($0)?.parts == 3 }),
      ("residualRate", .number(0.7), { joint($0)?.residualRate == 0.7 }),
      ("residualDecay", .number(0.7), { joint($0)?.residualDecay == 0.7 }),
      ("hardClip", .text("true"), { joint($0)?.hardClip == true }),
    ]
    let sharedByJoint: [KeyCheck] = [
      ("dimension", .number(7), { joint($0)?.dimension == 7 }), ("epochs", .number(7), { joint($0)?.epochs == 7 }),
      ("batch", .number(7), { joint($0)?.batchSize == 7 }), ("biases", .text("item"), { joint($0)?.biases == .item }),
      ("intercept", .number(0.7), { joint($0)?.intercept == .value(0.7) }),
      ("learningRate", .number(0.7), { joint($0)?.inner.learningRate == 0.7 }),
      ("weightDecay", .number(0.7), { joint($0)?.inner.weightDecay == 0.7 }),
      ("biasDecay", .number(0.7), { joint($0)?.inner.biasDecay == 0.7 }),
      ("initialDeviation", .number(0.7), { joint($0)?.initialDeviation == 0.7 }),
      ("outerLearningRate", .number(0.7), { joint($0)?.outer.learningRate == 0.7 }),
      ("exposureDecay", .number(0.7), { joint($0)?.outer.weightDecay == 0.7 && joint($0)?.outer.biasDecay == 0.7 }),
    ]
    try expectEach(jointly + sharedByJoint, of: "cjmf")
    func debias(_ plan: Plan) -> AutoDebiasMethod? { plan.entry.method(plan) as? AutoDebiasMethod }
    let debiased: [KeyCheck] = [
      ("imputationWeight", .number(0.7), { debias($0)?.imputationWeight == 0.7 }),
      ("clickWeightRate", .number(0.7), { debias($0)?.clickWeights.learningRate == 0.7 }),
      ("clickWeightDecay", .number(0.7), { debias($0)?.clickWeights.weightDecay == 0.7 }),
      ("pairWeightRate", .number(0.7), { debias($0)?.pairWeights.learningRate == 0.7 }),
      ("pairWeightDecay", .number(0.7), { debias($0)?.pairWeights.weightDecay == 0.7 }),
      ("imputationRate", .number(0.7), { debias($0)?.imputation.learningRate == 0.7 }),
      ("imputationDecay", .number(0.7), { debias($0)?.imputation.weightDecay == 0.7 }),
      ("frozenEpochs", .number(7), { debias($0)?.frozenEpochs == 7 }),
    ]
    let sharedByDebias: [KeyCheck] = [
      ("dimension", .number(7), { debias($0)?.dimension == 7 }), ("epochs", .number(7), { debias($0)?.epochs == 7 }),
      ("batch", .number(7), { debias($0)?.blockCells == 7 }),
      ("learningRate", .number(0.7), { debias($0)?.learningRate == 0.7 }),
      ("weightDecay", .number(0.7), { debias($0)?.weightDecay == 0.7 }),
    ]
    try expectEach(debiased + sharedByDebias, of: "ad")
    #expect(
      (risks + jointly + debiased).map(\.key) + RecipeKey.ofFactorizations.map(\.name)
        == RecipeKey.all.filter(\.isOfOneKind).map(\.name),
      "every key is held to what it sets")
    let frozen = try [8.0, 500].map { debias(try Recipe("ad", ["epochs": .number($0)]).validated())?.frozenEpochs }
    #expect(frozen == [2, 20], "a short run must not end before its weights begin to move")
    #expect(throws: RecipeError.keyWithoutEffect("biases", method: "ad")) {
      try Recipe("ad", ["biases": .text("item")]).validated()
    }
    for key in RecipeKey.all where key.isOfOneKind {
      #expect(throws: RecipeError.keyWithoutEffect(key.name, method: "biif")) {
        try Recipe("biif", [key.name: .number(1)]).validated()
      }
    }
  }

  @Test func everyDeclarationOfTheCatalogueIsThePapers() throws {
    let popularity = ExposureSource.popularity(power: 0.5, weight: 1, level: 0)
    let declarations: [(name: String, estimator: any Estimator.Type, exposure: ExposureSource, strategy: Strategy)] = [
      ("mf", Naive.self, .none, .fixed),
      ("fixedmix", LowVariance.self, .popularity(power: 0.5, weight: 0.5, level: 0.5), .fixed),
      ("relmf", InversePropensity.self, popularity, .fixed), ("umf", LowVariance.self, popularity, .fixed),
      ("jointopt", LowVariance.self, .blended(power: 0.5), .joint(throughExposure: true)),
      ("alteropt", LowVariance.self, .blended(power: 0.5), .alternating(throughExposure: false)),
      (
        "biopt2", LowVariance.self, .blended(power: 0.5),
        .bilevel(Bilevel(outerSet: .trainingBatch, outerThroughExposure: true))
      ),
      ("biif", LowVariance.self, .blended(power: 0.5), .bilevel(Bilevel(outerSet: .validation))),
      ("ceb", WeightedRisk.self, .blended(power: 0.5), .joint(throughExposure: true)),
      ("calibrated", LowVariance.self, .calibrated(.regressed), .fixed),
      ("oracle", LowVariance.self, .known, .fixed),
    ]
    #expect(declarations.map(\.name) == MethodCatalogue.all.filter { $0.pointwise != nil }.map(\.name))
    for declaration in declarations {
      let method = try #require(MethodCatalogue.entry(named: declaration.name).pointwise)
      #expect(type(of: method.estimator) == declaration.estimator, "\(declaration.name)")
      #expect(method.exposure == declaration.exposure && method.strategy == declaration.strategy, "\(declaration.name)")
    }
  }

  @Test(arguments: MethodCatalogue.all.map(\.name)) func everyMethodTrains(name: String) throws {
    let entry = try MethodCatalogue.entry(named: name)
    let quick: [String: RecipeValue] = ["epochs": .number(1), "dimension": .number(4), "batch": .number(64)]
    let settings = quick.filter { entry.isTrained && entry.takes($0.key) }
    let model = try Recipe(name, settings).validated().fit(world(), seed: 1)
    var scores = [Float](repeating: .nan, count: 15)
    for user in 0..<20 {
      model.scorer.scores(user: user, items: 0..<15, into: &scores)
      #expect(scores.allSatisfy { $0.isFinite })
    }
    #expect(model.history.count == (entry.isTrained ? 1 : 0))
  }

  @Test func sliceWeightJoinsTheSlice() throws {
    let data = world()
    let slice = try #require(data.randomTraffic)
    let joined = try data.joiningSlice(weight: 4)
    let clicks = slice.feedback.filter { $0 != 0 }.count
    #expect(joined.positives.count == data.positives.count + clicks)
    #expect(joined.extraNegatives.count == slice.count - clicks)
    #expect(joined.positiveWeights?.filter { $0 == 4 }.count == clicks)
    #expect(joined.extraNegatives.weights?.allSatisfy { $0 == 4 } == true)
    var without = data
    without.randomTraffic = nil
    #expect(throws: TrainingError.self) {
      try Recipe("mf", ["sliceWeight": .number(4), "epochs": .number(1)]).validated().fit(without, seed: 1)
    }
  }

  @Test func theSliceKeepsWhatIsKnownOfTheLog() throws {
    var data = world()
    let slice = try #require(data.randomTraffic)
    data.positiveExposures = data.positives.items.map { $0 % 2 == 0 ? 1 : .nan }
    data.positiveWeights = data.positives.items.map { Float($0) + 1 }
    data.extraNegatives = PairBatch(knownExposures: [], weights: [])
    data.extraNegatives.append(user: 0, item: 0, feedback: 0, knownExposure: 0.5, weight: 2)
    let joined = try data.joiningSlice(weight: 100)
    for (place, user) in joined.positives.userColumn.enumerated() {
      let item = joined.positives.items[place]
      let (exposure, weight) = (joined.positiveExposures?[place], joined.positiveWeights?[place])
      let isOfSlice = slice.users.indices.contains {
        slice.users[$0] == user && slice.items[$0] == item && slice.feedback[$0] != 0
      }
      #expect(weight == (isOfSlice ? 100 : Float(item) + 1))
      if isOfSlice || item % 2 == 0 { #expect(exposure == 1) } else { #expect(exposure?.isNaN == true) }
    }
    #expect(joined.extraNegatives.weights?.first == 2 && joined.extraNegatives.knownExposures?.first == 0.5)
    #expect(joined.extraNegatives.weights?.last == 100 && joined.extraNegatives.knownExposures?.last == 1)
    // The sampler takes them.
    var batch = PairBatch()
    BatchSampler(data: joined, batchSize: 64, seed: 1).fill(&batch, epoch: 0, index: 0)
    #expect(batch.weights?.count == batch.count)
    (data.stream, data.positiveExposures) = (.all, nil)
    #expect(throws: TrainingError.self) { try data.joiningSlice(weight: 4) }
    #expect(throws: RecipeError.self) { try Recipe("ad", ["sliceWeight": .number(4)]).validated() }
  }

  @Test func aClipBelongsToTheEstimatorThatIsChosen() throws {
    let plan = try Recipe("umf", ["clip": .number(0.1), "estimator": .text("inversePropensity")]).validated()
    #expect((plan.pointwise.estimator as? InversePropensity)?.clip == 0.1)
    // Without a division there is nothing to clip, and the estimator must not change silently.
    #expect(throws: RecipeError.self) { try Recipe("biif", ["clip": .number(0.1)]).validated() }
  }
}
