internal import ArgumentParser
internal import LightmeterExperiments
internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterServing

/// `lightmeter recommend`: lists by raw ids.
struct RecommendCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recommend", abstract: "The best items for users, by raw id, or for all users into a file.",
    discussion: """
      lightmeter recommend model.lightmeter --user alice
      lightmeter recommend model.lightmeter --user alice --user bob --count 5 --mode explore
      lightmeter recommend model.lightmeter --session item-7,item-42
      lightmeter recommend model.lightmeter --all -o lists.csv --exclude sold-out.txt

      relevance ranks by what the user wants; click by what the user would click if shown as before; explore by what is \
      wanted and was hardly shown.

      --session answers for somebody who is not in the model, from the items this person clicked: the row of a new user \
      under the model's own training objective.
      """)

  @Argument(help: "The model file.") var model: String
  @Option(help: "A user's raw id; may be given several times.") var user: [String] = []
  @Option(help: ArgumentHelp("Raw ids of items that a new user clicked.", valueName: "id,id,…")) var session: String?
  @Option(help: ArgumentHelp("With --session: ids that were shown and not clicked.", valueName: "id,id,…"))
  var declined: String?
  @Flag(help: "All users, in the order of the training log.") var all = false
  @Option(parsing: .unconditional, help: "Items per list.") var count = 10
  @Option(help: "relevance, click or explore.") var mode = Recommender.Mode.relevance
  @Option(help: "A file of raw item ids to leave out, one a line.") var exclude: String?
  @Flag(help: "Keep items that the user clicked in the training log.") var withSeen = false
  @Option(name: [.short, .long], help: "With --all: the CSV file to write; else standard output.") var output: String?
  @OptionGroup var threads: ThreadOptions
  @Option(help: "text or json.") var format = OutputFormat.text

  func validate() throws {
    switch [all, !user.isEmpty, session != nil].count(where: { $0 }) {
    case 0: throw ValidationError("name users with --user, clicked items with --session, or take --all")
    case 1: break
    default: throw ValidationError("take one of --user, --session and --all")
    }
    guard session.map({ !RecommendCommand.ids($0).isEmpty }) ?? true else {
      throw ValidationError("--session '': name at least one item")
    }
    guard output == nil || all else { throw ValidationError("-o goes with --all; other lists go to standard output") }
    guard declined == nil || session != nil else { throw ValidationError("--declined goes with --session") }
    guard count > 0 else { throw ValidationError("--count \(count): at least 1") }
  }

  func run() async throws {
    try await ExitStatus.guarding {
      threads.apply()
      if let output { try InputKind.check(output: output, isNone: [model, exclude]) }
      let recommender = Recommender(try InputKind.model(model))
      let excluded = try exclude.map { try TextLines.of($0) } ?? []
      let unknown = excluded.filter { recommender.model.items.index(of: $0) == nil }
      if let exclude, !unknown.isEmpty {
        Terminal.note(
          "note: the model knows none of \(unknown.count) of the \(excluded.count) items in \(exclude), the first "
            + "'\(unknown[0].prefix(40))'")
      }
      if all { return try writeAll(recommender, excluding: excluded) }
      if let session { return try answer(session, recommender, excluding: excluded) }
      var lists: [UserList] = []
      for id in user {
        let list = try recommender.recommend(
          user: id, count: count, mode: mode, excluding: excluded, filterSeen: !withSeen)
        lists.append(UserList(user: id, mode: mode, items: list))
      }
      if format == .json { return try Terminal.emit(json: lists) }
      for list in lists { Terminal.emit(text(of: list)) }
    }
  }

  private func answer(_ session: String, _ recommender: Recommender, excluding: [String]) throws {
    let answer = try recommender.recommend(
      session: RecommendCommand.ids(session), declined: declined.map(RecommendCommand.ids) ?? [], count: count,
      mode: mode, excluding: excluding, filterSeen: !withSeen)
    if format == .json { return try Terminal.emit(json: answer) }
    if !answer.unknown.isEmpty {
      Terminal.note(
        "the model knows none of these items, which told nothing: "
          + answer.unknown.map { "'\($0)'" }.joined(separator: ", "))
    }
    if answer.isFallback {
      Terminal.note(
        "nothing of the session is known: this is the list for anybody (\(recommender.fallback.kind.rawValue))")
    }
    Terminal.emit(text(of: UserList(user: "a new user", mode: mode, items: answer.items)))
  }

  /// Ids between commas; an id with a comma in it cannot be written here.
  private static func ids(_ text: String) -> [String] {
    text.split(separator: ",").map(String.init)
  }

  private struct UserList: Encodable {
    var user: String
    var mode: Recommender.Mode
    var items: [Recommender.Recommendation]
  }

  private func text(of list: UserList) -> String {
    func cell(_ value: Float?) -> TableValue.Cell {
      value.map { .number(Double($0), places: 4) } ?? TableValue.Cell("–")
    }
    let table = TableValue(
      columns: [
        TableValue.Column("rank"), TableValue.Column("item", .leading), TableValue.Column("score"),
        TableValue.Column("P(relevant)"), TableValue.Column("P(exposed)"),
      ],
      rows: list.items.enumerated().map { rank, item in
        [
          TableValue.Cell("\(rank + 1)"), TableValue.Cell(item.item), .number(Double(item.score), places: 4),
          cell(item.relevance), cell(item.exposure),
        ]
      })
    return "\(list.user), by \(list.mode.rawValue)\n\(table.plain())\n"
  }

  private func writeAll(_ recommender: Recommender, excluding: [String]) throws {
    // Standard output may be a file that others append to: it is written as it comes, never replaced.
    let file = try output.map { try AtomicFile($0) }
    let write = { (text: String) throws in
      if let file { try file.write(text) } else { Terminal.write(text) }
    }
    let users = Double(recommender.model.users.count)
    let line = ProgressLine("recommending", unit: "users")
    var done = 0
    try write("user,rank,item,score\n")
    try recommender.recommendForAll(
      count: count, mode: mode, excluding: excluding, filterSeen: !withSeen
    ) { user, list in
      for (rank, item) in list.enumerated() {
        try write("\(CSVField.quoted(user)),\(rank + 1),\(CSVField.quoted(item.item)),\(item.score)\n")
      }
      done += 1
      line.show(Double(done), of: users)
    }
    try file?.commit()
    line.finish()
    if let output { Terminal.note("wrote lists of \(done) users to \(output)") }
  }
}
