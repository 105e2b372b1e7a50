internal import LightmeterFeedback
internal import LightmeterKernels

/// One user's full ranking down to some depth.
struct UserRanking: Sendable {
  var user: Int32
  var items: [Int32]
  var list: RankedRelevance
}

/// Full ranking of shards of users over tiles of items: a tile's item rows stay in cache while the shard's users pass.
///
/// Memory per shard: users of the shard × (depth + one cursor), plus all scores of those users where the area under the
/// curve is asked for.
struct CatalogueScan: Sendable {
  enum Truth: Sendable {
    case relevant(FeedbackMatrix)
    case probabilities(TrueRelevance)
  }

  struct Tile: Sendable {
    var range: Range<Int>
    /// Candidates as offsets into the range; nil: all of it.
    var offsets: [Int32]?
  }

  static let usersPerShard = 32
  static let itemsPerTile = 2048

  let scorer: any Scorer
  let truth: Truth
  let seen: FeedbackMatrix?
  let candidates: [Int32]?
  let itemCount: Int
  let depth: Int
  let countsPairs: Bool
  let tieKey: UInt64
  private let tiles: [Tile]

  init(
    scorer: any Scorer, truth: Truth, seen: FeedbackMatrix?, candidates: [Int32]?, itemCount: Int, depth: Int,
    countsPairs: Bool, tieSeed: UInt64
  ) {
    self.scorer = scorer
    self.truth = truth
    self.seen = seen
    self.candidates = candidates
    self.itemCount = itemCount
    self.depth = depth
    self.countsPairs = countsPairs
    tieKey = SeededGenerator.key(seed: tieSeed, stream: .ties)
    tiles = Self.tiles(candidates: candidates, itemCount: itemCount)
  }

  static func tiles(candidates: [Int32]?, itemCount: Int) -> [Tile] {
    guard let candidates else {
      return stride(from: 0, to: itemCount, by: itemsPerTile).map {
        Tile(range: $0..<min($0 + itemsPerTile, itemCount), offsets: nil)
      }
    }
    var tiles: [Tile] = []
    var first = 0
    while first < candidates.count {
      let start = Int(candidates[first])
      var end = first + 1
      // A gap longer than this costs more to score than a call.
      while end < candidates.count, Int(candidates[end]) < start + itemsPerTile,
        candidates[end] - candidates[end - 1] <= 64
      {
        end += 1
      }
      let range = start..<Int(candidates[end - 1]) + 1
      let offsets = candidates[first..<end].map { $0 - Int32(start) }
      tiles.append(Tile(range: range, offsets: offsets.count == range.count ? nil : offsets))
      first = end
    }
    return tiles
  }

  /// Ranks a shard of users.
  func rankings(of users: ArraySlice<Int32>) throws(EvaluationError) -> [UserRanking] {
    var states = users.map { UserState(user: $0, scan: self) }
    var scores: [Float] = []
    var probabilities: [Float] = []
    var block: [Float] = []
    for tile in tiles {
      let width = tile.range.count
      scorer.scores(users: Array(users), items: tile.range, into: &block)
      for slot in states.indices {
        let user = Int(states[slot].user)
        scores.removeAll(keepingCapacity: true)
        scores.append(contentsOf: block[slot * width..<(slot + 1) * width])
        if Float.summarize(scores).sum.isNaN, scores.contains(where: \.isNaN) {
          throw .scoreIsNotANumber(user: user)
        }
        if case .probabilities(let relevance) = truth {
          if probabilities.count != scores.count { probabilities = scores }
          relevance(user, tile.range, &probabilities)
        }
        states[slot].take(tile, &scores, &probabilities, seen: seen)
      }
    }
    return states.indices.map { states[$0].ranking() }
  }

  /// The relevant candidates of a user: relevant, a candidate, not seen.
  func positives(of user: Int) -> [Int32] {
    guard case .relevant(let relevant) = truth else { return [] }
    return relevant.items(of: user).filter { item in
      seen?.contains(user: user, item: item) != true && (candidates.map { isListed(item, in: $0) } ?? true)
    }
  }

  fileprivate func candidateCount(of user: Int) -> Int {
    guard let candidates else { return itemCount - (seen?.range(of: user).count ?? 0) }
    guard let seen else { return candidates.count }
    return candidates.count - seen.items(of: user).count { isListed($0, in: candidates) }
  }

  private func isListed(_ item: Int32, in sorted: [Int32]) -> Bool {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < item { low = middle + 1 } else { high = middle }
    }
    return low < sorted.count && sorted[low] == item
  }
}

/// What is kept of one user while the tiles pass.
private struct UserState {
  let user: Int32
  private let positives: [Int32]
  private let candidateCount: Int
  private let countsPairs: Bool
  private var top: TopSelection
  private var ideal: TopSelection?
  private var probabilitySum = 0.0
  private var seenCursor: Int
  private var positiveCursor = 0
  private var allScores: [Float] = []
  private var positiveScores: [Float] = []

  init(user: Int32, scan: CatalogueScan) {
    self.user = user
    positives = scan.positives(of: Int(user))
    candidateCount = scan.candidateCount(of: Int(user))
    countsPairs = scan.countsPairs
    top = TopSelection(depth: scan.depth, user: user, positives: positives, tieKey: scan.tieKey)
    if case .probabilities = scan.truth { ideal = TopSelection(depth: scan.depth, user: user, tieKey: scan.tieKey) }
    seenCursor = scan.seen?.range(of: Int(user)).lowerBound ?? 0
  }

  mutating func take(
    _ tile: CatalogueScan.Tile, _ scores: inout [Float], _ probabilities: inout [Float], seen: FeedbackMatrix?
  ) {
    let base = tile.range.lowerBound
    if countsPairs {
      while positiveCursor < positives.count, Int(positives[positiveCursor]) < tile.range.upperBound {
        positiveScores.append(scores[Int(positives[positiveCursor]) - base])
        positiveCursor += 1
      }
    }
    if let seen {
      let end = seen.range(of: Int(user)).upperBound
      while seenCursor < end, Int(seen.items[seenCursor]) < tile.range.upperBound {
        let offset = Int(seen.items[seenCursor]) - base
        if offset >= 0 {
          scores[offset] = .nan
          if ideal != nil { probabilities[offset] = .nan }
        }
        seenCursor += 1
      }
    }
    top.offer(scores, at: tile.offsets, base: base, probabilities: ideal == nil ? [] : probabilities)
    if ideal != nil {
      ideal?.offer(probabilities, at: tile.offsets, base: base, probabilities: probabilities)
      for offset in tile.offsets ?? scores.indices.map(Int32.init) where !probabilities[Int(offset)].isNaN {
        probabilitySum += Double(probabilities[Int(offset)])
      }
    }
    if countsPairs {
      for offset in tile.offsets ?? scores.indices.map(Int32.init) where !scores[Int(offset)].isNaN {
        allScores.append(scores[Int(offset)])
      }
    }
  }

  mutating func ranking() -> UserRanking {
    let (entries, ties) = top.finish()
    let idealGains: [Double]
    if var ideal {
      idealGains = ideal.finish().entries.map { Double($0.score) }
    } else {
      idealGains = [Double](repeating: 1, count: min(positives.count, entries.count))
    }
    let list = RankedRelevance(
      gains: entries.map { Double($0.gain) }, hits: entries.map { $0.gain > 0 }, ties: ties,
      candidateCount: candidateCount, positiveCount: positives.count,
      totalGain: ideal == nil ? Double(positives.count) : probabilitySum, idealGains: idealGains,
      orderedPairShare: countsPairs ? orderedPairShare() : nil)
    return UserRanking(user: user, items: entries.map(\.item), list: list)
  }

  private func orderedPairShare() -> Double? {
    let (hits, others) = (Double(positives.count), Double(candidateCount - positives.count))
    guard hits > 0, others > 0 else { return nil }
    let sorted = positiveScores.sorted()
    var twice = 0
    for score in allScores {
      // Positives above the score count two, equal ones count one.
      var (low, high) = (0, sorted.count)
      while low < high {
        let middle = (low + high) / 2
        if sorted[middle] < score { low = middle + 1 } else { high = middle }
      }
      var equal = low
      while equal < sorted.count, sorted[equal] == score { equal += 1 }
      twice += 2 * (sorted.count - equal) + (equal - low)
    }
    // All ordered pairs of positives, each with itself too, contribute ½: they are not pairs of a hit and another.
    return (Double(twice) / 2 - hits * hits / 2) / (hits * others)
  }
}
