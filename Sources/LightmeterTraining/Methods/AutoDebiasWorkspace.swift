internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// The reused columns of AutoDebias' steps.
struct AutoDebiasWorkspace<S: TrainingScalar>: Sendable {
  var batch = IndexedBatch()
  var scores: [S] = []
  var factors = AutoDebiasFactors<S>()
  var cotangents: [S] = []
  var modelGradient: [RowGradient<S>] = []
  var saved: [[S]] = []
  // The validation set, and those of its pairs that the block touches, at the virtual point.
  var nearby = IndexedBatch()
  var outer = IndexedBatch()
  var outerScores: [S] = []
  var outerCotangents: [S] = []
  var outerGradient: [RowGradient<S>] = []
  var tangents: [S] = []
  var clickGradient = [RowGradient<S>(), RowGradient<S>()]
  var pairGradient = [RowGradient<S>(), RowGradient<S>(), RowGradient<S>()]
  var imputationGradient = [RowGradient<S>()]

  /// Zeroes the gradients of the weights; tables of one column have a stride of 4.
  mutating func resetWeights(rows: [[Int32]]) {
    for side in 0..<2 {
      clickGradient[side].reset(rows: rows[side], stride: 4)
      pairGradient[side].reset(rows: rows[side], stride: 4)
    }
    pairGradient[2].reset(rows: [0, 1], stride: 4)
    imputationGradient[0].reset(rows: [0, 1], stride: 4)
  }
}

/// The weights of a block as products of one factor a user and one an item, so that no cell needs an exponential.
struct AutoDebiasFactors<S: TrainingScalar>: Sendable {
  private var clickUsers: [S] = []
  private var clickItems: [S] = []
  private var pairUsers: [S] = []
  private var pairItems: [S] = []
  private var outcomes: [S] = []
  /// m of unclicked and clicked pairs.
  private(set) var labels: [S] = []

  mutating func read(_ click: [Table<S>], _ pair: [Table<S>], _ imputation: [Table<S>], _ batch: IndexedBatch) {
    // Cut at ±50, where a factor is e^±10: what a weight needs is far inside.
    func factors(_ table: Table<S>, _ rows: [Int32]) -> [S] {
      rows.map { S(Portable.exp(Double(min(max(table.values[Int($0) * table.stride], -50), 50)) / 5)) }
    }
    clickUsers = factors(click[0], batch.userRows)
    clickItems = factors(click[1], batch.itemRows)
    pairUsers = factors(pair[0], batch.userRows)
    pairItems = factors(pair[1], batch.itemRows)
    outcomes = factors(pair[2], [0, 1])
    // tanh f = 2 σ(2f) − 1.
    labels = (0..<2).map { S(2 * Portable.sigmoid(2 * Double(imputation[0].values[$0 * imputation[0].stride])) - 1) }
  }

  /// w1 of a pair of the block.
  func clickWeight(_ batch: IndexedBatch, _ k: Int) -> S {
    clickUsers[Int(batch.userSlots[k])] * clickItems[Int(batch.itemSlots[k])]
  }

  /// w2 of a pair of the block.
  func pairWeight(_ batch: IndexedBatch, _ k: Int) -> S {
    pairUsers[Int(batch.userSlots[k])] * pairItems[Int(batch.itemSlots[k])]
      * outcomes[batch.pairs.feedback[k] != 0 ? 1 : 0]
  }
}
