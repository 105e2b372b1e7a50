/// A round of tuning: so many configurations with so many epochs.
struct TuningRung: Sendable, Equatable {
  let configurations: Int
  /// Nil: what the recipe says.
  let epochs: Int?
}

extension Study {
  /// Whether configurations or epochs of a row are chosen at all.
  func isTuned(_ method: StudyMethod) -> Bool {
    guard tuning.metric != nil, method.members == nil else { return false }
    return method.epochs != nil && (method.grid.count > 1 || !tuning.checkpoints.isEmpty)
  }

  /// The rounds of a row's tuning; none for rows of which nothing is chosen.
  func rungs(_ method: StudyMethod) -> [TuningRung] {
    guard isTuned(method) else { return [] }
    guard tuning.search == .halving else {
      return [TuningRung(configurations: method.grid.count, epochs: tuning.epochs)]
    }
    let full = tuning.epochs ?? method.epochs ?? 1
    return (0..<tuning.rungs).map { rung in
      func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { product, _ in product * tuning.reduction } }
      return TuningRung(
        configurations: max(1, method.grid.count / power(rung)), epochs: max(1, full / power(tuning.rungs - 1 - rung)))
    }
  }

  /// The most rounds of any row.
  var rungCount: Int { methods.map { rungs($0).count }.max() ?? 0 }

  /// Epochs that tuning spends on a row: what “the same budget” is counted in.
  func tuningEpochs(_ method: StudyMethod) -> Int {
    rungs(method).reduce(0) { $0 + $1.configurations * ($1.epochs ?? method.epochs ?? 0) } * tuning.seeds.count
  }

  /// How many configurations and epochs were scored to choose a row: "6 × 3 epochs"; "1, fixed" where nothing was chosen.
  func tried(row label: String) -> String {
    guard let method = methods.first(where: { $0.label == label }) else { return NumberText.absent }
    if let members = method.members { return "one of \(members.count) rows" }
    guard isTuned(method) else { return "1, fixed" }
    if tuning.search == .halving { return rungs(method).map { "\($0.configurations)" }.joined(separator: " → ") }
    return tuning.checkpoints.isEmpty
      ? "\(method.grid.count)" : "\(method.grid.count) × \(tuning.checkpoints.count) epochs"
  }
}

extension StudyRunner {
  /// What the runs of a configuration in a round said.
  private enum Outcome {
    case missing
    case diverged
    case scored(mean: Double, epoch: Int)
  }

  /// The runs of one round of a row's tuning; nil while the round before is not done; empty for rows without.
  func tuningRuns(_ dataset: StudyDataset, _ method: StudyMethod, rung: Int) throws -> [StudyRun]? {
    let rungs = study.rungs(method)
    guard rung < rungs.count else { return [] }
    return try survivors(dataset, method, rung: rung)?.flatMap { place in
      runs(dataset, method, rungs[rung], configuration: place)
    }
  }

  /// Every tuning run that is known by now, in the order of the file.
  func knownTuningRuns() throws -> [StudyRun] {
    try datasets.flatMap { set in
      try study.methods.flatMap { method in
        try study.rungs(method).indices.flatMap { try tuningRuns(set, method, rung: $0) ?? [] }
      }
    }
  }

  private func runs(
    _ dataset: StudyDataset, _ method: StudyMethod, _ rung: TuningRung, configuration: Int
  ) -> [StudyRun] {
    var recipe = method.grid[configuration]
    if let epochs = rung.epochs, epochs != method.epochs || study.tuning.epochs != nil {
      recipe = recipe.setting(["epochs": .number(Double(epochs))])
    }
    let checkpoints = study.tuning.checkpoints.filter { epoch in
      study.tuning.search != .halving || rung.epochs.map { epoch <= $0 } ?? true
    }
    return study.tuning.seeds.map { seed in
      StudyRun(
        dataset: dataset, method: method, recipe: recipe, seed: seed, phase: .tune, checkpoints: checkpoints,
        chosenEpoch: nil, study: study)
    }
  }

  /// Places of the configurations that a round runs: all in the first, the best of the round before in the others, the
  /// earlier one on a tie.
  private func survivors(_ dataset: StudyDataset, _ method: StudyMethod, rung: Int) throws -> [Int]? {
    guard rung > 0 else { return Array(method.grid.indices) }
    guard let before = try survivors(dataset, method, rung: rung - 1) else { return nil }
    let rungs = study.rungs(method)
    var scored: [(place: Int, mean: Double)] = []
    for place in before {
      switch try outcome(dataset, method, rungs[rung - 1], place) {
      case .missing: return nil
      case .diverged: scored.append((place, -.infinity))
      case .scored(let mean, _): scored.append((place, mean))
      }
    }
    let order = scored.sorted { $0.mean != $1.mean ? $0.mean > $1.mean : $0.place < $1.place }
    return order.prefix(rungs[rung].configurations).map(\.place).sorted()
  }

  /// The best epoch of a configuration in a round, by the mean over the tuning seeds.
  private func outcome(
    _ dataset: StudyDataset, _ method: StudyMethod, _ rung: TuningRung, _ place: Int
  ) throws -> Outcome {
    let records = try runs(dataset, method, rung, configuration: place).map { try store.record($0.key) }
    if records.contains(where: { $0 == nil }) { return .missing }
    var best: (mean: Double, epoch: Int)?
    for epoch in records[0]?.scores.map(\.epoch) ?? [] {
      let values = records.compactMap { $0?.scores.first { $0.epoch == epoch }?.value }
      guard values.count == records.count else { continue }
      let mean = values.reduce(0, +) / Double(values.count)
      if best.map({ mean > $0.mean }) ?? true { best = (mean, epoch) }
    }
    return best.map { .scored(mean: $0.mean, epoch: $0.epoch) } ?? .diverged
  }

  /// The configuration that tuning chose: the highest mean over the tuning seeds; the earlier one on a tie.
  ///
  /// - Returns: nil while tuning runs are missing.
  func choice(_ dataset: StudyDataset, _ method: StudyMethod) throws -> StudyChoice? {
    let first = method.grid.first ?? method.recipe
    guard let last = study.rungs(method).last else {
      return StudyChoice(recipe: first, epoch: nil, score: nil)
    }
    guard let places = try survivors(dataset, method, rung: study.rungs(method).count - 1) else { return nil }
    var best: StudyChoice?
    for place in places {
      switch try outcome(dataset, method, last, place) {
      case .missing: return nil
      case .diverged: continue
      case .scored(let mean, let epoch):
        if best?.score.map({ mean > $0 }) ?? true {
          let stops = study.tuning.checkpoints.isEmpty ? nil : epoch
          best = StudyChoice(recipe: method.grid[place], epoch: stops, score: mean)
        }
      }
    }
    // Every configuration diverged: the first one stands for the row and says so.
    return best ?? StudyChoice(recipe: first, epoch: nil, score: nil)
  }
}
