import Foundation
import Testing

/// What commands refuse, and that nothing is lost by it.
@Suite struct RefusalCommandTests {
  @Test func nothingThatIsReadIsOverwritten() throws {
    try CommandRunner.inFolder { folder in
      let (log, model) = (folder.appendingPathComponent("log.csv"), folder.appendingPathComponent("m.lightmeter").path)
      try CommandRunner.writeLog(log)
      let before = try Data(contentsOf: log)
      #expect(try CommandRunner.run("train", log.path, "-o", model, "--epochs", "1", "--method", "mf").status == 0)
      let trained = try Data(contentsOf: URL(fileURLWithPath: model))
      // Another spelling of the same place.
      let sameModel = folder.path + "/./m.lightmeter"
      for refused in [
        ["train", log.path, "-o", log.path, "--epochs", "1"], ["update", model, log.path, "-o", log.path],
        ["export", model, "--format", "npz", "-o", sameModel], ["recommend", model, "--all", "-o", sameModel],
      ] {
        let outcome = try CommandRunner.run(refused)
        #expect(
          outcome.status == 65 && outcome.errors.contains("would be overwritten"), "\(refused): \(outcome.errors)")
      }
      #expect(try Data(contentsOf: log) == before && Data(contentsOf: URL(fileURLWithPath: model)) == trained)
      // A log of the name that `simulate` writes.
      let clicks = folder.appendingPathComponent("clicks.csv")
      try CommandRunner.writeLog(clicks)
      let world = ["simulate", "-o", folder.path, "--users", "20", "--items", "10", "--mean-exposure", "0.3"]
      let simulated = try CommandRunner.run(world)
      #expect(simulated.status == 73 && simulated.errors.contains("--overwrite"), "\(simulated.errors)")
      #expect(try Data(contentsOf: clicks) == before)
      #expect(try CommandRunner.run(world + ["--overwrite"]).status == 0)
      #expect(try Data(contentsOf: clicks) != before)
    }
  }

  @Test func optionsThatContradictAreRefused() throws {
    try CommandRunner.inFolder { folder in
      let (log, model) = (folder.appendingPathComponent("log.csv"), folder.appendingPathComponent("m.lightmeter").path)
      try CommandRunner.writeLog(log)
      #expect(try CommandRunner.run("train", log.path, "-o", model, "--epochs", "1", "--method", "mf").status == 0)
      let csv = folder.path + "/l.csv"
      for (arguments, part) in [
        (["recommend", model, "--user", "u3", "-o", csv], "-o goes with --all"),
        (["recommend", model, "--user", "u3", "--all"], "take one of"),
        (["recommend", model, "--session", ""], "name at least one item"),
        (["train", log.path, "-o", csv, "--epochs", "-1"], "--epochs -1: at least 1"),
        (["train", log.path, "-o", csv, "--epochs", "1", "--set", "epochs=3"], "take --epochs or --set epochs"),
        (["train", log.path, "-o", csv, "--method", "umf", "--set", "pull=1"], "pull"),
        (["train", log.path, "-o", csv, "--method", "auto", "--set", "clip=0.1"], "name a method to set it"),
        (["recommend", model, "--all", "--count", "-2"], "--count -2: at least 1"),
        (["simulate", "-o", folder.path + "/w", "--users", "100000", "--items", "100000", "--truth"], "100 million"),
        (["evaluate", model, log.path, "--truth", log.path, "--format", "json"], "--truth prints a table"),
      ] {
        let outcome = try CommandRunner.run(arguments)
        #expect(outcome.status == 64 && outcome.errors.contains(part), "\(arguments): \(outcome.errors)")
      }
      let excluded = folder.appendingPathComponent("out.txt")
      try "i5\nnothing\n".write(to: excluded, atomically: true, encoding: .utf8)
      let listed = try CommandRunner.run("recommend", model, "--user", "u3", "--exclude", excluded.path)
      #expect(listed.status == 0 && listed.errors.contains("knows none of 1 of the 2 items"), "\(listed.errors)")
    }
  }

  @Test func studiesThatCannotRunHaveTheirCodes() throws {
    try CommandRunner.inFolder { folder in
      let study = folder.appendingPathComponent("s.yaml")
      func run(_ text: String, _ more: String...) throws -> CommandRunner.Outcome {
        try text.write(to: study, atomically: true, encoding: .utf8)
        return try CommandRunner.run(["experiment", "run", study.path] + more, folder: folder)
      }
      let whole = "name: s\ndata: { kind: clean-world, users: 30, items: 20 }\nmethods: [random]\n"
      let file = folder.appendingPathComponent("file").path
      try "x".write(toFile: file, atomically: true, encoding: .utf8)
      for (outcome, status, part) in [
        (try CommandRunner.run("experiment", "run", "nosuch.yaml", folder: folder), 66, "there is no file"),
        (try CommandRunner.run("experiment", "run", folder.path), 66, "is a folder"),
        (try run("name: s\nnames: x\n"), 65, "name"),
        (try run("name: s\ndata: { kind: coat }\nmethods: [random]\n", "--data", "/nosuch"), 66, "--data"),
        (try run(whole, "--store", file + "/runs"), 73, "cannot write"),
      ] {
        #expect(outcome.status == status && outcome.errors.contains(part), "\(outcome.status) \(outcome.errors)")
      }
    }
  }

  @Test func theControlStaysNaive() throws {
    try CommandRunner.inFolder { folder in
      let log = folder.appendingPathComponent("log.csv")
      try CommandRunner.writeLog(log)
      // The numbers of its row, without the mark of the best.
      func control(_ settings: String...) throws -> [String] {
        let outcome = try CommandRunner.run(
          ["train", log.path, "-o", folder.path + "/m", "--epochs", "4", "--method", "umf"]
            + settings.flatMap { ["--set", $0] })
        #expect(outcome.status == 0, "\(outcome.errors)")
        let row = outcome.output.split(separator: "\n").first { $0.hasPrefix("MF ") } ?? ""
        return row.replacing("*", with: "").split(separator: " ").map(String.init)
      }
      let plain = try control("dimension=8")
      #expect(try control("dimension=8", "exposure=none", "estimator=inversePropensity") == plain)
      #expect(try control("dimension=8", "learningRate=0.1") != plain, "the model's own keys ride along")
    }
  }

  @Test func rowsOfRandomTrafficAreTheSlice() throws {
    try CommandRunner.inFolder { folder in
      let (log, model) = (folder.appendingPathComponent("log.csv"), folder.appendingPathComponent("m.lightmeter").path)
      var text = "user,item,click,is_random\n"
      for user in 0..<60 {
        for item in 0..<20 {
          let (liked, isRandom) = (user % 2 == item % 2, (user + 3 * item) % 7 == 0)
          if isRandom || (liked && item < 8) { text += "u\(user),i\(item),\(liked ? 1 : 0),\(isRandom ? 1 : 0)\n" }
        }
      }
      try text.write(to: log, atomically: true, encoding: .utf8)
      let read = try CommandRunner.run("reading", log.path)
      #expect(read.output.contains("β₁"), "\(read.output)\(read.errors)")
      let trained = try CommandRunner.run("train", log.path, "-o", model, "--epochs", "2", "--method", "calibrated")
      #expect(trained.status == 0 && trained.errors.contains("that the column 'random' marks"), "\(trained.errors)")
      let (base, later) = (folder.path + "/base", folder.appendingPathComponent("later.csv"))
      try text.write(to: later, atomically: true, encoding: .utf8)
      #expect(try CommandRunner.run("train", log.path, "-o", base, "--epochs", "2", "--method", "mf").status == 0)
      let updated = try CommandRunner.run(
        "update", base, later.path, "-o", folder.path + "/new", "--replay-log", log.path, "--epochs", "1")
      #expect(
        updated.errors.components(separatedBy: "are left out; an update").count == 3, "both logs: \(updated.errors)")
      let both = try CommandRunner.run(
        "train", log.path, "-o", model, "--epochs", "2", "--validation-random", log.path)
      #expect(both.status == 64 && both.errors.contains("leave --validation-random out"), "\(both.errors)")
    }
  }
}
