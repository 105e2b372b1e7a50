internal import LightmeterKernels

/// The best items of a stream of scores, in bounded memory: a heap of K with the worst on top.
///
/// Ties go to the smaller index, so a list does not depend on the order in which tiles arrive.
struct TopK {
  private let count: Int
  private var scores: [Float] = []
  private var items: [Int32] = []
  private var places: [Int32] = []

  init(_ count: Int) {
    self.count = count
    scores.reserveCapacity(count)
    items.reserveCapacity(count)
  }

  /// Whether entry a is worse than entry b.
  private func isWorse(_ a: Int, _ b: Int) -> Bool {
    scores[a] != scores[b] ? scores[a] < scores[b] : items[a] > items[b]
  }

  mutating func offer(_ item: Int32, _ score: Float) {
    if items.count < count {
      scores.append(score)
      items.append(item)
      rise(items.count - 1)
    } else if count > 0, score > scores[0] || (score == scores[0] && item < items[0]) {
      (scores[0], items[0]) = (score, item)
      sink(0)
    }
  }

  private mutating func rise(_ from: Int) {
    var child = from
    while child > 0, isWorse(child, (child - 1) / 2) {
      swap(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func sink(_ from: Int) {
    var parent = from
    while true {
      var worst = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && isWorse(child, worst) { worst = child }
      if worst == parent { return }
      swap(parent, worst)
      parent = worst
    }
  }

  private mutating func swap(_ a: Int, _ b: Int) {
    scores.swapAt(a, b)
    items.swapAt(a, b)
  }

  /// Offers a run of scores, `base` the item of the first one; NaN is no candidate.
  mutating func offer(_ scores: [Float], range: Range<Int>, base: Int) {
    guard count > 0 else { return }
    // In short runs, so that the bar rises on the way.
    for first in stride(from: range.lowerBound, to: range.upperBound, by: 512) {
      let run = first..<min(first + 512, range.upperBound)
      let bar = items.count < count ? -Float.infinity : self.scores[0]
      let found = Float.placesAbove(bar, in: scores, range: run, into: &places)
      for place in places[..<found] {
        let offset = first + Int(place)
        offer(Int32(base + offset - range.lowerBound), scores[offset])
      }
    }
  }

  /// Best first.
  var ranked: [(item: Int32, score: Float)] {
    items.indices.sorted { isWorse($1, $0) }.map { (items[$0], scores[$0]) }
  }
}
