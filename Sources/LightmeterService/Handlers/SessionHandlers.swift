internal import LightmeterFeedback
internal import LightmeterModels
internal import LightmeterServing

/// Lists for people of whom only some clicks are known.
enum SessionHandlers {
  private static let names = ["clicked", "declined", "n", "mode", "exclude", "filterSeen"]

  static func recommend(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    let fields = try JSONFields(try call.json(), names: names)
    let question = try RecommendHandlers.Question(fields, service.settings)
    guard let clicked = try fields.strings("clicked", atMost: service.settings.largestBatch) else {
      throw .unprocessable("'clicked' is missing; it must be a list of items, which may be empty")
    }
    let declined = try fields.strings("declined", atMost: service.settings.largestBatch) ?? []
    let served = service.slot.current
    let list = try RecommendHandlers.asking { () throws(Recommender.Problem) in
      try served.recommender.recommend(
        session: clicked, declined: declined, count: question.count, mode: question.mode,
        excluding: question.excluded, filterSeen: question.filterSeen ?? true)
    }
    if list.isFallback { service.metrics.countFallback(served.fallback.kind.rawValue) }
    return .json(
      .members([
        "mode": .string(question.mode.rawValue), "model": .string(served.digest),
        "fallback": list.isFallback ? .string(served.fallback.kind.rawValue) : nil, "unknown": .strings(list.unknown),
        "items": RecommendHandlers.items(list.items),
      ]))
  }
}
