internal import LightmeterKernels

/// What a study tells while it runs.
public enum StudyEvent: Sendable {
  /// How much there is to do: runs in this phase, of which so many are in the store.
  case phase(RunRecord.Phase, runs: Int, done: Int)
  /// Tuning is over: from here on runs may read the test.
  case testOpened
  /// A run is done; counts within its phase.
  case finished(RunRecord, done: Int, of: Int)
  /// A configuration was chosen.
  case chosen(data: String, method: String, recipe: Recipe, epoch: Int?, score: Double?)
}

/// A chosen configuration of a row.
public struct StudyChoice: Sendable {
  /// The configuration.
  public let recipe: Recipe
  /// The epoch; nil: the last.
  public let epoch: Int?
  /// Its choice metric, mean over the tuning seeds; nil where nothing was chosen.
  public let score: Double?
}

/// Runs what is missing of a study, in a fixed plan and any order: results do not depend on workers or interruptions.
///
/// Tuning runs come first, all of them; test data is opened only afterwards, for the final runs.
///
/// - Stability: experimental
public struct StudyRunner: Sendable {
  /// The study.
  public let study: Study
  /// Where records go.
  public let store: RunStore
  /// Runs at a time, each on one thread.
  public let workers: Int
  let datasets: [StudyDataset]
  private let report: @Sendable (StudyEvent) -> Void

  /// Opens the data of a study.
  ///
  /// - Parameters:
  ///   - data: folder with the data sets.
  ///   - report: hears what happens, from any thread.
  public init(
    _ study: Study, data: String, store: RunStore, workers: Int = 2,
    report: @escaping @Sendable (StudyEvent) -> Void = { _ in }
  ) throws {
    precondition(workers > 0, "\(workers) workers do no work")
    (self.study, self.store, self.workers, self.report) = (study, store, workers, report)
    absent = StudyRunner.absentData(of: study, data: data)
    let missing = Set(absent.map(\.label))
    datasets = try study.data.filter { !missing.contains($0.label) }.map { try StudyDataset.open($0, folder: data) }
    if datasets.isEmpty { throw StudyError.noData(folder: data, reasons: absent.map(\.reason)) }
  }

  /// Optional data sets of a study whose files are not there, with what is missing; cheap, nothing is read.
  public static func absentData(of study: Study, data: String) -> [(label: String, reason: String)] {
    study.data.compactMap { description in
      guard description.isOptional, let file = StudyDataset.missingFile(description, folder: data) else { return nil }
      let name = file.hasPrefix(data + "/") ? String(file.dropFirst(data.utf8.count + 1)) : file
      return (description.label, "the data folder lacks \(name)" + description.kind.licence)
    }
  }

  /// Optional data sets that are not there, with what is missing.
  public let absent: [(label: String, reason: String)]

  /// One sentence per data set.
  public var facts: [(label: String, digest: String, facts: String)] {
    datasets.map { ($0.description.label, $0.digest, $0.facts) }
  }

  /// The final runs of a row.
  ///
  /// - Returns: nil while tuning runs are missing; empty for rows that choose among others.
  func finalRuns(_ dataset: StudyDataset, _ method: StudyMethod) throws -> [StudyRun]? {
    guard method.members == nil else { return [] }
    guard let choice = try choice(dataset, method) else { return nil }
    return study.seeds.map { seed in
      StudyRun(
        dataset: dataset, method: method, recipe: choice.recipe, seed: seed, phase: .final, checkpoints: [],
        chosenEpoch: choice.epoch, study: study)
    }
  }

  /// Runs what is missing.
  ///
  /// - Throws: the first error of a run; records of finished runs stay.
  public func run() async throws {
    store.clearMarks()
    for rung in 0..<study.rungCount {
      let runs = try datasets.flatMap { set in
        try study.methods.flatMap { try tuningRuns(set, $0, rung: rung) ?? [] }
      }
      if rung == 0 || !runs.isEmpty { try await run(runs, phase: .tune) }
    }
    var final: [StudyRun] = []
    // Seed by seed, so that a table of few seeds stands early.
    for dataset in datasets {
      for method in study.methods {
        guard let choice = try choice(dataset, method), method.members == nil else { continue }
        report(
          .chosen(
            data: dataset.description.label, method: method.label, recipe: choice.recipe, epoch: choice.epoch,
            score: choice.score))
        final += try finalRuns(dataset, method) ?? []
      }
    }
    report(.testOpened)
    let order = study.seeds.flatMap { seed in final.filter { $0.seed == seed } }
    try await run(order, phase: .final)
  }

  private func run(_ runs: [StudyRun], phase: RunRecord.Phase) async throws {
    var seen: Set<String> = []
    let distinct = runs.filter { seen.insert($0.key).inserted }
    let missing = distinct.filter { !store.contains($0.key) }
    var done = distinct.count - missing.count
    report(.phase(phase, runs: distinct.count, done: done))
    try await withThrowingTaskGroup(of: RunRecord.self) { group in
      var next = missing.startIndex
      func start() {
        guard next < missing.endIndex else { return }
        let run = missing[next]
        next += 1
        group.addTask {
          let key = run.key
          try store.begin(key)
          defer { store.end(key) }
          let record = try run.execute()
          try store.save(record)
          return record
        }
      }
      for _ in 0..<workers { start() }
      do {
        while let record = try await group.next() {
          done += 1
          report(.finished(record, done: done, of: distinct.count))
          start()
        }
      } catch {
        group.cancelAll()
        if case StudyError.interrupted = error { throw StudyError.interrupted(done: done, of: distinct.count) }
        throw error
      }
    }
  }
}
