public import LightmeterFeedback
internal import LightmeterKernels

/// A slice of random traffic cut in two: one part calibrates, the other chooses.
///
/// - Stability: experimental
public struct SliceSplit: Sendable, Equatable {
  /// The pairs that calibrate.
  public let fitting: PairBatch
  /// The pairs on which finished candidates are compared.
  public let selection: PairBatch

  /// Cuts by pair, at random.
  ///
  /// - Parameters:
  ///   - fittingShare: share of the pairs that calibrate, rounded to whole pairs.
  /// - Returns: the pairs of each part in the order of the slice.
  /// - Precondition: the share is between 0 and 1.
  public init(_ slice: PairBatch, fittingShare: Double = 2.0 / 3.0, seed: UInt64) {
    precondition((0...1).contains(fittingShare), "a share of \(fittingShare) is not between 0 and 1")
    var order = Array(slice.users.indices)
    var generator = SeededGenerator(seed: seed, stream: .tuning)
    generator.shuffle(&order)
    let kept = Int((fittingShare * Double(slice.count)).rounded())
    fitting = SliceSplit.pick(slice, order[..<kept].sorted())
    selection = SliceSplit.pick(slice, order[kept...].sorted())
  }

  private static func pick(_ slice: PairBatch, _ rows: [Int]) -> PairBatch {
    PairBatch(
      users: rows.map { slice.users[$0] }, items: rows.map { slice.items[$0] },
      feedback: rows.map { slice.feedback[$0] },
      knownExposures: slice.knownExposures.map { column in rows.map { column[$0] } },
      weights: slice.weights.map { column in rows.map { column[$0] } })
  }
}

/// Measures of a finished model on randomly shown pairs: unbiased, because chance alone chose the pairs.
///
/// - Stability: experimental
public enum SliceSelection {
  /// The probability that a clicked random pair scores above an unclicked one; ties count one half.
  ///
  ///     AUC = (Σ ranks of the clicked − k (k + 1) / 2) / (k (n − k))
  ///
  /// Pooled over all pairs: a slice has too few pairs per user for a ranking per user. It sees differences between users
  /// too, so compare scores that are probabilities, or logits, of relevance.
  ///
  /// - Returns: nil when the pairs are all clicked or all unclicked.
  /// - Precondition: one score per pair, none NaN.
  public static func pooledAUC(scores: [Float], feedback: [UInt8]) -> Double? {
    precondition(scores.count == feedback.count, "\(scores.count) scores for \(feedback.count) pairs")
    precondition(!scores.contains { $0.isNaN }, "a score is not a number")
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    var (rankSum, clicks, start) = (0.0, 0, 0)
    while start < order.count {
      var end = start
      var clicksHere = 0
      while end < order.count, scores[order[end]] == scores[order[start]] {
        clicksHere += Int(feedback[order[end]])
        end += 1
      }
      rankSum += Double(clicksHere) * Double(start + 1 + end) / 2
      clicks += clicksHere
      start = end
    }
    let others = order.count - clicks
    guard clicks > 0, others > 0 else { return nil }
    return (rankSum - Double(clicks) * Double(clicks + 1) / 2) / (Double(clicks) * Double(others))
  }

  /// Mean log likelihood of the clicks given that the pairs were shown, nats per pair; higher is better.
  ///
  ///     1/n Σ y log p + (1 − y) log(1 − p)
  ///
  /// A proper score for models of relevance; a model of clicks (naive training) predicts less than relevance and is
  /// judged by ``pooledAUC(scores:feedback:)`` instead.
  ///
  /// - Numerics: p is clipped to [1e-6, 1 − 1e-6].
  /// - Precondition: one probability per pair, at least one pair.
  public static func meanLogLikelihood(probabilities: [Float], feedback: [UInt8]) -> Double {
    precondition(probabilities.count == feedback.count, "\(probabilities.count) probabilities, \(feedback.count) pairs")
    precondition(!feedback.isEmpty, "a likelihood of no pairs")
    var sum = 0.0
    for k in feedback.indices {
      let p = min(max(Double(probabilities[k]), 1e-6), 1 - 1e-6)
      sum += Portable.log(feedback[k] == 1 ? p : 1 - p)
    }
    return sum / Double(feedback.count)
  }

  /// The scores that a model gives to listed pairs, one by one.
  public static func scores(of scorer: any Scorer, for pairs: PairBatch) -> [Float] {
    var one: [Float] = [0]
    return pairs.users.indices.map { k in
      let item = Int(pairs.items[k])
      scorer.scores(user: Int(pairs.users[k]), items: item..<item + 1, into: &one)
      return one[0]
    }
  }
}
