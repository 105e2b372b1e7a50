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
    let ids = served.model.items
    let unknown = (clicked + declined).filter { ids.index(of: $0) == nil }
    if unknown.count == clicked.count + declined.count {
      // Nothing is known: the list of any unknown user.
      service.metrics.countFallback(served.fallback.kind.rawValue)
      let list = try RecommendHandlers.asking { () throws(Recommender.Problem) in
        try served.fallback.recommend(count: question.count, mode: question.mode, excluding: question.excluded)
      }
      return answer(served, question, list, unknown: unknown, isFallback: true)
    }
    let list = try RecommendHandlers.asking { () throws(Recommender.Problem) in
      try served.recommender.recommend(
        session: clicked, declined: declined, count: question.count, mode: question.mode,
        excluding: question.excluded, filterSeen: question.filterSeen ?? true)
    }
    return answer(served, question, list.items, unknown: unknown, isFallback: false)
  }

  private static func answer(
    _ served: ServedModel, _ question: RecommendHandlers.Question, _ list: [Recommender.Recommendation],
    unknown: [String], isFallback: Bool
  ) -> ServiceResponse {
    .json(
      .members([
        "mode": .string(question.mode.rawValue), "model": .string(served.digest),
        "fallback": isFallback ? .string(served.fallback.kind.rawValue) : nil, "unknown": .strings(unknown),
        "items": RecommendHandlers.items(list),
      ]))
  }
}
