internal import ArgumentParser

@main
struct Root: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lightmeter", abstract: "Learn debiased recommenders from click logs, and prove it.",
    subcommands: [DemoCommand.self, ExperimentCommand.self])
}
