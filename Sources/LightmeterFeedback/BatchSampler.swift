internal import LightmeterKernels

/// In which order an epoch visits its pairs.
public enum Shuffle: String, Sendable, Hashable, Codable, CaseIterable {
  /// One permutation of all pairs.
  case full
  /// Pairs of about 8,192 neighbouring users at a time, shuffled among themselves: each user's rows are fetched from memory
  /// once an epoch instead of once a pair. For logs whose tables are larger than the cache.
  case blocks
}

/// The mini-batches of every epoch of a training stream, each one computed when asked for.
///
///     index space of sampled(k):  [0, P) positives | [P, P(1 + k)) draws | [P(1 + k), P(1 + k) + E) extra negatives
///
/// P training positives, k draws per positive, E extra negatives. Draw P + kp + j belongs to the user of positive p and
/// takes one of the M items uniformly, with replacement. Under `all` the index space is the N·M pairs, row by row; under
/// `rated` it is positives and extra negatives. Batch b holds the indices [b·B, (b + 1)·B) of a keyed permutation, so that
/// no shuffled order is stored and any batch of any epoch can be had first. Under ``Shuffle/blocks`` the order is one of
/// blocks of users: every pair still comes once an epoch, and where the blocks begin differs from epoch to epoch.
///
/// A draw that hits a training positive or a pair in ``TrainingData/shown`` is dropped, not repeated. Batches of
/// `sampled` are therefore a little shorter than `batchSize`, and users with long histories get slightly fewer negatives.
/// Pairs held out for tuning are not known to the sampler: like any unlisted pair they may be drawn, and are 0 under `all`.
///
/// - Complexity: O(positives) memory for the users of the positives (none under `all`); per pair O(1) plus the binary
///   search of a draw in its user's positives.
/// - Source: METHODS §1.6; Biif, training settings.
/// - Stability: stable
public struct BatchSampler: Sendable {
  /// Indices per batch: the most pairs that one holds.
  public let batchSize: Int
  /// Size of the index space: the pairs of an epoch before draws that hit known pairs are dropped.
  public let pairsPerEpoch: Int
  /// Batches per epoch; the last one may be short.
  public let batchCount: Int

  private static let usersPerBlock = 8192
  private let data: TrainingData
  private let seed: UInt64
  private let shuffle: Shuffle
  /// Pairs besides the positives that no draw may hit.
  private let undrawn: FeedbackMatrix?
  /// Positives and draws; nil under `all`.
  private let lists: PairDraws?

  /// Prepares the stream of `data`.
  ///
  /// - Parameters:
  ///   - batchSize: indices per batch.
  ///   - seed: the run's seed; with the epoch it decides order and draws.
  ///   - shuffle: the order; `all` has only the full one.
  /// - Precondition: `batchSize` is positive, the optional columns of `data` are parallel to its positives, and `all`
  ///   comes without known exposures and without blocks.
  public init(data: TrainingData, batchSize: Int, seed: UInt64, shuffle: Shuffle = .full) {
    precondition(batchSize > 0, "a batch of \(batchSize) pairs is impossible; it needs at least 1")
    precondition(data.stream != .all || shuffle == .full, "blocks of users need the stream sampled or rated, not all")
    self.shuffle = shuffle
    BatchSampler.check(data)
    let positiveCount = data.positives.count
    let extraCount = data.extraNegatives.count
    switch data.stream {
    case .sampled(let negatives): pairsPerEpoch = positiveCount * (1 + negatives) + extraCount
    case .rated: pairsPerEpoch = positiveCount + extraCount
    case .all: pairsPerEpoch = data.userCount * data.itemCount
    }
    self.data = data
    self.seed = seed
    self.batchSize = batchSize
    batchCount = (pairsPerEpoch + batchSize - 1) / batchSize
    undrawn = data.earlierClicks.map { data.shown?.union($0) ?? $0 } ?? data.shown
    lists = BatchSampler.lists(of: data, undrawn: undrawn)
  }

  /// Replaces the contents of `batch` by batch `index` of `epoch`; the storage of its columns is used again.
  ///
  /// The same epoch and index always give the same pairs in the same order, whatever was asked before.
  ///
  /// - Parameters:
  ///   - batch: overwritten. Its optional columns are present where the data knows any exposure or weight.
  ///   - epoch: which pass; each has its own order and draws.
  ///   - index: which batch of the pass, below ``batchCount``.
  public func fill(_ batch: inout PairBatch, epoch: Int, index: Int) {
    precondition(
      index >= 0 && index < batchCount, "batch \(index) does not exist; the epoch has \(batchCount) batches")
    batch.removeAll(known: hasKnownExposures, weighted: hasWeights)
    let first = index * batchSize
    let range = first..<min(first + batchSize, pairsPerEpoch)
    batch.reserveCapacity(range.count)
    let key = SeededGenerator.key(seed: seed, stream: .shuffle, epoch: epoch)
    switch data.stream {
    case .all: fillFromAll(&batch, range: range, order: KeyedPermutation(count: pairsPerEpoch, key: key))
    case .rated, .sampled:
      let drawKey = SeededGenerator.key(seed: seed, stream: .negatives, epoch: epoch)
      fillFromLists(&batch, range: range, order: order(key), drawKey: drawKey)
    }
  }

  private func order(_ key: UInt64) -> PairOrder {
    switch shuffle {
    case .full: return PairOrder(count: pairsPerEpoch, key: key)
    case .blocks:
      let pairsPerUser = Double(pairsPerEpoch) / Double(max(data.userCount, 1))
      let length = Int((Double(BatchSampler.usersPerBlock) * pairsPerUser).rounded(.up))
      return PairOrder(count: pairsPerEpoch, key: key, blocksOf: max(length, 1))
    }
  }

  /// The expected share of clicks in the stream, by weight where the data is weighted: the base rate of an intercept.
  ///
  /// - Returns: a number in [0, 1]; 0 for an empty stream.
  /// - Complexity: O(users + shown pairs), and O(positives) where the data is weighted; computed at every call.
  public var clickRate: Double {
    let positives = data.positives
    if data.stream == .all {
      let clicks = data.positiveWeights?.reduce(0) { $0 + Double($1) } ?? Double(positives.count)
      let zeros = Double(pairsPerEpoch - positives.count)
      return pairsPerEpoch == 0 ? 0 : clicks / (clicks + zeros)
    }
    var clicks = data.positiveWeights?.reduce(0) { $0 + Double($1) } ?? Double(positives.count)
    var total = clicks
    let extra = data.extraNegatives
    for k in 0..<extra.count {
      let weight = Double(extra.weights?[k] ?? 1)
      total += weight
      if extra.feedback[k] != 0 { clicks += weight }
    }
    if case .sampled(let negatives) = data.stream, negatives > 0, data.itemCount > 0 {
      var kept = 0.0
      for user in 0..<data.userCount {
        let own = positives.range(of: user).count
        if own == 0 { continue }
        let free = data.itemCount - own - undrawnBesidesPositives(of: user)
        kept += Double(own) * Double(free) / Double(data.itemCount)
      }
      total += kept * Double(negatives)
    }
    return total == 0 ? 0 : clicks / total
  }

  // MARK: - Filling

  private func fillFromAll(_ batch: inout PairBatch, range: Range<Int>, order: KeyedPermutation) {
    let positives = data.positives
    let weights = data.positiveWeights
    let itemCount = positives.itemCount
    for position in range {
      let (user, column) = order(position).quotientAndRemainder(dividingBy: itemCount)
      let item = Int32(truncatingIfNeeded: column)
      let found = positives.place(user: user, item: item)
      let weight = found.map { weights?[$0] ?? 1 } ?? 1
      batch.append(
        user: Int32(truncatingIfNeeded: user), item: item, feedback: found == nil ? 0 : 1, weight: weight)
    }
  }

  private static func lists(of data: TrainingData, undrawn: FeedbackMatrix?) -> PairDraws? {
    let draws: Int
    switch data.stream {
    case .all: return nil
    case .rated: draws = 0
    case .sampled(let negatives): draws = negatives
    }
    return PairDraws(
      positives: data.positives.rows, users: data.positives.userColumn, shown: undrawn?.rows, draws: draws,
      itemCount: data.itemCount)
  }

  /// Positives, draws and extra negatives: `sampled`, and `rated` as the case of no draws.
  private func fillFromLists(_ batch: inout PairBatch, range: Range<Int>, order: PairOrder, drawKey: UInt64) {
    var places: [Int] = []
    lists?.fill(
      range: range, order: order, drawKey: drawKey, places: &places, users: &batch.users, items: &batch.items,
      feedback: &batch.feedback)
    let extra = data.extraNegatives
    let firstExtra = pairsPerEpoch - extra.count
    if extra.count > 0 {
      for (k, place) in places.enumerated() where place >= firstExtra {
        (batch.users[k], batch.items[k]) = (extra.users[place - firstExtra], extra.items[place - firstExtra])
        batch.feedback[k] = extra.feedback[place - firstExtra]
      }
    }
    if hasKnownExposures {
      batch.knownExposures = places.map { place in
        if place >= firstExtra { return extra.knownExposures?[place - firstExtra] ?? .nan }
        return place < data.positives.count ? data.positiveExposures?[place] ?? .nan : .nan
      }
    }
    if hasWeights {
      batch.weights = places.map { place in
        if place >= firstExtra { return extra.weights?[place - firstExtra] ?? 1 }
        return place < data.positives.count ? data.positiveWeights?[place] ?? 1 : 1
      }
    }
  }

  // MARK: - Facts of the data

  private var hasKnownExposures: Bool {
    data.stream != .all && (data.positiveExposures != nil || data.extraNegatives.knownExposures != nil)
  }

  private var hasWeights: Bool {
    data.positiveWeights != nil || (data.stream != .all && data.extraNegatives.weights != nil)
  }

  private func undrawnBesidesPositives(of user: Int) -> Int {
    guard let undrawn else { return 0 }
    var count = 0
    for position in undrawn.range(of: user)
    where !data.positives.contains(user: user, item: undrawn.items[position]) {
      count += 1
    }
    return count
  }

  private static func check(_ data: TrainingData) {
    let count = data.positives.count
    precondition(
      (data.positiveExposures?.count ?? count) == count && (data.positiveWeights?.count ?? count) == count,
      "known exposures and weights of the positives need one entry for each of the \(count) positives")
    for pairs in [data.shown, data.earlierClicks].compactMap({ $0 }) {
      precondition(
        pairs.userCount == data.userCount && pairs.itemCount == data.itemCount,
        "the shown pairs or earlier clicks have \(pairs.userCount) × \(pairs.itemCount) users and items, the positives "
          + "\(data.userCount) × \(data.itemCount)")
    }
    if case .sampled(let negatives) = data.stream {
      precondition(negatives >= 0, "\(negatives) negatives per positive is impossible")
    }
    if data.stream == .all {
      precondition(
        data.positiveExposures == nil && data.extraNegatives.knownExposures == nil,
        "the stream of all pairs cannot carry known exposures; use sampled or rated")
    }
  }
}

extension FeedbackMatrix {
  var rows: PairDraws.Rows { PairDraws.Rows(offsets: offsets, items: items) }

  /// User of each position in ``items``.
  ///
  /// - Complexity: O(pairs + users).
  public var userColumn: [Int32] {
    var column: [Int32] = []
    column.reserveCapacity(count)
    for user in 0..<userCount {
      column.append(contentsOf: repeatElement(Int32(truncatingIfNeeded: user), count: range(of: user).count))
    }
    return column
  }
}

extension FeedbackMatrix {
  /// ``position(user:item:)`` for random pairs. The search takes no data-dependent branch, so that the processor runs
  /// ahead into the next pair instead of guessing wrong.
  fileprivate func place(user: Int, item: Int32) -> Int? {
    var first = offsets[user]
    var length = offsets[user + 1] - first
    if length == 0 { return nil }
    while length > 1 {
      let half = length / 2
      first += items[first + half] <= item ? half : 0
      length -= half
    }
    return items[first] == item ? first : nil
  }
}

extension PairBatch {
  /// Makes room for `count` pairs in every column that the batch has.
  mutating func reserveCapacity(_ count: Int) {
    users.reserveCapacity(count)
    items.reserveCapacity(count)
    feedback.reserveCapacity(count)
    knownExposures?.reserveCapacity(count)
    weights?.reserveCapacity(count)
  }
}
