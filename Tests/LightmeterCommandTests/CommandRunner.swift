import Foundation
import Testing

/// Runs the built `lightmeter` as a user would and keeps what it printed.
enum CommandRunner {
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String
  }

  /// The executable beside the test bundle; the test target depends on it, so it is built.
  static let executable: URL = {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    for _ in 0..<6 {
      let candidate = folder.appendingPathComponent("lightmeter")
      if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
      folder.deleteLastPathComponent()
    }
    // Under `swift test` on Linux the runner is the test bundle itself; elsewhere the build folder is the working one.
    return URL(fileURLWithPath: ".build/debug/lightmeter")
  }()

  static func run(
    _ arguments: String..., folder: URL? = nil, environment: [String: String] = [:]
  ) throws -> Outcome {
    try run(arguments, folder: folder, environment: environment)
  }

  static func run(
    _ arguments: [String], folder: URL? = nil, environment: [String: String] = [:]
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let remarks = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: String(decoding: remarks, as: UTF8.self))
  }

  /// Clicks of 60 users on 40 items in two tastes.
  static func writeLog(_ path: URL) throws {
    var text = "user,item\n"
    for user in 0..<60 {
      for step in 0..<12 { text += "u\(user),i\((user % 2) * 20 + (user * 7 + step * 9) % 20)\n" }
    }
    try text.write(to: path, atomically: true, encoding: .utf8)
  }

  /// A folder that is gone after the test.
  static func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lightmeter-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }
}
