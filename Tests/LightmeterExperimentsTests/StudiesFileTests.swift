import Testing

@testable import LightmeterExperiments

@Suite struct StudiesFileTests {
  private func message(_ text: String) -> String {
    do {
      _ = try Study(text: text)
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func aStudyIsReadWithItsGridAndItsRows() throws {
    let study = try SmallStudy.study()
    #expect(study.name == "small" && study.seeds == [1, 2] && study.tuning.checkpoints == [1, 3])
    #expect(study.methods.map(\.label) == ["Random", "MF", "UMF", "Oracle", "Selected"])
    #expect(study.methods[0].grid.count == 1, "an untrained method has nothing to search")
    #expect(study.methods[1].grid.map { $0.settings["weightDecay"] } == [.number(1e-5), .number(1e-2)])
    #expect(study.methods[4].members == ["MF", "UMF"])
  }

  @Test func aRowsOwnSearchMultipliesAndItsOwnKeysAreNotSearched() throws {
    let rows = """
      { method: "biif", search: { outerLearningRate: [1e-4, 1e-3] } }, { method: "mf", weightDecay: 0.5 },
      { method: "umf", search: { weightDecay: [1] } }
      """
    let study = try Study(
      text: SmallStudy.text(methods: rows, tuning: "metric: \"snips-dcg@3\", configurations: 4"))
    #expect(study.methods.map(\.grid.count) == [4, 1, 1])
    #expect(study.methods[1].grid[0].settings["weightDecay"] == .number(0.5))
    #expect(study.methods[2].grid[0].settings["weightDecay"] == .number(1))
    #expect(Set(study.methods[0].grid).count == 4)
  }

  @Test(arguments: [
    ("tuning:", "tunning:", "study has no key 'tunning'; did you mean 'tuning'?"),
    ("checkpoints:", "checkpoint:", "tuning has no key 'checkpoint'; did you mean 'checkpoints'?"),
    ("weightDecay: [1e-5, 1e-2]", "weigthDecay: [1]", "search has no key 'weigthDecay'; did you mean 'weightDecay'?"),
    ("epochs: 3", "epoch: 3", "methods[1] has no key 'epoch'; did you mean 'epochs'?"),
    ("users: 20", "user: 20", "data has no key 'user'; did you mean 'users'?"),
    ("clean-world", "clean-wrold", "did you mean 'clean-world'?"),
    (
      "metric: \"slice-auc\"", "metric: \"auc\"",
      "none, slice-auc, slice-user-auc, slice-percentile, slice-dcg or snips-dcg@K"
    ),
    ("controls: [\"MF\"]", "controls: [\"MFF\"]", "controls is 'MFF'"),
    ("[\"MF\", \"UMF\"]", "[\"MF\", \"Nobody\"]", "selectAmong is 'Nobody'"),
    ("configurations: 2", "configurations: 1", "2 configurations, but takes at most 1, the budget of every method"),
    ("method: \"mf\"", "method: \"fm\"", "there is no method 'fm'; did you mean 'mf'?"),
    ("epochs: 3", "epochs: 0", "a whole number from 1"),
    ("users: 20", "users: 20.5", "data.users is 20.5"),
    ("name: \"small\",", "", "study needs the key 'name'"),
    ("\"random\",", "\"random\", \"random\",", "a label of its own"),
    ("seeds: [1, 2]", "seeds: [1, 1]", "a list of different seeds"),
    ("cutoffs: [5]", "cutoffs: [0]", "ranks of at least 1"),
  ])
  func aMistakeIsNamedWithItsPlaceAndTheWayOut(_ right: String, _ wrong: String, _ expected: String) throws {
    let text = SmallStudy.text()
    try #require(text.contains(right))
    let mistaken = text.replacing(right, with: wrong, maxReplacements: 1)
    #expect(message(mistaken).contains(expected), "\(message(mistaken))")
  }

  @Test func searchWithoutAnythingThatChoosesIsRefused() {
    let text = SmallStudy.text(methods: "\"mf\"", tuning: "metric: \"none\"")
    #expect(message(text).contains("tuning.metric is none and nothing can choose"))
  }

  @Test func textThatIsNoYAMLIsRefusedWithItsLine() {
    #expect(message("{ name: ").hasPrefix("the study, line 1: the bracket opened on this line is never closed"))
  }

  @Test func aMistakeNamesTheLineOfItsKey() {
    let text = "name: x\ndata:\n  kind: coat\nmethods:\n  - mf\n  - method: umf\n    epoch: 3\n"
    #expect(message(text) == "the study, line 7: methods[1] has no key 'epoch'; did you mean 'epochs'?")
    #expect(
      message("name: x\ndata:\n  - kind: coat\n  - kind: cat\n").hasPrefix("the study, line 4: data[1].kind is 'cat'"))
    #expect(message("name: x\n\n# none\ndata: { kind: coat }\n").contains("methods"))
  }

  @Test func equalTreesHaveOneCanonicalText() throws {
    let first = try StudyYAML.parse(Array("{ b: [1, true, null], a: 'x' }".utf8)).tree
    let second = try StudyYAML.parse(Array("a: x # order\nb:\n  - 1.0\n  - true\n  - ~\n".utf8)).tree
    #expect(first == second && first.canonical == second.canonical)
    #expect(first.canonical == "{a:'x',b:[1,true,null]}")
  }

  @Test func theLabelOfADataSetIsNotPartOfItsDigest() throws {
    let first = try SmallStudy.study().data[0]
    let second = try Study(text: SmallStudy.text().replacing("label: \"small world\"", with: "label: \"other\"")).data[
      0]
    let third = try Study(text: SmallStudy.text().replacing("rank: 2", with: "rank: 3")).data[0]
    #expect(first.canonical == second.canonical && first.canonical != third.canonical)
  }
}
