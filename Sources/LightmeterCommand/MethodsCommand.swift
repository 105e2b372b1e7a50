internal import ArgumentParser
internal import LightmeterExperiments

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
    guard entry.isTrained else { return (lines + ["", "  Not trained: it has no keys."]).joined(separator: "\n") }
    lines += ["", "  keys of --set and of study files, with their values where nothing is set"]
    if entry.takes("biases") {
      lines.append("  (`lightmeter train` sets biases=userAndItem and intercept=baseRate unless told --no-prior)")
    }
    lines[lines.count - 1] += ":"
    lines.append("")
    let keys = RecipeKey.all.filter { $0.applies(to: entry) }.map { key in
      (key: key, standard: key.standard(of: entry)?.description ?? "–")
    }
    func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: width - text.count) }
    let names = keys.map(\.key.name.count).max() ?? 0
    let values = keys.map(\.standard.count).max() ?? 0
    for (key, standard) in keys {
      lines.append("    \(padded(key.name, names))  \(padded(standard, values))  \(key.summary)")
      lines.append("    \(padded("", names + values + 2))    takes \(key.allowed)")
    }
    return lines.joined(separator: "\n")
  }
}

private struct MethodCard: Encodable {
  struct Key: Encodable {
    var name: String
    var sets: String
    var takes: String
    var standard: RecipeValue?
    var least: Double?
    var greatest: Double?
    var choices: [String]?

    enum CodingKeys: String, CodingKey {
      case name, sets, takes, least, greatest, choices
      case standard = "default"
    }
  }
  var name: String
  var title: String
  var estimates: String
  var exposure: String
  var objective: String
  var cost: String
  var source: String
  var isControl: Bool
  var isTrained: Bool
  var keys: [Key]

  init(_ entry: MethodEntry) {
    (name, title, estimates, exposure) = (entry.name, entry.title, entry.summary, entry.exposure)
    (objective, cost, source, isControl) = (entry.objective, entry.cost, entry.source, entry.isControl)
    isTrained = entry.isTrained
    keys = RecipeKey.all.filter { $0.applies(to: entry) }.map { key in
      Key(
        name: key.name, sets: key.summary, takes: key.allowed, standard: key.standard(of: entry),
        least: key.range?.lowerBound, greatest: key.range?.upperBound,
        choices: key.choices.isEmpty ? nil : key.choices)
    }
  }
}
