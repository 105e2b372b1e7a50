internal import CLightmeterKernels

/// The order in which an epoch visits the index space of a stream.
public struct PairOrder: Sendable {
  let whole: KeyedPermutation
  let blocks: lm_blocks
  /// Indices of the epoch.
  public var count: Int { whole.count }

  /// One permutation of all indices.
  public init(count: Int, key: UInt64) {
    whole = KeyedPermutation(count: count, key: key)
    blocks = lm_blocks()
  }

  /// Blocks of `length` indices that stand together user by user, each shuffled, in a shuffled order of blocks.
  ///
  /// The line of users begins at another place for every key, so that other users share a block in every epoch. The last
  /// block is shorter where `length` does not divide `count`.
  public init(count: Int, key: UInt64, blocksOf length: Int) {
    precondition(length > 0, "a block of \(length) pairs is impossible")
    whole = KeyedPermutation(count: count, key: key)
    func part(_ count: Int, _ salt: UInt64) -> lm_permutation {
      KeyedPermutation(count: count, key: SeededGenerator.hash(key, salt)).network
    }
    blocks = lm_blocks(
      length: UInt64(length), full: UInt64(count / length),
      rotation: SeededGenerator.hash(key, 5).multipliedFullWidth(by: UInt64(count)).high,
      whole: part(count / length, 6),
      inner: part(length, 7), tail: part(count % length, 8))
  }
}

/// The pairs of a training stream, computed from their place in its index space.
///
///     [0, P) positives | [P, P + kP) draws | [P + kP, …) further pairs, known to the caller
///
/// Draw P + kp + j belongs to the user of positive p and takes one of the items uniformly; one that hits a positive or a
/// shown pair is dropped.
///
/// - Complexity: O(1) per pair plus a binary search per draw, on all threads.
public struct PairDraws: Sendable {
  /// Rows of items, ascending within a row: the pairs of a log.
  public struct Rows: Sendable {
    let offsets: [Int]
    let items: [Int32]
    /// Wraps rows that start at `offsets`, one more than there are rows.
    public init(offsets: [Int], items: [Int32]) { (self.offsets, self.items) = (offsets, items) }
  }

  private let positives: Rows
  private let users: [Int32]
  private let shown: Rows?
  private let draws: Int
  private let itemCount: Int

  /// A stream over `positives`, whose users are `users`, with `draws` draws each.
  public init(positives: Rows, users: [Int32], shown: Rows?, draws: Int, itemCount: Int) {
    precondition(users.count == positives.items.count, "every positive has a user")
    (self.positives, self.users, self.shown, self.draws, self.itemCount) = (positives, users, shown, draws, itemCount)
  }

  /// Overwrites the columns by the pairs at shuffled positions `range`.
  ///
  /// - Parameters:
  ///   - places: where each pair stands in the index space; users and items of further pairs are -1.
  public func fill(
    range: Range<Int>, order: PairOrder, drawKey: UInt64, places: inout [Int], users: inout [Int32],
    items: inout [Int32], feedback: inout [UInt8]
  ) {
    precondition(range.lowerBound >= 0 && range.upperBound <= order.count, "\(range) is outside the order")
    resize(&places, range.count, 0)
    resize(&users, range.count, 0)
    resize(&items, range.count, 0)
    resize(&feedback, range.count, 0)
    let kept = self.users.withUnsafeBufferPointer { ownUsers in
      positives.items.withUnsafeBufferPointer { ownItems in
        positives.offsets.withUnsafeBufferPointer { offsets in
          withShown { shownItems, shownOffsets in
            var stream = lm_stream(
              order: order.whole.network, blocks: order.blocks, drawKey: drawKey, draws: UInt64(draws),
              positives: UInt64(ownItems.count),
              itemCount: UInt64(itemCount), users: ownUsers.baseAddress, items: ownItems.baseAddress,
              offsets: offsets.baseAddress, shownItems: shownItems, shownOffsets: shownOffsets)
            return Int(
              lm_draw_pairs(
                Float.kernels.table, &stream, range.lowerBound, range.count, &places, &users, &items, &feedback))
          }
        }
      }
    }
    places.removeLast(places.count - kept)
    users.removeLast(users.count - kept)
    items.removeLast(items.count - kept)
    feedback.removeLast(feedback.count - kept)
  }

  private func withShown<R>(_ body: (UnsafePointer<Int32>?, UnsafePointer<Int>?) -> R) -> R {
    guard let shown else { return body(nil, nil) }
    return shown.items.withUnsafeBufferPointer { items in
      shown.offsets.withUnsafeBufferPointer { offsets in body(items.baseAddress, offsets.baseAddress) }
    }
  }
}
