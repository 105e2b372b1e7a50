internal import ArgumentParser
internal import LightmeterExperiments
internal import LightmeterModels
internal import LightmeterServing

/// `lightmeter explain`: was it not seen, or seen and declined?
struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "P(exposed) and P(relevant) of a pair, and why it was not clicked.",
    discussion: """
      lightmeter explain model.lightmeter alice item-42
      lightmeter explain model.lightmeter alice item-42 --format json
      """)

  @Argument(help: "The model file.") var model: String
  @Argument(help: "The user's raw id.") var user: String
  @Argument(help: "The item's raw id.") var item: String
  @Option(help: "text or json.") var format = OutputFormat.text

  func run() async throws {
    try await ExitStatus.guarding {
      let explanation = try Recommender(try InputKind.model(model)).explain(user: user, item: item)
      if format == .json { return try Terminal.emit(json: explanation) }
      Terminal.emit(text(of: explanation))
    }
  }

  private func text(of pair: Explanation) -> String {
    func percent(_ value: Double) -> String { NumberText.fixed(100 * value, places: 1) + " %" }
    var lines = ["user \(pair.user), item \(pair.item)"]
    lines.append("  relevant      \(percent(pair.relevance))   would want it if it were seen")
    guard let exposure = pair.exposure else {
      return (lines + ["  exposed       unknown: this model estimates no exposure"]).joined(separator: "\n")
    }
    lines.append("  exposed       \(percent(exposure))   was likely to see it")
    switch pair.clicked {
    case true?: lines.append("  clicked in the training log")
    case false?, nil:
      if let neverSeen = pair.neverSeen, let declined = pair.declined {
        let condition = pair.clicked == nil ? "if it was not clicked" : "not clicked"
        lines.append("  \(condition): never seen \(percent(neverSeen)), seen and declined \(percent(declined))")
      }
    }
    return lines.joined(separator: "\n")
  }
}
