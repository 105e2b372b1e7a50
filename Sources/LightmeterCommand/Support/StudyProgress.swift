internal import LightmeterExperiments
internal import LightmeterKernels
internal import Synchronization

/// What a study tells while it runs: one redrawn line on a terminal; in a log a line now and then, and what matters.
final class StudyProgress: Sendable {
  private struct State {
    var start = ContinuousClock.now
    var last: ContinuousClock.Instant?
    var finished = 0
  }
  private let state = Mutex(State())
  private let workers: Int
  /// Between two lines of a log.
  private static let pause: Duration = .seconds(10)

  init(workers: Int) { self.workers = workers }

  func show(_ event: StudyEvent) {
    switch event {
    case .phase(let phase, let runs, let done):
      state.withLock { $0 = State() }
      emit("\(phase.rawValue): \(runs) runs, \(done) in the store")
    case .testOpened: emit("tuning is over; test data is opened from here on")
    case .chosen(let data, let method, let recipe, let epoch, let score):
      emit(
        "chosen \(data) \(method): \(recipe)\(epoch.map { " epoch \($0)" } ?? "")"
          + (score.map { " score \(NumberText.fixed($0, places: 4))" } ?? ""))
    case .finished(let record, let done, let total): finished(record, done, total)
    }
  }

  /// Clears the redrawn line.
  func finish() { if Terminal.isInteractive { Terminal.redraw("") } }

  private func emit(_ line: String) {
    finish()
    Terminal.emit(line)
  }

  private func finished(_ record: RunRecord, _ done: Int, _ total: Int) {
    let now = ContinuousClock.now
    let (seconds, count, isDue) = state.withLock { state in
      state.finished += 1
      let isDue = Terminal.isInteractive || done == total || now - (state.last ?? state.start) > Self.pause
      if isDue { state.last = now }
      return ((now - state.start) / .seconds(1), state.finished, isDue)
    }
    if let failure = record.failure { emit("\(record.data) \(record.method) seed \(record.seed): \(failure)") }
    guard isDue else { return }
    let left = total - done
    let running = min(workers, left)
    var line = "\(record.phase.rawValue): \(done) of \(total) done, \(running) running, \(left - running) waiting"
    if left > 0 { line += ", about \(ProgressLine.duration(seconds / Double(count) * Double(left))) left" }
    line += " (\(record.data), \(record.method), seed \(record.seed))"
    if Terminal.isInteractive, left > 0 { Terminal.redraw(line) } else { emit(line) }
  }
}
