internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// One step of AutoDebias on one block, generic in precision for the gradient checks.
///
/// With v = ∇G(ω̂), ω̂ = ω − η ∇F, and κ_ui = ⟨∂s_ui/∂ω, v⟩ at the old ω, in closed form:
///
///     ∂G/∂w1 = −2η (s − 1) κ;   ∂G/∂w2 = −2ηλ (s − m) κ;   ∂G/∂m = Σ 2ηλ w2 κ
///
/// Over a block's cells everything is a product of two matrices or one pass: all cells are first taken for unclicked ones,
/// whose weights and labels have the same form, then the few clicked ones are put right.
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
  ///   - block: users and items whose cells it goes through.
  ///   - validation: the outer set; may be empty.
  ///   - movesWeights: whether w1 and w2 move, or the imputed labels alone.
  mutating func step(on block: AutoDebiasBlock, validation: PairBatch, movesWeights: Bool) -> StepRecord {
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

  /// The weights of all users and items; their rows are settled.
  var weights: PairWeights {
    var factors = AutoDebiasFactors<S>()
    factors.read(
      clickWeights, pairWeights, imputation, users: clickWeights[0].everyRow, items: clickWeights[1].everyRow)
    func single(_ column: [S]) -> [Float] { column.map { Float($0) } }
    return PairWeights(
      clickUsers: single(factors.clickUsers), clickItems: single(factors.clickItems),
      pairUsers: single(factors.pairUsers), pairItems: single(factors.pairItems),
      pairOutcomes: single(factors.outcomes), labels: single(factors.labels))
  }

  /// Scores and weights of a block at the current parameters.
  mutating func begin(_ block: AutoDebiasBlock) {
    precondition(block.count > 0, "a block needs at least one pair")
    work.block = block
    // As pairs, the shorter side repeating its first row: the same rows in the same order.
    let count = max(block.users.count, block.items.count)
    func filled(_ rows: [Int32]) -> [Int32] { rows + repeatElement(rows[0], count: count - rows.count) }
    work.batch.pairs = PairBatch(
      users: filled(block.users), items: filled(block.items), feedback: [UInt8](repeating: 0, count: count))
    indexer.index(&work.batch)
    let rows = [work.batch.userRows, work.batch.itemRows]
    clickOptimizer.settle(&clickWeights, rows: rows)
    pairOptimizer.settle(&pairWeights, rows: rows + [[0, 1]])
    imputationOptimizer.settle(&imputation, rows: [[0, 1]])
    work.read(backbone)
    work.factors.read(clickWeights, pairWeights, imputation, work.batch)
  }

  /// Leaves ∇F in the workspace and returns F without its decay.
  mutating func innerGradient() -> Double {
    let (block, factors, scores) = (work.block, work.factors, work.scores)
    let (pairUsers, pairItems) = (factors.pairUsers, factors.pairItems)
    let width = block.items.count
    var cotangents: [S] = []
    swap(&cotangents, &work.cotangents)
    S.reserve(&cotangents, block.count)
    var loss = 0.0
    // A cell's loss is w (s − m)², its cotangent 2 w (s − m).
    for slot in block.users.indices {
      let (first, weight, label) = (
        slot * width, 2 * imputationWeight * pairUsers[slot] * factors.outcomes[0], factors.labels[0]
      )
      for place in 0..<width {
        let missed = scores[first + place] - label
        let cotangent = weight * pairItems[place] * missed
        cotangents[first + place] = cotangent
        loss += Double(cotangent * missed)
      }
    }
    loss /= 2
    for (index, cell) in block.clicks.enumerated() {
      let (slot, place) = Int(cell).quotientAndRemainder(dividingBy: width)
      let score = scores[Int(cell)]
      let pairWeight = imputationWeight * pairUsers[slot] * pairItems[place] * factors.outcomes[1]
      let clickWeight = factors.clickUsers[slot] * factors.clickItems[place] * S(block.weights[index])
      let (missed, short) = (score - factors.labels[1], score - 1)
      loss -= Double(cotangents[Int(cell)] * (score - factors.labels[0])) / 2
      loss += Double(pairWeight * missed * missed) + Double(clickWeight * short * short)
      cotangents[Int(cell)] = 2 * (pairWeight * missed + clickWeight * short)
    }
    swap(&cotangents, &work.cotangents)
    work.pullback(backbone)
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
    work.resetWeights()
    guard count > 0 else { return nil }
    work.pushforward()
    weightGradients()
    return loss / Double(count)
  }

  private mutating func weightGradients() {
    let (block, factors, scores, tangents) = (work.block, work.factors, work.scores, work.tangents)
    let (pairUsers, pairItems) = (factors.pairUsers, factors.pairItems)
    let width = block.items.count
    let (byClick, byPair) = (-2 * learningRate / 5, -2 * learningRate * imputationWeight / 5)
    let byLabel = 2 * learningRate * imputationWeight
    // By outcome: sums of w2 κ and of w2 (s − m) κ; by user and item the latter alone.
    var (labels, pairs): ([S], [S]) = ([0, 0], [0, 0])
    var ofItems = S.zeros(width)
    for slot in block.users.indices {
      let (first, weight, label) = (slot * width, pairUsers[slot] * factors.outcomes[0], factors.labels[0])
      var (plain, missed): (S, S) = (0, 0)
      for place in 0..<width {
        let moved = weight * pairItems[place] * tangents[first + place]
        let along = moved * (scores[first + place] - label)
        plain += moved
        missed += along
        ofItems[place] += along
      }
      labels[0] += plain
      pairs[0] += missed
      work.pairGradient[0].values[4 * slot] = byPair * missed
    }
    for (index, cell) in block.clicks.enumerated() {
      let (slot, place) = Int(cell).quotientAndRemainder(dividingBy: width)
      let (score, tangent) = (scores[Int(cell)], tangents[Int(cell)])
      let weight = pairUsers[slot] * pairItems[place] * tangent
      let (unclicked, clicked) = (weight * factors.outcomes[0], weight * factors.outcomes[1])
      let (wrong, right) = (unclicked * (score - factors.labels[0]), clicked * (score - factors.labels[1]))
      labels[0] -= unclicked
      labels[1] += clicked
      pairs[0] -= wrong
      pairs[1] += right
      ofItems[place] += right - wrong
      work.pairGradient[0].values[4 * slot] += byPair * (right - wrong)
      let clickWeight = factors.clickUsers[slot] * factors.clickItems[place] * S(block.weights[index])
      let click = byClick * clickWeight * (score - 1) * tangent
      work.clickGradient[0].values[4 * slot] += click
      work.clickGradient[1].values[4 * place] += click
    }
    for place in 0..<width { work.pairGradient[1].values[4 * place] = byPair * ofItems[place] }
    for outcome in 0..<2 {
      let label = factors.labels[outcome]
      work.pairGradient[2].values[4 * outcome] = byPair * pairs[outcome]
      work.imputationGradient[0].values[4 * outcome] = byLabel * labels[outcome] * (1 - label * label)
    }
  }
}

extension Table {
  fileprivate var everyRow: [Int32] { (0..<Int32(rows)).map { $0 } }
}
