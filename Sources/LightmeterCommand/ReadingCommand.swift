internal import ArgumentParser
internal import LightmeterExperiments
internal import LightmeterFeedback

/// `lightmeter reading`: whether a log can be debiased, and what that would buy.
struct ReadingCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reading", abstract: "Say whether a log can be debiased, and how much there is to gain.",
    discussion: """
      lightmeter reading clicks.csv
      lightmeter reading clicks.csv --random random.csv
      lightmeter reading shown.csv --impressions

      With random traffic, or with impressions, it measures how much of popularity is deserved; from clicks alone it says \
      what cannot be known, and how much random traffic to collect.
      """)

  @Argument(help: "The log: a file, or - for standard input.") var log: String
  @OptionGroup(title: "Reading the log") var reading: LogOptions
  @Option(help: "A slice of random traffic: pairs shown regardless of taste, clicked or not.") var random: String?
  @Flag(help: "The log lists what was shown, clicked or not.") var impressions = false
  @Option(parsing: .unconditional, help: "Decides the halves of a cross-fit.") var seed: UInt64 = 1
  @Option(help: "text or json.") var format = OutputFormat.text

  func validate() throws {
    guard random == nil || !impressions else { throw ValidationError("take --random or --impressions, not both") }
  }

  func run() async throws {
    try await ExitStatus.guarding {
      var loaded = try reading.load(log)
      let marked = loaded.takeRandomTraffic()
      let ids = loaded.interactions
      let feedback = loaded.feedback()
      let clicks = FeedbackMatrix(
        userCount: feedback.userCount, itemCount: feedback.itemCount, users: feedback.positives.users,
        items: feedback.positives.items)
      let result: Reading
      if let random {
        let slice = try reading.load(random, users: ids.users, items: ids.items, as: "random traffic")
        result = try Reading(log: clicks, shown: slice, source: .random, seed: seed)
      } else if let marked, !impressions {
        result = try Reading(log: clicks, shown: marked, source: .random, seed: seed)
      } else if impressions {
        result = try Reading(log: clicks, shown: loaded.pairs, source: .impressions, seed: seed)
      } else {
        result = Reading(log: clicks)
      }
      if format == .json { return try Terminal.emit(json: result) }
      Terminal.emit(Terminal.wrapped("\(result)"))
    }
  }
}
