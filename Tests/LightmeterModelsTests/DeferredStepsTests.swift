import LightmeterKernels
import Testing

@testable import LightmeterModels

/// Dense Adam with rows that wait against the plain loop over all rows.
@Suite struct DeferredStepsTests {
  /// Rows that are touched often, now and then, rarely and, most of them, never, so that no step moves a quarter of them;
  /// gradients over three decades.
  private struct Problem {
    let rows = 48
    let stride = 20
    var generator: SeededGenerator
    let scale: Double

    init(seed: UInt64, scale: Double) {
      generator = SeededGenerator(seed: seed, stream: .world)
      self.scale = scale
    }

    func table<S: TrainingScalar>(_: S.Type) -> Table<S> {
      var table = Table<S>(name: "t", rows: rows, factorWidth: stride - 1, extraColumns: 1, fixedColumn: stride - 1)
      table.randomize(deviation: 0.1, seed: 5, salt: 0)
      return table
    }

    mutating func gradient<S: TrainingScalar>(_: S.Type) -> RowGradient<S> {
      var gradient = RowGradient<S>()
      let touched = (0..<rows).filter { row in
        row % 12 < 6 && generator.uniform() < [0.9, 0.2, 0.06, 0.02, 0.004, 0][row % 6]
      }
      gradient.reset(rows: touched.map(Int32.init), stride: stride)
      for k in 0..<touched.count * stride where k % stride < stride - 1 {
        let size = scale * Portable.exp(-7 * generator.uniform())
        gradient.values[k] = S(size * generator.normal())
      }
      return gradient
    }
  }

  /// Largest difference to the plain loop, relative to how far any weight moved.
  private func difference<S: TrainingScalar>(
    _: S.Type, decay: Double, scale: Double, steps: Int, deferAfter: Int, readEvery: Int = 7
  ) -> Double {
    let settings = OptimizerSettings(learningRate: 1e-3, weightDecay: decay, biasDecay: decay)
    var problem = Problem(seed: 11, scale: scale)
    let start = [problem.table(S.self)]
    var (plain, deferred) = (start, start)
    var loop = Adam<S>(settings, for: plain, deferAfter: .max)
    var waiting = Adam<S>(settings, for: deferred, deferAfter: deferAfter)
    var worst = 0.0
    for step in 0..<steps {
      let gradient = [problem.gradient(S.self)]
      waiting.settle(&deferred, rows: gradient.map(\.rows))
      loop.step(&plain, along: gradient)
      waiting.step(&deferred, along: gradient)
      if step % readEvery == 0 {
        // Somebody reads a few rows: their waiting ends early.
        waiting.settle(&deferred, rows: [[Int32(step % problem.rows)]])
      }
    }
    waiting.settle(&deferred, rows: nil)
    var moved = 0.0
    for k in plain[0].values.indices {
      worst = max(worst, abs(Double(plain[0].values[k] - deferred[0].values[k])))
      moved = max(moved, abs(Double(plain[0].values[k] - start[0].values[k])))
    }
    #expect(moved > 0.01, "the problem moves nothing")
    return worst / moved
  }

  @Test(arguments: [0, 1e-6, 1e-5, 1e-4], [1e-5, 1e-3])
  func waitingRowsEndWhereThePlainLoopPutsThem(decay: Double, scale: Double) {
    let found = difference(Double.self, decay: decay, scale: scale, steps: 800, deferAfter: 256)
    #expect(found < 2e-5)
  }

  @Test func inSinglePrecisionToo() {
    let found = difference(Float.self, decay: 1e-5, scale: 1e-4, steps: 800, deferAfter: 256)
    #expect(found < 2e-5)
  }

  @Test func aGapOfTwoStepsIsReplayedToTheBit() {
    // Every row is read at every step, so none waits for more than one.
    var problem = Problem(seed: 3, scale: 1e-4)
    let settings = OptimizerSettings(learningRate: 1e-3, weightDecay: 1e-5, biasDecay: 0)
    var (plain, deferred) = ([problem.table(Float.self)], [problem.table(Float.self)])
    var loop = Adam<Float>(settings, for: plain, deferAfter: .max)
    var waiting = Adam<Float>(settings, for: deferred, deferAfter: 0)
    for _ in 0..<40 {
      let gradient = [problem.gradient(Float.self)]
      loop.step(&plain, along: gradient)
      waiting.step(&deferred, along: gradient)
      waiting.settle(&deferred, rows: nil)
      #expect(plain[0].values == deferred[0].values)
    }
  }

  /// Tables whose rows nearly all move are stepped row by row, to the last bit; rows that waited before are settled first.
  @Test func whereMostRowsMoveNoneWaits() {
    let settings = OptimizerSettings(learningRate: 1e-3, weightDecay: 1e-5, biasDecay: 1e-5)
    var start = Table<Float>(name: "t", rows: 60, factorWidth: 8)
    start.randomize(deviation: 0.1, seed: 5, salt: 0)
    var generator = SeededGenerator(seed: 3, stream: .world)
    func gradient(share: Double) -> RowGradient<Float> {
      var gradient = RowGradient<Float>()
      gradient.reset(rows: (0..<60).filter { _ in generator.uniform() < share }, stride: 8)
      for k in 0..<gradient.rows.count * 8 { gradient.values[k] = Float(1e-4 * (generator.uniform() - 0.5)) }
      return gradient
    }
    var (plain, deferred) = ([start], [start])
    var loop = Adam<Float>(settings, for: plain, deferAfter: .max)
    var waiting = Adam<Float>(settings, for: deferred, deferAfter: 0)
    func step(_ gradient: RowGradient<Float>) {
      waiting.settle(&deferred, rows: [gradient.rows])
      loop.step(&plain, along: [gradient])
      waiting.step(&deferred, along: [gradient])
    }
    for _ in 0..<30 { step(gradient(share: 0.7)) }
    #expect(waiting.longestWait == 0 && plain[0].values == deferred[0].values)
    for _ in 0..<10 { step(gradient(share: 0.05)) }
    #expect(waiting.longestWait > 3)
    step(gradient(share: 0.7))
    #expect(waiting.longestWait == 0)
    let movement = zip(plain[0].values, start.values).map { abs($0 - $1) }.max() ?? 0
    let difference = zip(plain[0].values, deferred[0].values).map { abs($0 - $1) }.max() ?? 1
    #expect(difference <= 2e-5 * movement, "\(difference) of \(movement)")
  }

  @Test func anyNumberOfThreadsGivesTheSameBytes() {
    let settings = OptimizerSettings(learningRate: 1e-3, weightDecay: 1e-5, biasDecay: 0)
    var start = Table<Float>(name: "t", rows: 700, factorWidth: 64)
    start.randomize(deviation: 0.1, seed: 5, salt: 0)
    var first: [Float]?
    for threads in [1, 2, 3, 8] {
      Threads.use(threads)
      var generator = SeededGenerator(seed: 3, stream: .world)
      var tables = [start]
      var adam = Adam<Float>(settings, for: tables, deferAfter: 3)
      for _ in 0..<40 {
        var gradient = RowGradient<Float>()
        gradient.reset(rows: (0..<700).filter { _ in generator.uniform() < 0.2 }, stride: 64)
        for k in 0..<gradient.rows.count * 64 { gradient.values[k] = Float(1e-4 * (generator.uniform() - 0.5)) }
        adam.settle(&tables, rows: [gradient.rows])
        adam.step(&tables, along: [gradient])
      }
      adam.settle(&tables, rows: nil)
      #expect(first == nil || first == tables[0].values, "\(threads) threads")
      first = tables[0].values
    }
  }

  @Test func noRowWaitsLongerThanTheFormHolds() {
    var problem = Problem(seed: 4, scale: 1e-4)
    var tables = [problem.table(Float.self)]
    let settings = OptimizerSettings(learningRate: 1e-3, weightDecay: 1e-5, biasDecay: 0)
    var adam = Adam<Float>(settings, for: tables, deferAfter: 0)
    var longest = 0
    for _ in 0..<100 {
      let gradient = [problem.gradient(Float.self)]
      adam.settle(&tables, rows: gradient.map(\.rows))
      adam.step(&tables, along: gradient)
      longest = max(longest, adam.longestWait)
    }
    // Not much less either: a test of rows that never wait for long would say nothing.
    #expect((DeferredSteps<Float>.longest - 1...DeferredSteps<Float>.longest).contains(longest))
  }
}
