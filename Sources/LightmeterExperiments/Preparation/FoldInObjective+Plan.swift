public import LightmeterFeedback
internal import LightmeterModels
internal import LightmeterObjectives
public import LightmeterServing
internal import LightmeterTraining

extension Plan {
  /// What a new row of a model trained by this plan minimises; see `FoldInObjective`.
  ///
  /// - Parameters:
  ///   - summary: what was done to the log.
  ///   - pairsPerEpoch: pairs that an epoch went through, as its record says.
  public func foldInRule(summary: TrainingDataSummary, pairsPerEpoch: Int) -> FoldInRule {
    let method = entry.method(self)
    let perUser = Double(summary.trainingPositives) / Double(max(summary.users, 1))
    let unclicked: FoldInObjective.Unclicked =
      switch summary.stream {
      case .sampled(let negatives): .drawn(perClick: negatives)
      case .all: .all
      case .rated: .listed
      }
    func decay(_ settings: OptimizerSettings, _ kind: OptimizerKind, batch: Int) -> FoldInObjective {
      FoldInObjective(
        loss: .naive, unclicked: unclicked, factorRidge: settings.weightDecay * Double(pairsPerEpoch),
        biasRidge: settings.biasDecay * Double(pairsPerEpoch),
        lazyBatches: kind == .lazyAdam ? max(1, (pairsPerEpoch + batch - 1) / batch) : nil, clicksPerUser: perUser,
        listsImpressions: summary.impressions != .none)
    }
    func closed(_ loss: FoldInObjective.Loss, _ ridge: Double) -> FoldInObjective {
      FoldInObjective(loss: loss, unclicked: .all, factorRidge: ridge, biasRidge: 0, clicksPerUser: perUser)
    }
    switch method {
    case let method as PointwiseMethod:
      var objective = decay(method.inner, method.optimizer, batch: method.batchSize)
      guard let loss = FoldInObjective.Loss(method.estimator) else {
        return .unavailable("its loss is not one that a model file can name")
      }
      objective.loss = loss
      return .objective(objective)
    case let method as BayesianPersonalizedRanking:
      var objective = decay(method.settings, method.optimizer, batch: method.batchSize)
      objective.loss = .triples
      if case .drawn = unclicked {} else { objective.unclicked = .drawn(perClick: 1) }
      return .objective(objective)
    case let method as LogisticMatrixFactorization:
      let loss = FoldInObjective.Loss.logistic(
        confidence: method.confidence, extra: method.form == .johnson ? 1 : 0)
      return .objective(closed(loss, method.regularization))
    case let method as WeightedMatrixFactorization:
      return .objective(closed(.leastSquares(confidence: method.confidence), method.regularization))
    case let method as ExposureMatrixFactorization:
      return .objective(closed(.latentExposure(precision: method.precision), method.regularization))
    case let method as CombinationalJointMethod:
      var objective = decay(method.inner, .adam, batch: method.batchSize)
      objective.loss = .lowVariance
      return .objective(objective)
    case let method as AutoDebiasMethod:
      let blocks = method.blocksPerRow(userCount: summary.users, itemCount: summary.items)
      var objective = closed(
        .imputedSquares(imputationWeight: method.imputationWeight), method.weightDecay * Double(blocks.user))
      objective.itemRidge = method.weightDecay * Double(blocks.item)
      return .objective(objective)
    default: return .unavailable("it ranks the same for everybody and learns nothing of a user")
    }
  }
}

extension FoldInObjective.Loss {
  /// The estimator as a manifest names it; nil for one that is not of this library.
  init?(_ estimator: any Estimator) {
    switch estimator {
    case is Naive: self = .naive
    case let estimator as InversePropensity: self = .inversePropensity(clip: estimator.clip)
    case is LowVariance: self = .lowVariance
    case let risk as WeightedRisk:
      self = .weightedRisk(
        weighting: risk.weighting, likelihoodWeight: risk.likelihoodWeight, riskWeight: risk.riskWeight,
        detachesWeights: risk.detachesWeights, clip: risk.clip)
    default: return nil
    }
  }
}
