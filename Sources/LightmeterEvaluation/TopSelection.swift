internal import LightmeterKernels

/// The best `depth` of a stream of candidates in bounded memory, with what ties at the cut left behind.
struct TopSelection {
  struct Entry {
    var score: Float
    var item: Int32
    var gain: Float
  }

  let depth: Int
  private let tieKey: UInt64
  /// The user's relevant candidates, ascending; empty where gains are probabilities.
  private let positives: [Int32]
  private let capacity: Int
  private var entries: [Entry] = []
  private var places: [Int32] = []
  private var threshold = -Float.infinity
  /// Candidates that share the score at the cut and were left out.
  private var left = TieGroup(start: 0, count: 0, hits: 0, hitGain: 0, missGain: 0)

  init(depth: Int, user: Int32, positives: [Int32] = [], tieKey: UInt64) {
    self.depth = depth
    self.tieKey = SeededGenerator.hash(tieKey, UInt64(UInt32(bitPattern: user)))
    self.positives = positives
    capacity = max(4 * depth, 64)
    entries.reserveCapacity(capacity)
  }

  /// Offers a tile's candidates: those at `offsets`, or all. NaN marks what is no candidate.
  ///
  /// `probabilities` are the gains where they are probabilities; empty where the positives say what is a gain.
  mutating func offer(_ scores: [Float], at offsets: [Int32]?, base: Int, probabilities: [Float]) {
    if let offsets {
      for offset in offsets where scores[Int(offset)] >= threshold {
        keep(scores[Int(offset)], base + Int(offset), probabilities.isEmpty ? nil : probabilities[Int(offset)])
      }
    } else {
      // In runs, so that the threshold rises on the way; a place may fall below it again.
      for first in stride(from: 0, to: scores.count, by: 512) {
        let range = first..<min(first + 512, scores.count)
        let found = Float.placesAbove(threshold, in: scores, range: range, into: &places)
        for place in places[..<found] where scores[first + Int(place)] >= threshold {
          let offset = first + Int(place)
          keep(scores[offset], base + offset, probabilities.isEmpty ? nil : probabilities[offset])
        }
      }
    }
  }

  private mutating func keep(_ score: Float, _ item: Int, _ probability: Float?) {
    let gain = probability ?? (isPositive(Int32(item)) ? 1 : 0)
    entries.append(Entry(score: score, item: Int32(item), gain: gain))
    if entries.count == capacity { compact() }
  }

  private func isPositive(_ item: Int32) -> Bool {
    var (low, high) = (0, positives.count)
    while low < high {
      let middle = (low + high) / 2
      if positives[middle] < item { low = middle + 1 } else { high = middle }
    }
    return low < positives.count && positives[low] == item
  }

  private mutating func compact() {
    let key = tieKey
    entries.sort { a, b in
      if a.score != b.score { return a.score > b.score }
      let (left, right) = (Self.order(key, a.item), Self.order(key, b.item))
      return left != right ? left < right : a.item < b.item
    }
    guard entries.count > depth else { return }
    let boundary = entries[depth - 1].score
    if boundary > threshold { left = TieGroup(start: 0, count: 0, hits: 0, hitGain: 0, missGain: 0) }
    for entry in entries[depth...] where entry.score == boundary {
      left.add(gain: Double(entry.gain), hit: entry.gain > 0)
    }
    entries.removeLast(entries.count - depth)
    threshold = boundary
  }

  /// Where a tied item stands among its equals: a hash of seed, user and item, never the label.
  private static func order(_ key: UInt64, _ item: Int32) -> UInt64 {
    SeededGenerator.hash(key, UInt64(UInt32(bitPattern: item)))
  }

  /// The key of one user's ties for a rated list.
  static func tieKeys(_ tieKey: UInt64, user: Int32, items: [Int32]) -> [UInt64] {
    let key = SeededGenerator.hash(tieKey, UInt64(UInt32(bitPattern: user)))
    return items.map { order(key, $0) }
  }

  /// The ranked entries and their ties; the last tie counts what was left out.
  mutating func finish() -> (entries: [Entry], ties: [TieGroup]) {
    compact()
    var ties = RankedRelevance.ties(
      scores: entries.map(\.score), gains: entries.map { Double($0.gain) }, hits: entries.map { $0.gain > 0 })
    if left.count > 0, let last = entries.last {
      if ties.last.map({ $0.start + $0.count < entries.count }) ?? true {
        var alone = TieGroup(start: entries.count - 1, count: 0, hits: 0, hitGain: 0, missGain: 0)
        alone.add(gain: Double(last.gain), hit: last.gain > 0)
        ties.append(alone)
      }
      let end = ties.count - 1
      ties[end].count += left.count
      ties[end].hits += left.hits
      ties[end].hitGain += left.hitGain
      ties[end].missGain += left.missGain
    }
    return (entries, ties)
  }
}
