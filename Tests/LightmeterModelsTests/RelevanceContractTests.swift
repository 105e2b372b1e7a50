import LightmeterFeedback
import LightmeterKernels
import Testing

@testable import LightmeterModels

/// What every backbone and exposure model must satisfy: adjoint maps, central differences, fixed columns.
@Suite struct RelevanceContractTests {
  private func batch() -> IndexedBatch {
    var batch = IndexedBatch()
    batch.pairs = PairBatch(users: [0, 1, 0, 2, 1], items: [3, 0, 1, 3, 0], feedback: [1, 0, 0, 1, 0])
    var indexer = BatchIndexer(userCount: 4, itemCount: 5)
    indexer.index(&batch)
    return batch
  }

  private func draws(_ count: Int, _ salt: Int) -> [Double] {
    var generator = SeededGenerator(seed: 9, stream: .initialise, epoch: salt)
    return (0..<count).map { _ in generator.normal() }
  }

  @Test(arguments: BiasTerms.allCases) func pushforwardIsTheAdjointOfPullback(biases: BiasTerms) {
    adjoint(biases, Double.self, tolerance: 1e-12)
    adjoint(biases, Float.self, tolerance: 1e-5)
  }

  private func adjoint<S: TrainingScalar>(_ biases: BiasTerms, _ type: S.Type, tolerance: Double) {
    let model = MatrixFactorization<S>(userCount: 4, itemCount: 5, dimension: 3, biases: biases, seed: 1)
    let batch = batch()
    let cotangents = draws(5, 1).map { S($0) }
    var (pulled, direction): ([RowGradient<S>], [RowGradient<S>]) = ([], [])
    model.resetGradient(&pulled, for: batch)
    model.resetGradient(&direction, for: batch)
    // A direction in the model's own space: drawn as a pullback, so that fixed columns and padding stay 0.
    model.pullback(draws(5, 2).map { S($0) }, for: batch, into: &direction)
    model.pullback(cotangents, for: batch, into: &pulled)
    var tangents: [S] = []
    model.pushforward(direction, for: batch, into: &tangents)
    let left = (0..<5).reduce(0.0) { $0 + Double(cotangents[$1] * tangents[$1]) }
    let right = (0..<2).reduce(0.0) { sum, side in
      sum + zip(pulled[side].values, direction[side].values).reduce(0.0) { $0 + Double($1.0 * $1.1) }
    }
    #expect(abs(left - right) <= tolerance * max(1, abs(left)))
    #expect(abs(left) > 1e-3)
  }

  /// A gradient that is reset holds zeros for whoever reads it, whatever it held before, and sums add up.
  @Test func aGradientIsZeroAfterAResetAndAddsUpWhateverItsFirstSum() {
    let (batch, source) = (batch(), RowsView<Float>([1, 2, 3, 4, 5, 6, 7, 8], stride: 4))
    var gradient = RowGradient<Float>()
    func add(_ slots: [Int32], _ slotRows: [Int32]) {
      gradient.add([1, 10, 100, 1000, 1], source, [0, 1, 0, 1, 0], slots: slots, slotRows: slotRows, width: 3)
    }
    gradient.reset(rows: batch.userRows, stride: 4)
    add(batch.userSlots, batch.userRows)
    let once: [Float] = [101, 202, 303, 0, 51, 62, 73, 0, 5000, 6000, 7000, 0]
    #expect(Array(gradient.values[..<12]) == once)
    add(batch.userSlots, batch.userRows)
    #expect(Array(gradient.values[..<12]) == once.map { 2 * $0 })
    gradient.reset(rows: batch.userRows, stride: 4)
    #expect(gradient.values[..<12].allSatisfy { $0 == 0 } && gradient.squaredNorm == 0)
    // Pairs of another batch: some rows get nothing.
    add([2, -1, -1, 0, -1], [])
    #expect(Array(gradient.values[..<12]) == [5000, 6000, 7000, 0, 0, 0, 0, 0, 1, 2, 3, 0])
    gradient.reset(rows: batch.userRows, stride: 4)
    gradient.values[5] += 3
    #expect(Array(gradient.values[..<12]) == [0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0])
  }

  @Test(arguments: BiasTerms.allCases) func pullbackMatchesCentralDifferences(biases: BiasTerms) {
    var model = MatrixFactorization<Double>(
      userCount: 4, itemCount: 5, dimension: 3, biases: biases, intercept: 0.4, seed: 1)
    let (batch, cotangents) = (batch(), draws(5, 1))
    // Biases start at 0, where a fixed column's gradient would be 0 whether it is cleared or not.
    for side in 0..<2 {
      let table = model.tables[side]
      for row in 0..<table.rows {
        for column in table.factorWidth..<table.width where column != table.fixedColumn {
          model.tables[side].values[row * table.stride + column] = 0.3 + 0.1 * Double(row)
        }
      }
    }
    var gradient: [RowGradient<Double>] = []
    model.resetGradient(&gradient, for: batch)
    model.pullback(cotangents, for: batch, into: &gradient)
    func value(_ model: MatrixFactorization<Double>) -> Double {
      var logits: [Double] = []
      model.logits(for: batch, into: &logits)
      return (0..<5).reduce(0.0) { $0 + cotangents[$1] * logits[$1] }
    }
    for side in 0..<2 {
      for (slot, row) in gradient[side].rows.enumerated() {
        for column in 0..<model.tables[side].width {
          let place = Int(row) * model.tables[side].stride + column
          let got = gradient[side].values[slot * gradient[side].stride + column]
          if column == model.tables[side].fixedColumn {
            #expect(got == 0)
            continue
          }
          let before = model.tables[side].values[place]
          model.tables[side].values[place] = before + 1e-4
          let up = value(model)
          model.tables[side].values[place] = before - 1e-4
          let down = value(model)
          model.tables[side].values[place] = before
          #expect(abs(got - (up - down) / 2e-4) < 1e-9, "table \(side), row \(row), column \(column)")
        }
      }
    }
  }

  @Test func interceptAloneIsTheLogit() {
    let model = MatrixFactorization<Double>(
      userCount: 4, itemCount: 5, dimension: 3, biases: .userAndItem, intercept: -1.25, deviation: 0, seed: 1)
    var logits: [Double] = []
    model.logits(for: batch(), into: &logits)
    #expect(logits.prefix(5).allSatisfy { $0 == -1.25 })
  }

  @Test func exposurePullbacksMatchCentralDifferences() {
    let popularity = [0.9, 0.5, 0.2, 0.7, 0.05]
    check(BlendedExposure<Double>(userCount: 4, dimension: 3, popularity: popularity, deviation: 0.8, seed: 3))
    check(PerItemExposure<Double>(start: popularity.map { Float($0) }))
  }

  private func check(_ start: any ExposureModel<Double>) {
    var exposure = start
    let items = MatrixFactorization<Double>(
      userCount: 4, itemCount: 5, dimension: 3, deviation: 0.8, seed: 4
    ).itemEmbeddings
    let (batch, cotangents) = (batch(), draws(5, 5))
    func value(_ model: any ExposureModel<Double>) -> Double {
      var tape = ExposureTape<Double>()
      model.exposures(for: batch, items: items, tape: &tape)
      #expect(tape.exposures.prefix(5).allSatisfy { $0 >= 0 && $0 <= 1 })
      return (0..<5).reduce(0.0) { $0 + cotangents[$1] * tape.exposures[$1] }
    }
    var (tape, gradient): (ExposureTape<Double>, [RowGradient<Double>]) = (ExposureTape(), [])
    exposure.exposures(for: batch, items: items, tape: &tape)
    exposure.resetGradient(&gradient, for: batch)
    exposure.pullback(cotangents, for: batch, items: items, tape: &tape, into: &gradient)
    for table in exposure.tables.indices {
      for (slot, row) in gradient[table].rows.enumerated() {
        for column in 0..<exposure.tables[table].width {
          let place = Int(row) * exposure.tables[table].stride + column
          let before = exposure.tables[table].values[place]
          exposure.tables[table].values[place] = before + 1e-5
          let up = value(exposure)
          exposure.tables[table].values[place] = before - 1e-5
          let down = value(exposure)
          exposure.tables[table].values[place] = before
          let got = gradient[table].values[slot * gradient[table].stride + column]
          #expect(abs(got - (up - down) / 2e-5) < 1e-9, "table \(table), row \(row), column \(column)")
        }
      }
    }
  }

  @Test func adamMovesUntouchedRowsAndLazyAdamDoesNot() {
    let start = MatrixFactorization<Double>(userCount: 4, itemCount: 5, dimension: 4, seed: 1).tables
    let settings = OptimizerSettings(learningRate: 0.01, weightDecay: 0.1, biasDecay: 0)
    var gradient: [RowGradient<Double>] = [RowGradient(), RowGradient()]
    gradient[0].reset(rows: [1], stride: 4)
    gradient[0].values = [3, -2, 0.5, 1]
    gradient[1].reset(rows: [], stride: 4)
    var dense = start
    var adam = Adam<Double>(settings, for: start)
    adam.step(&dense, along: gradient)
    var lazy = start
    var lazyAdam = LazyAdam<Double>(settings, for: start)
    lazyAdam.step(&lazy, along: gradient)
    lazyAdam.step(&lazy, along: gradient)
    for row in 0..<4 where row != 1 {
      for k in row * 4..<row * 4 + 4 {
        // The first step has the length of the rate, towards 0 by the decay.
        #expect(abs(abs(dense[0].values[k] - start[0].values[k]) - 0.01) < 1e-5)
        #expect((dense[0].values[k] - start[0].values[k]) * start[0].values[k] < 0)
        #expect(lazy[0].values[k] == start[0].values[k])
      }
    }
    #expect(lazyAdam.state[0].steps == [0, 2, 0, 0])
    for k in 4..<8 { #expect(abs(abs(dense[0].values[k] - start[0].values[k]) - 0.01) < 1e-6) }
  }
}
