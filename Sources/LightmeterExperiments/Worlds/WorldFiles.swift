internal import LightmeterFeedback
internal import LightmeterKernels

/// Writes a world as text files that the readers understand; ids are `u17`, `i3`.
///
/// Each file is streamed through a buffer of a megabyte, written aside, synchronised and renamed, so that a killed run
/// leaves no half file.
///
/// - Stability: experimental
public struct WorldFiles: Sendable {
  private let world: any World
  private let draws: WorldDraws
  private let skipping: Bool

  /// What was written.
  public struct Written: Sendable, Hashable, Codable {
    /// Lines below the header.
    public var rows: Int
    /// Size of the file.
    public var bytes: Int
  }

  /// Prepares to write one draw of `world`.
  ///
  /// - Parameters:
  ///   - seed: the seed of the draw; the world's own when nil.
  ///   - skipping: draw clicks and impressions by ``SkippingSampler`` (for large clean worlds) instead of cell by cell.
  ///     The two agree in distribution, not in bytes. Either way every click is an impression; random traffic agrees
  ///     with the log on what is relevant only cell by cell.
  /// - Precondition: `skipping` needs a ``CleanWorld``.
  public init(_ world: any World, seed: UInt64? = nil, skipping: Bool = false) {
    precondition(!skipping || world is CleanWorld, "only a clean world can be drawn by skips")
    self.world = world
    draws = WorldDraws(world, seed: seed)
    self.skipping = skipping
  }

  /// Writes `user,item`, one row a click, users in order.
  ///
  /// - Parameters:
  ///   - progress: called after every few users with the number of users done and of rows written.
  /// - Throws: `FileError`, and whatever `progress` throws.
  public func writeClicks(to path: String, progress: (Int, Int) throws -> Void = { _, _ in }) throws -> Written {
    try write(.clicks, header: "user,item\n", to: path, progress: progress) { text, user, items, clicked in
      for k in items.indices where clicked[k] == 1 {
        text.append(user: user, item: items[k])
        text.endRow()
      }
    }
  }

  /// Writes `user,item,shown,click`, one row an impression (shown is 1 throughout), users in order.
  ///
  /// - Throws: `FileError`, and whatever `progress` throws.
  public func writeImpressions(to path: String, progress: (Int, Int) throws -> Void = { _, _ in }) throws -> Written {
    try write(.impressions, header: "user,item,shown,click\n", to: path, progress: progress) {
      text, user, items, clicked in
      for k in items.indices {
        text.append(user: user, item: items[k])
        text.endRow(clicked[k] == 1 ? ",1,1" : ",1,0")
      }
    }
  }

  /// Writes `user,item,click` for uniformly drawn pairs that were shown for certain.
  ///
  /// - Throws: `FileError`; ``WorldError/parameter(name:value:allowed:)`` for more pairs than
  ///   the world has.
  public func writeRandomTraffic(count: Int, to path: String) throws -> Written {
    let cells = world.userCount * world.itemCount
    guard (0...cells).contains(count) else {
      throw WorldError.parameter(
        name: "random traffic", value: "\(count) pairs", allowed: "between 0 and \(cells) pairs")
    }
    let slice = draws.randomTraffic(count: count)
    var file = try RowWriter(path: path)
    try file.append("user,item,click\n")
    for k in slice.users.indices {
      file.text.append(user: slice.users[k], item: slice.items[k])
      try file.append(slice.feedback[k] == 1 ? ",1\n" : ",0\n")
    }
    return Written(rows: slice.count, bytes: try file.finish())
  }

  /// Writes `user,item,relevance,exposure` for every pair of the world, as `Float` in shortest form.
  ///
  /// - Throws: `FileError`, and whatever `progress` throws.
  /// - Complexity: users × items lines: for small worlds.
  public func writeTruth(to path: String, progress: (Int, Int) throws -> Void = { _, _ in }) throws -> Written {
    var file = try RowWriter(path: path)
    try file.append("user,item,relevance,exposure\n")
    var row = TruthRow()
    for user in 0..<world.userCount {
      world.truth(user: user, items: 0..<world.itemCount, into: &row)
      for item in 0..<world.itemCount {
        file.text.append(user: Int32(user), item: Int32(item))
        try file.append(",\(Float(row.relevance[item])),\(Float(row.exposure[item]))\n")
      }
      try progress(user + 1, (user + 1) * world.itemCount)
    }
    return Written(rows: world.userCount * world.itemCount, bytes: try file.finish())
  }

  private typealias Format = (_ text: inout RowText, _ user: Int32, _ items: [Int32], _ clicked: [UInt8]) -> Void

  /// Users in shards that all threads draw and write out; the shards follow each other in the file.
  private func write(
    _ target: SkippingSampler.Target, header: String, to path: String, progress: (Int, Int) throws -> Void,
    _ format: Format
  ) throws -> Written {
    let sampler = (world as? CleanWorld).flatMap {
      skipping ? SkippingSampler($0, target: target, seed: draws.seed) : nil
    }
    var file = try RowWriter(path: path)
    try file.append(header)
    var rows = 0
    let size = usersPerShard(target)
    let shards = (world.userCount + size - 1) / size
    // As many shards at a time as keep every thread busy to the end.
    let round = 4 * Threads.count
    for first in stride(from: 0, to: shards, by: round) {
      let texts = Threads.map(shards: min(round, shards - first)) { place in
        let start = (first + place) * size
        return text(of: start..<min(start + size, world.userCount), sampler, format)
      }
      for text in texts {
        rows += text.lines
        try file.append(text)
      }
      try progress(min((first + round) * size, world.userCount), rows)
    }
    return Written(rows: rows, bytes: try file.finish())
  }

  private func text(of users: Range<Int>, _ sampler: SkippingSampler?, _ format: Format) -> RowText {
    var text = RowText()
    var rows = SkippingSampler.UserRows()
    let all = 0..<world.itemCount
    for user in users {
      if let sampler {
        sampler.draw(user: user, into: &rows)
        format(&text, rows.user, rows.items, rows.clicked)
      } else {
        let tile = draws.tile(users: user..<user + 1, items: all)
        let seen = all.filter { tile.exposed[$0] == 1 }
        format(&text, Int32(user), seen.map { Int32($0) }, seen.map { tile.relevant[$0] })
      }
    }
    return text
  }

  /// So many that a shard has some ten thousand rows, or visits some million cells.
  private func usersPerShard(_ target: SkippingSampler.Target) -> Int {
    guard let clean = world as? CleanWorld, skipping else { return max(1, min(4096, 1_000_000 / world.itemCount)) }
    let p = clean.parameters
    let share = p.meanExposure * (target == .clicks ? p.meanRelevance : 1)
    return max(1, min(4096, Int(20_000 / (share * Double(p.itemCount)))))
  }
}
