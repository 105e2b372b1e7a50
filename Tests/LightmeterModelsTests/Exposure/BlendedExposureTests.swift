import LightmeterFeedback
import LightmeterKernels
import Testing

@testable import LightmeterModels

/// The derivatives of Eq. (14) that only some strategies use, alone against central differences in Double: by the item
/// factors, and of the slope along an item displacement (METHODS §6.5).
@Suite struct BlendedExposureTests {
  private static let (users, items, dimension) = (4, 5, 3)
  private let popularity = [0.9, 0.5, 0.2, 0.7, 0.05]

  /// Items and users come more than once.
  private func batch() -> IndexedBatch {
    var batch = IndexedBatch()
    batch.pairs = PairBatch(users: [0, 1, 0, 2, 1, 3], items: [3, 0, 1, 3, 0, 3], feedback: [1, 0, 0, 1, 0, 0])
    var indexer = BatchIndexer(userCount: Self.users, itemCount: Self.items)
    indexer.index(&batch)
    return batch
  }

  private func draws(_ count: Int, _ salt: Int) -> [Double] {
    var generator = SeededGenerator(seed: 19, stream: .initialise, epoch: salt)
    return (0..<count).map { _ in generator.normal() }
  }

  /// Item rows with bias columns beside the factors, which exposure must not read.
  private func itemTable() -> Table<Double> {
    var table = Table<Double>(name: "items", rows: Self.items, factorWidth: Self.dimension, extraColumns: 2)
    table.values = draws(table.values.count, 1)
    return table
  }

  private func embeddings(_ table: Table<Double>) -> ItemEmbeddings<Double> {
    ItemEmbeddings(rows: table.view, width: Self.dimension)
  }

  private func exposure() -> BlendedExposure<Double> {
    var model = BlendedExposure<Double>(
      userCount: Self.users, dimension: Self.dimension, popularity: popularity, deviation: 0.8, seed: 3)
    model.tables[1].values[Self.dimension] = 0.4
    return model
  }

  private func exposures(_ model: BlendedExposure<Double>, _ items: Table<Double>) -> [Double] {
    var tape = ExposureTape<Double>()
    model.exposures(for: batch(), items: embeddings(items), tape: &tape)
    return Array(tape.exposures.prefix(6))
  }

  /// Central differences at 1e-5: truncation and rounding both stay under 1e-9.
  private func slope(_ step: Double = 1e-5, _ value: (Double) -> Double) -> Double {
    (value(step) - value(-step)) / (2 * step)
  }

  /// A long run takes its gates from a column that is made once.
  @Test func aRunHasTheBitsOfItsPairs() {
    let count = 200
    var items = Table<Float>(name: "items", rows: count, factorWidth: 3, extraColumns: 2)
    items.values = draws(items.values.count, 5).map { Float($0) }
    let model = BlendedExposure<Float>(
      userCount: 4, dimension: 3, popularity: (0..<count).map { Float($0) / 200 }, deviation: 0.8, seed: 3)
    let estimate = model.estimate(items: items)
    for range in [0..<count, 30..<170, 40..<50] {
      var run = [Float](repeating: 0, count: range.count)
      estimate.exposures(user: 2, items: range, into: &run)
      for (place, item) in range.enumerated() {
        #expect(run[place] == estimate.exposure(user: 2, item: item), "item \(item) of \(range)")
      }
    }
  }

  @Test func exposuresAreEquation14() {
    let (model, items, batch) = (exposure(), itemTable(), batch())
    for (k, got) in exposures(model, items).enumerated() {
      let (user, item) = (Int(batch.pairs.users[k]), Int(batch.pairs.items[k]))
      var (affinity, gate) = (0.0, 0.4)
      for column in 0..<Self.dimension {
        let w = items.values[item * items.stride + column]
        affinity += model.tables[0].values[user * model.tables[0].stride + column] * w
        gate += model.tables[1].values[column] * w
      }
      let r = Portable.sigmoid(gate)
      #expect(abs(got - (r * Portable.sigmoid(affinity) + (1 - r) * popularity[item])) < 1e-12)
    }
  }

  @Test func itemPullbackAddsTheDerivativeByTheItemFactors() {
    let (model, items, batch, cotangents) = (exposure(), itemTable(), batch(), draws(6, 2))
    var (tape, gradient) = (ExposureTape<Double>(), RowGradient<Double>())
    model.exposures(for: batch, items: embeddings(items), tape: &tape)
    gradient.reset(rows: batch.itemRows, stride: items.stride)
    // It adds to what the loss left there.
    for k in gradient.values.indices { gradient.values[k] = 0.25 }
    model.itemPullback(cotangents, for: batch, tape: &tape, into: &gradient)
    for (slot, row) in gradient.rows.enumerated() {
      for column in 0..<items.stride {
        let derivative = slope { step in
          var moved = items
          moved.values[Int(row) * items.stride + column] += step
          return zip(cotangents, exposures(model, moved)).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let got = gradient.values[slot * items.stride + column] - 0.25
        #expect(abs(got - derivative) < 1e-9, "item \(row), column \(column)")
        #expect((derivative == 0) == (column >= Self.dimension), "biases are not read")
      }
    }
  }

  /// A displacement of the batch's item rows.
  private func direction(_ batch: IndexedBatch, _ items: Table<Double>) -> RowGradient<Double> {
    var direction = RowGradient<Double>()
    direction.reset(rows: batch.itemRows, stride: items.stride)
    let values = draws(batch.itemRows.count * items.stride, 4)
    for k in values.indices { direction.values[k] = values[k] }
    return direction
  }

  /// ∂m/∂w · v per pair and Σ cotangent · that by the parameters, as the model says.
  private func mixed(
    _ model: BlendedExposure<Double>, _ cotangents: [Double]
  ) -> (slopes: [Double], gradient: [RowGradient<Double>]) {
    let (items, batch) = (itemTable(), batch())
    var (tape, gradient): (ExposureTape<Double>, [RowGradient<Double>]) = (ExposureTape(), [])
    model.exposures(for: batch, items: embeddings(items), tape: &tape)
    model.resetGradient(&gradient, for: batch)
    model.mixedPullback(
      cotangents, along: direction(batch, items), for: batch, items: embeddings(items), tape: &tape, into: &gradient)
    return (Array(tape.slopes.prefix(6)), gradient)
  }

  @Test func slopesAreTheDerivativeAlongTheDisplacement() {
    let (model, items, batch) = (exposure(), itemTable(), batch())
    let direction = direction(batch, items)
    func moved(_ step: Double) -> [Double] {
      var table = items
      for (slot, row) in direction.rows.enumerated() {
        for column in 0..<items.stride {
          table.values[Int(row) * items.stride + column] += step * direction.values[slot * items.stride + column]
        }
      }
      return exposures(model, table)
    }
    for (k, got) in mixed(model, draws(6, 5)).slopes.enumerated() {
      #expect(abs(got - slope { moved($0)[k] }) < 1e-9, "pair \(k)")
      #expect(abs(got) > 1e-4)
    }
  }

  @Test func mixedPullbackIsTheDerivativeOfTheSlopesByTheParameters() {
    let (model, cotangents) = (exposure(), draws(6, 5))
    let gradient = mixed(model, cotangents).gradient
    for table in 0..<2 {
      for (slot, row) in gradient[table].rows.enumerated() {
        for column in 0..<model.tables[table].width {
          // The slopes are held against the exposures themselves in the test above.
          let derivative = slope { step in
            var moved = model
            moved.tables[table].values[Int(row) * model.tables[table].stride + column] += step
            return zip(cotangents, mixed(moved, cotangents).slopes).reduce(0) { $0 + $1.0 * $1.1 }
          }
          let got = gradient[table].values[slot * gradient[table].stride + column]
          #expect(abs(got - derivative) < 1e-9, "table \(table), row \(row), column \(column)")
          #expect(abs(got) > 1e-6)
        }
      }
    }
  }

  @Test func exposuresThatDoNotReadItemsHaveNoSlopes() {
    let (items, batch) = (itemTable(), batch())
    let models: [any ExposureModel<Double>] = [
      PerItemExposure<Double>(start: popularity.map { Float($0) }),
      FixedExposure<Double>(.perItem(popularity.map { Float($0) })),
    ]
    for model in models {
      var (tape, gradient): (ExposureTape<Double>, [RowGradient<Double>]) = (ExposureTape(), [])
      model.exposures(for: batch, items: embeddings(items), tape: &tape)
      model.resetGradient(&gradient, for: batch)
      var byItems = direction(batch, items)
      let before = byItems.values
      model.itemPullback(draws(6, 2), for: batch, tape: &tape, into: &byItems)
      #expect(byItems.values == before)
      tape.slopes = [Double](repeating: 7, count: 6)
      model.mixedPullback(
        draws(6, 2), along: byItems, for: batch, items: embeddings(items), tape: &tape, into: &gradient)
      #expect(tape.slopes.prefix(6).allSatisfy { $0 == 0 })
      #expect(gradient.allSatisfy { $0.squaredNorm == 0 })
    }
  }
}
