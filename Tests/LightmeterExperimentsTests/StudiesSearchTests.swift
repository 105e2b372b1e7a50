import Testing

@testable import LightmeterExperiments

@Suite struct StudiesSearchTests {
  private func study(_ tuning: String, search: String, methods: String = SmallStudy.standardMethods) throws -> Study {
    try Study(text: SmallStudy.text(methods: methods, search: search, tuning: "metric: slice-auc, " + tuning))
  }

  @Test func randomSearchDrawsFromListsWithoutRepetition() throws {
    let lists = "weightDecay: [1e-6, 1e-5, 1e-4], learningRate: [1e-3, 1e-2]"
    let methods = "{ method: mf, epochs: 3, dimension: 2 }, { method: umf, epochs: 3, dimension: 2 }"
    func grids(_ seed: Int) throws -> [[Recipe]] {
      let text = SmallStudy.text(
        methods: methods, search: lists,
        tuning: "metric: slice-auc, search: random, searchSeed: \(seed), configurations: 4")
      return try Study(text: text).methods.map(\.grid)
    }
    let first = try grids(1)
    #expect(first[0].count == 4 && Set(first[0]).count == 4)
    #expect(first[0].map(\.settings) == first[1].map(\.settings), "the same draws for every method")
    #expect(try grids(1) == first && grids(2) != first)
    let all = try study("search: random, configurations: 50", search: lists, methods: methods)
    #expect(Set(all.methods[0].grid).count == 6, "lists have an end")
  }

  @Test func randomSearchDrawsFromRangesOnTheirScale() throws {
    let methods = "{ method: mf, epochs: 3 }, { method: biif, epochs: 3, search: { outerLearningRate: [1e-4, 1e-3] } }"
    let study = try study(
      "search: random, configurations: 200", search: "weightDecay: { from: 1e-7, to: 1e-3 }", methods: methods)
    func values(_ place: Int) -> [Double] {
      study.methods[place].grid.compactMap { if case .number(let x) = $0.settings["weightDecay"] { x } else { nil } }
    }
    #expect(values(0).count == 200 && values(0).allSatisfy { (1e-7...1e-3).contains($0) })
    // Half of the draws lie below the geometric mean; 200 draws leave 70 to 130 with 99.99 % confidence.
    #expect((70...130).contains(values(0).count { $0 < 1e-5 }))
    #expect(values(0) == values(1), "a key's draws do not depend on what else is searched")
    let linear = try self.study(
      "search: random, configurations: 200", search: "weightDecay: { from: 0, to: 1, scale: linear }", methods: methods)
    let mean =
      linear.methods[0].grid.compactMap { recipe -> Double? in
        if case .number(let x) = recipe.settings["weightDecay"] { x } else { nil }
      }.reduce(0, +) / 200
    #expect(abs(mean - 0.5) < 0.1)
  }

  @Test func halvingKeepsTheBetterPartWithMoreEpochs() async throws {
    let folder = try ScratchFolder()
    let methods = "{ method: mf, epochs: 9, dimension: 2, batch: 256, learningRate: 0.05 }, random"
    let study = try study(
      "search: halving, configurations: 9, seeds: [101, 102]", search: "weightDecay: { from: 1e-6, to: 1 }",
      methods: methods)
    let method = study.methods[0]
    #expect(
      study.rungs(method) == [
        TuningRung(configurations: 9, epochs: 1), TuningRung(configurations: 3, epochs: 3),
        TuningRung(configurations: 1, epochs: 9),
      ])
    #expect(study.tuningEpochs(method) == (9 + 9 + 9) * 2 && study.tried(row: "MF") == "9 → 3 → 1")
    let witness = StudyWitness()
    let runner = try StudyRunner(
      study, data: ".", store: RunStore(folder: folder.path("runs")), report: { witness.hear($0) })
    let before = try runner.status()
    #expect(before.tuning == 26 && before.final == 4 && before.tuningDone == 0)
    try await runner.run()
    let tuning = witness.finished.filter { $0.phase == .tune }
    #expect(tuning.count == 18 + 6 + 2)
    func mean(_ recipe: Recipe, _ epochs: Int) -> Double {
      let found = tuning.filter {
        $0.recipe.settings["weightDecay"] == recipe.settings["weightDecay"] && $0.scores.last?.epoch == epochs
      }
      return found.compactMap { $0.scores.last?.value }.reduce(0, +) / Double(max(found.count, 1))
    }
    let kept = Set(tuning.filter { $0.scores.last?.epoch == 3 }.map { $0.recipe.settings["weightDecay"] })
    let best = method.grid.sorted { mean($0, 1) > mean($1, 1) }.prefix(3).map { $0.settings["weightDecay"] }
    #expect(kept == Set(best))
    let choice = try #require(try runner.choice(runner.datasets[0], method))
    #expect(
      choice.recipe
        == method.grid.filter { kept.contains($0.settings["weightDecay"]) }.max { mean($0, 3) < mean($1, 3) })
    let after = try runner.status()
    #expect(after.tuningDone == 26 && after.finalDone == 4 && after.left == 0 && after.secondsLeft == 0)
    let page = try StudyReport(runner, command: "test").markdown
    #expect(page.contains("by successive halving") && page.contains("Tuning budget of a method: 54 epochs"))
  }

  @Test(arguments: [
    ("search: grid", "weightDecay: { from: 1e-6, to: 1 }", "random or halving where a range is searched"),
    ("search: random", "weightDecay: { from: 1, to: 1e-6 }", "search.weightDecay.to is 1e-06"),
    ("search: random", "weightDecay: { from: 0, to: 1 }", "both above 0 on a log scale"),
    ("search: random", "weightDecay: { from: 1, too: 2 }", "did you mean 'to'?"),
    ("search: random", "weightDecay: { from: 1, to: 2, scale: lin }", "log or linear"),
    ("search: bayes", "weightDecay: [1]", "grid, random, halving"),
    ("rungs: 2", "weightDecay: [1]", "no value unless tuning.search is halving"),
    ("search: halving", "epochs: [1, 2]", "halving, which sets them"),
  ])
  func aSearchThatCannotBeIsRefused(_ tuning: String, _ search: String, _ expected: String) {
    do {
      _ = try study(tuning, search: search, methods: "{ method: mf }")
      Issue.record("no error")
    } catch { #expect("\(error)".contains(expected), "\(error)") }
  }
}
