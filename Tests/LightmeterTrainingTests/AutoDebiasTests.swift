import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import TestSupport
import Testing

@testable import LightmeterTraining

/// AutoDebias: reference values, the hypergradient against central differences, degenerate weights, blocks (METHODS §12.6).
@Suite struct AutoDebiasTests {
  private func set(_ table: inout Table<Double>, _ columns: [[Double]]) {
    for (column, values) in columns.enumerated() {
      for (row, value) in values.enumerated() { table.values[row * table.stride + column] = value }
    }
  }

  private func transposed(_ rows: [[Double]]) -> [[Double]] { rows[0].indices.map { c in rows.map { $0[c] } } }

  private func trainer(_ golden: GoldenValue) -> AutoDebiasTrainer<Double> {
    let (model, weights) = (golden["model"], golden["weights"])
    var backbone = MatrixFactorization<Double>(
      userCount: 4, itemCount: 5, dimension: 3, biases: .userAndItem, deviation: 0, seed: 0)
    let ones = [Double](repeating: 1, count: 5)
    set(&backbone.tables[0], transposed(model["p"].matrix) + [model["bu"].doubles, [Double](ones.prefix(4))])
    set(&backbone.tables[1], transposed(model["q"].matrix) + [ones, model["bi"].doubles])
    var trainer = AutoDebiasTrainer<Double>(
      backbone: backbone, learningRate: golden["eta"].double, imputationWeight: golden["lambda"].double,
      decay: golden["kappa"].double
    ) { _, _ in GradientDescent(learningRate: 0.5, decay: 0.1) }
    set(&trainer.clickWeights[0], [weights["xu"].doubles])
    set(&trainer.clickWeights[1], [weights["xi"].doubles])
    set(&trainer.pairWeights[0], [weights["zu"].doubles])
    set(&trainer.pairWeights[1], [weights["zi"].doubles])
    set(&trainer.pairWeights[2], [weights["zo"].doubles])
    set(&trainer.imputation[0], [weights["f"].doubles])
    return trainer
  }

  private func block(_ golden: GoldenValue) -> AutoDebiasBlock {
    let clicks = golden["clicks"].array.map { Int32(5 * $0[0].int + $0[1].int) }
    return AutoDebiasBlock(
      users: [0, 1, 2, 3], items: [0, 1, 2, 3, 4], clicks: clicks, weights: clicks.map { _ in 1 })
  }

  private func validation(_ golden: GoldenValue) -> PairBatch {
    var batch = PairBatch()
    for row in golden["validation"].array {
      batch.append(user: Int32(row[0].int), item: Int32(row[1].int), feedback: row[2].int == 1 ? 1 : 0)
    }
    return batch
  }

  @Test func lossesGradientsAndHypergradientsAreTheReferenceValues() {
    let golden = Golden.load("methods")["autoDebias"]
    var trainer = trainer(golden)
    trainer.begin(block(golden))
    var loss = trainer.innerGradient()
    for side in 0..<2 {
      let table = trainer.backbone.tables[side]
      for row in 0..<table.rows {
        for column in 0..<3 {
          let value = table.values[row * table.stride + column]
          loss += golden["kappa"].double / 2 * value * value
        }
      }
    }
    #expect(abs(loss - golden["innerLoss"].double) < 1e-12)
    for (side, names) in [("p", "bu"), ("q", "bi")].enumerated() {
      let gradient = trainer.work.modelGradient[side]
      let dense = gradient.dense(rows: 4 + side, width: 5)
      let wanted = golden["innerGradient"]
      for row in 0..<4 + side {
        for column in 0..<3 { #expect(abs(dense[5 * row + column] - wanted[names.0][row][column].double) < 1e-12) }
        #expect(abs(dense[5 * row + 3 + side] - wanted[names.1][row].double) < 1e-12)
        #expect(dense[5 * row + 4 - side] == 0, "the constant beside a bias has no gradient")
      }
    }
    let outer = trainer.hypergradient(validation: validation(golden)) ?? .nan
    #expect(abs(4 * outer - golden["outerLossAfterVirtualStep"].double) < 1e-12)
    let work = trainer.work
    let columns = [
      ("xu", work.clickGradient[0]), ("xi", work.clickGradient[1]), ("zu", work.pairGradient[0]),
      ("zi", work.pairGradient[1]), ("zo", work.pairGradient[2]), ("f", work.imputationGradient[0]),
    ]
    for (name, gradient) in columns {
      let wanted = golden["hypergradient"][name].doubles
      let dense = gradient.dense(rows: wanted.count, width: 1)
      for k in wanted.indices { #expect(abs(dense[k] - wanted[k]) < 1e-13, "\(name)[\(k)]") }
    }
    #expect(trainer.backbone.tables.map(\.values) == self.trainer(golden).backbone.tables.map(\.values), "look-ahead")
  }

  @Test func itIsTheDerivativeOfTheOuterLossThroughOneStep() {
    let golden = Golden.load("methods")["autoDebias"]
    // Weights of pairs too, and a block that leaves users and items of the validation set out and has its own order.
    let whole = block(golden)
    var part = AutoDebiasBlock(users: [2, 0, 1], items: [4, 0, 3, 2])
    for click in whole.clicks {
      guard let slot = part.users.firstIndex(of: click / 5), let place = part.items.firstIndex(of: click % 5) else {
        continue
      }
      part.clicks.append(Int32(4 * slot + place))
      part.weights.append(click % 3 == 0 ? 2 : 1)
    }
    #expect(part.clicks.count > 1 && part.weights.contains(2))
    let validation = validation(golden)
    var trainer = trainer(golden)
    trainer.begin(part)
    _ = trainer.innerGradient()
    _ = trainer.hypergradient(validation: validation)
    let touched = Double(trainer.work.outer.count)
    #expect(touched == 3)
    let groups: [(WritableKeyPath<AutoDebiasTrainer<Double>, [Table<Double>]>, [RowGradient<Double>])] = [
      (\.clickWeights, trainer.work.clickGradient), (\.pairWeights, trainer.work.pairGradient),
      (\.imputation, trainer.work.imputationGradient),
    ]
    var largest = 0.0
    for (tables, gradients) in groups {
      for (table, gradient) in gradients.enumerated() {
        for (slot, row) in gradient.rows.enumerated() {
          let step = 1e-4
          func outerLoss(_ shift: Double) -> Double {
            var copy = trainer
            copy[keyPath: tables][table].values[4 * Int(row)] += shift
            copy.begin(part)
            _ = copy.innerGradient()
            return touched * (copy.hypergradient(validation: validation) ?? .nan)
          }
          let slope = (outerLoss(step) - outerLoss(-step)) / (2 * step)
          // Truncation step² and rounding 1e-15/step.
          #expect(abs(slope - gradient.values[4 * slot]) < 1e-9, "table \(table), row \(row)")
          largest = max(largest, abs(slope))
        }
      }
    }
    #expect(largest > 1e-3)
  }

  @Test func withUnitWeightsAndNoImputationItIsPlainFactorisationOfClicks() {
    let golden = Golden.load("methods")["autoDebias"]
    let start = trainer(golden)
    var degenerate = AutoDebiasTrainer<Double>(
      backbone: start.backbone, learningRate: 0.02, imputationWeight: 0, decay: 0.1
    ) { _, _ in GradientDescent(learningRate: 0.5) }
    var plain = start.backbone
    for _ in 0..<5 {
      _ = degenerate.step(on: block(golden), validation: validation(golden), movesWeights: false)
      var moved = plain
      for click in golden["clicks"].array {
        let (u, i) = (click[0].int, click[1].int)
        let (p, q) = (plain.tables[0].values[8 * u..<8 * u + 5], plain.tables[1].values[8 * i..<8 * i + 5])
        let slope = 2 * (zip(p, q).reduce(0) { $0 + $1.0 * $1.1 } - 1)
        for column in 0..<5 {
          if column != 4 { moved.tables[0].values[8 * u + column] -= 0.02 * slope * q[8 * i + column] }
          if column != 3 { moved.tables[1].values[8 * i + column] -= 0.02 * slope * p[8 * u + column] }
        }
      }
      for side in 0..<2 {
        for row in 0..<4 + side {
          for column in 0..<3 {
            moved.tables[side].values[8 * row + column] -= 0.02 * 0.1 * plain.tables[side].values[8 * row + column]
          }
        }
      }
      plain = moved
    }
    for side in 0..<2 {
      #expect(largestDifference(degenerate.backbone.tables[side].values, plain.tables[side].values) < 1e-14)
      #expect(largestDifference(start.backbone.tables[side].values, plain.tables[side].values) > 1e-2)
    }
  }

  @Test func withoutValidationPairsOnlyDecayMovesTheWeights() {
    let golden = Golden.load("methods")["autoDebias"]
    var trainer = trainer(golden)
    let before = trainer
    let record = trainer.step(on: block(golden), validation: PairBatch(), movesWeights: true)
    #expect(record.exposureGradientSquared == 0 && record.outerLoss == nil)
    for group in [\AutoDebiasTrainer<Double>.clickWeights, \.pairWeights, \.imputation] {
      for (table, old) in zip(trainer[keyPath: group], before[keyPath: group]) {
        // Rate ½, decay 0.1.
        for k in table.values.indices { #expect(abs(table.values[k] - 0.95 * old.values[k]) < 1e-15) }
      }
    }
    #expect(trainer.backbone.tables[0].values != before.backbone.tables[0].values)
  }

  // MARK: - Runs

  private func method(epochs: Int = 3) -> AutoDebiasMethod {
    var method = AutoDebiasMethod()
    (method.dimension, method.epochs, method.blockCells, method.frozenEpochs) = (4, epochs, 30, 2)
    (method.learningRate, method.weightDecay) = (0.02, 0.1)
    (method.clickWeights.learningRate, method.pairWeights.learningRate) = (0.05, 0.05)
    return method
  }

  @Test func weightsAreFrozenInTheFirstEpochsAndLabelsStayBetweenMinusOneAndOne() throws {
    let data = SmallTrainingData.make()
    func weights(epochs: Int) throws -> ([[Float]], [Float]) {
      var run = try AutoDebiasRun(method: method(epochs: epochs), data: data, seed: 1)
      _ = try run.train(epochs: epochs, observer: SilentObserver())
      return ((run.trainer.clickWeights + run.trainer.pairWeights).map(\.values), run.trainer.imputation[0].values)
    }
    let (start, two, three) = (try weights(epochs: 0), try weights(epochs: 2), try weights(epochs: 3))
    #expect(start.0 == two.0 && start.1 != two.1)
    for (frozen, moved) in zip(two.0, three.0) { #expect(frozen != moved) }
    var factors = AutoDebiasFactors<Float>()
    var far = try AutoDebiasRun(method: method(), data: data, seed: 1).trainer
    far.imputation[0].values[0] = -40
    far.imputation[0].values[4] = 3
    factors.read(far.clickWeights, far.pairWeights, far.imputation, IndexedBatch())
    #expect(factors.labels[0] >= -1 && abs(factors.labels[1] - Float(tanh(3.0))) < 1e-6)
  }

  @Test func blocksOfAnEpochHoldEveryPairOnceAndAreDrawnAnew() {
    let positives = SmallTrainingData.make().positives
    let blocks = AutoDebiasBlocks(userCount: 12, itemCount: 10, cells: 30, seed: 1)
    func cells(_ epoch: Int) -> [Int] {
      let partition = blocks.partition(epoch: epoch)
      var all: [Int] = []
      for index in 0..<blocks.count {
        let block = partition.block(index, positives: positives, weights: nil)
        #expect(block.count <= 30 && block.clicks.count == block.weights.count)
        for cell in 0..<block.count {
          let (user, item) = (Int(block.users[cell / block.items.count]), block.items[cell % block.items.count])
          all.append(10 * user + Int(item))
          #expect(block.clicks.contains(Int32(cell)) == positives.contains(user: user, item: item))
        }
      }
      return all
    }
    #expect(cells(0).sorted() == Array(0..<120) && cells(1).sorted() == Array(0..<120))
    #expect(cells(0) != cells(1))
  }

  @Test func resumedRunEndsInTheBytesOfAnUnbrokenOneAndSeedsCount() throws {
    let data = SmallTrainingData.make()
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).resume").path
    let file = ResumeFile(path: path, fingerprint: "run")
    defer { file.remove() }
    func factors(_ method: AutoDebiasMethod, seed: UInt64 = 1) throws -> [Float] {
      let model = try #require(
        method.fit(data, seed: seed, observer: SilentObserver()).scorer as? FactorModel)
      #expect(model.relevance(ofScore: 0.5) == 0.75 && model.relevance(ofScore: -2) == 0)
      return model.users.values + model.items.values
    }
    let unbroken = try factors(method(epochs: 4))
    _ = try method(epochs: 4).fit(data, seed: 1, observer: StopAfterTwo(file: file))
    var rest = method(epochs: 4)
    rest.resumeFrom = file
    #expect(try factors(rest) == unbroken)
    #expect(try factors(method(epochs: 4), seed: 2) != unbroken)
  }

  @Test func theValidationSetDecidesTheWeightsAndItsLackIsAnError() throws {
    var data = SmallTrainingData.make()
    func labels(_ data: TrainingData) throws -> [Float] {
      var run = try AutoDebiasRun(method: method(), data: data, seed: 1)
      _ = try run.train(epochs: method().epochs, observer: SilentObserver())
      return run.trainer.imputation[0].values
    }
    let carved = try labels(data)
    data.validation.feedback = data.validation.feedback.map { 1 - $0 }
    #expect(try labels(data) != carved)
    data.validation = PairBatch()
    #expect(throws: TrainingError.self) { try method().fit(data, seed: 1, observer: SilentObserver()) }
  }
}
