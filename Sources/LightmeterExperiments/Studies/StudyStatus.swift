/// How far a study is.
///
/// - Stability: experimental
public struct StudyStatus: Sendable {
  /// Planned tuning runs; in later rounds of halving as many as will be.
  public var tuning = 0
  /// Finished tuning runs.
  public var tuningDone = 0
  /// Planned final runs; those of rows whose tuning is not finished count as planned.
  public var final = 0
  /// Finished final runs.
  public var finalDone = 0
  /// Runs that a living process of this machine works on.
  public var running = 0
  /// Run time of what is left on one thread, from finished runs of the same row, else of the same data set; nil where
  /// nothing is finished.
  public var secondsLeft: Double?

  /// Runs that are neither done nor running.
  public var left: Int { max(0, tuning + final - tuningDone - finalDone - running) }
}

extension StudyRunner {
  /// How many runs are planned, done and running, and how long the rest should take.
  public func status() throws -> StudyStatus {
    var status = StudyStatus()
    var times = RunTimes()
    var seen: Set<String> = []
    var missing: [(data: String, method: String, count: Int)] = []
    for dataset in datasets {
      for method in study.methods where method.members == nil {
        let (data, label) = (dataset.description.label, method.label)
        var left = 0
        func count(
          _ run: StudyRun, _ planned: WritableKeyPath<StudyStatus, Int>, _ done: WritableKeyPath<StudyStatus, Int>
        )
          throws
        {
          let key = run.key
          guard seen.insert(key).inserted else { return }
          status[keyPath: planned] += 1
          if let record = try store.record(key) {
            status[keyPath: done] += 1
            times.add(record.seconds, data, label)
          } else {
            left += 1
            if store.isRunning(key) { status.running += 1 }
          }
        }
        for (rung, plan) in study.rungs(method).enumerated() {
          guard let runs = try tuningRuns(dataset, method, rung: rung) else {
            let runs = plan.configurations * study.tuning.seeds.count
            status.tuning += runs
            left += runs
            continue
          }
          for run in runs { try count(run, \.tuning, \.tuningDone) }
        }
        if let runs = try finalRuns(dataset, method) {
          for run in runs { try count(run, \.final, \.finalDone) }
        } else {
          status.final += study.seeds.count
          left += study.seeds.count
        }
        missing.append((data, label, left))
      }
    }
    status.secondsLeft =
      times.isEmpty ? nil : missing.reduce(0) { $0 + Double($1.count) * times.mean($1.data, $1.method) }
    return status
  }
}

/// Run times of finished runs.
private struct RunTimes {
  private struct Sum {
    var seconds = 0.0
    var runs = 0
  }
  private var rows: [String: Sum] = [:]

  var isEmpty: Bool { rows.isEmpty }

  mutating func add(_ seconds: Double, _ data: String, _ method: String) {
    for key in ["", data, "\(data)\u{1}\(method)"] {
      rows[key, default: Sum()].seconds += seconds
      rows[key, default: Sum()].runs += 1
    }
  }

  /// The mean of the row, else of the data set, else of the study.
  func mean(_ data: String, _ method: String) -> Double {
    let sum = rows["\(data)\u{1}\(method)"] ?? rows[data] ?? rows[""] ?? Sum()
    return sum.runs == 0 ? 0 : sum.seconds / Double(sum.runs)
  }
}
