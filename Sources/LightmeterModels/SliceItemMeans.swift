public import LightmeterFeedback

/// The items' click rates in a slice of random traffic, shrunk towards the slice's mean: the control beside every
/// calibrated method, hard to beat where items differ much and persons little.
///
///     γ̂_i = (k_i + κ p̄) / (n_i + κ)
///
/// k_i clicks in n_i random showings of item i, p̄ the click rate of the slice, κ pseudo-showings.
///
/// - Units and range: probabilities; an item without a random showing gets p̄.
/// - Source: METHODS §20.1.
/// - Stability: experimental
public struct SliceItemMeans: RelevanceScorer, Hashable, Codable {
  /// Number of users; every user gets the same ranking.
  public let userCount: Int
  /// γ̂_i.
  public let means: [Float]
  /// p̄.
  public let clickRate: Double

  /// Counts a slice.
  ///
  /// - Parameters:
  ///   - shrinkage: κ, in pseudo-showings.
  /// - Throws: ``CalibrationError`` for an empty slice or one without a click.
  /// - Precondition: the slice's users and items are in range.
  public init(slice: PairBatch, userCount: Int, itemCount: Int, shrinkage: Double = 5) throws {
    precondition(shrinkage >= 0, "a shrinkage of \(shrinkage) is negative")
    let counts = try SliceCounts(slice, itemCount: itemCount)
    clickRate = counts.clickRate
    means = (0..<itemCount).map { item in
      let shown = Double(counts.shown[item]) + shrinkage
      // Without a showing and without shrinkage nothing is known but the mean.
      let clicked = Double(counts.clicked[item]) + shrinkage * counts.clickRate
      return Float(shown == 0 ? counts.clickRate : clicked / shown)
    }
    self.userCount = userCount
  }

  /// Number of items.
  public var itemCount: Int { means.count }

  /// Writes γ̂_i of a run of items, whoever asks.
  public func scores(user: Int, items: Range<Int>, into scores: inout [Float]) {
    for (k, item) in items.enumerated() { scores[k] = means[item] }
  }

  /// The score is the probability.
  public func relevance(ofScore score: Float) -> Float { score }
}

/// Showings and clicks per item of a slice.
struct SliceCounts {
  var shown: [Int]
  var clicked: [Int]
  let clickRate: Double

  init(_ slice: PairBatch, itemCount: Int) throws {
    guard !slice.isEmpty else { throw CalibrationError.emptySlice }
    shown = [Int](repeating: 0, count: itemCount)
    clicked = shown
    var clicks = 0
    for k in slice.items.indices {
      shown[Int(slice.items[k])] += 1
      clicked[Int(slice.items[k])] += Int(slice.feedback[k])
      clicks += Int(slice.feedback[k])
    }
    guard clicks > 0 else { throw CalibrationError.noClick(pairs: slice.count) }
    clickRate = Double(clicks) / Double(slice.count)
  }
}

/// Why a slice of random traffic cannot calibrate anything.
public enum CalibrationError: Error, Equatable, CustomStringConvertible {
  /// No pair.
  case emptySlice
  /// Pairs, but no click among them.
  case noClick(pairs: Int)
  /// Pairs, and all clicked.
  case onlyClicks(pairs: Int)
  /// The regression did not settle.
  case notConverged(steps: Int)

  /// One sentence: what is wrong, and the way out.
  public var description: String {
    switch self {
    case .emptySlice: "The slice of random traffic is empty; give at least some hundred randomly shown pairs."
    case .noClick(let pairs):
      "None of the \(pairs) randomly shown pairs was clicked, so the slice says nothing about relevance; collect more."
    case .onlyClicks(let pairs):
      "All \(pairs) pairs that were shown were clicked; list those that were shown and not clicked too, or do not call "
        + "the log one of impressions or random traffic."
    case .notConverged(let steps):
      "The regression on the slice did not settle within \(steps) steps; check the slice for repeated or odd rows."
    }
  }
}
