import Foundation
import Testing

@Suite struct ReproduceCommandTests {
  private let study = """
    name: s
    data: { kind: clean-world, label: w, users: 20, items: 25, rank: 2, meanRelevance: 0.3, meanExposure: 0.3,
            calibrationPairs: 500, slice: 0.2 }
    protocol: { cutoffs: [5], stream: all }
    search: { weightDecay: [1e-5, 1e-3] }
    tuning: { metric: slice-auc, seeds: [101], checkpoints: [1, 2], configurations: 2 }
    methods: [popularity, { method: mf, epochs: 2, dimension: 2 }]
    """

  @Test func aPlanAndTheStateOfAStudyArePrinted() throws {
    try CommandRunner.inFolder { folder in
      try study.write(to: folder.appendingPathComponent("s.yaml"), atomically: true, encoding: .utf8)
      let plan = try CommandRunner.run("experiment", "run", "s.yaml", "--dry-run", folder: folder)
      #expect(plan.status == 0 && plan.output.contains("tuning epochs") && plan.output.contains("minutes of training"))
      #expect(plan.output.contains("peak memory about"), "\(plan.output)")
      let before = try CommandRunner.run("experiment", "status", "s.yaml", folder: folder)
      #expect(before.output.contains("tuning runs: 0 of 2 done\nfinal runs: 0 of 10 done\nrunning: 0; left: 12"))
      let run = try CommandRunner.run("experiment", "run", "s.yaml", folder: folder)
      #expect(
        run.status == 0 && run.output.contains("tuning is over; test data is opened from here on"), "\(run.errors)")
      #expect(run.output.contains("final: 10 of 10 done, 0 running, 0 waiting"), "\(run.output)")
      let after = try CommandRunner.run("experiment", "status", "s.yaml", folder: folder)
      #expect(after.output.contains("final runs: 10 of 10 done\nrunning: 0; left: 0"), "\(after.output)")
    }
  }

  @Test func aMistakeInAStudyNamesFileAndLine() throws {
    try CommandRunner.inFolder { folder in
      let text = study.replacingOccurrences(of: "metric: slice-auc", with: "metrics: slice-auc")
      try text.write(to: folder.appendingPathComponent("s.yaml"), atomically: true, encoding: .utf8)
      let outcome = try CommandRunner.run("experiment", "status", "s.yaml", folder: folder)
      #expect(outcome.status == 65)
      #expect(
        outcome.errors.contains("s.yaml, line 6: tuning has no key 'metrics'; did you mean 'metric'?"),
        "\(outcome.errors)")
    }
  }

  @Test func shippedStudiesArePrintedAndMissingDataIsOneSentence() throws {
    try CommandRunner.inFolder { folder in
      for name in ["table1", "table2", "figure1", "figure2", "figure3", "times"] {
        let printed = try CommandRunner.run("reproduce", name, "--print", folder: folder)
        #expect(printed.status == 0 && printed.output.contains("\nname: \(name)\n"))
      }
      let missing = try CommandRunner.run("reproduce", "table1", "--data", "nowhere", folder: folder)
      #expect(missing.status == 66)
      #expect(
        missing.errors.contains("licence (Yahoo! Webscope R3) every user must hold; --data names the folder"),
        "\(missing.errors)")
    }
  }
}
