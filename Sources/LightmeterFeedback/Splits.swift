internal import LightmeterKernels

/// Rows of a log cut into what is learned from and what is tested on.
///
/// - Shapes: `train` and `test` are row numbers, ascending, disjoint; together they are all rows.
/// - Stability: stable
public struct RowSplit: Sendable, Equatable {
  /// Rows to learn from.
  public var train: [Int32]
  /// Rows to test on.
  public var test: [Int32]
  /// What was done, as the protocol card says it: one sentence.
  public var protocolDescription: String
}

/// Ways to hold out part of a log, none of which looks at the feedback.
///
/// - Stability: stable
public enum Splits {
  /// Holds out a random share of each user's items.
  ///
  /// All rows of one pair fall on the same side, so a repeated click is never in both. A user keeps at least one item to
  /// learn from. Where fraction · items is no whole number, chance rounds it, so that users with few items take part:
  /// the expected share is the fraction for every user with two items or more (up to the item that is kept).
  ///
  /// - Parameters:
  ///   - fraction: share of a user's distinct items, in (0, 1).
  ///   - seed: decides which; the choice for a pair does not depend on other users or on the order of rows.
  /// - Throws: ``TrainingDataError`` when nothing would be held out or nothing left.
  /// - Complexity: O(rows log rows-per-user) time, O(rows) memory.
  public static func randomPerUser(
    _ log: Interactions, fraction: Double, seed: UInt64
  ) throws(TrainingDataError) -> RowSplit {
    try check(fraction: fraction)
    let key = SeededGenerator.key(seed: seed, stream: .split)
    let rows = RowsByUser(log.userColumn)
    let items = log.itemColumn
    var isTest = [Bool](repeating: false, count: log.count)
    for range in rows.ranges {
      let own = rows.rows[range]
      guard let first = own.first else { continue }
      let userKey = SeededGenerator.hash(key, UInt64(log.userColumn[Int(first)]))
      var ranked = Set(own.map { items[Int($0)] })
        .map { (draw: SeededGenerator.hash(userKey, UInt64($0)), item: $0) }
      ranked.sort { ($0.draw, $0.item) < ($1.draw, $1.item) }
      let share = fraction * Double(ranked.count) + 1e-9
      let chance = Double(SeededGenerator.hash(userKey, .max) >> 11) * 0x1p-53
      let rounded = Int(share.rounded(.down)) + (chance < share - share.rounded(.down) - 1e-9 ? 1 : 0)
      let wanted = min(rounded, ranked.count - 1)
      let held = Set(ranked.prefix(wanted).map(\.item))
      for row in own where held.contains(items[Int(row)]) { isTest[Int(row)] = true }
    }
    return try split(
      isTest,
      "Test: a random \(percent(fraction)) of each user's distinct items (rounded by chance, at least one item left "
        + "to learn from), seed \(seed).")
  }

  /// Holds out the newest rows of the whole log: what a deployed system would have had to predict.
  ///
  /// No test row is as old as any training row: rows that share the time at the cut are all tested on.
  ///
  /// - Parameter fraction: share of the rows to hold out, in (0, 1); more where times are tied at the cut.
  /// - Throws: ``TrainingDataError`` when the log has no times or when one side would be empty.
  /// - Complexity: O(rows log rows) time, O(rows) memory.
  public static func temporal(_ log: Interactions, fraction: Double) throws(TrainingDataError) -> RowSplit {
    try check(fraction: fraction)
    guard let times = log.times else { throw .noTimes }
    guard !times.isEmpty else { throw .emptySplit(side: "training") }
    let cut = times.sorted()[times.count - max(1, floor(fraction, of: times.count))]
    return try split(
      times.map { $0 >= cut },
      "Test: all rows from time \(cut) on, the newest \(percent(fraction)) of the log; training: all rows before.")
  }

  /// Holds out each user's newest rows (`count` of 1 is leave-last-out).
  ///
  /// Users with `count` rows or fewer are left in training whole. Training rows of one user may be newer than test rows
  /// of another; where that matters take ``temporal(_:fraction:)``.
  ///
  /// - Parameter count: rows per user to hold out. Equal times: the later row of the log is the newer.
  /// - Throws: ``TrainingDataError`` when the log has no times or when one side would be empty.
  /// - Complexity: O(rows log rows-per-user) time, O(rows) memory.
  public static func lastPerUser(_ log: Interactions, count: Int) throws(TrainingDataError) -> RowSplit {
    guard count > 0 else { throw .badCount(count) }
    guard let times = log.times else { throw .noTimes }
    let rows = RowsByUser(log.userColumn)
    var isTest = [Bool](repeating: false, count: log.count)
    for range in rows.ranges where range.count > count {
      let newest = rows.rows[range].sorted { (times[Int($0)], $0) > (times[Int($1)], $1) }
      for row in newest.prefix(count) { isTest[Int(row)] = true }
    }
    return try split(
      isTest,
      "Test: the last \(count) rows of each user by time (users with no more than that are only learned from).")
  }

  /// A seeded choice of ⌊fraction · (total − excluded)⌋ of the positions 0 ..< total that `excluded` does not name.
  ///
  /// - Returns: one entry per position, true where it was chosen.
  static func hyperValidation(
    total: Int, fraction: Double, seed: UInt64, excluded: (Int) -> Bool, excludedCount: Int
  ) -> [Bool] {
    var chosen = [Bool](repeating: false, count: total)
    var wanted = floor(fraction, of: total - excludedCount)
    let order = KeyedPermutation(count: total, key: SeededGenerator.key(seed: seed, stream: .split, shard: 1))
    var next = 0
    while wanted > 0 {
      let position = order(next)
      next += 1
      if excluded(position) { continue }
      chosen[position] = true
      wanted -= 1
    }
    return chosen
  }

  private static func floor(_ fraction: Double, of count: Int) -> Int {
    Int((fraction * Double(count) + 1e-9).rounded(.down))
  }

  private static func percent(_ fraction: Double) -> String {
    let tenths = Int((fraction * 1000).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
  }

  private static func check(fraction: Double) throws(TrainingDataError) {
    guard fraction > 0 && fraction < 1 else { throw .badFraction(fraction, of: "the log held out for test") }
  }

  private static func split(_ isTest: [Bool], _ description: String) throws(TrainingDataError) -> RowSplit {
    precondition(isTest.count <= Int(Int32.max), "a log of \(isTest.count) rows is above 2³¹ − 1")
    var result = RowSplit(train: [], test: [], protocolDescription: description)
    for row in isTest.indices {
      if isTest[row] { result.test.append(Int32(row)) } else { result.train.append(Int32(row)) }
    }
    if result.train.isEmpty { throw .emptySplit(side: "training") }
    if result.test.isEmpty { throw .emptySplit(side: "test") }
    return result
  }
}

/// Row numbers of a log grouped by user, in their old order within a user.
private struct RowsByUser {
  let ranges: [Range<Int>]
  let rows: [Int32]

  init(_ users: [Int32]) {
    let userCount = Int(users.max() ?? -1) + 1
    var starts = [Int](repeating: 0, count: userCount + 1)
    for user in users { starts[Int(user) + 1] += 1 }
    for user in 0..<userCount { starts[user + 1] += starts[user] }
    ranges = (0..<userCount).map { starts[$0]..<starts[$0 + 1] }
    var filled = [Int32](repeating: 0, count: users.count)
    for row in users.indices {
      let user = Int(users[row])
      filled[starts[user]] = Int32(row)
      starts[user] += 1
    }
    rows = filled
  }
}
