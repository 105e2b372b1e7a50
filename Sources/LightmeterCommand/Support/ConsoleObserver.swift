internal import LightmeterExperiments
internal import LightmeterKernels
internal import LightmeterTraining
internal import Synchronization

/// Shows epochs, keeps the last good state, and ends training when asked by Ctrl-C.
final class ConsoleObserver: TrainingObserver {
  private let title: String
  private let checkpoint: ResumeFile?
  private nonisolated(unsafe) let line: ProgressLine
  private let kept = Mutex(0)

  /// Whole epochs in the checkpoint that this run wrote; 0 while there is none.
  var keptEpochs: Int { kept.withLock { $0 } }

  /// - Parameters:
  ///   - checkpoint: where the state after each epoch is kept; nil for controls.
  init(title: String, checkpoint: ResumeFile?) {
    (self.title, self.checkpoint) = (title, checkpoint)
    // Only the training thread calls the observer.
    line = ProgressLine("training \(title)", unit: "epochs")
  }

  func observe(_ event: TrainingEvent) -> TrainingDecision {
    switch event {
    case .progress(let epoch, let epochs, let batch, let batches):
      let done = Double(epoch - 1) + Double(batch) / Double(batches)
      line.show(done, of: Double(epochs), detail: "epoch \(epoch) of \(epochs)")
      return Interruption.requested ? .stop : .proceed
    case .epoch(let record, let epochs, let snapshot):
      var detail = "epoch \(record.epoch) of \(epochs), loss \(NumberText.fixed(record.trainingLoss, places: 4))"
      if record.meanExposure < 1 { detail += ", mean exposure \(NumberText.fixed(record.meanExposure, places: 3))" }
      if let gate = record.meanGate { detail += ", gate \(NumberText.fixed(gate, places: 3))" }
      line.show(Double(record.epoch), of: Double(epochs), detail: detail)
      // The last epoch too: controls and the comparison come after it, and may be stopped.
      if let checkpoint, let state = snapshot.state { save(state(), to: checkpoint) }
      if record.epoch == epochs { line.finish() }
      if Interruption.requested && record.epoch < epochs { line.finish() }
      return .proceed
    }
  }

  private func save(_ state: TrainingState, to checkpoint: ResumeFile) {
    do {
      try checkpoint.write(state)
      kept.withLock { $0 = state.epochsDone }
    } catch { Terminal.note("warning: no checkpoint was kept: \(error)") }
  }
}
