internal import LightmeterFeedback
internal import LightmeterModels
internal import LightmeterObjectives
internal import LightmeterTraining

extension RecipeKey {
  /// Whether the key changes what a method does, by itself or together with `estimator` and `exposure`.
  public func applies(to entry: MethodEntry) -> Bool {
    if let defaults = entry.defaults { return defaults[name] != nil }
    guard let method = entry.pointwise else { return appliesToUntrained }
    if isOfOneKind { return RecipeKey.ofWeightedRisk.contains { $0.name == name } && method.estimator is WeightedRisk }
    switch name {
    case "outerLearningRate", "exposureDecay", "throughExposure": return method.strategy != .fixed
    case "hypergradientScale", "reduction", "order", "virtualStep", "pull", "validationPairsPerStep":
      return method.strategy.bilevel != nil
    default: return true
    }
  }

  /// The value where a recipe does not set the key; nil where the method has none of its own (a clip without a division,
  /// a power without a popularity).
  public func standard(of entry: MethodEntry) -> RecipeValue? {
    guard applies(to: entry) else { return nil }
    if let defaults = entry.defaults { return defaults[name] }
    if name == "stream" { return .text("sampled:5") }
    guard let method = entry.pointwise else { return nil }
    return switch name {
    case "dimension": .number(Double(method.dimension))
    case "epochs": .number(Double(method.epochs))
    case "batch": .number(Double(method.batchSize))
    case "shuffle": .text(method.shuffle.rawValue)
    case "learningRate": .number(method.inner.learningRate)
    case "weightDecay": .number(method.inner.weightDecay)
    case "biasDecay": .number(method.inner.biasDecay)
    case "optimizer": .text(method.optimizer.rawValue)
    case "biases": .text(method.biases.rawValue)
    case "intercept": method.intercept.standard
    case "initialDeviation": .number(method.initialDeviation)
    case "estimator": .text(method.estimator.name)
    case "clip":
      ((method.estimator as? InversePropensity)?.clip ?? (method.estimator as? WeightedRisk)?.clip).map { .number($0) }
    case "exposure": .text(method.exposure.name)
    case "exposurePower": method.exposure.power.map { .number($0) }
    case "outerLearningRate": .number(method.outer.learningRate)
    case "exposureDecay": .number(method.outer.weightDecay)
    case "sliceWeight": .number(0)
    case "weighting": (method.estimator as? WeightedRisk).map { .text($0.weighting.rawValue) }
    case "likelihoodWeight": (method.estimator as? WeightedRisk).map { .number($0.likelihoodWeight) }
    case "riskWeight": (method.estimator as? WeightedRisk).map { .number($0.riskWeight) }
    case "detachWeights": (method.estimator as? WeightedRisk).map { .text("\($0.detachesWeights)") }
    default: method.strategy.standard(of: name, learningRate: method.inner.learningRate)
    }
  }
}

extension Intercept {
  fileprivate var standard: RecipeValue {
    switch self {
    case .none: .text("none")
    case .baseRate: .text("baseRate")
    case .value(let value): .number(value)
    }
  }
}

extension Estimator {
  fileprivate var name: String {
    switch self {
    case is InversePropensity: "inversePropensity"
    case is LowVariance: "lowVariance"
    case is WeightedRisk: "weightedRisk"
    default: "naive"
    }
  }
}

extension ExposureSource {
  fileprivate var name: String {
    switch self {
    case .none: "none"
    case .popularity(_, let weight, _): weight == 1 ? "popularity" : "fixedMix"
    case .blended: "blended"
    case .perItem: "perItem"
    case .calibrated(let form): form.rawValue
    case .known: "known"
    }
  }

  fileprivate var power: Double? {
    switch self {
    case .popularity(let power, _, _), .blended(let power), .perItem(let power): power
    case .none, .calibrated, .known: nil
    }
  }
}

extension Strategy {
  fileprivate var bilevel: Bilevel? {
    guard case .bilevel(let settings) = self else { return nil }
    return settings
  }

  fileprivate func standard(of key: String, learningRate: Double) -> RecipeValue? {
    switch (key, self) {
    case ("throughExposure", .joint(let flag)), ("throughExposure", .alternating(let flag)): .text("\(flag)")
    case ("throughExposure", .bilevel(let settings)): .text("\(settings.innerThroughExposure)")
    case ("hypergradientScale", .bilevel(let settings)): .text(settings.scale.rawValue)
    case ("reduction", .bilevel(let settings)): .text(settings.reduction.rawValue)
    case ("order", .bilevel(let settings)): .text(settings.order.rawValue)
    case ("virtualStep", .bilevel(let settings)): .number(settings.virtualStep ?? learningRate)
    case ("pull", .bilevel(let settings)): .number(settings.pull)
    case ("validationPairsPerStep", .bilevel(let settings)): .number(Double(settings.validationPairsPerStep))
    default: nil
    }
  }
}
