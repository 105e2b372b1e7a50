internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterTraining
internal import Synchronization

/// What a study would do: its runs and how long they should take here.
///
/// - Stability: experimental
public struct StudyForecast: Sendable {
  /// A row on a data set.
  public struct Entry: Sendable {
    /// Label of the data set.
    public let data: String
    /// Label of the row.
    public let method: String
    /// Tuning runs, configurations × tuning seeds.
    public let tuningRuns: Int
    /// Final runs.
    public let finalRuns: Int
    /// Epochs of a run at most.
    public let epochs: Int
    /// Epochs that tuning spends on the row in all: its budget.
    public let tuningEpochs: Int
    /// Measured on the first pairs of an epoch; 0 for untrained rows.
    public let secondsPerEpoch: Double

    /// Run time of everything that is not in the store, on one thread, at most.
    public let seconds: Double
  }
  /// The rows.
  public let entries: [Entry]
  /// Peak memory of the process with its data read, before any run, bytes.
  public let dataBytes: Int
  /// Peak memory of the process after the start of one run of each row, bytes.
  public let peakBytes: Int

  /// Peak memory to expect with so many runs at a time: each may need what the largest did.
  public func peakBytes(workers: Int) -> Int { dataBytes + workers * (peakBytes - dataBytes) }

  /// The rows as a table.
  public var table: TableValue {
    let titles = ["tuning runs", "tuning epochs", "final runs", "epochs", "s per epoch", "s left"]
    return TableValue(
      columns: [TableValue.Column("data", .leading), TableValue.Column("method", .leading)]
        + titles.map { TableValue.Column($0) },
      rows: entries.map { entry in
        [
          TableValue.Cell(entry.data), TableValue.Cell(entry.method), TableValue.Cell("\(entry.tuningRuns)"),
          TableValue.Cell(NumberText.grouped(entry.tuningEpochs)), TableValue.Cell("\(entry.finalRuns)"),
          TableValue.Cell("\(entry.epochs)"), .number(entry.secondsPerEpoch, places: 3),
          .number(entry.seconds, places: 0),
        ]
      })
  }

  /// Run time of all that is missing, on one thread.
  public var seconds: Double { entries.reduce(0) { $0 + $1.seconds } }
}

extension StudyRunner {
  /// Times the start of one epoch of every row and adds up.
  ///
  /// - Complexity: about half a second a row, and building its data.
  public func forecast() throws -> StudyForecast {
    var entries: [StudyForecast.Entry] = []
    let dataBytes = ProcessUsage.peakBytes
    for dataset in datasets {
      for method in study.methods where method.members == nil {
        let plan = try method.recipe.validated()
        let epochs = method.epochs ?? 0
        let perEpoch = epochs > 0 ? try Self.secondsPerEpoch(plan, dataset, method, study) : 0
        var (tuningRuns, epochsLeft) = (0, 0)
        for (rung, round) in study.rungs(method).enumerated() {
          let planned = round.configurations * study.tuning.seeds.count
          let left = try self.tuningRuns(dataset, method, rung: rung)?.count { !store.contains($0.key) } ?? planned
          tuningRuns += planned
          epochsLeft += left * (round.epochs ?? epochs)
        }
        let final = try finalRuns(dataset, method)
        let finalLeft = final?.count { !store.contains($0.key) } ?? study.seeds.count
        entries.append(
          StudyForecast.Entry(
            data: dataset.description.label, method: method.label, tuningRuns: tuningRuns,
            finalRuns: study.seeds.count, epochs: epochs, tuningEpochs: study.tuningEpochs(method),
            secondsPerEpoch: perEpoch, seconds: Double(epochsLeft + finalLeft * epochs) * perEpoch))
      }
    }
    return StudyForecast(entries: entries, dataBytes: dataBytes, peakBytes: ProcessUsage.peakBytes)
  }

  private static func secondsPerEpoch(
    _ plan: Plan, _ dataset: StudyDataset, _ method: StudyMethod, _ study: Study
  ) throws -> Double {
    let stream = plan.stream ?? study.scoring.stream.flatMap { TrainingStream(parsing: $0) }
    let training = try dataset.training(stream: stream, validation: method.validation, seed: 0)
    let stopwatch = EpochStopwatch()
    do { _ = try plan.fit(training.data, seed: 0, observer: stopwatch) } catch {
      guard case .interrupted = error else { throw error }
    }
    return stopwatch.seconds
  }
}

/// Ends a run after half a second or an epoch and says how long a whole epoch would take.
private final class EpochStopwatch: TrainingObserver {
  private struct State {
    var isRunning = false
    var start = ContinuousClock.now
    var firstBatch = 0
    var seconds = 0.0

    /// Whether enough was seen.
    mutating func add(batch: Int, of batches: Int) -> Bool {
      // The clock starts at the first report, after tables and caches are warm.
      if !isRunning {
        (isRunning, start, firstBatch) = (true, ContinuousClock.now, batch)
        return false
      }
      let elapsed = Double((ContinuousClock.now - start) / .microseconds(1)) / 1e6
      guard elapsed > 0.5, batch > firstBatch else { return false }
      seconds = elapsed * Double(batches) / Double(batch - firstBatch)
      return true
    }
  }
  private let state = Mutex(State())

  var seconds: Double { state.withLock { $0.seconds } }

  func observe(_ event: TrainingEvent) -> TrainingDecision {
    switch event {
    case .epoch(let record, _, _):
      state.withLock { $0.seconds = record.seconds }
      return .stop
    case .progress(_, _, let batch, let batches):
      return state.withLock { $0.add(batch: batch, of: batches) } ? .stop : .proceed
    }
  }
}
