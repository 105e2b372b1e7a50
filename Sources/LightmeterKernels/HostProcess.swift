/// This process among the programs of its machine: where it lies, what it may open, how it hands over to another one.
public enum HostProcess {
  /// This program's own file.
  public static var ownPath: String? {
    SystemCalls.resolved("/proc/self/exe") ?? SystemCalls.resolved(CommandLine.arguments.first ?? "")
  }

  // Where `swift build --scratch-path .build/server` puts its programs, as seen from those of a plain build.
  private static let serverBuilds = ["../../server/release", "../../server/debug"]

  /// The first executable file of that name: beside this program's own file, then in the folders of PATH, then in the
  /// server's build folder of the checkout that this program was built in.
  ///
  /// - Parameters:
  ///   - passed: files that are none, as ``ownPath`` writes them.
  public static func program(named name: String, passingOver passed: [String] = []) -> String? {
    let own = ownPath.flatMap { path in path.lastIndex(of: "/").map { String(path[..<$0]) } }
    let folders =
      (own.map { [$0] } ?? []) + (SystemCalls.environment("PATH") ?? "").split(separator: ":").map(String.init)
      + (own.map { own in serverBuilds.map { own + "/" + $0 } } ?? [])
    return folders.map { $0 + "/" + name }.first { path in
      SystemCalls.isExecutable(path) && !passed.contains(SystemCalls.resolved(path) ?? path)
    }
  }

  /// Runs the program at `path` in the place of this one.
  ///
  /// - Parameters:
  ///   - variables: for its environment, beside those of this process.
  /// - Returns: only where the system refuses: its reason.
  public static func become(_ path: String, arguments: [String], variables: [String: String] = [:]) -> String {
    for (name, value) in variables { SystemCalls.setEnvironment(name, value) }
    SystemCalls.execute(path, [path] + arguments)
    return SystemCalls.message(of: SystemCalls.error)
  }

  /// Ends this process with a status.
  public static func exit(_ status: Int32) -> Never { SystemCalls.exit(status) }

  /// Lets this process have as many files and connections open as the system allows it at most.
  ///
  /// - Returns: how many; 0 where the system does not tell.
  @discardableResult
  public static func raiseOpenFileLimit() -> Int { SystemCalls.raiseOpenFileLimit() }

  /// Bytes of memory that this process holds now; nil where the system does not tell.
  public static var residentBytes: Int? {
    guard let file = try? MappedFile("/proc/self/status") else { return nil }
    let text = String(decoding: file.array(of: UInt8.self, in: 0..<file.count), as: UTF8.self)
    for line in text.split(separator: "\n") where line.hasPrefix("VmRSS:") {
      return line.dropFirst(6).split { $0 == " " || $0 == "\t" }.first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    return nil
  }
}
