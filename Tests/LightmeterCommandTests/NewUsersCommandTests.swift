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
}
