internal import LightmeterEvaluation
internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterTraining
internal import Synchronization

/// What a run gathers while it trains.
final class RunFindings: Sendable {
  private struct State {
    var scores: [RunRecord.Score] = []
    var results: [StoredResult] = []
    var last: [StoredResult] = []
    var exposure: RunRecord.Exposure?
    var groups = StudyRun.Groups()
  }
  private let state = Mutex(State())

  func add(_ score: RunRecord.Score) { state.withLock { $0.scores.append(score) } }
  func setLast(_ results: [StoredResult]) { state.withLock { $0.last = results } }
  func set(_ results: [StoredResult], exposure: RunRecord.Exposure?, _ groups: StudyRun.Groups) {
    state.withLock { ($0.results, $0.exposure, $0.groups) = (results, exposure, groups) }
  }
  func write(to record: inout RunRecord) {
    state.withLock { state in
      record.scores = state.scores
      record.results = state.results
      record.lastResults = state.last
      record.exposure = state.exposure
      (record.deciles, record.exposureMap) = (state.groups.deciles, state.groups.exposure)
    }
  }
}

/// Looks in on a run after its epochs; stops it when asked, on an error and on Ctrl-C.
final class CheckpointObserver: TrainingObserver {
  private let trace: ExposureTrace?
  private let visit: @Sendable (Int, TrainingSnapshot) throws -> Bool
  private let state = Mutex<(failure: (any Error)?, stopped: Bool)>((nil, false))

  init(trace: ExposureTrace?, _ visit: @escaping @Sendable (Int, TrainingSnapshot) throws -> Bool) {
    (self.trace, self.visit) = (trace, visit)
  }

  var firstSteps: Int { trace == nil ? 0 : ExposureTrace.firstSteps }
  func observe(step: Int, _ snapshot: TrainingSnapshot) { trace?.add(step: step, epoch: nil, snapshot.model()) }

  var failure: (any Error)? { state.withLock { $0.failure } }
  var stoppedEarly: Bool { state.withLock { $0.stopped } }

  func observe(_ event: TrainingEvent) -> TrainingDecision {
    if Interruption.requested {
      state.withLock { $0.failure = StudyError.interrupted(done: 0, of: 0) }
      return .stop
    }
    guard case .epoch(let record, _, let snapshot) = event else { return .proceed }
    trace?.add(step: nil, epoch: record.epoch, snapshot.model())
    do {
      guard try visit(record.epoch, snapshot) else { return .proceed }
      state.withLock { $0.stopped = true }
    } catch { state.withLock { $0.failure = error } }
    return .stop
  }
}

/// How close a model's exposure is to a world's, while it is trained: Eq. (20) after each of the first steps, then after
/// each epoch.
final class ExposureTrace: Sendable {
  /// How many steps are followed one by one.
  static let firstSteps = 100
  /// Worlds with more users are compared on so many of them, drawn with a fixed seed: a point of ML-100K costs 0.3 s on all.
  static let mostUsers = 200

  private let world: any World
  private let found = Mutex<[RunRecord.TracePoint]>([])

  init?(_ world: (any World)?) {
    guard let world else { return nil }
    self.world = world
  }

  var points: [RunRecord.TracePoint] { found.withLock { $0 } }

  func add(step: Int?, epoch: Int?, _ model: TrainedModel) {
    guard let estimate = model.exposure else { return }
    let sample = world.userCount > Self.mostUsers ? PairSample.users(Self.mostUsers, seed: 1) : .all
    let quality = ExposureQuality(
      of: estimate, against: world, userCount: world.userCount, itemCount: world.itemCount, on: sample)
    found.withLock {
      $0.append(
        RunRecord.TracePoint(
          step: step, epoch: epoch, correlation: quality.correlation, error: quality.rootMeanSquaredError))
    }
  }
}
