#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
internal import LightmeterKernels
internal import LightmeterService

/// `lightmeter-serve`: answers from a model file over HTTP.
@main
struct Main {
  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    #if Server
      if arguments.contains("--help") || arguments.contains("-h") {
        return StandardStream.output.write(ServiceSettings.help)
      }
      do {
        try await HTTPServer.run(arguments: arguments, environment: ProcessInfo.processInfo.environment)
      } catch {
        StandardStream.errors.write("lightmeter-serve: \(error)\n")
        HostProcess.exit(error is SettingError ? 64 : error is ServingProblem ? 70 : 66)
      }
    #else
      handOver(arguments)
    #endif
  }

  #if !Server
    /// This build has no server; one that has, in PATH or in `.build/server`, takes its place.
    private static func handOver(_ arguments: [String]) -> Never {
      let variable = "LIGHTMETER_SERVE_PASSED"
      let before = (ProcessInfo.processInfo.environment[variable] ?? "").split(separator: ":").map(String.init)
      let passed = before + [HostProcess.ownPath ?? ""]
      if let next = HostProcess.program(named: "lightmeter-serve", passingOver: passed) {
        let reason = HostProcess.become(
          next, arguments: arguments, variables: [variable: passed.joined(separator: ":")])
        StandardStream.errors.write("lightmeter-serve: \(next) cannot be run: \(reason)\n")
      } else {
        StandardStream.errors.write(
          "lightmeter-serve: this one was built without its server, and there is no other in PATH; build it with "
            + "`swift build -c release --traits Server --scratch-path .build/server --product lightmeter-serve`\n")
      }
      HostProcess.exit(69)
    }
  #endif
}
