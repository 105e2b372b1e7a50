internal import ArgumentParser
internal import LightmeterKernels

/// `lightmeter serve`: hands over to the server, which is a program of its own.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Answer over HTTP from a model file (runs lightmeter-serve).",
    discussion: """
      lightmeter serve model.lightmeter
      lightmeter serve model.lightmeter --port 8000 --feedback-log feedback

      The server is a program of its own, lightmeter-serve, looked for beside this one, in PATH, and in .build/server of \
      the checkout that this one was built in; everything behind `serve` is passed on to it. `lightmeter-serve --help` \
      lists its settings.
      """)

  @Argument(parsing: .captureForPassthrough, help: "The model file and settings of lightmeter-serve.")
  var arguments: [String] = []

  func run() async throws {
    if arguments == ["--help"] || arguments == ["-h"] {
      Terminal.write(Self.helpMessage() + "\n")
      return
    }
    guard let program = HostProcess.program(named: "lightmeter-serve") else {
      Terminal.note(
        "lightmeter: there is no lightmeter-serve beside this program or in PATH; build it with "
          + "`swift build -c release --traits Server --scratch-path .build/server --product lightmeter-serve`")
      throw ExitCode(ExitStatus.noInput)
    }
    let reason = HostProcess.become(program, arguments: arguments)
    Terminal.note("lightmeter: \(program) cannot be run: \(reason)")
    throw ExitCode(ExitStatus.failed)
  }
}
