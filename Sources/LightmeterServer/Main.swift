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
    if arguments.contains("--help") || arguments.contains("-h") {
      return StandardStream.output.write(ServiceSettings.help)
    }
    #if Server
      do {
        try await HTTPServer.run(arguments: arguments, environment: ProcessInfo.processInfo.environment)
      } catch {
        StandardStream.errors.write("lightmeter-serve: \(error)\n")
        HostProcess.exit(error is SettingError ? 64 : 66)
      }
    #else
      StandardStream.errors.write(
        "lightmeter-serve: this one was built without its server; build it with "
          + "`swift build -c release --traits Server --product lightmeter-serve`\n")
      HostProcess.exit(69)
    #endif
  }
}
