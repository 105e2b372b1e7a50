/// What becomes of several rows about one user–item pair; stated, counted, part of every protocol card.
///
/// Rows of random traffic and of the ordinary log are different observations and are compared only among themselves.
///
/// - Stability: stable
public enum DuplicatePolicy: String, Sendable, Codable, CaseIterable {
  /// One row per pair: its first positive, else the first that was shown, else the first. The default.
  case anyPositive = "any-positive"
  /// The earliest row, by time where there is one, else by place in the file.
  case keepFirst = "keep-first"
  /// The latest row, by time where there is one, else by place in the file.
  case keepLast = "keep-last"
  /// A repeated pair is an error.
  case error
}

/// A log with one row per pair, and what was dropped on the way.
public struct DeduplicatedInteractions: Sendable {
  /// The kept rows, in the order of the file.
  public var interactions: Interactions
  /// Their labels.
  public var positives: [UInt8]
  /// Rows dropped.
  public var duplicates: Int
  /// Pairs that had several rows.
  public var repeatedPairs: Int
  /// Repeated pairs whose rows disagreed about being positive.
  public var conflictingPairs: Int
}

extension Interactions {
  /// One row per user–item pair.
  ///
  /// - Parameters:
  ///   - policy: which row stays.
  ///   - positives: 1 per positive row, from ``PositiveRule``.
  ///   - file: the name that an error gives.
  /// - Throws: ``ReadError`` under `.error` when a pair is repeated.
  /// - Complexity: O(rows log rows-per-user) time; 5 bytes per row and 8 per row of the busiest user beside the result.
  public func deduplicated(
    _ policy: DuplicatePolicy, positives: [UInt8], file: String = "the log"
  ) throws(ReadError) -> DeduplicatedInteractions {
    precondition(positives.count == count, "as many labels (\(positives.count)) as rows (\(count))")
    precondition(count < Int(UInt32.max), "at most 2³² − 2 rows")
    let (starts, order) = rowsByUser()
    var keep = [UInt8](repeating: 0, count: count)
    var (kept, repeated, conflicting) = (0, 0, 0)
    var keys: [UInt64] = []
    for user in 0..<users.count {
      keys.removeAll(keepingCapacity: true)
      for row in order[starts[user]..<starts[user + 1]] { keys.append(key(ofRow: Int(row))) }
      keys.sort()
      var k = 0
      while k < keys.count {
        let first = k
        repeat { k += 1 } while k < keys.count && keys[k] >> 32 == keys[first] >> 32
        kept += 1
        if k == first + 1 {
          keep[Int(keys[first] & 0xFFFF_FFFF)] = 1
          continue
        }
        let rows = keys[first..<k].map { Int($0 & 0xFFFF_FFFF) }
        if policy == .error { throw repeatedPair(rows, file) }
        repeated += 1
        if rows.contains(where: { positives[$0] != positives[rows[0]] }) { conflicting += 1 }
        keep[winner(rows, policy, positives)] = 1
      }
    }
    var labels: [UInt8] = []
    labels.reserveCapacity(kept)
    for row in 0..<count where keep[row] != 0 { labels.append(positives[row]) }
    return DeduplicatedInteractions(
      interactions: kept == count ? self : keeping(keep), positives: labels, duplicates: count - kept,
      repeatedPairs: repeated, conflictingPairs: conflicting)
  }

  /// Item (31 bits), traffic (1 bit), row (32 bits): equal above the row for rows that are compared.
  private func key(ofRow row: Int) -> UInt64 {
    let traffic = UInt64(random?[row] ?? 0)
    return UInt64(UInt32(bitPattern: itemColumn[row])) << 33 | traffic << 32 | UInt64(row)
  }

  private func rowsByUser() -> (starts: [Int], order: [UInt32]) {
    var starts = [Int](repeating: 0, count: users.count + 1)
    for user in userColumn { starts[Int(user) + 1] += 1 }
    for user in 0..<users.count { starts[user + 1] += starts[user] }
    var cursor = starts
    var order = [UInt32](repeating: 0, count: count)
    for row in 0..<count {
      let user = Int(userColumn[row])
      order[cursor[user]] = UInt32(row)
      cursor[user] += 1
    }
    return (starts, order)
  }

  private func winner(_ rows: [Int], _ policy: DuplicatePolicy, _ positives: [UInt8]) -> Int {
    switch policy {
    case .anyPositive:
      return rows.first { positives[$0] != 0 } ?? rows.first { (shown?[$0] ?? 0) != 0 } ?? rows[0]
    case .keepFirst, .error:
      guard let times else { return rows[0] }
      return rows.dropFirst().reduce(rows[0]) { times[$1] < times[$0] ? $1 : $0 }
    case .keepLast:
      guard let times else { return rows[rows.count - 1] }
      return rows.dropFirst().reduce(rows[0]) { times[$1] >= times[$0] ? $1 : $0 }
    }
  }

  private func repeatedPair(_ rows: [Int], _ file: String) -> ReadError {
    let user = users[Int(userColumn[rows[0]])]
    let item = items[Int(itemColumn[rows[0]])]
    return ReadError(
      .badLine, file: file, value: shortened("\(user), \(item)".utf8),
      problem: "is a pair with \(rows.count) rows, the first being rows \(rows[0] + 1) and \(rows[1] + 1) of the data",
      remedy: "remove the repeats or choose --duplicates any-positive, keep-first or keep-last")
  }
}
