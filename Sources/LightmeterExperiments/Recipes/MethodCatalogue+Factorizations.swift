internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterTraining

/// The methods that are not a loss of one pair: closed forms, full gradients and triples.
extension MethodEntry {
  private static let leastSquares = WeightedMatrixFactorization()

  static let weighted = MethodEntry(
    "wmf", "WMF", "preference by weighted squared loss (implicit ALS)", exposure: "none",
    objective: "sum over all pairs of c (y - s)^2 + regularization (|x|^2 + |z|^2), c = 1 + confidence on clicks,"
      + " else 1; d/ds = 2 c (s - y); x = (Z'Z + confidence sum zz' + regularization I)^-1 (1 + confidence) sum z",
    cost: "O(clicks · d² + (users + items) · d³) a sweep; conjugateGradient O(steps · (clicks · d + (users + items) "
      + "· d²))",
    source: "Hu et al. 2008; METHODS §9.1",
    defaults: [
      "dimension": .number(Double(leastSquares.dimension)), "epochs": .number(Double(leastSquares.epochs)),
      "initialDeviation": .number(leastSquares.initialDeviation), "confidence": .number(leastSquares.confidence),
      "regularization": .number(leastSquares.regularization), "solver": .text("cholesky"), "solverSteps": .number(3),
    ]
  ) { plan in
    var method = WeightedMatrixFactorization()
    let (shared, own) = (plan.pointwise, plan.own)
    (method.dimension, method.epochs) = (shared.dimension, shared.epochs)
    (method.initialDeviation, method.resumeFrom) = (shared.initialDeviation, shared.resumeFrom)
    method.warmStart = shared.warmStart
    method.confidence = own["confidence"] ?? method.confidence
    method.regularization = own["regularization"] ?? method.regularization
    if own["solver"] == 1 { method.solver = .conjugateGradient(steps: Int(own["solverSteps"] ?? 3)) }
    return method
  }

  private static let latent = ExposureMatrixFactorization()

  static let exposure = MethodEntry(
    "expomf", "ExpoMF", "preference under latent exposure, by expectation-maximisation",
    exposure: "prior per item, learned; posterior of every pair within training",
    objective: "y = 0 if hidden, else N(s, 1/precision), hidden with 1 - prior; E[a] = 1 on clicks, else"
      + " prior f / (prior f + 1 - prior), f the density of 0; d/ds = precision E[a] (s - y);"
      + " x = (sum E[a] zz' + regularization / precision I)^-1 sum of clicked z; prior = mean of E[a]",
    cost: "2 users · items · d² a sweep, one tile of memory", source: "Liang et al. 2016; METHODS §8",
    defaults: [
      "dimension": .number(Double(latent.dimension)), "epochs": .number(Double(latent.epochs)),
      "initialDeviation": .number(latent.initialDeviation), "regularization": .number(latent.regularization),
      "precision": .number(latent.precision), "initialExposure": .number(latent.initialExposure),
    ]
  ) { plan in
    var method = ExposureMatrixFactorization()
    let (shared, own) = (plan.pointwise, plan.own)
    (method.dimension, method.epochs) = (shared.dimension, shared.epochs)
    (method.initialDeviation, method.resumeFrom) = (shared.initialDeviation, shared.resumeFrom)
    method.warmStart = shared.warmStart
    method.regularization = own["regularization"] ?? method.regularization
    method.precision = own["precision"] ?? method.precision
    method.initialExposure = own["initialExposure"] ?? method.initialExposure
    return method
  }

  private static let triples = BayesianPersonalizedRanking()

  static let ranking = MethodEntry(
    "bpr", "BPR", "an order: clicked items above those not clicked, drawn uniformly", exposure: "none",
    objective: "loss = softplus(-x), x = s_ui - s_uj; D = sigmoid(-x): d/ds_ui = -D, d/ds_uj = D;"
      + " d/dw_u = -D (w_i - w_j), d/dw_i = -D w_u, d/dw_j = D w_u",
    cost: "O(triples · d) + Adam on every row a step; a click and a draw are a triple",
    source: "Rendle et al. 2009; METHODS §10",
    defaults: [
      "dimension": .number(Double(triples.dimension)), "epochs": .number(Double(triples.epochs)),
      "batch": .number(Double(triples.batchSize)), "stream": .text("sampled:5"),
      "learningRate": .number(triples.settings.learningRate), "weightDecay": .number(triples.settings.weightDecay),
      "biasDecay": .number(triples.settings.biasDecay), "optimizer": .text(triples.optimizer.rawValue),
      "initialDeviation": .number(triples.initialDeviation), "itemBiases": .text("\(triples.itemBiases)"),
    ]
  ) { plan in
    var method = BayesianPersonalizedRanking()
    let shared = plan.pointwise
    (method.dimension, method.epochs, method.batchSize) = (shared.dimension, shared.epochs, shared.batchSize)
    (method.initialDeviation, method.resumeFrom) = (shared.initialDeviation, shared.resumeFrom)
    method.warmStart = shared.warmStart
    (method.optimizer, method.settings) = (shared.optimizer, shared.inner)
    method.itemBiases = plan.own["itemBiases"] == 1
    return method
  }

  private static let gradients = LogisticMatrixFactorization()

  static let logistic = MethodEntry(
    "logistic-mf", "Logistic MF", "P(click) on all pairs, by exact gradients", exposure: "none",
    objective: "calibrated: confidence softplus(-s) on clicks, softplus(s) else; d/ds = confidence (p - 1), p;"
      + " johnson: (1 + confidence) softplus(s) - confidence s on clicks; d/ds = (1 + confidence) p - confidence;"
      + " plus regularization/2 (|x|^2 + |z|^2)",
    cost: "4 users · items · d an epoch, one tile of memory", source: "Johnson 2014; METHODS §9.2",
    defaults: [
      "dimension": .number(Double(gradients.dimension)), "epochs": .number(Double(gradients.epochs)),
      "learningRate": .number(gradients.learningRate), "biases": .text(gradients.biases.rawValue),
      "intercept": .text("baseRate"), "initialDeviation": .number(gradients.initialDeviation),
      "confidence": .number(gradients.confidence), "regularization": .number(gradients.regularization),
      "form": .text(gradients.form.rawValue),
    ]
  ) { plan in
    var method = LogisticMatrixFactorization()
    let (shared, own) = (plan.pointwise, plan.own)
    (method.dimension, method.epochs) = (shared.dimension, shared.epochs)
    (method.biases, method.intercept) = (shared.biases, shared.intercept)
    (method.initialDeviation, method.resumeFrom) = (shared.initialDeviation, shared.resumeFrom)
    method.warmStart = shared.warmStart
    method.learningRate = shared.inner.learningRate
    method.confidence = own["confidence"] ?? method.confidence
    method.regularization = own["regularization"] ?? method.regularization
    method.form = own["form"] == 1 ? .johnson : .calibrated
    return method
  }
}

/// Keys of these methods.
extension RecipeKey {
  static let ofFactorizations: [RecipeKey] = ofOneKind([
    own("confidence", "weight of a click: added to 1 (wmf), or itself (logistic-mf)", 0...1e6),
    own("regularization", "penalty on the squared norm of the factors", 1e-12...1e6),
    word("solver", "how rows are solved", ["cholesky", "conjugateGradient"]),
    integer("solverSteps", "steps of conjugate gradient a row", 1...1000) { $0.own["solverSteps"] = Double($1) },
    own("precision", "inverse variance of an exposed pair's score", 1e-6...1e6),
    own("initialExposure", "exposure of every item at the start", 1e-6...0.999),
    flag("itemBiases", "whether items have a bias") { $0.own["itemBiases"] = $1 ? 1 : 0 },
    word("form", "likelihood of a click", ["calibrated", "johnson"]),
  ])

  /// One of some words, kept by its place among them.
  private static func word(_ name: String, _ summary: String, _ words: [String]) -> RecipeKey {
    RecipeKey(name, summary, allowed: words.joined(separator: " or "), choices: words) { plan, value in
      guard let place = words.firstIndex(of: value.description) else { return false }
      plan.own[name] = Double(place)
      return true
    }
  }
}
