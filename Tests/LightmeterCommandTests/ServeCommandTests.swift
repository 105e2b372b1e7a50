import Foundation
import Testing

@Suite struct ServeCommandTests {
  /// A script named lightmeter-serve that says how it was called.
  private func fake(in folder: URL) throws {
    let path = folder.appendingPathComponent("lightmeter-serve").path
    try #"#!/bin/sh"#.appending("\nfor word in \"$@\"; do echo \"<$word>\"; done\nexit 7\n").write(
      toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  /// The program alone in a folder: what lies beside the tests does not count.
  private func moved(_ folder: URL, _ arguments: [String], path: String) throws -> CommandRunner.Outcome {
    let program = folder.appendingPathComponent("lightmeter")
    if !FileManager.default.fileExists(atPath: program.path) {
      try FileManager.default.copyItem(at: CommandRunner.executable, to: program)
    }
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.environment = ["PATH": path]
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let remarks = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return CommandRunner.Outcome(
      status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: String(decoding: remarks, as: UTF8.self))
  }

  @Test func theServerIsFoundBesideTheProgramAndInThePathAndGetsEverything() throws {
    let arguments = ["serve", "a model", "--port", "8", "--help", "--", "-x"]
    let words = "<a model>\n<--port>\n<8>\n<--help>\n<-->\n<-x>\n"
    try CommandRunner.inFolder { folder in
      try fake(in: folder)
      let beside = try moved(folder, arguments, path: "/nowhere")
      #expect(beside.status == 7 && beside.output == words, "\(beside)")
    }
    try CommandRunner.inFolder { folder in
      let other = folder.appendingPathComponent("other")
      try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
      try fake(in: other)
      let found = try moved(folder, arguments, path: "/nowhere:\(other.path)")
      #expect(found.status == 7 && found.output == words, "\(found)")
    }
  }

  @Test func withoutAServerOneSentenceSaysHowToBuildIt() throws {
    try CommandRunner.inFolder { folder in
      let refused = try moved(folder, ["serve", "m"], path: "/nowhere")
      #expect(refused.status == 66 && refused.errors.contains("--traits Server"))
      #expect(refused.errors.split(separator: "\n").count == 1)
    }
  }

  /// The lightmeter-serve beside the tests, where it was built without its server.
  private static let stub: URL? = {
    let program = CommandRunner.executable.deletingLastPathComponent().appendingPathComponent("lightmeter-serve")
    guard let text = try? Data(contentsOf: program, options: .alwaysMapped) else { return nil }
    return text.range(of: Data("built without its server".utf8)) == nil ? nil : program
  }()

  @Test(.enabled(if: stub != nil, "lightmeter-serve was not built, or with its server"))
  func aServerThatWasBuiltWithoutItsTraitHandsOverToOneThatWas() throws {
    let stub = try #require(Self.stub)
    try CommandRunner.inFolder { folder in
      let folders = ["one", "two", "three"].map { folder.appendingPathComponent($0) }
      for place in folders { try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true) }
      for place in [folder] + folders[..<2] {
        try FileManager.default.copyItem(at: stub, to: place.appendingPathComponent("lightmeter-serve"))
      }
      let path = folders.map(\.path).joined(separator: ":")
      let refused = try moved(folder, ["serve", "m"], path: path)
      #expect(refused.status == 69 && refused.errors.contains("--traits Server"), "\(refused)")
      #expect(refused.errors.split(separator: "\n").count == 1)
      try fake(in: folders[2])
      let found = try moved(folder, ["serve", "m", "--help"], path: path)
      #expect(found.status == 7 && found.output == "<m>\n<--help>\n", "\(found)")
    }
  }

  @Test func aServerInTheBuildFolderOfTheCheckoutIsFound() throws {
    try CommandRunner.inFolder { folder in
      let (own, server) = (folder.appendingPathComponent("linux/debug"), folder.appendingPathComponent("server/debug"))
      for place in [own, server] {
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      }
      try fake(in: server)
      let found = try moved(own, ["serve", "m"], path: "/nowhere")
      #expect(found.status == 7 && found.output == "<m>\n", "\(found)")
    }
  }
}
