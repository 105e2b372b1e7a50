internal import LightmeterModels
internal import LightmeterObjectives
internal import LightmeterTraining

/// Keys that only methods of one kind have.
extension RecipeKey {
  /// Keys of CEB's loss.
  static let ofWeightedRisk: [RecipeKey] = ofOneKind([
    choice("weighting", "how the risk is reweighted", WeightedRisk.Weighting.self) { plan, weighting in
      plan.changeRisk { $0.weighting = weighting }
    },
    number("likelihoodWeight", "weight of the likelihood of the click", 0...1e6) { plan, weight in
      plan.changeRisk { $0.likelihoodWeight = weight }
    },
    number("riskWeight", "weight of the reweighted risk", 0...1e6) { plan, weight in
      plan.changeRisk { $0.riskWeight = weight }
    },
    flag("detachWeights", "whether the risk's weights are constants of the gradient") { plan, flag in
      plan.changeRisk { $0.detachesWeights = flag }
    },
  ])

  /// Keys of CJMF.
  static let ofCombinationalJoint: [RecipeKey] = ofOneKind([
    integer("parts", "parts of the clicks, base models and residual models", 2...64) { $0.own["parts"] = Double($1) },
    own("residualRate", "what learning rates are multiplied by for the residual models", 0...1),
    own("residualDecay", "what decays are multiplied by for the residual models", 0...1000),
    flag("hardClip", "whether p and m outside [0.01, 0.99] get no gradient, as published") {
      $0.own["hardClip"] = $1 ? 1 : 0
    },
  ])

  /// Keys of AutoDebias.
  static let ofAutoDebias: [RecipeKey] = ofOneKind([
    own("imputationWeight", "weight of the imputed labels", 0...1000),
    own("clickWeightRate", "step length of the weights of clicks", 0...10),
    own("clickWeightDecay", "coupled decay on the weights of clicks", 0...10),
    own("pairWeightRate", "step length of the weights of all pairs", 0...10),
    own("pairWeightDecay", "coupled decay on the weights of all pairs", 0...10),
    own("imputationRate", "step length of the imputed labels", 0...10),
    own("imputationDecay", "coupled decay on the imputed labels", 0...10),
    integer("frozenEpochs", "first epochs, with weights frozen; where not set, at most a quarter of all", 0...100_000) {
      $0.own["frozenEpochs"] = Double($1)
    },
  ])

  static func ofOneKind(_ keys: [RecipeKey]) -> [RecipeKey] {
    keys.map { key in
      var own = key
      own.isOfOneKind = true
      return own
    }
  }

  /// A key of a method of its own kind whose number the plan keeps by name.
  static func own(_ name: String, _ summary: String, _ range: ClosedRange<Double>) -> RecipeKey {
    number(name, summary, range) { $0.own[name] = $1 }
  }

  static func flag(
    _ name: String, _ summary: String, set: @escaping @Sendable (inout Plan, Bool) -> Void
  ) -> RecipeKey {
    RecipeKey(name, summary, allowed: "true or false", choices: ["true", "false"]) { plan, value in
      guard let flag = Bool(value.description) else { return false }
      set(&plan, flag)
      return true
    }
  }
}

extension Plan {
  fileprivate mutating func changeRisk(_ change: (inout WeightedRisk) -> Void) {
    guard var risk = pointwise.estimator as? WeightedRisk else { return }
    change(&risk)
    pointwise.estimator = risk
  }
}
