internal import ArgumentParser
internal import LightmeterExperiments

/// The command line; one file per subcommand.
@main
struct Root: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lightmeter",
    abstract: "Learn what people want from what they clicked, correcting for what they were shown.",
    discussion: """
      lightmeter demo                                      a simulated world: what correction can and cannot do
      lightmeter reading clicks.csv --random random.csv    can this log be debiased, and what would it buy
      lightmeter train clicks.csv -o model.lightmeter      learn, and compare with the controls
      lightmeter recommend model.lightmeter --user ID      lists by raw ids
      lightmeter serve model.lightmeter                    the same over HTTP

      \(ExitStatus.help)
      Shell completions: lightmeter --generate-completion-script bash|zsh|fish
      """,
    version: lightmeterVersion,
    subcommands: [
      DemoCommand.self, ReadingCommand.self, TrainCommand.self, EvaluateCommand.self, RecommendCommand.self,
      ExplainCommand.self, UpdateCommand.self, ExportCommand.self, ServeCommand.self, SimulateCommand.self,
      InspectCommand.self, MethodsCommand.self, ExperimentCommand.self, ReproduceCommand.self,
    ])
}
