import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterServing
import LightmeterTraining
import TestSupport
import Testing

@testable import LightmeterExperiments

/// A model, then a later log with new people and things.
@Suite struct ModelUpdateTests {
  static let continuing = ["mf", "umf", "relmf", "jointopt", "biif", "ceb", "wmf", "expomf", "bpr", "logistic-mf"]

  /// Clicks of users on items of their own parity, as a file.
  private static func write(_ users: Range<Int>, _ items: Range<Int>, seed: UInt64, to path: String) throws {
    var generator = SeededGenerator(seed: seed, stream: .world)
    var text = "user,item\n"
    for user in users {
      for item in items where user % 2 == item % 2 && generator.uniform() < 0.6 { text += "u\(user),i\(item)\n" }
    }
    let file = try AtomicFile(path)
    try file.write(text)
    try file.commit()
  }

  private static func recipe(_ name: String) -> Recipe {
    let wanted: [String: RecipeValue] = [
      "epochs": .number(10), "dimension": .number(4), "batch": .number(64), "learningRate": .number(0.03),
      "biases": .text("userAndItem"), "intercept": .text("baseRate"), "regularization": .number(0.5),
    ]
    return Recipe(name, wanted.filter { (try? Recipe(name, [$0.key: $0.value]).validated()) != nil })
  }

  private static func parent(_ name: String, folder: String, history: Bool = true) throws -> StoredModel {
    try write(0..<24, 0..<16, seed: 1, to: folder + "/old.csv")
    var job = TrainingJob(log: try LoadedLog.load(LogRequest(path: folder + "/old.csv")))
    (job.split, job.keepsHistory) = (.none, history)
    let plan = try recipe(name).validated()
    let prepared = try job.prepare(stream: plan.stream)
    let model = try plan.fit(prepared.data, seed: 1)
    return try job.stored(model, recipe: recipe(name), prepared, results: [], card: nil)
  }

  private static func newLog(_ parent: StoredModel, folder: String) throws -> LoadedLog {
    try write(14..<32, 6..<22, seed: 2, to: folder + "/new.csv")
    return try LoadedLog.load(LogRequest(path: folder + "/new.csv"), users: parent.users, items: parent.items)
  }

  @Test(arguments: continuing) func aModelGoesOnWithNewUsersAndItems(name: String) async throws {
    let folder = try TemporaryPlace()
    defer { folder.remove() }
    let parent = try Self.parent(name, folder: folder.path)
    var update = try ModelUpdate(parent, log: try Self.newLog(parent, folder: folder.path), replay: .none)
    update.epochs = 3
    let outcome = try await update.run(digest: "parent")
    let (model, report) = (outcome.model, outcome.report)
    #expect(model.users.count == 32 && model.items.count == 22)
    #expect((0..<24).allSatisfy { model.users[$0] == parent.users[$0] }, "known users keep their places")
    #expect(report.usersAdded == 8 && report.itemsAdded == 6 && report.parent == "parent")
    #expect(
      report.usersFolded == 8 && report.itemsFolded == 6, "the logs overlap, so every new row has something known")
    #expect(report.before != nil && report.after != nil && report.difference != nil)
    let allPairs = ["wmf", "expomf", "logistic-mf"].contains(name)
    #expect(report.replayed == (allPairs ? parent.seen?.count : 0), "methods on all pairs replay whatever was asked")
    // Old clicks stay history and count for popularity.
    let seen = try #require(model.seen)
    let old = try #require(parent.seen)
    for user in 0..<24 {
      for item in old.items(of: user) { #expect(seen.contains(user: user, item: item)) }
    }
    #expect(seen.count > old.count)
    let path = folder.path + "/updated.lightmeter"
    try model.write(to: path)
    let loaded = try StoredModel.read(path)
    #expect(try Recommender(loaded).recommend(user: "u30", count: 3).count == 3)
    #expect(try Recommender(loaded).recommend(session: ["i20", "i18"], count: 3).isFallback == false)
    #expect(ModelManifest(json: loaded.manifest)?.updates?.count == 1)
  }

  @Test(arguments: ["mf", "umf", "biif", "bpr"]) func peopleWhoAreNotInTheNewLogStayWhereTheyWere(name: String)
    async throws
  {
    let folder = try TemporaryPlace()
    defer { folder.remove() }
    let parent = try Self.parent(name, folder: folder.path)
    var update = try ModelUpdate(parent, log: try Self.newLog(parent, folder: folder.path), replay: .none)
    update.epochs = 2
    let model = try await update.run(digest: "p").model
    guard case .factors(let old) = parent.scorer, case .factors(let new) = model.scorer else { return }
    let stride = old.users.stride
    #expect(old.users.values[..<(14 * stride)] == new.users.values[..<(14 * stride)], "users 0 to 13 have no new row")
    #expect(old.users.values[(14 * stride)..<(24 * stride)] != new.users.values[(14 * stride)..<(24 * stride)])
  }

  @Test func weightsOfLoggedPropensitiesGoOn() async throws {
    let folder = try TemporaryPlace()
    defer { folder.remove() }
    func log(
      _ name: String, _ users: Range<Int>, propensities: Bool, after parent: StoredModel? = nil
    ) throws -> LoadedLog {
      let file = try AtomicFile(folder.path + "/" + name)
      try file.write("user,item,shown,click" + (propensities ? ",propensity\n" : "\n"))
      for user in users {
        for item in 0..<10 {
          try file.write(
            "u\(user),i\(item),1,\(user % 2 == item % 2 ? 1 : 0)" + (propensities ? ",0.\(item % 9 + 1)\n" : "\n"))
        }
      }
      try file.commit()
      return try LoadedLog.load(
        LogRequest(path: folder.path + "/" + name), users: parent?.users ?? IdentifierTable(),
        items: parent?.items ?? IdentifierTable())
    }
    var job = TrainingJob(log: try log("old.csv", 0..<12, propensities: true))
    (job.split, job.impressions, job.largestPropensityWeight) = (.none, .complete, 4)
    let plan = try Self.recipe("umf").validated()
    let prepared = try job.prepare(stream: nil)
    let parent = try job.stored(
      try plan.fit(prepared.data, seed: 1), recipe: Self.recipe("umf"), prepared, results: [], card: nil)
    let new = try log("new.csv", 4..<14, propensities: true, after: parent)
    let weighted = try ModelUpdate(parent, log: new, replay: .none)
    let model = try await weighted.run(digest: "p").model
    #expect(ModelManifest(json: model.manifest)?.data.largestPropensityWeight == 4)
    let without = try log("bare.csv", 4..<14, propensities: false, after: parent)
    let bare = try ModelUpdate(parent, log: without, replay: .none)
    await #expect(throws: TrainingDataError.noPropensities) { try await bare.run(digest: "p") }
  }

  @Test func theSameUpdateGivesTheSameBytes() async throws {
    let folder = try TemporaryPlace()
    defer { folder.remove() }
    let parent = try Self.parent("umf", folder: folder.path)
    let log = try Self.newLog(parent, folder: folder.path)
    var manifests: [String] = []
    var tables: [[Float]] = []
    for _ in 0..<2 {
      var update = try ModelUpdate(parent, log: log, replay: .history)
      update.epochs = 2
      let model = try await update.run(digest: "p").model
      guard case .factors(let factors) = model.scorer else { return }
      tables.append(factors.users.values + factors.items.values)
      manifests.append(model.manifest)
    }
    #expect(tables[0] == tables[1])
    #expect(manifests[0] == manifests[1])
  }

  @Test func anUpdateOnNoiseSaysThatItMadeThingsWorse() async throws {
    let folder = try TemporaryPlace()
    defer { folder.remove() }
    let parent = try Self.parent("umf", folder: folder.path)
    var update = try ModelUpdate(parent, log: try Self.newLog(parent, folder: folder.path), replay: .none)
    update.epochs = 1
    let outcome = try await update.run(digest: "p")
    var report = outcome.report
    // Judged the other way round, what helps hurts.
    report.compare(outcome.after, outcome.before)
    let difference = try #require(outcome.report.difference)
    #expect(abs(try #require(report.difference).mean + difference.mean) < 1e-12)
    report.difference = UpdateReport.Difference(mean: -0.1, low: -0.15, high: -0.05)
    #expect(report.isWorse && report.verdict.contains("MADE THINGS WORSE"))
    report.difference = UpdateReport.Difference(mean: -0.1, low: -0.25, high: 0.05)
    #expect(!report.isWorse && report.verdict.contains("rather worse"))
    report.difference = UpdateReport.Difference(mean: 0.1, low: 0.05, high: 0.15)
    #expect(report.verdict.contains("helps"))
  }

  @Test(arguments: ["random", "popularity", "ad", "cjmf"]) func modelsThatCannotGoOnSayWhy(name: String) throws {
    let folder = try TemporaryPlace()
    defer { folder.remove() }
    let parent = try Self.parent(name, folder: folder.path)
    let log = try Self.newLog(parent, folder: folder.path)
    #expect(throws: UpdateError.self) { try ModelUpdate(parent, log: log, replay: .none) }
  }

  @Test(arguments: ["umf", "wmf"]) func anOldLogIsReplayedAndStandsInForHistory(name: String) async throws {
    let folder = try TemporaryPlace()
    defer { folder.remove() }
    let parent = try Self.parent(name, folder: folder.path, history: false)
    // An old log of other rows than the model was trained on, with a user whom neither the model nor the new log knows.
    try Self.write(0..<41, 0..<16, seed: 3, to: folder.path + "/older.csv")
    let old = try LoadedLog.load(
      LogRequest(path: folder.path + "/older.csv"), users: parent.users, items: parent.items)
    try Self.write(14..<32, 6..<22, seed: 2, to: folder.path + "/new.csv")
    let log = try LoadedLog.load(
      LogRequest(path: folder.path + "/new.csv"), users: old.interactions.users, items: old.interactions.items)
    var update = try ModelUpdate(parent, log: log, replay: .log(old))
    update.epochs = 2
    let outcome = try await update.run(digest: "p")
    #expect(outcome.report.replayed == old.interactions.count)
    #expect(outcome.report.itemsFolded == 6, "the old log tells how active the users are")
    let (model, seen) = (outcome.model, try #require(outcome.model.seen))
    #expect(model.users.count == 41 && model.users.index(of: "u40") != nil)
    for row in 0..<old.interactions.count {
      #expect(seen.contains(user: Int(old.interactions.userColumn[row]), item: old.interactions.itemColumn[row]))
    }
    // The new log was not read into the old one's ids.
    let apart = try Self.newLog(parent, folder: folder.path)
    #expect(throws: UpdateError.self) { try ModelUpdate(parent, log: apart, replay: .log(old)) }
  }

  @Test func theRestOfTheHistoryIsReplayedWhereAllPairsCount() async throws {
    let folder = try TemporaryPlace()
    defer { folder.remove() }
    let parent = try Self.parent("wmf", folder: folder.path)
    try Self.write(0..<4, 0..<16, seed: 1, to: folder.path + "/part.csv")
    let old = try LoadedLog.load(
      LogRequest(path: folder.path + "/part.csv"), users: parent.users, items: parent.items)
    try Self.write(14..<32, 6..<22, seed: 2, to: folder.path + "/new.csv")
    let log = try LoadedLog.load(
      LogRequest(path: folder.path + "/new.csv"), users: old.interactions.users, items: old.interactions.items)
    var update = try ModelUpdate(parent, log: log, replay: .log(old))
    update.epochs = 1
    let report = try await update.run(digest: "p").report
    #expect(report.replayed == parent.seen?.count, "the part of the old log is in the history already")
  }

  @Test func aModelWithoutHistoryIsRefused() throws {
    let folder = try TemporaryPlace()
    defer { folder.remove() }
    let parent = try Self.parent("mf", folder: folder.path, history: false)
    let log = try Self.newLog(parent, folder: folder.path)
    #expect(throws: UpdateError.noHistory) { try ModelUpdate(parent, log: log, replay: .none) }
  }
}
