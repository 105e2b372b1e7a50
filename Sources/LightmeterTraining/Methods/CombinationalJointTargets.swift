internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// What a pass of CJMF takes for true: the base models as they were before it.
struct CombinationalJointTargets: Sendable {
  private var backbones: [MatrixFactorization<Float>] = []
  /// m of every item by each base model, and their mean.
  private var exposures: [[Float]] = []
  private var meanExposures: [Float] = []
  private var logits: [Float] = []
  private var relevances: [[Float]] = []

  /// Keeps the base models; their rows are settled.
  mutating func freeze(_ bases: [CombinationalJointMember], popularity: [Float]) {
    backbones = bases.map(\.backbone)
    let rows = popularity.indices.map { Int32($0) }
    var gated = GatedExposure<Float>()
    meanExposures = [Float](repeating: 0, count: rows.count)
    exposures = bases.map { base in
      base.evaluateExposures(
        on: nil, embeddings: base.backbone.itemEmbeddings, rows: rows, popularity: popularity, into: &gated)
      return (0..<rows.count).map { clipped(gated.exposures[$0]) }
    }
    for column in exposures {
      for item in column.indices { meanExposures[item] += column[item] / Float(bases.count) }
    }
  }

  /// Writes M and P of the workspace's batch.
  ///
  /// - Parameters:
  ///   - parts: per pair, the part of a click, whose own model alone answers; -1 for other pairs, where all do.
  mutating func evaluate(parts: [Int], _ work: inout CombinationalJointWorkspace) {
    let count = work.batch.count
    if relevances.count != backbones.count { relevances = backbones.map { _ in [] } }
    for (k, backbone) in backbones.enumerated() {
      backbone.logits(for: work.batch, into: &logits)
      Float.reserve(&relevances[k], count)
      Float.sigmoid(logits, count: count, into: &relevances[k])
    }
    Float.clear(&work.targetExposures, count)
    Float.clear(&work.targetRelevances, count)
    let share = 1 / Float(backbones.count)
    for (model, column) in relevances.enumerated() {
      for k in 0..<count {
        if parts[k] == model {
          work.targetRelevances[k] = clipped(column[k])
        } else if parts[k] < 0 {
          work.targetRelevances[k] += share * clipped(column[k])
        }
      }
    }
    for k in 0..<count {
      let item = Int(work.batch.pairs.items[k])
      work.targetExposures[k] = parts[k] < 0 ? meanExposures[item] : exposures[parts[k]][item]
      if let known = work.batch.pairs.knownExposures, !known[k].isNaN {
        work.targetExposures[k] = clipped(known[k])
      }
    }
  }

  private func clipped(_ value: Float) -> Float {
    min(max(value, CombinationalJointMember.clip), 1 - CombinationalJointMember.clip)
  }
}

/// Sums of an epoch of CJMF.
struct CombinationalJointTally {
  private var (measured, pairs, modelPairs, targets) = (0, 0, 0, 0.0)
  private var (loss, gradient, gateGradient) = (0.0, 0.0, 0.0)
  private var (least, greatest) = (1.0, 0.0)

  mutating func addTargets(_ work: CombinationalJointWorkspace) {
    let summary = Float.summarize(work.targetExposures, count: work.batch.count)
    pairs += work.batch.count
    targets += summary.sum
    least = min(least, summary.least)
    greatest = max(greatest, summary.greatest)
  }

  mutating func add(
    _ step: CombinationalJointStep, pairs count: Int, epoch: Int, batch: Int
  ) throws(TrainingError) {
    try check(step, epoch: epoch, batch: batch)
    modelPairs += count
    loss += step.loss
    guard let squared = step.gradientSquared else { return }
    measured += 1
    gradient += squared
    gateGradient += step.gateGradientSquared ?? 0
  }

  func check(_ step: CombinationalJointStep, epoch: Int, batch: Int) throws(TrainingError) {
    guard step.loss.isFinite, step.gradientSquared?.isFinite ?? true, step.gateGradientSquared?.isFinite ?? true else {
      throw .diverged(epoch: epoch + 1, batch: batch + 1, what: "the training loss is \(step.loss)")
    }
  }

  var record: EpochRecord {
    var record = EpochRecord()
    record.trainingLoss = loss / Double(max(modelPairs, 1))
    record.meanExposure = targets / Double(max(pairs, 1))
    (record.leastExposure, record.greatestExposure) = (least, greatest)
    record.gradientNorm = (gradient / Double(max(measured, 1))).squareRoot()
    record.exposureGradientNorm = (gateGradient / Double(max(measured, 1))).squareRoot()
    record.pairs = pairs
    return record
  }
}
