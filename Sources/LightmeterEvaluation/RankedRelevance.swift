/// Candidates of one score: in the order of the list, but not distinguished by the model.
///
/// - Stability: experimental
public struct TieGroup: Sendable, Equatable {
  /// Rank of the first, counted from 0.
  public var start: Int
  /// How many candidates share the score, listed or not.
  public var count: Int
  /// How many of them are hits.
  public var hits: Int
  /// Sum of the hits' gains.
  public var hitGain: Double
  /// Sum of the other candidates' gains.
  public var missGain: Double

  var gain: Double { hitGain + missGain }
}

/// One user's candidates in the order a model ranks them, as gains and hits: what every ranking metric reads.
///
/// The list may stop after the largest cutoff; the totals count all candidates.
///
/// - Shapes: `gains` and `hits` have one entry per listed rank, best first; both may be empty.
/// - Units and range: gains are at least 0: 0 and 1 for plain labels, probabilities or grades otherwise.
/// - Stability: stable
public struct RankedRelevance: Sendable, Equatable {
  /// Gain per rank.
  public private(set) var gains: [Double]
  /// Whether the candidate at a rank counts as a hit.
  public private(set) var hits: [Bool]
  /// Runs of two or more candidates of one score, by rank; the last may reach beyond the listed ranks.
  public private(set) var ties: [TieGroup]
  /// How many candidates there are, listed or not.
  public let candidateCount: Int
  /// How many of all candidates are hits.
  public let positiveCount: Int
  /// Sum of the gains of all candidates.
  public private(set) var totalGain: Double
  /// The largest gains of all candidates, descending, at least as many as the list is deep.
  public private(set) var idealGains: [Double]
  /// Share of (hit, other) pairs in the right order, ties ½; nil where undefined or not computed.
  public let orderedPairShare: Double?

  /// A complete list without ties.
  ///
  /// - Parameters:
  ///   - gains: gain per rank, best rank first.
  ///   - hits: which ranks are hits; nil: those with a gain above 0.
  public init(gains: [Double], hits: [Bool]? = nil) {
    let hits = hits ?? gains.map { $0 > 0 }
    precondition(hits.count == gains.count, "\(gains.count) gains with \(hits.count) hits")
    self.init(
      gains: gains, hits: hits, ties: [], candidateCount: gains.count, positiveCount: hits.count { $0 },
      totalGain: gains.reduce(0, +), idealGains: gains.sorted(by: >),
      orderedPairShare: Self.orderedPairs(hits: hits, ties: []))
  }

  /// A complete list of labels, 0 or 1, without ties.
  public init(labels: [UInt8]) { self.init(gains: labels.map(Double.init)) }

  /// Ranks candidates by score, descending; equal scores by their key, ascending, never by label.
  ///
  /// - Parameters:
  ///   - scores: the model's score per candidate; no NaN.
  ///   - gains: gain per candidate.
  ///   - hits: whether a candidate is a hit.
  ///   - keys: a number per candidate that has nothing to do with labels.
  public init(scores: [Float], gains: [Double], hits: [Bool], keys: [UInt64]) {
    precondition(
      gains.count == scores.count && hits.count == scores.count && keys.count == scores.count,
      "the columns of a candidate list have one length")
    let order = scores.indices.sorted { a, b in
      scores[a] != scores[b] ? scores[a] > scores[b] : (keys[a], a) < (keys[b], b)
    }
    let rankedGains = order.map { gains[$0] }
    let rankedHits = order.map { hits[$0] }
    let ties = Self.ties(scores: order.map { scores[$0] }, gains: rankedGains, hits: rankedHits)
    self.init(
      gains: rankedGains, hits: rankedHits, ties: ties, candidateCount: gains.count,
      positiveCount: hits.count { $0 }, totalGain: gains.reduce(0, +), idealGains: gains.sorted(by: >),
      orderedPairShare: Self.orderedPairs(hits: rankedHits, ties: ties))
  }

  init(
    gains: [Double], hits: [Bool], ties: [TieGroup], candidateCount: Int, positiveCount: Int, totalGain: Double,
    idealGains: [Double], orderedPairShare: Double?
  ) {
    self.gains = gains
    self.hits = hits
    self.ties = ties
    self.candidateCount = candidateCount
    self.positiveCount = positiveCount
    self.totalGain = totalGain
    self.idealGains = idealGains
    self.orderedPairShare = orderedPairShare
  }

  /// The same list with every gain g as floor + (1 − floor) g, hits unchanged: labels softened as RelMF's program does.
  public func softened(floor: Double) -> RankedRelevance {
    func soft(_ gain: Double) -> Double { floor + (1 - floor) * gain }
    var list = self
    list.gains = gains.map(soft)
    list.totalGain = floor * Double(candidateCount) + (1 - floor) * totalGain
    let unlisted = max(0, min(candidateCount, gains.count) - idealGains.count)
    list.idealGains = (idealGains + [Double](repeating: 0, count: unlisted)).map(soft)
    list.ties = ties.map { tie in
      var tie = tie
      tie.hitGain = floor * Double(tie.hits) + (1 - floor) * tie.hitGain
      tie.missGain = floor * Double(tie.count - tie.hits) + (1 - floor) * tie.missGain
      return tie
    }
    return list
  }

  /// Runs of equal scores in a ranked list; runs of one are left out.
  static func ties(scores: [Float], gains: [Double], hits: [Bool]) -> [TieGroup] {
    var found: [TieGroup] = []
    var start = 0
    while start < scores.count {
      var group = TieGroup(start: start, count: 0, hits: 0, hitGain: 0, missGain: 0)
      while start + group.count < scores.count, scores[start + group.count] == scores[start] {
        group.add(gain: gains[start + group.count], hit: hits[start + group.count])
      }
      if group.count > 1 { found.append(group) }
      start += group.count
    }
    return found
  }

  private static func orderedPairs(hits: [Bool], ties: [TieGroup]) -> Double? {
    let positives = hits.count { $0 }
    let negatives = hits.count - positives
    guard positives > 0, negatives > 0 else { return nil }
    var ordered = 0.0
    var hitsAbove = 0
    var rank = 0
    var nextTie = 0
    while rank < hits.count {
      if nextTie < ties.count, ties[nextTie].start == rank {
        let tie = ties[nextTie]
        ordered += Double(tie.count - tie.hits) * (Double(hitsAbove) + Double(tie.hits) / 2)
        hitsAbove += tie.hits
        rank += tie.count
        nextTie += 1
      } else {
        if hits[rank] { hitsAbove += 1 } else { ordered += Double(hitsAbove) }
        rank += 1
      }
    }
    return ordered / (Double(positives) * Double(negatives))
  }
}

extension TieGroup {
  mutating func add(gain: Double, hit: Bool) {
    count += 1
    if hit {
      hits += 1
      hitGain += gain
    } else {
      missGain += gain
    }
  }
}
