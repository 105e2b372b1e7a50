import Foundation
import Testing

/// Sessions, updates and exports as a user types them.
@Suite(.serialized) struct NewUsersCommandTests {
  private func writeLog(_ path: URL, users: Range<Int>, items: Int) throws {
    var text = "user,item\n"
    for user in users {
      for step in 0..<12 { text += "u\(user),i\((user % 2) * items + (user * 7 + step * 9) % items)\n" }
    }
    try text.write(to: path, atomically: true, encoding: .utf8)
  }

  private func train(in folder: URL) throws -> String {
    let (log, model) = (folder.appendingPathComponent("log.csv"), folder.appendingPathComponent("m.lightmeter").path)
    try writeLog(log, users: 0..<40, items: 16)
    let trained = try CommandRunner.run(
      "train", log.path, "-o", model, "--epochs", "3", "--only", "--set", "dimension=4", "--method", "umf")
    #expect(trained.status == 0, "\(trained.errors)")
    return model
  }

  @Test func aSessionIsAnsweredAndUnknownItemsAreNamed() throws {
    try CommandRunner.inFolder { folder in
      let model = try train(in: folder)
      let list = try CommandRunner.run("recommend", model, "--session", "i1,i3,zz", "--count", "4")
      #expect(list.status == 0 && list.output.contains("a new user") && list.errors.contains("'zz'"), "\(list.errors)")
      let nothing = try CommandRunner.run("recommend", model, "--session", "zz", "--format", "json")
      #expect(nothing.output.contains("\"isFallback\" : true"))
      let both = try CommandRunner.run("recommend", model, "--session", "i1", "--user", "u1")
      #expect(both.status == 64)
    }
  }

  @Test func aStoppedUpdateKeepsNothingAndDoesNotClaimOtherwise() throws {
    try CommandRunner.inFolder { folder in
      let model = try train(in: folder)
      let before = try Data(contentsOf: URL(fileURLWithPath: model))
      let process = Process()
      process.executableURL = CommandRunner.executable
      process.arguments = ["update", model, folder.appendingPathComponent("log.csv").path, "--epochs", "100000"]
      process.standardOutput = FileHandle.nullDevice
      let pipe = Pipe()
      process.standardError = pipe
      try process.run()
      // Some epochs, not one: those after the first are what an exit code could promise to resume.
      usleep(1_500_000)
      process.terminate()
      let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 130 && text.contains("interrupted"), "\(text)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: model)) == before)
    }
  }

  @Test func aModelIsUpdatedInPlaceAndExported() throws {
    try CommandRunner.inFolder { folder in
      let model = try train(in: folder)
      let log = folder.appendingPathComponent("new.csv")
      try writeLog(log, users: 30..<50, items: 17)
      let updated = try CommandRunner.run("update", model, log.path, "--epochs", "2")
      #expect(updated.status == 0, "\(updated.errors)")
      for part in ["users   10 added, 10 of them folded in", "items   2 added", "NDCG@20", "protocol strict"] {
        #expect(updated.output.contains(part), "\(updated.output)")
      }
      let inspected = try CommandRunner.run("inspect", model)
      #expect(inspected.output.contains("50 users"), "\(inspected.output)")
      let place = folder.appendingPathComponent("m.npz").path
      let exported = try CommandRunner.run("export", model, "--format", "npz", "-o", place)
      #expect(exported.status == 0 && exported.output == place + "\n", "\(exported.errors)")
      let refused = try CommandRunner.run("export", model, "--format", "npy", "-o", "/proc/none/at/all")
      #expect(refused.status == 73, "\(refused.errors)")
    }
  }

  @Test func anOldLogIsReplayed() throws {
    try CommandRunner.inFolder { folder in
      let model = try train(in: folder)
      let (old, new) = (folder.appendingPathComponent("log.csv").path, folder.appendingPathComponent("new.csv"))
      try writeLog(new, users: 30..<50, items: 17)
      let updated = try CommandRunner.run("update", model, new.path, "--replay-log", old, "--epochs", "1")
      #expect(updated.status == 0, "\(updated.errors)")
      #expect(updated.output.contains("480 of them replayed"), "\(updated.output)")
      let both = try CommandRunner.run("update", model, new.path, "--replay-log", old, "--replay")
      #expect(both.status == 64 && both.errors.contains("give one"), "\(both.errors)")
    }
  }

  /// Popularity alone decides the clicks, so long training on few of them can only memorise.
  private func writeNoise(_ path: URL, clicks: Int, seen: inout Set<Int>, state: inout UInt64) throws {
    var text = "user,item\n"
    for user in 0..<80 {
      var left = clicks
      while left > 0 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let uniform = Double(state >> 33) / Double(UInt64(1) << 31)
        let item = min(99, Int(3 * (pow(34, uniform) - 1)))
        if seen.insert(user * 100 + item).inserted {
          text += "u\(user),i\(item)\n"
          left -= 1
        }
      }
    }
    try text.write(to: path, atomically: true, encoding: .utf8)
  }

  @Test func anUpdateThatMakesThingsWorseLeavesTheOldModel() throws {
    try CommandRunner.inFolder { folder in
      let (log, new) = (folder.appendingPathComponent("log.csv"), folder.appendingPathComponent("new.csv"))
      var (seen, state): (Set<Int>, UInt64) = ([], 3)
      try writeNoise(log, clicks: 15, seen: &seen, state: &state)
      try writeNoise(new, clicks: 4, seen: &seen, state: &state)
      let model = folder.appendingPathComponent("m.lightmeter")
      let trained = try CommandRunner.run(
        "train", log.path, "-o", model.path, "--epochs", "30", "--only", "--set", "dimension=8", "--method", "umf",
        "--test-fraction", "0")
      #expect(trained.status == 0, "\(trained.errors)")
      let before = try Data(contentsOf: model)
      let long = ["--epochs", "400", "--test-fraction", "0.5"]
      let kept = try CommandRunner.run(["update", model.path, new.path] + long)
      #expect(kept.status == 1 && kept.output.contains("MADE THINGS WORSE"), "\(kept.output) \(kept.errors)")
      #expect(!kept.output.contains("wrote") && kept.errors.contains("stays as it was"), "\(kept.errors)")
      #expect(try Data(contentsOf: model) == before)
      let other = folder.appendingPathComponent("n.lightmeter").path
      let asked = try CommandRunner.run(["update", model.path, new.path, "-o", other] + long)
      #expect(asked.status == 0 && asked.output.contains("wrote \(other)"), "\(asked.errors)")
    }
  }
}
