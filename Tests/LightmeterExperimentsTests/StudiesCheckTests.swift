import Foundation
import LightmeterKernels
import Testing

@testable import LightmeterExperiments

/// What is refused before anything runs, and what is said of studies that look at the test.
@Suite struct StudiesCheckTests {
  private func message(_ text: String) -> String {
    do {
      _ = try Study(text: text)
      return "no error"
    } catch { return "\(error)" }
  }

  @Test(arguments: [
    ("slice: 0.2, ", "", "data.slice is 0, but takes a share above 0"),
    ("slice-auc", "snips-dcg@3", "tuning.metric is 'SNIPS-DCG@3 on held-out clicks'"),
    ("checkpoints: [1, 3]", "checkpoints: [1, 4]", "tuning.checkpoints is 4, but takes epochs that a run has"),
    ("metrics: [\"NDCG@5\"]", "metrics: [\"NDCG@10\"]", "report.metrics is 'NDCG@10', but takes DCG@5, NDCG@5"),
  ])
  func whatCannotRunIsRefusedBeforeItRuns(_ right: String, _ wrong: String, _ expected: String) throws {
    let text = SmallStudy.text()
    try #require(text.contains(right))
    let mistaken = text.replacing(right, with: wrong, maxReplacements: 1)
    #expect(message(mistaken).contains(expected), "\(message(mistaken))")
  }

  @Test(arguments: [
    ("coat", "methods: [oracle]", "a world that knows its exposure, not coat"),
    ("coat", "methods: [slice-means]", "data with a slice, which coat is not"),
    ("coat", "methods: [calibrated]", "data with a slice, which coat is not"),
    ("coat", "protocol: { presets: [upliftKuairec2024] }\nmethods: [mf]", "protocol.presets is"),
    ("kuairec-block", "protocol: { presets: [cjmf2020] }\nmethods: [mf]", "a protocol for full ranking"),
    ("coat", "tuning: { metric: snips-dcg@3, checkpoints: [1] }\nmethods: [mf]", "a share above 0 where SNIPS chooses"),
  ])
  func rowsAndProtocolsMustFitTheData(_ kind: String, _ rest: String, _ expected: String) {
    let text = "name: x\ndata: { kind: \(kind), hyperValidation: 0 }\n\(rest)\n"
    #expect(message(text).contains(expected), "\(message(text))")
  }

  @Test func optionalRowsOfMethodsThatAreNotThereAreLeftOutAndNamed() throws {
    let text =
      "name: x\ndata: { kind: coat }\nmethods:\n  - mf\n  - { method: nosuch, label: None, optional: true, knob: 1 }\n"
    let study = try Study(text: text)
    #expect(study.methods.map(\.label) == ["MF"] && study.absentMethods == ["None": "the catalogue has no such method"])
    #expect(message(text.replacing(", optional: true", with: "")).contains("methods[1] has no key 'knob'"))
  }

  @Test func optionalDataThatAreNotThereAreLeftOutAndNamed() throws {
    let folder = try ScratchFolder()
    let store = try RunStore(folder: folder.path("runs"))
    let clean = "{ kind: clean-world, label: w, users: 5, items: 5, calibrationPairs: 500 }"
    func runner(_ data: String) throws -> StudyRunner {
      try StudyRunner(
        Study(text: "name: x\ndata: \(data)\nprotocol: { cutoffs: [3] }\nmethods: [mf]\n"), data: folder.path("none"),
        store: store)
    }
    let both = try runner("[\(clean), { kind: ml-100k-world, label: m, optional: true }]")
    #expect(both.datasets.count == 1 && both.absent.map(\.label) == ["m"])
    #expect(throws: (any Error).self) { try runner("[\(clean), { kind: ml-100k-world, label: m }]") }
    do {
      _ = try runner("{ kind: yahoo-r3, optional: true, label: why }".replacing("yahoo-r3", with: "ml-100k-world"))
    } catch StudyError.noData(_, let reasons) { #expect(reasons.count == 1 && reasons[0].contains("u.data")) }
  }

  @Test func aStudyThatChoosesOnTheTestIsStampedEverywhere() async throws {
    let folder = try ScratchFolder()
    let text = SmallStudy.text(
      methods: "random, { method: mf, epochs: 3, dimension: 2, batch: 256 }",
      tuning: "metric: \"test:NDCG@5\", seeds: [101], checkpoints: [1, 3], configurations: 2",
      extra: "seeds: [1, 2], controls: [\"MF\"], chosenOnTest: true,")
    let silent = text.replacing("chosenOnTest: true", with: "chosenOnTest: false")
    #expect(message(silent).contains("says `chosenOnTest: true` and is stamped so"), "\(message(silent))")
    let runner = try StudyRunner(Study(text: text), data: ".", store: RunStore(folder: folder.path("runs")))
    try await runner.run()
    let report = try StudyReport(runner, command: "test")
    #expect(report.markdown.contains("**CHOSEN ON THE TEST"))
    #expect(report.markdown.contains("NDCG@5 ON THE TEST") && !report.markdown.contains("opened after tuning only"))
    #expect(report.latex.contains("\\textbf{CHOSEN ON THE TEST") && report.json.contains("\"chosenOnTest\":true"))
    let lines = report.csv.split(separator: "\n")
    #expect(lines[0].hasSuffix(",chosen_on_test") && lines.dropFirst().allSatisfy { $0.hasSuffix(",true") })
  }

  @Test func theTestIsReadOnceAndAfterTuning() async throws {
    let folder = try ScratchFolder()
    let rows = (0..<12).map { user in (0..<10).map { "\(($0 * 7 + user * 3) % 6)" }.joined(separator: " ") }
    try folder.write("coat/train.ascii", rows.joined(separator: "\n") + "\n")
    try folder.write("coat/test.ascii", rows.reversed().joined(separator: "\n") + "\n")
    let text = """
      name: once
      data: { kind: coat, hyperValidation: 0.3 }
      protocol: { presets: [cjmf2020] }
      search: { weightDecay: [1e-5, 1e-3] }
      tuning: { metric: snips-dcg@3, checkpoints: [1, 2], configurations: 2 }
      seeds: 3
      methods: [{ method: mf, epochs: 2, dimension: 2, batch: 64 }, popularity]
      """
    let reads = ReadCount()
    let runner = try StudyRunner(
      Study(text: text), data: folder.path(""), store: RunStore(folder: folder.path("runs")),
      report: {
        if case .testOpened = $0 { reads.opened() } else if case .finished(let record, _, _) = $0 { reads.add(record) }
      })
    #expect(runner.datasets[0].testReads == 0)
    try await runner.run()
    #expect(runner.datasets[0].testReads == 1)
    #expect(reads.order.firstIndex(of: "test") == 2, "two tuning runs, then the test")
  }

  @Test func runsInProgressAreSeenWhileTheirProcessLives() throws {
    let folder = try ScratchFolder()
    let store = try RunStore(folder: folder.path("runs"))
    let runner = try StudyRunner(SmallStudy.study(), data: ".", store: store)
    let key = try #require(try runner.knownTuningRuns().first).key
    #expect(try runner.status().running == 0 && runner.status().secondsLeft == nil)
    try store.begin(key)
    #expect(try runner.status().running == 1 && runner.status().left == 13)
    // As a kill leaves it: the number of a process that is gone.
    try folder.write("runs/\(key).running", "2147483646")
    #expect(try runner.status().running == 0)
    try store.begin("live")
    store.clearMarks()
    #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder) == ["live.running"])
    store.end("live")
    #expect(!store.isRunning(key) && ProcessUsage.isRunning(ProcessUsage.processNumber) && !ProcessUsage.isRunning(0))
  }
}

/// The order of a study's events.
private final class ReadCount: @unchecked Sendable {
  private let lock = NSLock()
  private var events: [String] = []
  var order: [String] { lock.withLock { events } }
  func opened() { lock.withLock { events.append("test") } }
  func add(_ record: RunRecord) { lock.withLock { events.append(record.phase.rawValue) } }
}
