import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterServing
import LightmeterTraining
import Testing

@testable import LightmeterExperiments

/// Folding a training user's own clicks in gives nearly that user's ranking, by every method that can.
@Suite struct FoldInOfTrainedModelsTests {
  static let folding = [
    "mf", "fixedmix", "relmf", "umf", "jointopt", "alteropt", "biopt2", "biif", "ceb", "wmf", "expomf", "bpr",
    "logistic-mf", "cjmf", "ad",
  ]

  /// Three tastes over 30 items; 36 users click seven of ten items of their own and few of the others'.
  private static func log() -> FeedbackLog {
    var generator = SeededGenerator(seed: 12, stream: .world)
    var pairs = ListedPairs()
    for user in 0..<36 {
      for item in 0..<30 {
        let own = user % 3 == item % 3
        if generator.uniform() < (own ? 0.75 - 0.015 * Double(item) : 0.04) {
          pairs.users.append(Int32(user))
          pairs.items.append(Int32(item))
        }
      }
    }
    return FeedbackLog(userCount: 36, itemCount: 30, positives: pairs)
  }

  private static func recipe(_ name: String) -> Recipe {
    let wanted: [String: RecipeValue] = [
      "epochs": .number(["wmf": 8, "expomf": 8, "ad": 400][name] ?? 40), "dimension": .number(4),
      "batch": .number(128), "learningRate": .number(name == "ad" ? 0.003 : 0.03),
      "weightDecay": .number(name == "ad" ? 0.1 : 1e-3), "biasDecay": .number(1e-3),
      "regularization": .number(name == "expomf" ? 0.01 : 0.5), "initialDeviation": .number(0.1),
    ]
    return Recipe(name, wanted.filter { (try? Recipe(name, [$0.key: $0.value]).validated()) != nil })
  }

  private static func stored(_ name: String) throws -> StoredModel {
    let plan = try recipe(name).validated()
    let options = TrainingDataOptions(stream: plan.stream, hyperValidationFraction: 0, seed: 1)
    let (data, summary) = try TrainingDataBuilder.build(log(), options: options)
    let model = try plan.fit(data, seed: 1)
    func names(_ letter: String, _ count: Int) -> IdentifierTable {
      var table = IdentifierTable()
      for index in 0..<count { _ = table.intern("\(letter)\(index)") }
      return table
    }
    var manifest = "{}"
    if case .objective(let objective) = plan.foldInRule(
      summary: summary, pairsPerEpoch: model.history.last?.pairs ?? 0)
    {
      manifest = String(decoding: try JSONEncoder().encode(["foldIn": objective]), as: UTF8.self)
    }
    return StoredModel(
      scorer: try #require(StoredScorer(model.scorer)), exposure: model.exposure, users: names("u", data.userCount),
      items: names("i", data.itemCount), popularity: data.popularity, seen: data.positives,
      weights: model.weights, manifest: manifest)
  }

  private static func correlation(_ a: [Float], _ b: [Float]) -> Double {
    func ranks(_ column: [Float]) -> [Double] {
      var ranks = [Double](repeating: 0, count: column.count)
      for (rank, place) in column.indices.sorted(by: { column[$0] < column[$1] }).enumerated() {
        ranks[place] = Double(rank)
      }
      return ranks
    }
    let squares = zip(ranks(a), ranks(b)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let count = Double(a.count)
    return 1 - 6 * squares / (count * (count * count - 1))
  }

  @Test(arguments: folding) func ownClicksGiveNearlyWhatWasTrained(name: String) throws {
    let model = try Self.stored(name)
    try checkUsers(of: model)
    try checkItems(of: model)
  }

  private func checkUsers(of model: StoredModel) throws {
    let seen = try #require(model.seen)
    let recommender = Recommender(model)
    var (one, two) = ([Float](repeating: 0, count: 30), [Float](repeating: 0, count: 30))
    var (sum, count) = (0.0, 0.0)
    for user in 0..<36 where seen.items(of: user).count >= 3 {
      let guest = try recommender.guest(session: seen.items(of: user).map { model.items[Int($0)] })
      model.scorer.scores(user: user, items: 0..<30, into: &one)
      guest.model.scorer.scores(user: 0, items: 0..<30, into: &two)
      sum += Self.correlation(one, two)
      count += 1
    }
    #expect(sum / count > 0.85, "mean rank correlation over \(Int(count)) users")
  }

  /// The same for items, over users.
  private func checkItems(of model: StoredModel) throws {
    let seen = try #require(model.seen)
    var (sum, count) = (0.0, 0.0)
    for item in 0..<30 {
      let users = (0..<36).filter { seen.contains(user: $0, item: Int32(item)) }
      if users.count < 3 { continue }
      let folded = try Recommender(model).foldIn(itemClickedBy: users.map { "u\($0)" })
      let members = zip(model.scorer.members, folded.rows).map { member, row in
        FactorModel(
          users: member.users, items: Table(like: member.items, rows: 1, values: row), intercept: member.intercept,
          meaning: member.meaning)
      }
      #expect(members.count == model.scorer.members.count)
      let new: any Scorer = members.count == 1 ? members[0] : EnsembleModel(members: members)
      var score: [Float] = [0]
      let trained = (0..<36).map { user -> Float in
        model.scorer.scores(user: user, items: item..<item + 1, into: &score)
        return score[0]
      }
      let refolded = (0..<36).map { user -> Float in
        new.scores(user: user, items: 0..<1, into: &score)
        return score[0]
      }
      sum += Self.correlation(trained, refolded)
      count += 1
    }
    #expect(sum / count > 0.8, "mean rank correlation over \(Int(count)) items")
  }

  @Test(arguments: ["random", "popularity"]) func methodsThatCannotFoldInSayWhy(name: String) throws {
    let plan = try Recipe(name).validated()
    let (_, summary) = try TrainingDataBuilder.build(
      Self.log(), options: TrainingDataOptions(hyperValidationFraction: 0, seed: 1))
    guard case .unavailable(let reason) = plan.foldInRule(summary: summary, pairsPerEpoch: 10) else {
      Issue.record("\(name) has an objective")
      return
    }
    #expect(reason.count > 20)
  }
}
