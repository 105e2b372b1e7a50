import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterServing
import LightmeterTraining
import Synchronization
import TestSupport
import Testing

@testable import LightmeterExperiments

/// What holds of every method of the catalogue, those to come included.
@Suite struct MethodContractTests {
  private static let names = MethodCatalogue.all.map(\.name)

  /// Settings of a run that takes no time, as far as the method takes them.
  private static func quick(_ name: String, epochs: Int = 2) -> Recipe {
    taken(
      by: name,
      ["epochs": .number(Double(epochs)), "dimension": .number(4), "batch": .number(64), "learningRate": .number(0.02)])
  }

  private static func taken(by name: String, _ settings: [String: RecipeValue]) -> Recipe {
    Recipe(name, settings.filter { (try? Recipe(name, [$0.key: $0.value]).validated()) != nil })
  }

  private static func log() -> TrainingData { SmallLog.make(users: 18, items: 14, seed: 5) }

  private static func stored(_ model: TrainedModel, _ data: TrainingData) throws -> StoredModel {
    func identifiers(_ letter: String, _ count: Int) -> IdentifierTable {
      var table = IdentifierTable()
      for index in 0..<count { _ = table.intern("\(letter)\(index)") }
      return table
    }
    return StoredModel(
      scorer: try #require(StoredScorer(model.scorer)), exposure: model.exposure,
      users: identifiers("u", data.userCount), items: identifiers("i", data.itemCount), popularity: data.popularity,
      seen: data.positives, manifest: "{}")
  }

  private static func scores(_ scorer: any Scorer, itemCount: Int) -> [Float] {
    (0..<scorer.userCount).flatMap { user in
      var scores = [Float](repeating: .nan, count: itemCount)
      scorer.scores(user: user, items: 0..<itemCount, into: &scores)
      return scores
    }
  }

  private static func exposures(_ exposure: StoredExposure?, _ data: TrainingData) -> [Float] {
    guard let exposure else { return [] }
    return (0..<data.userCount).flatMap { user in
      var column = [Float](repeating: .nan, count: data.itemCount)
      exposure.exposures(user: user, items: 0..<data.itemCount, into: &column)
      return column
    }
  }

  @Test(arguments: names) func aSavedModelScoresAndAnswersAsBefore(name: String) throws {
    let data = Self.log()
    let model = try Self.quick(name).validated().fit(data, seed: 3)
    var saved = try Self.stored(model, data)
    try withTemporaryFolder { folder in
      let path = folder + "/model"
      if case .known? = model.exposure {
        // The truth of a simulated world is known to this process only.
        #expect(throws: ModelFileError.self) { try saved.write(to: path) }
        saved.exposure = nil
      }
      try saved.write(to: path)
      let loaded = try StoredModel.read(path)
      let before = Self.scores(model.scorer, itemCount: data.itemCount)
      #expect(before.allSatisfy { $0.isFinite })
      #expect(Self.scores(loaded.scorer, itemCount: data.itemCount) == before)
      let exposures = Self.exposures(saved.exposure, data)
      #expect(exposures.allSatisfy { $0 >= 0 && $0 <= 1 }, "exposures are probabilities")
      #expect(Self.exposures(loaded.exposure, data) == exposures)
      try Self.checkAnswers(of: Recommender(loaded), data)
    }
  }

  private static func checkAnswers(of recommender: Recommender, _ data: TrainingData) throws {
    let list = try recommender.recommend(user: "u1", count: 3)
    #expect(list.count == 3)
    #expect(list.allSatisfy { !data.positives.contains(user: 1, item: Int32($0.item.dropFirst()) ?? -1) })
    #expect(zip(list, list.dropFirst()).allSatisfy { $0.score >= $1.score })
    let item = try #require(list.first?.item)
    guard list[0].relevance != nil else {
      #expect(throws: Recommender.Problem.noProbability) { try recommender.explain(user: "u1", item: item) }
      return
    }
    let explanation = try recommender.explain(user: "u1", item: item)
    #expect(explanation.clicked == false && (0...1).contains(explanation.relevance))
    #expect(explanation.exposure == list[0].exposure.map { Double($0) })
  }

  @Test(arguments: names) func theSameSeedGivesTheSameBytes(name: String) throws {
    let data = Self.log()
    func digest(_ seed: UInt64) throws -> [UInt8] {
      try withTemporaryFolder { folder in
        var saved = try Self.stored(Self.quick(name).validated().fit(data, seed: seed), data)
        if case .known? = saved.exposure { saved.exposure = nil }
        try saved.write(to: folder + "/model")
        return try bytes(at: folder + "/model")
      }
    }
    let first = try digest(3)
    let again = try digest(3)
    #expect(again == first)
    if try MethodCatalogue.entry(named: name).isTrained {
      let other = try digest(4)
      #expect(other != first, "another seed starts elsewhere")
    }
  }

  /// Ends after some epochs and keeps what a resumed run needs.
  private final class Stopper: TrainingObserver {
    let kept = Mutex<TrainingState?>(nil)
    let epochs: Int
    init(after epochs: Int) { self.epochs = epochs }
    func observe(_ event: TrainingEvent) -> TrainingDecision {
      guard case .epoch(let record, _, let snapshot) = event, record.epoch == epochs else { return .proceed }
      if let state = snapshot.state { kept.withLock { $0 = state() } }
      return .stop
    }
  }

  @Test(arguments: names) func aResumedRunEndsWhereAWholeOneDoes(name: String) throws {
    guard try MethodCatalogue.entry(named: name).isTrained else { return }
    let data = Self.log()
    let whole = try Self.quick(name, epochs: 4).validated().fit(data, seed: 3)
    let stopper = Stopper(after: 2)
    _ = try Self.quick(name, epochs: 4).validated().fit(data, seed: 3, observer: stopper)
    let state = try #require(stopper.kept.withLock { $0 }, "a trained method can be resumed")
    #expect(state.epochsDone == 2)
    try withTemporaryFolder { folder in
      let file = ResumeFile(path: folder + "/state", fingerprint: "this run")
      try file.write(state)
      var plan = try Self.quick(name, epochs: 4).validated()
      plan.pointwise.resumeFrom = file
      let resumed = try plan.fit(data, seed: 3)
      let scores = Self.scores(whole.scorer, itemCount: data.itemCount)
      #expect(Self.scores(resumed.scorer, itemCount: data.itemCount) == scores)
      #expect(Self.exposures(resumed.exposure, data) == Self.exposures(whole.exposure, data))
      #expect(resumed.history.map(\.trainingLoss) == whole.history.map(\.trainingLoss))
      plan.pointwise.resumeFrom = ResumeFile(path: file.path, fingerprint: "another run")
      #expect(throws: TrainingError.self) { try plan.fit(data, seed: 3) }
    }
  }

  private struct Impatient: TrainingObserver {
    func observe(_ event: TrainingEvent) -> TrainingDecision {
      if case .progress(2, _, _, _) = event { return .stop }
      return .proceed
    }
  }

  @Test(arguments: names) func aStopInAnEpochIsAnInterruptionAfterTheWholeOnes(name: String) throws {
    guard try MethodCatalogue.entry(named: name).isTrained else { return }
    let plan = try Self.quick(name, epochs: 4).validated()
    #expect(throws: TrainingError.interrupted(epochsDone: 1)) {
      try plan.fit(Self.log(), seed: 3, observer: Impatient())
    }
  }

  @Test(arguments: names) func theCheckerboardIsLearned(name: String) throws {
    guard try MethodCatalogue.entry(named: name).isTrained else { return }
    let (size, data) = (20, SmallLog.checkerboard(20))
    let recipe = Self.taken(
      by: name,
      [
        "epochs": .number(40), "dimension": .number(2), "batch": .number(50), "learningRate": .number(0.05),
        "weightDecay": .number(1e-4), "outerLearningRate": .number(0.01),
      ])
    let model = try recipe.validated().fit(data, seed: 2)
    var right = 0
    var scores = [Float](repeating: 0, count: size)
    for user in 0..<size {
      model.scorer.scores(user: user, items: 0..<size, into: &scores)
      let unclicked = (0..<size).filter { !data.positives.contains(user: user, item: Int32($0)) }
      if unclicked.max(by: { scores[$0] < scores[$1] }) == user { right += 1 }
    }
    #expect(right == size, "the withheld item stands first for \(right) of \(size) users")
  }

  @Test(arguments: names) func everyCardSaysWhatItIs(name: String) throws {
    let entry = try MethodCatalogue.entry(named: name)
    #expect(!entry.title.isEmpty && !entry.summary.isEmpty && !entry.exposure.isEmpty && !entry.source.isEmpty)
    #expect(entry.isTrained == !entry.objective.isEmpty)
    #expect(!entry.isTrained || entry.objective.contains("/ds"), "the objective comes with its gradient")
    for key in entry.defaults?.keys.sorted() ?? [] {
      #expect(RecipeKey.all.contains { $0.name == key }, "'\(key)' is no key")
    }
  }

  /// Keys of methods that name theirs: each one reaches the method that the recipe makes.
  @Test(arguments: names) func everyNamedKeyChangesTheMethod(name: String) throws {
    let entry = try MethodCatalogue.entry(named: name)
    for key in RecipeKey.all where entry.defaults?[key.name] != nil {
      if ["stream", "sliceWeight"].contains(key.name) { continue }
      var base: [String: RecipeValue] = [:]
      if key.name == "solverSteps" { base["solver"] = .text("conjugateGradient") }
      let standard = key.standard(of: entry)
      let value: RecipeValue
      if let range = key.range {
        let other = (range.lowerBound + min(range.upperBound, 100)) / 2
        value = .number(key.allowed.hasPrefix("a whole") ? other.rounded() : other)
      } else if let choice = key.choices.first(where: { .text($0) != standard }) {
        value = .text(choice)
      } else {
        value = .number(-0.7)
      }
      let before = try Recipe(name, base).validated()
      let after = try Recipe(name, base.merging([key.name: value]) { $1 }).validated()
      #expect(
        "\(after.entry.method(after))" != "\(before.entry.method(before))", "\(key.name)=\(value) changes nothing")
    }
  }
}
