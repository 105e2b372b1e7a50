internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterTraining

/// The methods that are not a loss of one pair: closed forms, full gradients and triples.
extension MethodCatalogue {
  private static func shared(
    dimension: Int = 50, epochs: Int, deviation: Double, change: (inout PointwiseMethod) -> Void = { _ in }
  ) -> PointwiseMethod {
    var shared = PointwiseMethod()
    (shared.dimension, shared.epochs, shared.initialDeviation) = (dimension, epochs, deviation)
    change(&shared)
    return shared
  }

  static let factorizations: [MethodEntry] = [weighted, exposure, ranking, logistic]

  private static let weighted = MethodEntry(
    "wmf", "WMF", "preference by weighted squared loss (implicit ALS)", exposure: "none",
    objective: "sum over all pairs of c (y - s)^2 + regularization (|x|^2 + |z|^2), c = 1 + confidence on clicks, else 1;"
      + " d/ds = 2 c (s - y); x = (Z'Z + confidence sum zz' + regularization I)^-1 (1 + confidence) sum z",
    cost: "O(clicks · d² + (users + items) · d³) a sweep; conjugateGradient O(steps (clicks · d + (users + items) · d²))",
    source: "Hu et al. 2008; METHODS §9.1", shared: shared(epochs: 15, deviation: 0.01),
    keys: ["dimension", "epochs", "initialDeviation", "confidence", "regularization", "solver", "solverSteps"],
    own: [
      "confidence": .number(10), "regularization": .number(0.01), "solver": .text("cholesky"),
      "solverSteps": .number(3),
    ]
  ) { plan in
    var method = WeightedMatrixFactorization()
    method.dimension = plan.pointwise.dimension
    method.epochs = plan.pointwise.epochs
    method.initialDeviation = plan.pointwise.initialDeviation
    method.resumeFrom = plan.pointwise.resumeFrom
    method.confidence = plan.number("confidence")
    method.regularization = plan.number("regularization")
    method.solver =
      plan.text("solver") == "cholesky" ? .cholesky : .conjugateGradient(steps: Int(plan.number("solverSteps")))
    return method
  }

  private static let exposure = MethodEntry(
    "expomf", "ExpoMF", "preference under latent exposure, by expectation-maximisation",
    exposure: "prior per item, learned; posterior of every pair within training",
    objective: "y = 0 if hidden, else N(s, 1/precision), hidden with 1 - prior; E[a] = 1 on clicks, else"
      + " prior f / (prior f + 1 - prior), f the density of 0; d/ds = precision E[a] (s - y);"
      + " x = (sum E[a] zz' + regularization / precision I)^-1 sum of clicked z; prior = mean of E[a]",
    cost: "2 users · items · d² a sweep, one tile of memory", source: "Liang et al. 2016; METHODS §8",
    shared: shared(epochs: 15, deviation: 0.01),
    keys: ["dimension", "epochs", "initialDeviation", "regularization", "precision", "initialExposure"],
    own: ["regularization": .number(1e-5), "precision": .number(1), "initialExposure": .number(0.01)]
  ) { plan in
    var method = ExposureMatrixFactorization()
    method.dimension = plan.pointwise.dimension
    method.epochs = plan.pointwise.epochs
    method.initialDeviation = plan.pointwise.initialDeviation
    method.resumeFrom = plan.pointwise.resumeFrom
    method.regularization = plan.number("regularization")
    method.precision = plan.number("precision")
    method.initialExposure = plan.number("initialExposure")
    return method
  }

  private static let ranking = MethodEntry(
    "bpr", "BPR", "an order: clicked items above those not clicked, drawn uniformly", exposure: "none",
    objective: "loss = softplus(-x), x = s_ui - s_uj; D = sigmoid(-x): d/dw_u = -D (w_i - w_j), d/dw_i = -D w_u,"
      + " d/dw_j = D w_u",
    cost: "O(triples · d) + Adam on every row a step; a click and a draw are a triple",
    source: "Rendle et al. 2009; METHODS §10", shared: PointwiseMethod(),
    keys: [
      "dimension", "epochs", "batch", "stream", "learningRate", "weightDecay", "biasDecay", "optimizer",
      "initialDeviation", "itemBiases",
    ], own: ["itemBiases": .text("false")]
  ) { plan in
    var method = BayesianPersonalizedRanking()
    method.dimension = plan.pointwise.dimension
    method.epochs = plan.pointwise.epochs
    method.batchSize = plan.pointwise.batchSize
    method.initialDeviation = plan.pointwise.initialDeviation
    method.optimizer = plan.pointwise.optimizer
    method.settings = plan.pointwise.inner
    method.resumeFrom = plan.pointwise.resumeFrom
    method.itemBiases = plan.text("itemBiases") == "true"
    return method
  }

  private static let logistic = MethodEntry(
    "logistic-mf", "Logistic MF", "P(click) on all pairs, by exact gradients", exposure: "none",
    objective: "calibrated: confidence softplus(-s) on clicks, softplus(s) else; d/ds = confidence (p - 1), p;"
      + " johnson: (1 + confidence) softplus(s) - confidence s on clicks; d/ds = (1 + confidence) p - confidence;"
      + " plus regularization/2 (|x|^2 + |z|^2)",
    cost: "4 users · items · d an epoch, one tile of memory", source: "Johnson 2014; METHODS §9.2",
    shared: shared(epochs: 100, deviation: 0.1) {
      ($0.inner.learningRate, $0.biases, $0.intercept) = (0.05, .userAndItem, .baseRate)
    },
    keys: [
      "dimension", "epochs", "learningRate", "biases", "intercept", "initialDeviation", "confidence",
      "regularization", "form",
    ],
    own: ["confidence": .number(1), "regularization": .number(1), "form": .text("calibrated")]
  ) { plan in
    var method = LogisticMatrixFactorization()
    method.dimension = plan.pointwise.dimension
    method.epochs = plan.pointwise.epochs
    method.learningRate = plan.pointwise.inner.learningRate
    method.biases = plan.pointwise.biases
    method.intercept = plan.pointwise.intercept
    method.initialDeviation = plan.pointwise.initialDeviation
    method.resumeFrom = plan.pointwise.resumeFrom
    method.confidence = plan.number("confidence")
    method.regularization = plan.number("regularization")
    method.form = plan.choice("form")
    return method
  }
}

extension Plan {
  /// The value of a number that only some methods have.
  func number(_ key: String) -> Double {
    guard case .number(let number)? = own[key] else {
      preconditionFailure("'\(entry.name)' declares no number '\(key)'")
    }
    return number
  }

  /// The value of a word that only some methods have.
  func text(_ key: String) -> String {
    guard case .text(let text)? = own[key] else { preconditionFailure("'\(entry.name)' declares no word '\(key)'") }
    return text
  }

  /// The case of a word that only some methods have.
  func choice<T: RawRepresentable<String>>(_ key: String) -> T {
    guard let choice = T(rawValue: text(key)) else { preconditionFailure("'\(key)' takes no '\(text(key))'") }
    return choice
  }
}

extension RecipeKey {
  /// The keys that only some methods have.
  static let own: [RecipeKey] = [
    ownNumber("confidence", "weight of a click: added to 1 (wmf), or itself (logistic-mf)", 0...1e6),
    ownNumber("regularization", "penalty on the squared norm of the factors", 1e-12...1e6),
    ownChoice("solver", "how rows are solved", ["cholesky", "conjugateGradient"]),
    ownInteger("solverSteps", "steps of conjugate gradient a row", 1...1000),
    ownNumber("precision", "inverse variance of an exposed pair's score", 1e-6...1e6),
    ownNumber("initialExposure", "exposure of every item at the start", 1e-6...0.999),
    ownChoice("itemBiases", "whether items have a bias", ["true", "false"]),
    ownChoice("form", "likelihood of a click", LogisticMatrixFactorization.Form.allCases.map(\.rawValue)),
  ]
}
