internal import ArgumentParser
internal import LightmeterExperiments
internal import LightmeterModels
internal import LightmeterTraining

/// `lightmeter methods`: the catalogue, or the whole card of one method.
struct MethodsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "methods", abstract: "List the methods, or print the whole card of one.",
    discussion: """
      lightmeter methods
      lightmeter methods biif
      lightmeter methods --format json
      """)

  @Argument(help: "A method's name.") var name: String?
  @Option(help: "text or json.") var format = OutputFormat.text

  func run() async throws {
    try await ExitStatus.guarding {
      let entries = try name.map { [try MethodCatalogue.entry(named: $0)] } ?? MethodCatalogue.all
      if format == .json { return try Terminal.emit(json: entries.map { MethodCard($0) }) }
      Terminal.emit(name == nil ? table(of: entries) : entries.map { card(of: $0) }.joined())
    }
  }

  private func table(of entries: [MethodEntry]) -> String {
    let table = TableValue(
      columns: [
        TableValue.Column("name", .leading), TableValue.Column("estimates", .leading),
      ],
      rows: entries.map { entry in
        [TableValue.Cell(entry.name), TableValue.Cell(entry.summary)]
      })
    return table.plain()
      + "\n`lightmeter methods NAME` prints objective, exposure, cost, source and every key with its range."
  }

  private func card(of entry: MethodEntry) -> String {
    var lines = [
      "\(entry.title) (\(entry.name))", "", "  estimates   \(entry.summary)", "  exposure    \(entry.exposure)",
      "  cost        \(entry.cost)", "  source      \(entry.source)",
    ]
    if !entry.objective.isEmpty { lines.insert("  objective   \(entry.objective)", at: 3) }
    guard let defaults = entry.pointwise else {
      return (lines + ["", "  Not trained: it has no keys."]).joined(separator: "\n")
    }
    lines += [
      "",
      "  defaults    dimension \(defaults.dimension), epochs \(defaults.epochs), batch \(defaults.batchSize), "
        + "learningRate \(defaults.inner.learningRate), weightDecay \(defaults.inner.weightDecay),",
      "              outerLearningRate \(defaults.outer.learningRate), exposureDecay \(defaults.outer.weightDecay), "
        + "biases \(defaults.biases.rawValue), intercept none, optimizer \(defaults.optimizer.rawValue)",
      "              (`lightmeter train` turns biases and the intercept on unless told --no-prior)", "",
      "  keys of --set and of study files:",
    ]
    let width = RecipeKey.all.map(\.name.count).max() ?? 0
    for key in RecipeKey.all {
      let pad = String(repeating: " ", count: width - key.name.count)
      lines.append("    \(key.name)\(pad)  \(key.summary): \(key.allowed)")
    }
    return lines.joined(separator: "\n")
  }
}

private struct MethodCard: Encodable {
  var name: String
  var title: String
  var estimates: String
  var exposure: String
  var objective: String
  var cost: String
  var source: String
  var isTrained: Bool

  init(_ entry: MethodEntry) {
    (name, title, estimates, exposure) = (entry.name, entry.title, entry.summary, entry.exposure)
    (objective, cost, source, isTrained) = (entry.objective, entry.cost, entry.source, entry.isTrained)
  }
}
