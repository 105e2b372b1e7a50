import LightmeterKernels
import Testing

@testable import LightmeterModels

/// Both optimizers against Adam written as a plain loop in Double: 200 steps of random row-sparse gradients on tables with
/// factors, learned biases, a fixed column and padding.
@Suite struct AdamTests {
  private static let steps = 200

  /// 7 × (5 factors, a fixed 1, a bias, padding) and 4 × (3 factors, padding).
  private func tables<S: TrainingScalar>(_: S.Type) -> [Table<S>] {
    var users = Table<S>(name: "users", rows: 7, factorWidth: 5, extraColumns: 2, fixedColumn: 5)
    var items = Table<S>(name: "items", rows: 4, factorWidth: 3)
    users.randomize(deviation: 0.5, seed: 1, salt: 0)
    items.randomize(deviation: 0.5, seed: 1, salt: 1)
    return [users, items]
  }

  /// The gradient of a step: each row with probability 0.4, in random order, fixed columns and padding 0.
  private func gradients<S: TrainingScalar>(_ step: Int, _ tables: [Table<S>]) -> [RowGradient<S>] {
    var generator = SeededGenerator(seed: 2, stream: .negatives, epoch: step)
    return tables.map { table in
      var rows = (0..<Int32(table.rows)).filter { _ in generator.uniform() < 0.4 }
      if step % 20 == 7 { rows = [] }
      generator.shuffle(&rows)
      var gradient = RowGradient<S>()
      gradient.reset(rows: rows, stride: table.stride)
      for slot in rows.indices {
        for column in 0..<table.width where column != table.fixedColumn {
          gradient.values[slot * table.stride + column] = S(generator.normal() * (1 + Double(step % 5)))
        }
      }
      // Columns are reused: what is beyond the rows is left from longer batches and means nothing.
      gradient.values += [S](repeating: 99, count: table.stride)
      return gradient
    }
  }

  /// Adam's equations on every row, or on the rows with a gradient and with their own step counts.
  private struct Reference {
    var values: [[Double]]
    var first: [[Double]]
    var second: [[Double]]
    var counts: [[Int]]
    let settings: OptimizerSettings
    let isLazy: Bool

    init<S: TrainingScalar>(_ tables: [Table<S>], _ settings: OptimizerSettings, isLazy: Bool) {
      values = tables.map { $0.values.map { Double($0) } }
      first = values.map { $0.map { _ in 0 } }
      second = first
      counts = tables.map { [Int](repeating: 0, count: $0.rows) }
      (self.settings, self.isLazy) = (settings, isLazy)
    }

    mutating func step<S: TrainingScalar>(_ tables: [Table<S>], _ gradient: [RowGradient<S>]) {
      for (t, table) in tables.enumerated() {
        for row in 0..<table.rows {
          let slot = gradient[t].rows.firstIndex(of: Int32(row))
          if isLazy && slot == nil { continue }
          counts[t][row] += 1
          let (power1, power2) = (power(0.9, counts[t][row]), power(0.999, counts[t][row]))
          for column in 0..<table.width where column != table.fixedColumn {
            let k = row * table.stride + column
            let decay = column < table.factorWidth ? settings.weightDecay : settings.biasDecay
            let g = (slot.map { Double(gradient[t].values[$0 * table.stride + column]) } ?? 0) + decay * values[t][k]
            first[t][k] = 0.9 * first[t][k] + 0.1 * g
            second[t][k] = 0.999 * second[t][k] + 0.001 * g * g
            let scaled = (second[t][k] / (1 - power2)).squareRoot() + 1e-8
            values[t][k] -= settings.learningRate * (first[t][k] / (1 - power1)) / scaled
          }
        }
      }
    }

    private func power(_ base: Double, _ exponent: Int) -> Double { (0..<exponent).reduce(1) { p, _ in p * base } }
  }

  static let cases: [(weight: Double, bias: Double, isLazy: Bool)] = [
    (0, 0, false), (0.05, 0.02, false), (0, 0, true), (0.05, 0.02, true),
  ]

  @Test(arguments: cases) func twoHundredStepsFollowTheEquations(weight: Double, bias: Double, isLazy: Bool) {
    let settings = OptimizerSettings(learningRate: 0.01, weightDecay: weight, biasDecay: bias)
    follow(settings, isLazy, Double.self, tolerance: 1e-11)
    // A step has at most the length of the rate; its error is some ulps of √v, and steps do not amplify it.
    follow(settings, isLazy, Float.self, tolerance: 2e-5)
  }

  private func optimizer<S: TrainingScalar>(
    _ settings: OptimizerSettings, _ isLazy: Bool, _ tables: [Table<S>]
  ) -> any Optimizer<S> {
    isLazy ? LazyAdam<S>(settings, for: tables) : Adam<S>(settings, for: tables)
  }

  private func follow<S: TrainingScalar>(
    _ settings: OptimizerSettings, _ isLazy: Bool, _: S.Type, tolerance: Double
  ) {
    let start = tables(S.self)
    var parameters = start
    var optimizer = optimizer(settings, isLazy, start)
    var reference = Reference(start, settings, isLazy: isLazy)
    var worst = 0.0
    for step in 0..<Self.steps {
      let gradient = gradients(step, start)
      optimizer.step(&parameters, along: gradient)
      reference.step(start, gradient)
      for t in start.indices {
        worst = zip(parameters[t].values, reference.values[t]).reduce(worst) { max($0, abs(Double($1.0) - $1.1)) }
      }
    }
    #expect(worst < tolerance)
    for (t, table) in start.enumerated() {
      let moved = zip(parameters[t].values, table.values).map { abs(Double($0 - $1)) }
      for k in moved.indices {
        let column = k % table.stride
        let isLearned = column < table.width && column != table.fixedColumn
        #expect((moved[k] > 0) == isLearned, "table \(t), column \(column)")
      }
      let counts = optimizer.state[t].steps.map { Int($0) }
      #expect(counts == (isLazy ? reference.counts[t] : [Self.steps]))
    }
  }

  @Test(arguments: [false, true]) func aStateTakenHalfWayGoesOnInTheSameBits(isLazy: Bool) {
    let settings = OptimizerSettings(learningRate: 0.01, weightDecay: 0.05, biasDecay: 0.02)
    var parameters = tables(Float.self)
    var optimizer = optimizer(settings, isLazy, parameters)
    for step in 0..<100 { optimizer.step(&parameters, along: gradients(step, parameters)) }
    var copy = parameters
    var fresh = self.optimizer(settings, isLazy, copy)
    fresh.state = optimizer.state
    for step in 100..<Self.steps {
      optimizer.step(&parameters, along: gradients(step, parameters))
      fresh.step(&copy, along: gradients(step, copy))
    }
    #expect(parameters.map(\.values) == copy.map(\.values))
  }
}
