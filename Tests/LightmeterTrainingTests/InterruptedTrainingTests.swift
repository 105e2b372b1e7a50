import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import Synchronization
import TestSupport
import Testing

@testable import LightmeterTraining

/// An observer that asks to stop in the middle of an epoch: what was kept stays whole and leads to the unbroken bytes.
@Suite struct InterruptedTrainingTests {
  /// Keeps the state of every epoch in a file, and stops before a batch of an epoch.
  private final class Stopper: TrainingObserver {
    let file: ResumeFile
    let epoch: Int
    let leastBatch: Int
    let events = Mutex<[String]>([])

    init(_ file: ResumeFile, beforeEpoch epoch: Int, leastBatch: Int = 0) {
      (self.file, self.epoch, self.leastBatch) = (file, epoch, leastBatch)
    }

    func observe(_ event: TrainingEvent) -> TrainingDecision {
      switch event {
      case .progress(let epoch, _, let batch, _):
        events.withLock { $0.append("batch \(batch) of epoch \(epoch)") }
        return epoch == self.epoch && batch >= leastBatch ? .stop : .proceed
      case .epoch(let record, _, let snapshot):
        events.withLock { $0.append("epoch \(record.epoch)") }
        do { try file.write(snapshot.state!()) } catch { Issue.record(error) }
        return .proceed
      }
    }
  }

  private func method(_ kind: OptimizerKind) -> PointwiseMethod {
    var method = PointwiseMethod()
    (method.estimator, method.exposure, method.strategy) = (
      LowVariance(), .blended(power: 0.5), .bilevel(Bilevel(validationPairsPerStep: 6))
    )
    (method.dimension, method.epochs, method.batchSize, method.optimizer) = (4, 5, 16, kind)
    method.inner.learningRate = 0.05
    method.outer.learningRate = 0.05
    return method
  }

  private func values(_ model: TrainedModel) throws -> [[Float]] {
    let scorer = try #require(model.scorer as? FactorModel)
    guard case .blended(let exposure)? = model.exposure else { return [scorer.users.values, scorer.items.values] }
    return [scorer.users.values, scorer.items.values, exposure.users.values, exposure.gate.values]
  }

  @Test(arguments: OptimizerKind.allCases, [2, 3, 5])
  func stoppedInAnEpochAndResumedItEndsInTheUnbrokenBytes(kind: OptimizerKind, epoch: Int) throws {
    try withTemporaryFolder { folder in
      let file = ResumeFile(path: "\(folder)/run.resume", fingerprint: "run")
      let unbroken = try method(kind).fit(SmallTrainingData.make(), seed: 1, observer: SilentObserver())
      #expect(throws: TrainingError.interrupted(epochsDone: epoch - 1)) {
        _ = try method(kind).fit(
          SmallTrainingData.make(), seed: 1, observer: Stopper(file, beforeEpoch: epoch))
      }
      // The whole state of the last whole epoch, and no piece of anything else.
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["run.resume"])
      var shorter = method(kind)
      shorter.epochs = epoch - 1
      let kept = try shorter.fit(SmallTrainingData.make(), seed: 1, observer: SilentObserver())
      var stopped = method(kind)
      (stopped.resumeFrom, stopped.epochs) = (file, epoch - 1)
      let read = try stopped.fit(SmallTrainingData.make(), seed: 1, observer: SilentObserver())
      #expect(try values(read) == values(kept))
      #expect(read.history.map(\.epoch) == Array(1..<epoch))
      var rest = method(kind)
      rest.resumeFrom = file
      let resumed = try rest.fit(SmallTrainingData.make(), seed: 1, observer: SilentObserver())
      #expect(try values(resumed) == values(unbroken))
      #expect(resumed.history.map(\.trainingLoss) == unbroken.history.map(\.trainingLoss))
      #expect(try values(read) != values(unbroken))
    }
  }

  @Test func stoppedBeforeTheFirstEpochNothingIsKept() throws {
    try withTemporaryFolder { folder in
      let file = ResumeFile(path: "\(folder)/run.resume", fingerprint: "run")
      let stopper = Stopper(file, beforeEpoch: 1)
      #expect(throws: TrainingError.interrupted(epochsDone: 0)) {
        _ = try method(.adam).fit(SmallTrainingData.make(), seed: 1, observer: stopper)
      }
      #expect(!file.exists)
      #expect(stopper.events.withLock { $0 } == ["batch 0 of epoch 1"], "not another batch")
    }
  }

  @Test func stoppedBetweenTwoBatchesTheFileIsThatOfTheEpochBefore() throws {
    // 66,000 pairs in two batches: the least stream that asks twice in an epoch.
    let positives = FeedbackMatrix(userCount: 300, itemCount: 220, users: [0, 7, 299], items: [3, 219, 0])
    let data = TrainingData(positives: positives, popularity: Popularity.exposure(of: positives), stream: .all)
    var method = PointwiseMethod()
    (method.dimension, method.epochs, method.batchSize) = (1, 2, 65_000)
    try withTemporaryFolder { folder in
      let file = ResumeFile(path: "\(folder)/run.resume", fingerprint: "run")
      let stopper = Stopper(file, beforeEpoch: 2, leastBatch: 1)
      #expect(throws: TrainingError.interrupted(epochsDone: 1)) {
        _ = try method.fit(data, seed: 1, observer: stopper)
      }
      #expect(
        stopper.events.withLock { $0 } == [
          "batch 0 of epoch 1", "batch 1 of epoch 1", "epoch 1", "batch 0 of epoch 2", "batch 1 of epoch 2",
        ])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["run.resume"])
      let empty = Table<Float>(name: "user_factors", rows: 300, factorWidth: 1)
      let items = Table<Float>(name: "item_factors", rows: 220, factorWidth: 1)
      let state = try file.read(modelLayouts: [empty, items], exposureLayouts: [])
      #expect(state.epochsDone == 1 && state.modelOptimizer.map { $0.steps[0] } == [2, 2], "of two batches, not three")
    }
  }

  @Test func anObserverThatOnlyLooksAltersNothing() throws {
    try withTemporaryFolder { folder in
      let file = ResumeFile(path: "\(folder)/run.resume", fingerprint: "run")
      let silent = try method(.adam).fit(SmallTrainingData.make(), seed: 1, observer: SilentObserver())
      let watched = try method(.adam).fit(
        SmallTrainingData.make(), seed: 1, observer: Stopper(file, beforeEpoch: 99))
      #expect(try values(watched) == values(silent))
    }
  }
}
