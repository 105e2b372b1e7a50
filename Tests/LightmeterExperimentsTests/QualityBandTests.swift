import LightmeterEvaluation
import LightmeterFeedback
import LightmeterKernels
import LightmeterTraining
import Testing

@testable import LightmeterExperiments

/// What every method of the catalogue reaches on one small world where exposure and relevance are independent.
@Suite struct QualityBandTests {
  private static let (users, items) = (110, 80)

  /// A world with much exposure and strong tastes, so that a thousand clicks tell something, and its truth as the test.
  private struct Bench: Sendable {
    let data: TrainingData
    let test: TrueRelevanceTest

    /// What a method needs apart from the settings shared by all: parts of an epoch, sums in place of means.
    private static let own: [String: [String: RecipeValue]] = [
      "cjmf": ["parts": .number(4), "epochs": .number(8)],
      "ad": [
        "epochs": .number(30), "frozenEpochs": .number(2), "learningRate": .number(0.05), "weightDecay": .number(0.1),
        "imputationWeight": .number(0.1),
      ],
      "bpr": ["epochs": .number(80)], "logistic-mf": ["epochs": .number(80)],
    ]

    init() throws {
      var parameters = WorldPreset.independent.parameters
      (parameters.userCount, parameters.itemCount, parameters.rank) = (users, items, 2)
      (parameters.meanRelevance, parameters.meanExposure) = (0.35, 0.35)
      (parameters.personalRelevance, parameters.personalExposure) = (2, 0.5)
      parameters.calibrationPairs = users * items
      let world = try CleanWorld(parameters)
      let truth = DemoTruth(world)
      let draws = WorldDraws(world)
      let clicks = draws.clicks()
      let log = FeedbackLog(
        userCount: users, itemCount: items, positives: ListedPairs(users: clicks.userColumn, items: clicks.items))
      let options = TrainingDataOptions(stream: .all, hyperValidationFraction: 0, seed: 1)
      var built = try TrainingDataBuilder.build(log, options: options).data
      built.trueExposure = truth
      built.randomTraffic = draws.randomTraffic(count: 1000)
      (data, test) = (built, truth.test(seen: clicks, users: nil))
    }

    func quality(_ name: String, seed: UInt64, extra: [String: RecipeValue]? = nil) throws -> Double {
      let settings: [String: RecipeValue] = [
        "dimension": .number(4), "epochs": .number(12), "batch": .number(270), "learningRate": .number(0.03),
        "outerLearningRate": .number(0.01), "weightDecay": .number(1e-4), "biases": .text("userAndItem"),
        "intercept": .text("baseRate"),
      ]
      let entry = try MethodCatalogue.entry(named: name)
      let taken = settings.merging(extra ?? Self.own[name] ?? [:]) { $1 }
        .filter { entry.takes($0.key) }
      let model = try Recipe(name, entry.isTrained ? taken : [:]).validated().fit(data, seed: seed)
      let result = try RankingEvaluator().evaluate(model.scorer, on: test, cutoffs: [10])
      return try #require(result.mean(.ndcg, cutoff: 10))
    }
  }

  /// NDCG@10 against the truth: the mean over eight training seeds, four standard deviations to each side, so that another
  /// order of random draws falls out about once in 16,000. Controls without training have one value.
  private static let bands: [(name: String, range: ClosedRange<Double>)] = [
    ("random", 0.33...0.43), ("popularity", 0.4693...0.4695), ("slice-means", 0.6617...0.6619), ("mf", 0.66...0.74),
    ("fixedmix", 0.688...0.737), ("relmf", 0.49...0.76), ("umf", 0.664...0.732), ("jointopt", 0.615...0.771),
    ("alteropt", 0.67...0.743), ("biopt2", 0.668...0.743), ("biif", 0.647...0.712), ("ceb", 0.57...0.77),
    ("cjmf", 0.657...0.752), ("ad", 0.668...0.746), ("calibrated", 0.664...0.806),
    ("oracle", 0.67...0.9), ("wmf", 0.699...0.775), ("expomf", 0.483...0.786), ("bpr", 0.578...0.814),
    ("logistic-mf", 0.672...0.731),
  ]

  @Test func everyMethodLandsInItsBandAndTheyStandInTheirOrder() throws {
    let bench = try Bench()
    var value: [String: Double] = [:]
    for (name, range) in Self.bands {
      let quality = try bench.quality(name, seed: 1)
      #expect(range.contains(quality), "\(name) reaches \(quality)")
      value[name] = quality
    }
    #expect(MethodCatalogue.all.map(\.name) == Self.bands.map(\.name), "every method of the catalogue has a band")
    func gap(_ better: String, _ worse: String) throws -> Double {
      try #require(value[better]) - #require(value[worse])
    }
    #expect(try gap("popularity", "random") > 0.03)
    for entry in MethodCatalogue.all where entry.isTrained {
      #expect(try gap(entry.name, "popularity") > 0.02, "tastes are strong: \(entry.name) must find them")
      #expect(try entry.name == "oracle" || gap("oracle", entry.name) > 0.02, "\(entry.name) does not know the truth")
    }
    #expect(try gap("oracle", "mf") > 0.05, "knowing the exposure pays where it has nothing to do with relevance")
    #expect(try gap("calibrated", "mf") > 0)
  }
}
