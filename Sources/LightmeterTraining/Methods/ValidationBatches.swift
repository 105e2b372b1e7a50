internal import LightmeterFeedback
internal import LightmeterKernels

/// The validation pairs of each step: all of them up to a cap, beyond it mini-batches that an epoch goes through in turn.
///
/// An epoch cuts the set anew, at random, into as few batches of equal size (±1) as the cap allows: every batch is a simple
/// random sample of the set, so its mean loss is an unbiased estimate of the outer loss, and no pair waits long.
///
/// - Source: METHODS §1.3, the size cap.
struct ValidationBatches: Sendable {
  private let pairs: PairBatch
  private let most: Int
  private let seed: UInt64

  /// The batches of `pairs`, whose order they keep.
  ///
  /// - Parameters:
  ///   - most: the cap, in pairs per step; nil for none.
  init(_ pairs: PairBatch, most: Int?, seed: UInt64) {
    self.pairs = pairs
    self.most = max(most ?? .max, 1)
    self.seed = seed
  }

  /// The batches of an epoch; step s takes number s modulo their count.
  ///
  /// - Complexity: O(pairs) where the cap cuts, else O(1).
  func batches(epoch: Int) -> [PairBatch] {
    guard pairs.count > most else { return [pairs] }
    let count = (pairs.count + most - 1) / most
    let order = KeyedPermutation(
      count: pairs.count, key: SeededGenerator.key(seed: seed, stream: .validation, epoch: epoch))
    var batches = [PairBatch](repeating: PairBatch(), count: count)
    for pair in 0..<pairs.count {
      batches[order(pair) * count / pairs.count].append(
        user: pairs.users[pair], item: pairs.items[pair], feedback: pairs.feedback[pair])
    }
    return batches
  }
}
