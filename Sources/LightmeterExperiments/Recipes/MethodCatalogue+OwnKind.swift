internal import LightmeterModels
internal import LightmeterTraining

/// Trained methods that are not pointwise, and what they need of the shared keys.
extension MethodEntry {
  private static let joint = CombinationalJointMethod()

  static let combinationalJoint = MethodEntry(
    "cjmf", "CJMF", "P(relevant) and an item's P(exposed) from each other, by models that never see their own part",
    exposure: "per item: a learned power of a mixture of popularity and a learned level",
    objective: "base: softplus(s) - (y/M) s, d/ds = p - y/M; -(y/P) log m - (1 - y/P) log(1 - m), d/dm = -(y/P)/m + "
      + "(1 - y/P)/(1 - m). Residual: -y log(p M) - (1 - y) log(1 - p M), d/ds = -(1 - p) for clicks, M p (1 - p) / "
      + "(1 - M p) otherwise; the same with P and m. M, P: frozen targets, of a click by its part's own model, of "
      + "other pairs the mean of all. m = x^e, x = w v + (1 - w) pop; w, v, e = sigmoids of affine maps of the item",
    cost: "O((2 parts - 1) · pairs · d), and Adam on 2 parts models", source: "Zhu et al. 2020; METHODS §11",
    defaults: [
      "dimension": .number(Double(joint.dimension)), "epochs": .number(Double(joint.epochs)),
      "batch": .number(Double(joint.batchSize)), "stream": .text("sampled:5"),
      "learningRate": .number(joint.inner.learningRate), "weightDecay": .number(joint.inner.weightDecay),
      "biasDecay": .number(joint.inner.biasDecay), "biases": .text(joint.biases.rawValue), "intercept": .text("none"),
      "initialDeviation": .number(joint.initialDeviation), "outerLearningRate": .number(joint.outer.learningRate),
      "exposureDecay": .number(joint.outer.weightDecay), "parts": .number(Double(joint.parts)),
      "residualRate": .number(joint.residualRate), "residualDecay": .number(joint.residualDecay),
      "hardClip": .text("\(joint.hardClip)"), "sliceWeight": .number(0),
    ],
    passesPerEpoch: joint.parts - 1
  ) { plan in
    var method = CombinationalJointMethod()
    let shared = plan.pointwise
    (method.dimension, method.epochs, method.batchSize) = (shared.dimension, shared.epochs, shared.batchSize)
    (method.biases, method.intercept) = (shared.biases, shared.intercept)
    (method.inner, method.outer, method.initialDeviation) = (shared.inner, shared.outer, shared.initialDeviation)
    method.parts = Int(plan.own["parts"] ?? Double(method.parts))
    method.residualRate = plan.own["residualRate"] ?? method.residualRate
    method.residualDecay = plan.own["residualDecay"] ?? method.residualDecay
    method.hardClip = plan.own["hardClip"] == 1
    method.resumeFrom = shared.resumeFrom
    return method
  }

  private static let debias = AutoDebiasMethod()

  static let autoDebias = MethodEntry(
    "ad", "AutoDebias", "scores near ±1 by weighted clicks and imputed labels, all tuned on an unbiased set",
    exposure: "none: the weights of clicks and pairs stand for it",
    objective: "F = sum over clicks w1 (s - 1)^2 + imputationWeight sum over all w2 (s - m)^2 + weightDecay/2 (|p|^2 + "
      + "|q|^2); dF/ds = 2 w1 (s - 1) + 2 imputationWeight w2 (s - m). w1 = exp((x_u + x_i)/5), w2 = exp((z_u + z_i + "
      + "z_o)/5), m = tanh(f_o), o: clicked or not; x, z, f down the derivative of the validation set's "
      + "sum (s - label)^2 through one virtual step of the factors",
    cost: "O(users · items · d), about four times that of scoring all pairs", source: "Chen et al. 2021; METHODS §12",
    defaults: [
      "dimension": .number(Double(debias.dimension)), "epochs": .number(Double(debias.epochs)),
      "batch": .number(Double(debias.blockCells)), "learningRate": .number(debias.learningRate),
      "weightDecay": .number(debias.weightDecay), "imputationWeight": .number(debias.imputationWeight),
      "clickWeightRate": .number(debias.clickWeights.learningRate),
      "clickWeightDecay": .number(debias.clickWeights.weightDecay),
      "pairWeightRate": .number(debias.pairWeights.learningRate),
      "pairWeightDecay": .number(debias.pairWeights.weightDecay),
      "imputationRate": .number(debias.imputation.learningRate),
      "imputationDecay": .number(debias.imputation.weightDecay),
      "frozenEpochs": .number(Double(debias.frozenEpochs)),
    ]
  ) { plan in
    var method = AutoDebiasMethod()
    let (shared, own) = (plan.pointwise, plan.own)
    (method.dimension, method.epochs, method.blockCells) = (shared.dimension, shared.epochs, shared.batchSize)
    (method.learningRate, method.weightDecay) = (shared.inner.learningRate, shared.inner.weightDecay)
    method.imputationWeight = own["imputationWeight"] ?? method.imputationWeight
    func set(_ settings: inout OptimizerSettings, _ name: String) {
      settings.learningRate = own[name + "Rate"] ?? settings.learningRate
      settings.weightDecay = own[name + "Decay"] ?? settings.weightDecay
    }
    set(&method.clickWeights, "clickWeight")
    set(&method.pairWeights, "pairWeight")
    set(&method.imputation, "imputation")
    method.frozenEpochs = Int(own["frozenEpochs"] ?? Double(method.frozenEpochs))
    // A short run must not end before its weights begin to move.
    if plan.recipe.settings["frozenEpochs"] == nil {
      method.frozenEpochs = min(method.frozenEpochs, method.epochs / 4)
    }
    method.resumeFrom = shared.resumeFrom
    return method
  }
}
