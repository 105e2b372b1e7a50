internal import LightmeterFeedback
internal import LightmeterKernels

/// The pairs of some parts of one epoch of CJMF's stream, in the batches that the passes on them take.
struct CombinationalJointStream: Sendable {
  private var epoch = -1
  private var pairs: [PairBatch?] = []
  // Of each part, where each of its batches ends.
  private var ends: [[Int]] = []

  func holds(_ part: Int, epoch: Int) -> Bool {
    epoch == self.epoch && part < pairs.count && pairs[part] != nil
  }

  mutating func clear(epoch: Int) {
    self.epoch = epoch
    pairs = []
    ends = []
  }

  /// Adds one batch of each wanted part from a batch of the whole stream. Unclicked pairs fall to a part by chance, anew in
  /// every epoch, so that an epoch's passes go through the stream once.
  mutating func add(_ drawn: PairBatch, parts: ClickParts, wanted: [Int], key: UInt64) {
    if pairs.isEmpty {
      pairs = [PairBatch?](repeating: nil, count: parts.count)
      ends = [[Int]](repeating: [], count: parts.count)
      for part in wanted {
        pairs[part] = PairBatch(
          knownExposures: drawn.knownExposures.map { _ in [] }, weights: drawn.weights.map { _ in [] })
      }
    }
    for k in 0..<drawn.count {
      let (user, item, label) = (drawn.users[k], drawn.items[k], drawn.feedback[k])
      let part =
        parts(label: label, user: user, item: item)
        ?? Int(SeededGenerator.hash(key, UInt64(user), UInt64(item)) % UInt64(parts.count))
      pairs[part]?.append(
        user: user, item: item, feedback: label, knownExposure: drawn.knownExposures?[k] ?? .nan,
        weight: drawn.weights?[k] ?? 1)
    }
    for part in wanted { ends[part].append(pairs[part]?.count ?? 0) }
  }

  /// Replaces `batch` by batch `index` of a part that is held.
  func fill(_ batch: inout PairBatch, part: Int, index: Int) {
    guard let held = pairs[part] else { preconditionFailure("part \(part) is not held") }
    let range = (index == 0 ? 0 : ends[part][index - 1])..<ends[part][index]
    batch = PairBatch(
      users: Array(held.users[range]), items: Array(held.items[range]), feedback: Array(held.feedback[range]),
      knownExposures: held.knownExposures.map { Array($0[range]) }, weights: held.weights.map { Array($0[range]) })
  }
}
