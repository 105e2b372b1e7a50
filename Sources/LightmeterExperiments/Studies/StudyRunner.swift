internal import LightmeterKernels

/// What a study tells while it runs.
public enum StudyEvent: Sendable {
  /// How much there is to do: runs in this phase, of which so many are in the store.
  case phase(RunRecord.Phase, runs: Int, done: Int)
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
    datasets = try study.data.map { try StudyDataset.open($0, folder: data) }
  }

  /// One sentence per data set.
  public var facts: [(label: String, digest: String, facts: String)] {
    datasets.map { ($0.description.label, $0.digest, $0.facts) }
  }

  func tuningRuns(_ dataset: StudyDataset, _ method: StudyMethod) -> [StudyRun] {
    guard study.isTuned(method) else { return [] }
    return method.grid.flatMap { recipe in
      let recipe = study.tuning.epochs.map { recipe.setting(["epochs": .number(Double($0))]) } ?? recipe
      return study.tuning.seeds.map { seed in
        StudyRun(
          dataset: dataset, method: method, recipe: recipe, seed: seed, phase: .tune,
          checkpoints: study.tuning.checkpoints, chosenEpoch: nil, study: study)
      }
    }
  }

  /// Every tuning run, in the order of the file.
  var tuningRuns: [StudyRun] { datasets.flatMap { set in study.methods.flatMap { tuningRuns(set, $0) } } }

  /// The configuration that tuning chose: the highest mean over the tuning seeds; the earlier one on a tie.
  ///
  /// - Returns: nil while tuning runs are missing.
  func choice(_ dataset: StudyDataset, _ method: StudyMethod) throws -> StudyChoice? {
    guard study.isTuned(method) else {
      return StudyChoice(recipe: method.grid.first ?? method.recipe, epoch: nil, score: nil)
    }
    var best: StudyChoice?
    let runs = tuningRuns(dataset, method)
    let seeds = study.tuning.seeds.count
    for (place, recipe) in method.grid.enumerated() {
      let records = try runs[place * seeds..<(place + 1) * seeds].map { try store.record($0.key) }
      if records.contains(where: { $0 == nil }) { return nil }
      for epoch in records[0]?.scores.map(\.epoch) ?? [] {
        let values = records.compactMap { $0?.scores.first { $0.epoch == epoch }?.value }
        guard values.count == seeds else { continue }
        let mean = values.reduce(0, +) / Double(seeds)
        if best?.score.map({ mean > $0 }) ?? true {
          let stops = study.tuning.checkpoints.isEmpty ? nil : epoch
          best = StudyChoice(recipe: recipe, epoch: stops, score: mean)
        }
      }
    }
    // Every configuration diverged: the first one stands for the row and says so.
    return best ?? StudyChoice(recipe: method.recipe, epoch: nil, score: nil)
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

  /// How many runs are planned and done; final runs of rows whose tuning is not finished count as planned.
  public func status() throws -> (tuning: Int, tuningDone: Int, final: Int, finalDone: Int) {
    let tuning = Set(tuningRuns.map(\.key))
    var (planned, done) = (0, 0)
    for dataset in datasets {
      for method in study.methods where method.members == nil {
        planned += study.seeds.count
        done += try finalRuns(dataset, method)?.count { store.contains($0.key) } ?? 0
      }
    }
    return (tuning.count, tuning.count { store.contains($0) }, planned, done)
  }

  /// Runs what is missing.
  ///
  /// - Throws: the first error of a run; records of finished runs stay.
  public func run() async throws {
    try await run(tuningRuns, phase: .tune)
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

extension Study {
  /// Whether configurations or epochs of a row are chosen at all.
  func isTuned(_ method: StudyMethod) -> Bool {
    guard tuning.metric != nil, method.members == nil else { return false }
    let entry = try? MethodCatalogue.entry(named: method.recipe.method)
    return entry?.isTrained == true && (method.grid.count > 1 || !tuning.checkpoints.isEmpty)
  }

  /// How many configurations and epochs were scored to choose a row: "6 × 3 epochs"; "1, fixed" where nothing was chosen.
  func tried(row label: String) -> String {
    guard let method = methods.first(where: { $0.label == label }) else { return NumberText.absent }
    if let members = method.members { return "one of \(members.count) rows" }
    guard isTuned(method) else { return "1, fixed" }
    return tuning.checkpoints.isEmpty
      ? "\(method.grid.count)" : "\(method.grid.count) × \(tuning.checkpoints.count) epochs"
  }
}
