import Foundation
import LightmeterKernels
import Testing

@Suite(.serialized) struct CommandTests {
  @Test(arguments: [
    "demo", "reading", "train", "evaluate", "recommend", "explain", "update", "export", "serve", "simulate", "inspect",
    "methods", "experiment",
  ])
  func theHelpOfEverySubcommandHasAnExample(name: String) throws {
    let help = try CommandRunner.run(name, "--help")
    #expect(help.status == 0)
    #expect(help.output.contains("lightmeter \(name)"), "no example in the help of \(name)")
  }

  @Test func trainedModelsAreEvaluatedRecommendedFromAndExplained() throws {
    try CommandRunner.inFolder { folder in
      let (log, model) = (folder.appendingPathComponent("log.csv"), folder.appendingPathComponent("m.lightmeter").path)
      try CommandRunner.writeLog(log)
      let trained = try CommandRunner.run(
        "train", log.path, "-o", model, "--epochs", "3", "--set", "dimension=8", "--method", "umf")
      #expect(trained.status == 0, "\(trained.errors)")
      for part in ["UMF", "Popularity", "MF", "NDCG@20", "protocol strict"] { #expect(trained.output.contains(part)) }
      let list = try CommandRunner.run("recommend", model, "--user", "u3", "--count", "4", "--format", "json")
      struct UserList: Decodable {
        struct Item: Decodable { var item: String }
        var user: String
        var items: [Item]
      }
      let decoded = try JSONDecoder().decode([UserList].self, from: Data(list.output.utf8))
      #expect(decoded[0].user == "u3" && decoded[0].items.count == 4)
      let explained = try CommandRunner.run("explain", model, "u3", "i5")
      #expect(explained.output.contains("relevant") && explained.output.contains("exposed"))
      let measured = try CommandRunner.run("evaluate", model, log.path)
      #expect(measured.status == 0 && measured.output.contains("NDCG@10"))
      let inspected = try CommandRunner.run("inspect", model)
      #expect(inspected.output.contains("umf") && inspected.output.contains("60 users"))
    }
  }

  @Test func trainingThatWillNotFitIsRefusedBeforeItStarts() throws {
    try CommandRunner.inFolder { folder in
      let (log, model) = (folder.appendingPathComponent("log.csv"), folder.appendingPathComponent("m.lightmeter").path)
      try CommandRunner.writeLog(log)
      let arguments = ["train", log.path, "-o", model, "--epochs", "1", "--only", "--set", "batch=16"]
      let refused = try CommandRunner.run(arguments + ["--memory-limit", "0.001"])
      #expect(refused.status == 64 && refused.errors.contains("1 MiB can be had"), "\(refused.errors)")
      #expect(!FileManager.default.fileExists(atPath: model))
      let allowed = try CommandRunner.run(arguments + ["--memory-limit", "1"])
      #expect(allowed.status == 0 && allowed.errors.contains("MiB at the peak of 1.0 GiB"), "\(allowed.errors)")
    }
  }

  @Test func onlyListedCandidatesAreRankedAndUnknownOnesAreNamed() throws {
    try CommandRunner.inFolder { folder in
      let (log, model) = (folder.appendingPathComponent("log.csv"), folder.appendingPathComponent("m.lightmeter").path)
      try CommandRunner.writeLog(log)
      let trained = try CommandRunner.run(
        "train", log.path, "-o", model, "--epochs", "1", "--method", "mf", "--only", "--without-history")
      #expect(trained.status == 0, "\(trained.errors)")
      let (items, pairs) = (folder.appendingPathComponent("items.txt"), folder.appendingPathComponent("pairs.csv"))
      try "i0\ni1\ni25\ni39\nghost\n".write(to: items, atomically: true, encoding: .utf8)
      try "user,item\nu0,i0\nu0,i25\nu1,i21\nu1,i3\nu0,ghost\nnobody,i0\n".write(
        to: pairs, atomically: true, encoding: .utf8)
      let listed = try CommandRunner.run("evaluate", model, log.path, "--candidates", items.path)
      #expect(listed.status == 0 && listed.output.contains("candidates: 4 items listed in"), "\(listed)")
      #expect(listed.errors.contains("the model knows none of these 1 items: 'ghost'"), "\(listed.errors)")
      let own = try CommandRunner.run("evaluate", model, log.path, "--candidates", pairs.path)
      #expect(own.status == 0 && own.output.contains("candidates: 4 pairs listed in"), "\(own)")
      for part in ["2 pairs are left out", "'nobody'", "'ghost'"] {
        #expect(own.errors.contains(part), "\(own.errors)")
      }
      try "ghost\n".write(to: items, atomically: true, encoding: .utf8)
      let none = try CommandRunner.run("evaluate", model, log.path, "--candidates", items.path)
      #expect(none.status == 65 && none.errors.contains("lists no candidate that the model knows"), "\(none.errors)")
    }
  }

  @Test func aResumedRunEndsInTheBytesOfAnUnbrokenOne() throws {
    try CommandRunner.inFolder { folder in
      let log = folder.appendingPathComponent("log.csv")
      try CommandRunner.writeLog(log)
      let (whole, broken) = (folder.appendingPathComponent("a").path, folder.appendingPathComponent("b").path)
      let arguments = ["--only", "--epochs", "300", "--set", "dimension=8"]
      let process = Process()
      process.executableURL = CommandRunner.executable
      process.arguments = ["train", log.path, "-o", broken] + arguments
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      let deadline = Date().addingTimeInterval(60)
      while !FileManager.default.fileExists(atPath: broken + ".resume"), Date() < deadline { usleep(2000) }
      process.terminate()
      process.waitUntilExit()
      #expect(process.terminationStatus == 75, "interrupted and resumable")
      // Shorter runs are other runs: the number of epochs is part of the recipe.
      let resumed = try CommandRunner.run(
        "train", log.path, "-o", broken, "--only", "--epochs", "300", "--set", "dimension=8", "--resume")
      #expect(resumed.status == 0, "\(resumed.errors)")
      let unbroken = try CommandRunner.run(
        "train", log.path, "-o", whole, "--only", "--epochs", "300", "--set", "dimension=8")
      #expect(unbroken.status == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: whole)) == Data(contentsOf: URL(fileURLWithPath: broken)))
      #expect(!FileManager.default.fileExists(atPath: broken + ".resume"))
    }
  }

  @Test func aRunStoppedInItsControlsSaysHowToGoOnAndDoes() throws {
    try CommandRunner.inFolder { folder in
      let log = folder.appendingPathComponent("log.csv")
      try CommandRunner.writeLog(log)
      let (whole, broken) = (folder.appendingPathComponent("a").path, folder.appendingPathComponent("b").path)
      let arguments = ["--method", "umf", "--epochs", "120", "--set", "dimension=8"]
      let process = Process()
      process.executableURL = CommandRunner.executable
      process.arguments = ["train", log.path, "-o", broken] + arguments
      process.standardOutput = FileHandle.nullDevice
      let pipe = Pipe()
      process.standardError = pipe
      try process.run()
      let deadline = Date().addingTimeInterval(60)
      let done = Data("epochsDone\\\":120".utf8)
      while Date() < deadline {
        if let state = try? Data(contentsOf: URL(fileURLWithPath: broken + ".resume")), state.range(of: done) != nil {
          break
        }
        usleep(1000)
      }
      process.terminate()
      let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 75, "\(text)")
      for part in ["training the control", "b.resume keeps UMF after 120 whole epochs", "dimension=8 --resume"] {
        #expect(text.contains(part), "\(text)")
      }
      let resumed = try CommandRunner.run(
        "train", log.path, "-o", broken, "--method", "umf", "--epochs", "120", "--set", "dimension=8", "--resume")
      #expect(resumed.status == 0, "\(resumed.errors)")
      let unbroken = try CommandRunner.run(
        "train", log.path, "-o", whole, "--method", "umf", "--epochs", "120", "--set", "dimension=8")
      #expect(unbroken.status == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: whole)) == Data(contentsOf: URL(fileURLWithPath: broken)))
    }
  }

  @Test func everyKindOfMistakeHasItsCodeAndOneSentence() throws {
    try CommandRunner.inFolder { folder in
      let bad = folder.appendingPathComponent("bad.csv")
      try "user,item\nu1,i1\nu2\n".write(to: bad, atomically: true, encoding: .utf8)
      let model = folder.appendingPathComponent("m").path
      let cases: [(Int32, String, [String])] = [
        (64, "did you mean 'biif'", ["methods", "bif"]),
        (64, "did you mean 'dimension'", ["train", bad.path, "-o", model, "--set", "dimensions=3"]),
        (65, "line 3", ["train", bad.path, "-o", model]),
        (66, "there is no file", ["train", folder.path + "/none.csv", "-o", model]),
        (66, "none.lightmeter", ["recommend", folder.path + "/none.lightmeter", "--user", "a"]),
        (73, "make the folder first", ["train", bad.path, "-o", folder.path + "/no/where"]),
      ]
      for (code, part, arguments) in cases {
        let process = Process()
        process.executableURL = CommandRunner.executable
        process.arguments = arguments
        let pipe = Pipe()
        process.standardError = pipe
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == code, "\(arguments): \(text)")
        #expect(text.contains(part), "\(arguments): \(text)")
      }
    }
  }

  @Test func aFileOfTheWrongKindIsOneSentenceThatSaysWhatItIs() throws {
    try CommandRunner.inFolder { folder in
      let log = folder.appendingPathComponent("log.csv")
      try CommandRunner.writeLog(log)
      let (model, empty) = (folder.appendingPathComponent("m").path, folder.appendingPathComponent("empty").path)
      let trained = try CommandRunner.run("train", log.path, "-o", model, "--epochs", "1", "--method", "mf", "--only")
      #expect(trained.status == 0, "\(trained.errors)")
      try Data().write(to: URL(fileURLWithPath: empty))
      let missing = folder.path + "/none"
      let cases: [(Int32, String, [String])] = [
        (66, "there is no file '\(missing)'", ["inspect", missing]),
        (66, "there is no file '\(missing)'", ["recommend", missing, "--user", "a"]),
        (66, "is a folder", ["inspect", folder.path]), (66, "is a folder", ["explain", folder.path, "a", "b"]),
        (65, "is empty", ["inspect", empty]), (65, "is empty", ["evaluate", empty, log.path]),
        (65, "is text, not a model file", ["recommend", log.path, "--user", "a"]),
        (65, "is a model file, not a log", ["train", model, "-o", model + "2"]),
        (65, "is a model file, not a log", ["reading", model]),
        (65, "is a model file, not a log", ["evaluate", model, model]),
      ]
      for (code, part, arguments) in cases {
        let outcome = try CommandRunner.run(arguments)
        #expect(outcome.status == code && outcome.errors.contains(part), "\(arguments): \(outcome)")
        #expect(outcome.errors.split(separator: "\n").count == 1 && outcome.output.isEmpty, "\(arguments): \(outcome)")
      }
    }
  }

  @Test func aFolderOnStandardInputIsNoInput() throws {
    try CommandRunner.inFolder { folder in
      let process = Process()
      process.executableURL = CommandRunner.executable
      process.arguments = ["train", "-", "-o", folder.appendingPathComponent("m").path]
      process.standardInput = try FileHandle(forReadingFrom: folder)
      let pipe = Pipe()
      process.standardError = pipe
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 66 && text.contains("standard input: is a folder"), "\(text)")
    }
  }

  @Test func theReportNamesTheWholeCommandAndTheConfigurationsOfEachRow() throws {
    try CommandRunner.inFolder { folder in
      let study = """
        { name: "s", summary: "x", data: { kind: "clean-world", label: "w", users: 20, items: 30, rank: 2,
          meanRelevance: 0.3, meanExposure: 0.3, calibrationPairs: 500, slice: 0.2, hyperValidation: 0.1 },
          protocol: { cutoffs: [5], stream: "all" }, seeds: [1], search: { weightDecay: [1e-5, 1e-2] },
          tuning: { metric: "slice-auc", seeds: [101], checkpoints: [1, 2], configurations: 2 },
          methods: ["popularity", { method: "mf", epochs: 2, dimension: 2 }], report: { metrics: ["NDCG@5"] } }
        """
      try study.write(to: folder.appendingPathComponent("s.yaml"), atomically: true, encoding: .utf8)
      let flags = ["--data", "da ta", "--store", "kept"]
      let run = try CommandRunner.run(["experiment", "run", "s.yaml"] + flags, folder: folder)
      #expect(run.status == 0, "\(run.errors)")
      let report = try CommandRunner.run(["experiment", "report", "s.yaml", "--output", "."] + flags, folder: folder)
      #expect(report.status == 0, "\(report.errors)")
      let page = try String(contentsOf: folder.appendingPathComponent("s.md"), encoding: .utf8)
      #expect(
        page.contains(
          "lightmeter experiment run s.yaml --data 'da ta' --store kept && lightmeter experiment report s.yaml "
            + "--data 'da ta' --store kept --output ."), "\(page)")
      #expect(page.contains("| MF | 2 × 2 epochs |") && page.contains("| Popularity | 1, fixed |"), "\(page)")
      let all = ["./s.md", "./s.tex", "./s.csv", "./s.json", "./s.costs.csv", "./s.html", "./s_files/"]
      #expect(report.output.split(separator: "\n").map(String.init) == all)
      let html = try CommandRunner.run(
        ["experiment", "report", "s.yaml", "--output", "only/html", "--format", "html"] + flags, folder: folder)
      #expect(html.output == "only/html/s.html\nonly/html/s_files/\n", "\(html.errors)")
      let text = try String(contentsOf: folder.appendingPathComponent("only/html/s.html"), encoding: .utf8)
      #expect(text.contains("--output only/html --format html") && text.contains("<svg"))
    }
  }

  @Test(arguments: [
    ["mf"], ["biif"], ["wmf"], ["wmf", "--set", "solver=conjugateGradient"], ["expomf"], ["bpr"], ["logistic-mf"],
  ])
  func everyInstructionSetLevelGivesTheSameModel(method: [String]) throws {
    try CommandRunner.inFolder { folder in
      let log = folder.appendingPathComponent("log.csv")
      try CommandRunner.writeLog(log)
      var models: [String: Data] = [:]
      for level in KernelLevel.allCases {
        guard level.isAvailable else {
          print("SKIPPED LOUDLY: this machine lacks the \(level.rawValue) kernels, so their bytes were not compared")
          continue
        }
        let path = folder.appendingPathComponent(level.rawValue).path
        let trained = try CommandRunner.run(
          ["train", log.path, "-o", path, "--only", "--epochs", "3", "--method"] + method,
          environment: ["LIGHTMETER_KERNELS": level.rawValue])
        #expect(trained.status == 0, "\(trained.errors)")
        models[level.rawValue] = try Data(contentsOf: URL(fileURLWithPath: path))
      }
      #expect(Set(models.values).count == 1, "the levels \(models.keys.sorted()) differ")
      let unknown = try CommandRunner.run("methods", environment: ["LIGHTMETER_KERNELS": "v9"])
      #expect(unknown.status == 64 && unknown.errors.contains("LIGHTMETER_KERNELS"))
    }
  }

  @Test func aSimulatedWorldIsWrittenReadAndJudged() throws {
    try CommandRunner.inFolder { folder in
      let world = folder.appendingPathComponent("world").path
      let written = try CommandRunner.run(
        "simulate", "-o", world, "--users", "150", "--items", "80", "--mean-exposure", "0.3", "--mean-relevance", "0.3",
        "--impressions", "--random-share", "0.2", "--truth")
      #expect(written.status == 0, "\(written.errors)")
      for file in ["clicks", "impressions", "random", "truth"] {
        #expect(FileManager.default.fileExists(atPath: "\(world)/\(file).csv"))
      }
      let plain = try CommandRunner.run("reading", "\(world)/clicks.csv")
      #expect(plain.output.contains("From clicks alone nobody can know"))
      let read = try CommandRunner.run("reading", "\(world)/clicks.csv", "--random", "\(world)/random.csv")
      #expect(read.output.contains("β₁"), "\(read.errors)")
      let shown = try CommandRunner.run(
        "train", "\(world)/impressions.csv", "--impressions", "complete", "--method", "mf", "--epochs", "2", "-o",
        "\(world)/m")
      #expect(shown.status == 0, "\(shown.errors)")
      let umf = try CommandRunner.run(
        "train", "\(world)/clicks.csv", "--method", "umf", "--only", "--epochs", "2", "-o", "\(world)/umf")
      #expect(umf.status == 0, "\(umf.errors)")
      let judged = try CommandRunner.run(
        "evaluate", "\(world)/umf", "\(world)/random.csv", "--random", "--truth", "\(world)/truth.csv")
      #expect(judged.status == 0 && judged.output.contains("mean per-user correlation"), "\(judged.errors)")
      let chosen = try CommandRunner.run(
        "train", "\(world)/clicks.csv", "--validation-random", "\(world)/random.csv", "--method", "auto", "--epochs",
        "1",
        "-o", "\(world)/m")
      #expect(chosen.status == 0 && chosen.errors.contains("chosen on"), "\(chosen.errors)")
    }
  }
}
