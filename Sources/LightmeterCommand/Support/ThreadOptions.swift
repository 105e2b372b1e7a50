internal import ArgumentParser
internal import LightmeterKernels

/// `--threads`: how many share the work of one run.
struct ThreadOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Threads; all processors if not given. Results do not depend on it.")
  var threads: Int?

  func validate() throws {
    guard threads.map({ (1...256).contains($0) }) ?? true else {
      throw ValidationError("--threads \(threads ?? 0): from 1 to 256")
    }
  }

  /// Starts them.
  func apply() { Threads.use(threads ?? min(Threads.processors, 256)) }
}
