public import LightmeterFeedback
internal import LightmeterModels

/// What is asked of a log before it can train or test anything.
public struct LogRequest: Sendable {
  /// A file, or "-" for standard input.
  public var path: String
  /// How it is read.
  public var options: ReadOptions
  /// Which rows are positive; nil takes the only reading there is, or refuses.
  public var rule: PositiveRule?
  /// What happens to repeated pairs.
  public var duplicates: DuplicatePolicy

  /// Asks for a file.
  public init(
    path: String, options: ReadOptions = ReadOptions(), rule: PositiveRule? = nil,
    duplicates: DuplicatePolicy = .anyPositive
  ) {
    (self.path, self.options, self.rule, self.duplicates) = (path, options, rule, duplicates)
  }
}

/// A log after the positive rule and the duplicates policy.
public struct LoadedLog: Sendable {
  /// One row per pair.
  public private(set) var interactions: Interactions
  /// 1 per positive row.
  public private(set) var positives: [UInt8]
  /// What was read.
  public let report: ReadReport
  /// The rule that made positives.
  public let rule: PositiveRule
  /// XXH64 of ids and columns, hexadecimal: the same rows give the same digest, from a file or a pipe.
  public let digest: String

  /// Reads and labels a log.
  ///
  /// - Parameters:
  ///   - users: identifier tables to go on from, for slices and tests of a log that is already read.
  /// - Throws: `ReadError`, one sentence with file, line, value and remedy.
  public static func load(
    _ request: LogRequest, users: IdentifierTable = IdentifierTable(), items: IdentifierTable = IdentifierTable(),
    progress: ((ReadProgress) -> Void)? = nil
  ) throws(ReadError) -> LoadedLog {
    let reader = InteractionReader(options: request.options)
    var (raw, report) = try reader.read(path: request.path, users: users, items: items, progress: progress)
    let rule: PositiveRule
    if let asked = request.rule ?? request.options.preset?.positiveRule(for: raw) {
      rule = asked
    } else {
      rule = try raw.onlyPositiveRule(file: report.file)
    }
    let labels = try rule.apply(to: raw, file: report.file)
    let distinct = try raw.deduplicated(request.duplicates, positives: labels, file: report.file)
    raw = distinct.interactions
    report.duplicates = distinct.duplicates
    return LoadedLog(
      interactions: raw, positives: distinct.positives, report: report, rule: rule,
      digest: digest(of: raw, positives: distinct.positives))
  }

  private static func digest(of log: Interactions, positives: [UInt8]) -> String {
    var hash = XXH64()
    for ids in [log.users, log.items] {
      let chunks = stride(from: 0, through: ids.count, by: 1 << 16)
      for first in chunks { hash.update(ids.bytes(of: first..<min(first + 1 << 16, ids.count))) }
      for first in chunks { hash.update(ids.starts(of: first..<min(first + 1 << 16, ids.count + 1))) }
    }
    hash.update(log.userColumn)
    hash.update(log.itemColumn)
    if let ratings = log.ratings { hash.update(ratings) }
    if let clicks = log.clicks { hash.update(clicks) }
    if let shown = log.shown { hash.update(shown) }
    if let times = log.times { hash.update(times) }
    if let weights = log.weights { hash.update(weights) }
    if let propensities = log.propensities { hash.update(propensities) }
    if let random = log.random { hash.update(random) }
    hash.update(positives)
    return StudyDataset.hex(hash.finish())
  }

  /// Forgets the rows and keeps the ids, for a run that has its training data and needs the memory.
  mutating func releaseRows() {
    (interactions, positives) = (interactions.withoutRows, [])
  }

  /// Takes out the rows that the column `random` marks, clicked or not; nil where it marks none.
  public mutating func takeRandomTraffic() -> PairBatch? {
    guard let random = interactions.random, random.contains(where: { $0 != 0 }) else { return nil }
    var slice = PairBatch()
    for row in random.indices where random[row] != 0 {
      slice.append(user: interactions.userColumn[row], item: interactions.itemColumn[row], feedback: positives[row])
    }
    let rest = random.map { $0 == 0 ? UInt8(1) : 0 }
    positives = random.indices.filter { random[$0] == 0 }.map { positives[$0] }
    interactions = interactions.keeping(rest)
    return slice
  }

  /// The log as training starts from it; `rows` chooses a side of a split.
  public func feedback(rows: [Int32]? = nil) -> FeedbackLog {
    FeedbackLog(interactions, rows: rows) { positives[$0] == 1 }
  }

  /// All rows as pairs with labels, for slices and rated tests.
  public var pairs: PairBatch {
    PairBatch(users: interactions.userColumn, items: interactions.itemColumn, feedback: positives)
  }

  /// The rows whose user and item are among the first `userCount` and `itemCount` ids, and how many were left out.
  public func knownPairs(userCount: Int, itemCount: Int) -> (pairs: PairBatch, unknown: Int) {
    var known = PairBatch()
    for row in 0..<interactions.count
    where interactions.userColumn[row] < userCount && interactions.itemColumn[row] < itemCount {
      known.append(
        user: interactions.userColumn[row], item: interactions.itemColumn[row], feedback: positives[row])
    }
    return (known, interactions.count - known.count)
  }
}

extension Interactions {
  fileprivate var withoutRows: Interactions {
    var empty = Interactions()
    (empty.users, empty.items) = (users, items)
    return empty
  }
}
