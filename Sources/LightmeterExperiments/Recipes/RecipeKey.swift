public import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterObjectives
internal import LightmeterTraining

/// One key of a recipe: what it sets, what it takes, and how.
public struct RecipeKey: Sendable {
  /// The key as recipes spell it.
  public let name: String
  /// What it sets, in one line.
  public let summary: String
  /// What it takes.
  public let allowed: String
  /// The least and the greatest number it takes; nil for other keys.
  public let range: ClosedRange<Double>?
  /// The words it takes; empty for other keys.
  public let choices: [String]
  /// Whether untrained methods take it.
  let appliesToUntrained: Bool
  /// Whether only methods of one kind have it; others refuse it.
  var isOfOneKind = false
  /// Sets it; false for a value it does not take.
  let apply: @Sendable (inout Plan, RecipeValue) -> Bool

  /// Every key, in the order help screens print them.
  public static let all: [RecipeKey] = shared + ofWeightedRisk + ofCombinationalJoint + ofAutoDebias + ofFactorizations

  /// Keys that a control of a comparison takes over from the method that it stands beside: size, prior and steps of the
  /// model. What is learned from clicks, and how they are corrected, is its own.
  public static let ofControls: Set<String> = [
    "dimension", "epochs", "batch", "stream", "shuffle", "learningRate", "weightDecay", "biasDecay", "optimizer",
    "biases",
    "intercept", "initialDeviation",
  ]

  /// Keys that several kinds of methods have.
  private static let shared: [RecipeKey] = [
    integer("dimension", "number of factors", 1...1024) { $0.pointwise.dimension = $1 },
    integer("epochs", "passes over the stream", 1...100_000) { $0.pointwise.epochs = $1 },
    integer("batch", "pairs per batch", 1...(1 << 24)) { $0.pointwise.batchSize = $1 },
    RecipeKey(
      "stream", "which pairs an epoch goes through", allowed: "sampled:K, all or rated", untrained: true
    ) { plan, value in
      guard let stream = TrainingStream(parsing: value.description) else { return false }
      plan.stream = stream
      return true
    },
    RecipeKey(
      "shuffle", "order of an epoch's pairs: blocks of users keep large tables' rows in the cache",
      allowed: "full, or blocks with the streams sampled and rated", choices: Shuffle.allCases.map(\.rawValue)
    ) { plan, value in
      guard let shuffle = Shuffle(rawValue: value.description) else { return false }
      plan.pointwise.shuffle = shuffle
      return shuffle == .full || plan.stream != .all
    },
    number("learningRate", "step length of the relevance model", 1e-9...10) { $0.pointwise.inner.learningRate = $1 },
    number("weightDecay", "coupled decay on factors", 0...10) { $0.pointwise.inner.weightDecay = $1 },
    number("biasDecay", "coupled decay on biases", 0...10) { $0.pointwise.inner.biasDecay = $1 },
    choice("optimizer", "Adam moves every row at every step, lazyAdam the batch's rows", OptimizerKind.self) {
      $0.pointwise.optimizer = $1
    },
    choice("biases", "biases of the relevance prior", BiasTerms.self) { $0.pointwise.biases = $1 },
    RecipeKey("intercept", "number added to every logit", allowed: "none, baseRate or a number") { plan, value in
      switch value {
      case .text("none"): plan.pointwise.intercept = .none
      case .text("baseRate"): plan.pointwise.intercept = .baseRate
      case .number(let number): plan.pointwise.intercept = .value(number)
      default: return false
      }
      return true
    },
    number("initialDeviation", "standard deviation of the initial factors", 0...10) {
      $0.pointwise.initialDeviation = $1
    },
    RecipeKey(
      "estimator", "loss of a pair", allowed: "naive, inversePropensity, lowVariance or weightedRisk",
      choices: ["naive", "inversePropensity", "lowVariance", "weightedRisk"]
    ) { plan, value in
      guard let estimator = estimators[value.description] else { return false }
      plan.pointwise.estimator = estimator
      return true
    },
    RecipeKey(
      "clip", "least exposure that a click is divided by",
      allowed: "a number from 0.0 to 1.0, with the estimators inversePropensity and weightedRisk", range: 0...1
    ) { plan, value in
      guard case .number(let clip) = value, (0...1).contains(clip) else { return false }
      if var risk = plan.pointwise.estimator as? WeightedRisk {
        risk.clip = clip
        plan.pointwise.estimator = risk
      } else if plan.pointwise.estimator is InversePropensity {
        plan.pointwise.estimator = InversePropensity(clip: clip)
      } else {
        return false
      }
      return true
    },
    RecipeKey(
      "exposure", "where exposure comes from",
      allowed: "none, popularity, fixedMix, blended, perItem, plain, plainWithActivity, regressed or known",
      choices: [
        "none", "popularity", "fixedMix", "blended", "perItem", "plain", "plainWithActivity", "regressed", "known",
      ]
    ) { plan, value in
      guard let source = exposures[value.description] else { return false }
      plan.pointwise.exposure = source
      return true
    },
    number("exposurePower", "exponent of popularity in the exposure", 0...4) { plan, power in
      plan.pointwise.exposure = plan.pointwise.exposure.withPower(power)
    },
    number("outerLearningRate", "step length of the exposure model", 1e-12...10) {
      $0.pointwise.outer.learningRate = $1
    },
    number("exposureDecay", "coupled decay on the exposure parameters", 0...1000) {
      $0.pointwise.outer.weightDecay = $1
      $0.pointwise.outer.biasDecay = $1
    },
    bilevel("hypergradientScale", "factor on the hypergradient", Bilevel.Scale.self) { $0.scale = $1 },
    bilevel("reduction", "mean or sum in the virtual step", Bilevel.Reduction.self) { $0.reduction = $1 },
    bilevel("order", "which level moves first", Bilevel.Order.self) { $0.order = $1 },
    number("virtualStep", "length of the virtual step", 1e-12...1e6) { plan, step in
      plan.pointwise.strategy = plan.pointwise.strategy.changingBilevel { $0.virtualStep = step }
    },
    number("pull", "strength of the pull of exposure towards its start", 0...1e6) { plan, pull in
      plan.pointwise.strategy = plan.pointwise.strategy.changingBilevel { $0.pull = pull }
    },
    integer("validationPairsPerStep", "most validation pairs per step", 1...(1 << 30)) { plan, count in
      plan.pointwise.strategy = plan.pointwise.strategy.changingBilevel { $0.validationPairsPerStep = count }
    },
    RecipeKey(
      "throughExposure", "whether the model's gradient goes through the exposure", allowed: "true or false",
      choices: ["true", "false"]
    ) { plan, value in
      guard let flag = Bool(value.description) else { return false }
      plan.pointwise.strategy = plan.pointwise.strategy.settingThroughExposure(flag)
      return true
    },
    number("sliceWeight", "weight of random traffic among the training pairs", 0...1e6) { $0.sliceWeight = $1 },
  ]

  private static let estimators: [String: any Estimator] = [
    "naive": Naive(), "inversePropensity": InversePropensity(), "lowVariance": LowVariance(),
    "weightedRisk": WeightedRisk(),
  ]

  static let exposures: [String: ExposureSource] = [
    "none": .none, "popularity": .popularity(power: 0.5, weight: 1, level: 0),
    "fixedMix": .popularity(power: 0.5, weight: 0.5, level: 0.5), "blended": .blended(power: 0.5),
    "perItem": .perItem(power: 0.5), "plain": .calibrated(.plain), "plainWithActivity": .calibrated(.plainWithActivity),
    "regressed": .calibrated(.regressed), "known": .known,
  ]

  init(
    _ name: String, _ summary: String, allowed: String, range: ClosedRange<Double>? = nil, choices: [String] = [],
    untrained: Bool = false, apply: @escaping @Sendable (inout Plan, RecipeValue) -> Bool
  ) {
    (self.name, self.summary, self.allowed, self.apply) = (name, summary, allowed, apply)
    (self.range, self.choices) = (range, choices)
    appliesToUntrained = untrained
  }

  static func number(
    _ name: String, _ summary: String, _ range: ClosedRange<Double>,
    set: @escaping @Sendable (inout Plan, Double) -> Void
  ) -> RecipeKey {
    RecipeKey(name, summary, allowed: "a number from \(range.lowerBound) to \(range.upperBound)", range: range) {
      plan, value in
      guard case .number(let number) = value, range.contains(number) else { return false }
      set(&plan, number)
      return true
    }
  }

  static func integer(
    _ name: String, _ summary: String, _ range: ClosedRange<Int>, set: @escaping @Sendable (inout Plan, Int) -> Void
  ) -> RecipeKey {
    RecipeKey(
      name, summary, allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)",
      range: Double(range.lowerBound)...Double(range.upperBound)
    ) { plan, value in
      guard case .number(let number) = value, let whole = Int(exactly: number), range.contains(whole) else {
        return false
      }
      set(&plan, whole)
      return true
    }
  }

  static func choice<T: RawRepresentable<String> & CaseIterable & SendableMetatype>(
    _ name: String, _ summary: String, _ type: T.Type, set: @escaping @Sendable (inout Plan, T) -> Void
  ) -> RecipeKey {
    let choices = T.allCases.map(\.rawValue)
    return RecipeKey(name, summary, allowed: choices.joined(separator: ", "), choices: choices) { plan, value in
      guard let chosen = T(rawValue: value.description) else { return false }
      set(&plan, chosen)
      return true
    }
  }

  private static func bilevel<T: RawRepresentable<String> & CaseIterable & SendableMetatype>(
    _ name: String, _ summary: String, _ type: T.Type, set: @escaping @Sendable (inout Bilevel, T) -> Void
  ) -> RecipeKey {
    choice(name, summary, type) { plan, chosen in
      plan.pointwise.strategy = plan.pointwise.strategy.changingBilevel { set(&$0, chosen) }
    }
  }
}

extension ExposureSource {
  fileprivate func withPower(_ power: Double) -> ExposureSource {
    switch self {
    case .popularity(_, let weight, let level): .popularity(power: power, weight: weight, level: level)
    case .blended: .blended(power: power)
    case .perItem: .perItem(power: power)
    case .none, .calibrated, .known: self
    }
  }
}

extension Strategy {
  fileprivate func changingBilevel(_ change: (inout Bilevel) -> Void) -> Strategy {
    guard case .bilevel(var settings) = self else { return self }
    change(&settings)
    return .bilevel(settings)
  }

  fileprivate func settingThroughExposure(_ flag: Bool) -> Strategy {
    switch self {
    case .fixed: self
    case .joint: .joint(throughExposure: flag)
    case .alternating: .alternating(throughExposure: flag)
    case .bilevel: changingBilevel { $0.innerThroughExposure = flag }
    }
  }
}

extension TrainingStream {
  /// Reads `sampled:K`, `all` or `rated`.
  public init?(parsing text: String) {
    switch text {
    case "all": self = .all
    case "rated": self = .rated
    default:
      guard text.hasPrefix("sampled:"), let count = Int(text.dropFirst(8)), (0...1000).contains(count) else {
        return nil
      }
      self = .sampled(negativesPerPositive: count)
    }
  }
}
