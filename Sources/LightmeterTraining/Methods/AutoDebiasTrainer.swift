internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// One step of AutoDebias on one block, generic in precision for the gradient checks.
///
/// With v = ∇G(ω̂), ω̂ = ω − η ∇F, and κ_ui = ⟨∂s_ui/∂ω, v⟩ at the old ω, in closed form:
///
///     ∂G/∂w1 = −2η (s − 1) κ;   ∂G/∂w2 = −2ηλ (s − m) κ;   ∂G/∂m = Σ 2ηλ w2 κ
struct AutoDebiasTrainer<S: TrainingScalar>: Sendable {
  /// Users and items with biases, no intercept.
  var backbone: MatrixFactorization<S>
  /// x of users and items.
  var clickWeights: [Table<S>]
  /// z of users, items, and unclicked and clicked pairs.
  var pairWeights: [Table<S>]
  /// f of unclicked and clicked pairs.
  var imputation: [Table<S>]
  let learningRate: S
  let imputationWeight: S
  let decay: S
  var clickOptimizer: any Optimizer<S>
  var pairOptimizer: any Optimizer<S>
  var imputationOptimizer: any Optimizer<S>
  private var indexer: BatchIndexer
  private(set) var work = AutoDebiasWorkspace<S>()

  init(
    backbone: MatrixFactorization<S>, learningRate: S, imputationWeight: S, decay: S,
    optimizers: (_ tables: [Table<S>], _ group: Int) -> any Optimizer<S>
  ) {
    self.backbone = backbone
    (self.learningRate, self.imputationWeight, self.decay) = (learningRate, imputationWeight, decay)
    let (users, items) = (backbone.tables[0].rows, backbone.tables[1].rows)
    func column(_ name: String, _ rows: Int) -> Table<S> { Table(name: name, rows: rows, factorWidth: 1) }
    clickWeights = [column("weights.click.users", users), column("weights.click.items", items)]
    pairWeights = [
      column("weights.pair.users", users), column("weights.pair.items", items), column("weights.pair.clicked", 2),
    ]
    imputation = [column("imputation", 2)]
    clickOptimizer = optimizers(clickWeights, 0)
    pairOptimizer = optimizers(pairWeights, 1)
    imputationOptimizer = optimizers(imputation, 2)
    indexer = BatchIndexer(userCount: users, itemCount: items)
  }

  /// Moves weights and factors one step.
  ///
  /// - Parameters:
  ///   - block: every cell of a block of users and items.
  ///   - validation: the outer set; may be empty.
  ///   - movesWeights: whether w1 and w2 move, or the imputed labels alone.
  mutating func step(on block: PairBatch, validation: PairBatch, movesWeights: Bool) -> StepRecord {
    begin(block)
    var record = StepRecord()
    record.pairs = block.count
    record.trainingLoss = innerGradient() / Double(block.count)
    record.outerLoss = hypergradient(validation: validation)
    if movesWeights {
      clickOptimizer.step(&clickWeights, along: work.clickGradient)
      pairOptimizer.step(&pairWeights, along: work.pairGradient)
    }
    imputationOptimizer.step(&imputation, along: work.imputationGradient)
    work.factors.read(clickWeights, pairWeights, imputation, work.batch)
    _ = innerGradient()
    displace(by: -learningRate)
    record.gradientSquared = work.modelGradient.reduce(0) { $0 + $1.squaredNorm }
    record.exposureGradientSquared =
      (work.clickGradient + work.pairGradient + work.imputationGradient).reduce(0) { $0 + $1.squaredNorm }
    return record
  }

  /// Brings every row up to date.
  mutating func settle() {
    clickOptimizer.settle(&clickWeights, rows: nil)
    pairOptimizer.settle(&pairWeights, rows: nil)
    imputationOptimizer.settle(&imputation, rows: nil)
  }

  /// Scores and weights of a block at the current parameters.
  mutating func begin(_ block: PairBatch) {
    precondition(!block.isEmpty, "a block needs at least one pair")
    work.batch.pairs = block
    indexer.index(&work.batch)
    let rows = [work.batch.userRows, work.batch.itemRows]
    clickOptimizer.settle(&clickWeights, rows: rows)
    pairOptimizer.settle(&pairWeights, rows: rows + [[0, 1]])
    imputationOptimizer.settle(&imputation, rows: [[0, 1]])
    backbone.logits(for: work.batch, into: &work.scores)
    work.factors.read(clickWeights, pairWeights, imputation, work.batch)
  }

  /// Leaves ∇F in the workspace and returns F without its decay.
  mutating func innerGradient() -> Double {
    let count = work.batch.count
    S.reserve(&work.cotangents, count)
    var loss = 0.0
    let sampleWeights = work.batch.pairs.weights
    for k in 0..<count {
      let clicked = work.batch.pairs.feedback[k] != 0
      let score = work.scores[k]
      let pairWeight = imputationWeight * work.factors.pairWeight(work.batch, k)
      let missed = score - work.factors.labels[clicked ? 1 : 0]
      work.cotangents[k] = 2 * pairWeight * missed
      loss += Double(pairWeight * missed * missed)
      guard clicked else { continue }
      let clickWeight = work.factors.clickWeight(work.batch, k) * S(sampleWeights?[k] ?? 1)
      work.cotangents[k] += 2 * clickWeight * (score - 1)
      loss += Double(clickWeight * (score - 1) * (score - 1))
    }
    backbone.resetGradient(&work.modelGradient, for: work.batch)
    backbone.pullback(work.cotangents, for: work.batch, into: &work.modelGradient)
    for side in 0..<2 {
      let (stride, rows) = (work.modelGradient[side].stride, work.modelGradient[side].rows)
      for (slot, row) in rows.enumerated() {
        for column in 0..<backbone.dimension {
          work.modelGradient[side].values[slot * stride + column] +=
            decay * backbone.tables[side].values[Int(row) * stride + column]
        }
      }
    }
    return loss
  }

  private mutating func displace(by scale: S) {
    for side in 0..<2 {
      if work.saved.count <= side { work.saved.append([]) }
      let gradient = work.modelGradient[side]
      S.displace(
        &backbone.tables[side].values, rows: gradient.rows, stride: gradient.stride, by: gradient.values,
        slots: gradient.rows.indices.map { Int32($0) }, scale: scale, saved: &work.saved[side])
    }
  }

  private mutating func restore() {
    for side in 0..<2 {
      let gradient = work.modelGradient[side]
      S.restore(
        &backbone.tables[side].values, rows: gradient.rows, stride: gradient.stride, from: work.saved[side])
    }
  }

  /// Leaves the derivatives of G by the weights and labels in the workspace and returns the mean outer loss over the
  /// validation pairs that the block touches; nil where it touches none. ∇F must be there already.
  mutating func hypergradient(validation: PairBatch) -> Double? {
    work.nearby.pairs = validation
    indexer.locate(&work.nearby)
    work.outer.pairs.removeAll()
    for k in 0..<validation.count where work.nearby.userSlots[k] >= 0 || work.nearby.itemSlots[k] >= 0 {
      work.outer.pairs.append(user: validation.users[k], item: validation.items[k], feedback: validation.feedback[k])
    }
    indexer.locate(&work.outer)
    displace(by: -learningRate)
    backbone.logits(for: work.outer, into: &work.outerScores)
    let count = work.outer.count
    S.reserve(&work.outerCotangents, count)
    var loss = 0.0
    for k in 0..<count {
      let missed = work.outerScores[k] - (work.outer.pairs.feedback[k] != 0 ? 1 : -1)
      work.outerCotangents[k] = 2 * missed
      loss += Double(missed * missed)
    }
    backbone.resetGradient(&work.outerGradient, for: work.batch)
    backbone.pullback(work.outerCotangents, for: work.outer, into: &work.outerGradient)
    restore()
    backbone.pushforward(work.outerGradient, for: work.batch, into: &work.tangents)
    weightGradients()
    return count == 0 ? nil : loss / Double(count)
  }

  private mutating func weightGradients() {
    let batch = work.batch
    let rows = [batch.userRows, batch.itemRows]
    work.resetWeights(rows: rows)
    let (byClick, byPair) = (-2 * learningRate / 5, -2 * learningRate * imputationWeight / 5)
    let byLabel = 2 * learningRate * imputationWeight
    for k in 0..<batch.count {
      let outcome = batch.pairs.feedback[k] != 0 ? 1 : 0
      let (user, item) = (4 * Int(batch.userSlots[k]), 4 * Int(batch.itemSlots[k]))
      let (score, tangent, label) = (work.scores[k], work.tangents[k], work.factors.labels[outcome])
      let pairWeight = work.factors.pairWeight(batch, k)
      let pair = byPair * pairWeight * (score - label) * tangent
      work.pairGradient[0].values[user] += pair
      work.pairGradient[1].values[item] += pair
      work.pairGradient[2].values[4 * outcome] += pair
      work.imputationGradient[0].values[4 * outcome] += byLabel * pairWeight * tangent * (1 - label * label)
      guard outcome == 1 else { continue }
      let clickWeight = work.factors.clickWeight(batch, k) * S(batch.pairs.weights?[k] ?? 1)
      let click = byClick * clickWeight * (score - 1) * tangent
      work.clickGradient[0].values[user] += click
      work.clickGradient[1].values[item] += click
    }
  }
}
