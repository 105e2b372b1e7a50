public import LightmeterEvaluation

/// What a demo found.
public struct DemoResult: Sendable, Codable {
  /// What a method may learn from.
  public enum Evidence: String, Sendable, Codable, CaseIterable {
    /// Nothing.
    case nothing
    /// The click log.
    case clicks
    /// The click log and 1 % of random traffic.
    case slice
    /// All that was shown, clicked or not.
    case impressions
    /// The click log and the true exposure.
    case truth

    /// As the table writes it.
    public var text: String {
      switch self {
      case .nothing: "nothing"
      case .clicks: "clicks"
      case .slice: "+ 1 % random"
      case .impressions: "impressions"
      case .truth: "+ the truth"
      }
    }
  }

  /// One method.
  public struct Row: Sendable, Codable {
    /// Its name for machines.
    public let key: String
    /// Its name for people.
    public let method: String
    /// What it learned from.
    public let learnsFrom: Evidence
    /// The whole recipe.
    public let recipe: String
    /// NDCG@20 against the true relevance of unclicked pairs, with its interval over users.
    public let ndcg: ConfidenceInterval
    /// The difference from naive MF, paired by user; nil for MF itself.
    public let difference: ConfidenceInterval?
    /// Mean over users of the correlation of learned with true exposure; nil where exposure is constant or none.
    public let exposureCorrelation: Double?
    /// Root mean squared difference of learned and true exposure.
    public let exposureError: Double?
    /// NDCG@20 of some users after each epoch.
    public let curve: [Double]
    /// Who gains.
    public let deciles: PopularityDeciles
    /// How many pairs have which true and learned exposure; not written to JSON.
    let agreement: BinnedDensity?
    /// Time of training and scoring.
    public let seconds: Double

    private enum CodingKeys: String, CodingKey {
      case key, method, learnsFrom, recipe, ndcg, difference, exposureCorrelation, exposureError, curve, deciles
      case seconds
    }

    /// Reads what JSON holds; the picture of exposure is not among it.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      key = try container.decode(String.self, forKey: .key)
      method = try container.decode(String.self, forKey: .method)
      learnsFrom = try container.decode(Evidence.self, forKey: .learnsFrom)
      recipe = try container.decode(String.self, forKey: .recipe)
      ndcg = try container.decode(ConfidenceInterval.self, forKey: .ndcg)
      difference = try container.decodeIfPresent(ConfidenceInterval.self, forKey: .difference)
      exposureCorrelation = try container.decodeIfPresent(Double.self, forKey: .exposureCorrelation)
      exposureError = try container.decodeIfPresent(Double.self, forKey: .exposureError)
      curve = try container.decode([Double].self, forKey: .curve)
      deciles = try container.decode(PopularityDeciles.self, forKey: .deciles)
      seconds = try container.decode(Double.self, forKey: .seconds)
      agreement = nil
    }

    init(_ training: DemoTraining, naive: MeasuredValue) throws {
      (key, method, learnsFrom) = (training.method.key, training.method.label, training.method.learnsFrom)
      recipe = training.method.recipe.description
      guard let interval = training.value.interval() else {
        throw DemoError.training(method: method, reason: "an interval needs two users that count")
      }
      ndcg = interval
      difference = key == "mf" ? nil : try PairedComparison(from: naive, to: training.value).difference
      (exposureCorrelation, exposureError) = (training.exposureCorrelation, training.exposureError)
      (curve, deciles, agreement) = (training.curve, training.deciles, training.agreement)
      seconds = training.seconds
    }
  }

  /// Which world.
  public let world: WorldPreset
  /// Its seed.
  public let seed: UInt64
  /// The world in a sentence.
  public let facts: String
  /// What the world is like.
  public let statistics: WorldStatistics
  /// Pairs that were shown.
  public let impressions: Int
  /// Pairs of random traffic.
  public let slicePairs: Int
  /// Clicks among them.
  public let sliceClicks: Int
  /// Digest of the drawn log.
  public let digest: String
  /// Every method, in the order of the table.
  public let rows: [Row]
  /// What the numbers mean.
  public let card: ProtocolCard
  /// Wall time of everything.
  public let seconds: Double

  init(_ demo: Demo, _ data: DemoData, _ trainings: [DemoTraining], seconds: Double) throws {
    guard let naive = trainings.first(where: { $0.method.key == "mf" }) else {
      preconditionFailure("a demo without naive MF has nothing to compare with")
    }
    (world, seed, facts, statistics) = (demo.world, demo.seed, data.sentence, data.statistics)
    (impressions, slicePairs, sliceClicks) = (data.impressionCount, data.slicePairs, data.sliceClicks)
    digest = data.digest
    rows = try trainings.map { try Row($0, naive: naive.value) }
    card = naive.value.card
    self.seconds = seconds
  }

  /// The row of a key such as `biif`.
  public func row(_ key: String) -> Row? { rows.first { $0.key == key } }
}
