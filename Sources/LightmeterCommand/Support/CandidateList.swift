internal import LightmeterEvaluation
internal import LightmeterExperiments
internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// What an evaluation ranks instead of the whole catalogue, as a file lists it.
enum CandidateList {
  /// The same items for everybody, ascending.
  case items([Int32])
  /// Each user's own items.
  case pairs(FeedbackMatrix)

  /// Reads one raw item id a line, or `user,item` rows where the first line has a comma or a tab (a first line
  /// whose first field is "user" is a header); says what is unknown.
  ///
  /// - Throws: `ReadError` for a file that lists nothing the model knows, and what reading it throws.
  static func read(_ path: String, model: StoredModel) throws -> CandidateList {
    let lines = try TextLines.of(path)
    guard let first = lines.first else {
      throw ReadError(
        .empty, file: path, problem: "is empty", remedy: "list one item id a line, or user,item pairs")
    }
    let list =
      try first.contains(where: { $0 == "," || $0 == "\t" }) ? pairs(first, path, model) : items(lines, path, model)
    let known =
      switch list {
      case .items(let items): items.count
      case .pairs(let pairs): pairs.count
      }
    guard known > 0 else {
      throw ReadError(
        .empty, file: path, problem: "lists no candidate that the model knows",
        remedy: "list ids of the training log, as `lightmeter inspect` shows them")
    }
    return list
  }

  private static func items(_ lines: [String], _ path: String, _ model: StoredModel) -> CandidateList {
    var (known, unknown, listed) = (Set<Int32>(), [String](), 0)
    for (number, line) in lines.enumerated() {
      if let item = model.items.index(of: line) {
        known.insert(item)
      } else if number == 0, ["item", "item_id", "itemId"].contains(line) {
        continue
      } else {
        unknown.append(line)
      }
      listed += 1
    }
    Terminal.note("candidates: \(known.count) items of \(listed) lines of \(path)" + leftOut(unknown, "items"))
    return .items(known.sorted())
  }

  private static func pairs(_ first: String, _ path: String, _ model: StoredModel) throws -> CandidateList {
    let name = first.split(maxSplits: 1, whereSeparator: { $0 == "," || $0 == "\t" }).first.map(String.init) ?? ""
    let isHeader =
      ["user", "user_id", "userid", "uid"].contains(name.lowercased()) && model.users.index(of: name) == nil
    let format = TableFormat(header: isHeader, columns: [.user: .position(1), .item: .position(2)])
    let request = LogRequest(path: path, options: ReadOptions(format: format, requiresRankable: false), rule: .everyRow)
    let log = try LoadedLog.load(request, users: model.users, items: model.items)
    let (pairs, unknown) = log.knownPairs(userCount: model.users.count, itemCount: model.items.count)
    let ids = log.interactions
    let strangers =
      (model.users.count..<ids.users.count).map { ids.users[$0] }
      + (model.items.count..<ids.items.count).map { ids.items[$0] }
    Terminal.note(
      "candidates: \(pairs.count) pairs of \(path)"
        + (unknown > 0 ? "; \(unknown) pairs are left out" + leftOut(strangers, "users and items") : ""))
    return .pairs(
      FeedbackMatrix(
        userCount: model.users.count, itemCount: model.items.count, users: pairs.users, items: pairs.items))
  }

  /// How many ids the model lacks, and the first of them by name.
  private static func leftOut(_ unknown: [String], _ what: String) -> String {
    guard !unknown.isEmpty else { return "" }
    let named = unknown.prefix(5).map { "'\($0)'" }.joined(separator: ", ")
    let more = unknown.count > 5 ? " and \(unknown.count - 5) more" : ""
    return "; the model knows none of these \(unknown.count) \(what): \(named)\(more)"
  }

  /// A test of clicks in which each user's own candidates, less what the user had in training, are ranked.
  static func test(_ candidates: FeedbackMatrix, clicked: FeedbackMatrix, seen: FeedbackMatrix?, file: String) throws
    -> RatedTest
  {
    var pairs = PairBatch()
    for user in 0..<candidates.userCount {
      for item in candidates.items(of: user) where seen?.contains(user: user, item: item) != true {
        let hit = clicked.contains(user: user, item: item)
        pairs.append(user: Int32(user), item: item, feedback: hit ? 1 : 0)
      }
    }
    var test = try RatedTest(userCount: candidates.userCount, itemCount: candidates.itemCount, pairs: pairs)
    test.candidates = "\(pairs.count) pairs listed in \(file)" + (seen == nil ? "" : " minus those seen")
    return test
  }
}

/// A small text file as lines.
enum TextLines {
  /// The lines that hold something, without their ends.
  static func of(_ path: String) throws -> [String] {
    let file = try MappedFile(path)
    var bytes = file.array(of: UInt8.self, in: 0..<file.count)[...]
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    return bytes.split { $0 == 10 || $0 == 13 }.map { String(decoding: $0, as: UTF8.self) }
  }
}
