import LightmeterEvaluation
import LightmeterFeedback
import LightmeterKernels

/// Scores from a table, row by row.
struct TableScorer: Scorer {
  let userCount: Int
  let itemCount: Int
  let values: [Float]

  init(_ rows: [[Double]]) {
    userCount = rows.count
    itemCount = rows.map(\.count).max() ?? 0
    values = rows.flatMap { row in
      row.map { Float($0) } + [Float](repeating: 0, count: (rows.map(\.count).max() ?? 0) - row.count)
    }
  }

  init(userCount: Int, itemCount: Int, _ value: (Int, Int) -> Float) {
    self.userCount = userCount
    self.itemCount = itemCount
    values = (0..<userCount * itemCount).map { value($0 / itemCount, $0 % itemCount) }
  }

  func scores(user: Int, items: Range<Int>, into scores: inout [Float]) {
    for item in items { scores[item - items.lowerBound] = values[user * itemCount + item] }
  }
}

extension TableScorer: ExposureEstimate {
  func exposures(user: Int, items: Range<Int>, into exposures: inout [Float]) {
    scores(user: user, items: items, into: &exposures)
  }
}

/// A scorer, positives and seen pairs from a seed; `levels` scores so that many tie.
struct Sample {
  let scorer: TableScorer
  let relevant: FeedbackMatrix
  let seen: FeedbackMatrix

  init(users: Int, items: Int, levels: Int, seed: UInt64) {
    var generator = SeededGenerator(seed: seed, stream: .world)
    scorer = TableScorer(userCount: users, itemCount: items) { _, _ in Float(generator.below(levels)) }
    var pairs: (relevant: [(Int32, Int32)], seen: [(Int32, Int32)]) = ([], [])
    for user in 0..<Int32(users) {
      for item in 0..<Int32(items) {
        let draw = generator.uniform()
        if draw < 0.1 { pairs.relevant.append((user, item)) }
        if draw > 0.85 || draw < 0.01 { pairs.seen.append((user, item)) }
      }
    }
    relevant = FeedbackMatrix(
      userCount: users, itemCount: items, users: pairs.relevant.map(\.0), items: pairs.relevant.map(\.1))
    seen = FeedbackMatrix(userCount: users, itemCount: items, users: pairs.seen.map(\.0), items: pairs.seen.map(\.1))
  }
}

func near(_ a: Double?, _ b: Double?, _ tolerance: Double = 1e-9) -> Bool {
  switch (a, b) {
  case (nil, nil): true
  case (let a?, let b?): abs(a - b) <= tolerance
  default: false
  }
}

func matrix(_ rows: [[Int]], itemCount: Int) -> FeedbackMatrix {
  FeedbackMatrix(
    userCount: rows.count, itemCount: itemCount,
    users: rows.enumerated().flatMap { user, items in items.map { _ in Int32(user) } },
    items: rows.flatMap { $0.map(Int32.init) })
}
