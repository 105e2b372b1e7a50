/// What was shown, clicked and rated, into the feedback log.
enum FeedbackHandlers {
  private static let latest = 253_402_300_799

  static func impressions(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    let fields = try JSONFields(try call.json(), names: ["user", "items", "timestamp"])
    let user = try id("user", fields)
    let timestamp = try fields.whole("timestamp", in: 0...latest) ?? ModelSlot.now
    let items = try fields.objects(
      "items", atMost: service.settings.largestBatch, names: ["item", "rank", "probability"])
    var entries: [FeedbackEntry] = []
    for (place, item) in items.enumerated() {
      entries.append(
        .impression(
          FeedbackEntry.Impression(
            user: user, item: try id("item", item), clicked: false,
            probability: try probability("probability", item) ?? 1,
            rank: try item.whole("rank", in: 1...1_000_000_000) ?? place + 1, timestamp: timestamp)))
    }
    return try record(entries, service)
  }

  static func feedback(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    let body = try JSONFields(try call.json(), names: ["events"])
    let events = try body.objects(
      "events", atMost: service.settings.largestBatch,
      names: ["user", "item", "clicked", "rating", "probability", "rank", "timestamp"])
    var entries: [FeedbackEntry] = []
    for event in events { entries += try self.entries(of: event, service.journal) }
    return try record(entries, service)
  }

  /// A click on an impression carries the impression's probability; one on anything else says nothing of exposure.
  private static func entries(
    of event: JSONFields, _ journal: FeedbackJournal?
  ) throws(ServiceError) -> [FeedbackEntry] {
    let (user, item) = (try id("user", event), try id("item", event))
    let timestamp = try event.whole("timestamp", in: 0...latest) ?? ModelSlot.now
    let (clicked, rank) = (try event.bool("clicked"), try event.whole("rank", in: 1...1_000_000_000))
    let rating = try event.number("rating", "a number from -1e6 to 1e6") { abs($0) <= 1e6 }
    let given = try probability("probability", event)
    guard clicked != nil || rating != nil else {
      throw .unprocessable("an event on '\(ServiceError.quoted(item))' has neither 'clicked' nor 'rating'")
    }
    var entries: [FeedbackEntry] = []
    if let clicked {
      let known = given == nil ? journal?.impression(user: user, item: item) : nil
      if let shown = given ?? known?.probability {
        entries.append(
          .impression(
            FeedbackEntry.Impression(
              user: user, item: item, clicked: clicked, probability: shown, rank: rank ?? known?.rank ?? 1,
              timestamp: timestamp)))
      } else if clicked {
        entries.append(.click(user: user, item: item, timestamp: timestamp))
      } else {
        // Known only as not clicked, with no word of having been shown: nothing to learn from.
        throw .conflict(
          "'\(ServiceError.quoted(item))' was not clicked, but no impression of it is known; report it to "
            + "/v1/impressions, or give the 'probability' with which it was shown")
      }
    }
    if let rating { entries.append(.rating(user: user, item: item, rating: rating, timestamp: timestamp)) }
    return entries
  }

  private static func record(
    _ entries: [FeedbackEntry], _ service: RecommendationService
  ) throws(ServiceError) -> ServiceResponse {
    guard let journal = service.journal else {
      throw .conflict("this server keeps no feedback log; start it with --feedback-log FOLDER")
    }
    let written: [FeedbackEntry.Kind: Int]
    do { written = try journal.record(entries) } catch {
      throw .unavailable("the feedback log cannot be written just now; nothing is lost if you send it again")
    }
    return .json(
      .members([
        "written": .members([
          "impressions": .integer(written[.impressions] ?? 0), "clicks": .integer(written[.clicks] ?? 0),
          "ratings": .integer(written[.ratings] ?? 0),
        ])
      ]))
  }

  private static func id(_ name: String, _ fields: JSONFields) throws(ServiceError) -> String {
    let id = try fields.string(name)
    guard FeedbackEntry.takes(id: id) else {
      throw .unprocessable("'\(name)' has more than 512 bytes or control characters, which the log does not take")
    }
    return id
  }

  /// A probability that single precision does not make 0.
  private static func probability(_ name: String, _ fields: JSONFields) throws(ServiceError) -> Double? {
    try fields.number(name, "a number from 1e-30 to 1") { $0 >= 1e-30 && $0 <= 1 }
  }
}
