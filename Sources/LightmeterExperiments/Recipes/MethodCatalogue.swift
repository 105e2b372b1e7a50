internal import LightmeterFeedback
internal import LightmeterModels
internal import LightmeterObjectives
public import LightmeterTraining

/// One method of the catalogue: a declaration and what people must know of it.
public struct MethodEntry: Sendable {
  /// Its name in recipes and on the command line.
  public let name: String
  /// Its name in tables.
  public let title: String
  /// What it estimates, in one line.
  public let summary: String
  /// How exposure enters, in a few words.
  public let exposure: String
  /// Loss and gradient in plain characters; empty for untrained methods.
  public let objective: String
  /// Work of an epoch.
  public let cost: String
  /// Where it comes from.
  public let source: String
  /// Whether it stands in every comparison as a control.
  public let isControl: Bool
  /// The declaration, for methods whose loss is a function of one pair.
  public let pointwise: PointwiseMethod?
  /// Keys and their values where nothing is set, for trained methods that are not pointwise; nil for all others.
  public let defaults: [String: RecipeValue]?
  /// How often an epoch moves a parameter by each pair of the stream; several for methods that train on parts in turn.
  public var passesPerEpoch = 1
  private let make: @Sendable (Plan) -> any Method

  /// Whether recipes may set how it is trained.
  public var isTrained: Bool { pointwise != nil || defaults != nil }

  func method(_ plan: Plan) -> any Method { make(plan) }

  /// Whether an epoch is a sweep over all pairs in closed form or by a full gradient: few suffice, whatever the log's size.
  public var sweeps: Bool { defaults.map { $0["batch"] == nil } ?? false }

  /// Whether a recipe's key changes what the method does.
  public func takes(_ key: String) -> Bool { RecipeKey.all.first { $0.name == key }?.applies(to: self) ?? false }

  init(
    _ name: String, _ title: String, _ summary: String, exposure: String, objective: String = "", cost: String,
    source: String, isControl: Bool = false, pointwise: PointwiseMethod
  ) {
    (self.name, self.title, self.summary, self.exposure) = (name, title, summary, exposure)
    (self.objective, self.cost, self.source, self.isControl) = (objective, cost, source, isControl)
    (self.pointwise, defaults, make) = (pointwise, nil, { $0.pointwise })
  }

  /// A trained method of its own kind: its keys with their defaults, and how a plan becomes the method.
  init(
    _ name: String, _ title: String, _ summary: String, exposure: String, objective: String, cost: String,
    source: String, defaults: [String: RecipeValue], passesPerEpoch: Int = 1,
    make: @escaping @Sendable (Plan) -> any Method
  ) {
    (self.name, self.title, self.summary, self.exposure) = (name, title, summary, exposure)
    (self.objective, self.cost, self.source, isControl) = (objective, cost, source, false)
    (pointwise, self.defaults, self.make, self.passesPerEpoch) = (nil, defaults, make, passesPerEpoch)
  }

  init(_ name: String, _ title: String, _ summary: String, exposure: String, source: String, untrained: any Method) {
    (self.name, self.title, self.summary, self.exposure) = (name, title, summary, exposure)
    (objective, cost, self.source, isControl) = ("", "none", source, true)
    (pointwise, defaults, make) = (nil, nil, { _ in untrained })
  }
}

/// Every method, the controls first.
public enum MethodCatalogue {
  private static let lowVarianceText =
    "loss = -y log(m p) - (1 - y) log(1 - m p); d/ds = -(1 - p) for clicks, m p (1 - p) / (1 - m p) otherwise"
  private static let pairs = "O(pairs · d) + Adam on every row a step"

  private static func pointwise(
    _ estimator: any Estimator, _ exposure: ExposureSource, _ strategy: Strategy = .fixed
  ) -> PointwiseMethod {
    var method = PointwiseMethod()
    (method.estimator, method.exposure, method.strategy) = (estimator, exposure, strategy)
    return method
  }

  /// The entries in the order tables print them.
  public static let all: [MethodEntry] = [
    MethodEntry(
      "random", "Random", "nothing: a seeded ranking", exposure: "none", source: "control", untrained: RandomMethod()),
    MethodEntry(
      "popularity", "Popularity", "clicks per item, the same for everybody", exposure: "popularity, not used",
      source: "control", untrained: PopularityMethod()),
    MethodEntry(
      "slice-means", "Slice item means", "item means of random traffic, the same for everybody",
      exposure: "none", source: "control of calibrated methods; METHODS §20.1", untrained: SliceMeansMethod()),
    MethodEntry(
      "mf", "MF", "P(click): every unclicked pair is a dislike", exposure: "1",
      objective: "loss = softplus(s) - y s; d/ds = p - y", cost: pairs, source: "control; METHODS §5.1",
      isControl: true, pointwise: pointwise(Naive(), .none)),
    MethodEntry(
      "fixedmix", "FixedMix", "P(relevant), exposure half popularity and half ½, nothing learned",
      exposure: "¼ + popularity/2", objective: lowVarianceText, cost: pairs, source: "control; METHODS §7.4",
      isControl: true, pointwise: pointwise(LowVariance(), .popularity(power: 0.5, weight: 0.5, level: 0.5))),
    MethodEntry(
      "relmf", "RelMF", "P(relevant) by inverse propensity", exposure: "popularity^½",
      objective: "loss = softplus(s) - (y / m) s; d/ds = p - y / m", cost: pairs,
      source: "Saito et al. 2020; Biif Eq. (4)",
      pointwise: pointwise(InversePropensity(), .popularity(power: 0.5, weight: 1, level: 0))),
    MethodEntry(
      "umf", "UMF", "P(relevant) by the low-variance likelihood", exposure: "popularity^½",
      objective: lowVarianceText, cost: pairs, source: "Biif Eq. (10)",
      pointwise: pointwise(LowVariance(), .popularity(power: 0.5, weight: 1, level: 0))),
    MethodEntry(
      "jointopt", "JointOpt", "P(relevant) and P(exposed) by one gradient of the training loss",
      exposure: "Eq. (14), learned jointly", objective: lowVarianceText, cost: "about twice UMF",
      source: "Biif, ablation 1",
      pointwise: pointwise(LowVariance(), .blended(power: 0.5), .joint(throughExposure: true))),
    MethodEntry(
      "alteropt", "AlterOpt", "the same, one after the other on each batch", exposure: "Eq. (14), learned in turn",
      objective: lowVarianceText, cost: "about twice UMF", source: "Biif, ablation 2",
      pointwise: pointwise(LowVariance(), .blended(power: 0.5), .alternating(throughExposure: false))),
    MethodEntry(
      "biopt2", "BiOpt2", "bi-level with the training batch as outer set", exposure: "Eq. (14), by hypergradient",
      objective: lowVarianceText, cost: "about three times UMF", source: "Biif, ablation 3",
      pointwise: pointwise(
        LowVariance(), .blended(power: 0.5), .bilevel(Bilevel(outerSet: .trainingBatch, outerThroughExposure: true)))),
    MethodEntry(
      "biif", "Biif", "P(relevant), exposure tuned by an unbiased validation set through one step of the model",
      exposure: "Eq. (14), by hypergradient",
      objective: lowVarianceText + "; outer: cross-entropy on D_val after one virtual step, Eq. (15)-(17)",
      cost: "O((pairs + steps · validation pairs) · d) + Adam on both tables", source: "Biif, Algorithm 1",
      pointwise: pointwise(LowVariance(), .blended(power: 0.5), .bilevel(Bilevel()))),
    MethodEntry(
      "ceb", "CEB", "P(relevant) and P(exposed) by a reweighted risk beside the likelihood of the click",
      exposure: "Eq. (14), learned jointly",
      objective: "loss = likelihoodWeight NLL(m p; y) + riskWeight R; with D = 1 - m p, l+ = softplus(-s), "
        + "l- = softplus(s), R is for a click l+/m (inverse), l+/m + (1 - 1/m) l- (positiveUnlabeled), l+ "
        + "(addedPositive); otherwise (1-p)/D l-, l-, ((1-p) l- + p (1-m) l+)/D. d/ds for a click: -(1-p)/m, p - 1/m, "
        + "-(1-p); otherwise (1-p) p/D - l- (1-m) p (1-p)/D^2, p, m p (1-p)/D - s (1-m) p (1-p)/D^2",
      cost: "about twice UMF", source: "Gupta et al. 2021; METHODS §13.1",
      pointwise: pointwise(WeightedRisk(), .blended(power: 0.5), .joint(throughExposure: true))),
    .combinationalJoint,
    .autoDebias,
    MethodEntry(
      "calibrated", "Calibrated", "P(relevant), exposure in closed form from random traffic",
      exposure: "clicks / relevance known from the slice", objective: lowVarianceText, cost: pairs,
      source: "METHODS §20.1", pointwise: pointwise(LowVariance(), .calibrated(.regressed))),
    MethodEntry(
      "oracle", "Oracle", "P(relevant) with the true exposure; only where a world knows it", exposure: "the truth",
      objective: lowVarianceText, cost: pairs, source: "METHODS §13", pointwise: pointwise(LowVariance(), .known)),
    .weighted, .exposure, .ranking, .logistic,
  ]

  /// The entry of a name.
  ///
  /// - Throws: ``RecipeError/unknownMethod(_:nearest:)``.
  public static func entry(named name: String) throws(RecipeError) -> MethodEntry {
    guard let entry = all.first(where: { $0.name == name }) else {
      throw .unknownMethod(name, nearest: nearest(to: name, among: all.map(\.name)))
    }
    return entry
  }
}

/// The control that ranks by the item means of random traffic.
struct SliceMeansMethod: Method {
  func fit(
    _ data: TrainingData, seed: UInt64, observer: any TrainingObserver
  ) throws(TrainingError) -> TrainedModel {
    guard let slice = data.randomTraffic else {
      throw .missing(
        "'slice-means' ranks by the item means of random traffic, and none was given: --validation-random FILE")
    }
    do {
      let means = try SliceItemMeans(slice: slice, userCount: data.userCount, itemCount: data.itemCount)
      return TrainedModel(
        scorer: FactorModel(itemScores: means.means, userCount: data.userCount), exposure: nil, history: [])
    } catch { throw .missing("item means cannot be taken from this slice: \(error)") }
  }
}
