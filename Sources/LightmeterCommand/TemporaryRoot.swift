internal import ArgumentParser

@main struct TemporaryRoot: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "lightmeter", subcommands: [ExperimentCommand.self])
}
