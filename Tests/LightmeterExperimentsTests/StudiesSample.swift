import Foundation

@testable import LightmeterExperiments

/// A study that runs in a moment: a small clean world with random traffic.
enum SmallStudy {
  static func text(
    methods: String = standardMethods, search: String = "weightDecay: [1e-5, 1e-2]", tuning: String = standardTuning,
    extra: String = "seeds: [1, 2], controls: [\"MF\"],"
  ) -> String {
    """
    { # a comment
      name: "small", summary: "A small world.",
      data: { kind: "clean-world", label: "small world", users: 20, items: 30, rank: 2, meanRelevance: 0.3,
              meanExposure: 0.3, calibrationPairs: 500, slice: 0.2, hyperValidation: 0.1 },
      protocol: { cutoffs: [5], stream: "all" },
      search: { \(search) }, tuning: { \(tuning) }, \(extra)
      methods: [ \(methods) ],
      report: { metrics: ["NDCG@5"] },
    }
    """
  }

  static let standardTuning = "metric: \"slice-auc\", seeds: [101], checkpoints: [1, 3], configurations: 2"
  static let standardMethods = """
    "random", { method: "mf", epochs: 3, dimension: 2, batch: 256, learningRate: 0.05 },
    { method: "umf", epochs: 3, dimension: 2, batch: 256, learningRate: 0.05 },
    { method: "oracle", epochs: 3, dimension: 2, batch: 256, learningRate: 0.05 },
    { label: "Selected", selectAmong: ["MF", "UMF"] },
    """

  static func study() throws -> Study { try Study(text: text()) }
}

/// Remembers what a study told.
final class StudyWitness: @unchecked Sendable {
  private let lock = NSLock()
  private var events: [StudyEvent] = []
  func hear(_ event: StudyEvent) { lock.withLock { events.append(event) } }
  var finished: [RunRecord] {
    lock.withLock { events }.compactMap { if case .finished(let record, _, _) = $0 { record } else { nil } }
  }
}

/// A folder that goes away with its owner.
final class ScratchFolder {
  let url = FileManager.default.temporaryDirectory.appending(path: "lightmeter-\(UUID().uuidString)")
  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }
  func path(_ name: String) -> String { url.appending(path: name).path() }
  func write(_ name: String, _ text: String) throws {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }
}
