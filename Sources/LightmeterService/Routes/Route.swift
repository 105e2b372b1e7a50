/// A request that found its route.
struct Call: Sendable {
  let request: ServiceRequest
  /// What stands in the places of the template, in order.
  let path: [String]

  /// The body as JSON.
  func json() throws(ServiceError) -> JSONValue {
    do { return try JSONParser.parse(request.body) } catch {
      throw .malformed("the body is no JSON: \(error)")
    }
  }

  /// A whole number of the query.
  func whole(
    _ name: String, in parameters: [String: String], _ range: ClosedRange<Int>
  ) throws(ServiceError) -> Int? {
    guard let text = parameters[name] else { return nil }
    guard let number = Int(text), range.contains(number), text.first != "+" else {
      throw .unprocessable(
        "the parameter '\(name)' is '\(ServiceError.quoted(text))'; it must be a whole number from "
          + "\(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}

/// One route: what it is called, who may use it, what answers it.
struct Route: Sendable {
  typealias Handler =
    @Sendable (_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse

  /// How the route writes its errors.
  enum Dialect { case problem, inference }

  let method: String
  /// With names in braces, as OpenAPI writes it.
  let template: String
  let access: AccessKeys.Level
  let dialect: Dialect
  let handler: Handler
  private let parts: [String]

  init(
    _ method: String, _ template: String, _ access: AccessKeys.Level, dialect: Dialect = .problem,
    handler: @escaping Handler
  ) {
    (self.method, self.template, self.access, self.dialect, self.handler) = (method, template, access, dialect, handler)
    parts = template.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
  }

  /// What stands in the places of the template, where the path fits; an empty part is none.
  func match(_ segments: [String]) -> [String]? {
    guard segments.count == parts.count else { return nil }
    var found: [String] = []
    for (part, segment) in zip(parts, segments) {
      if part.hasPrefix("{") {
        if segment.isEmpty { return nil }
        found.append(segment)
      } else if part != segment {
        return nil
      }
    }
    return found
  }

  /// All routes; openapi.json beside this file says what they take and give.
  static let all: [Route] = [
    Route("GET", "/", .none) { _, call throws(ServiceError) in try OperationHandlers.page(call) },
    Route("GET", "/openapi.json", .none) { _, call throws(ServiceError) in try OperationHandlers.document(call) },
    Route("GET", "/health/live", .none) { _, call throws(ServiceError) in try OperationHandlers.live(call) },
    Route("GET", "/health/ready", .none) { service, call throws(ServiceError) in
      try OperationHandlers.ready(service, call)
    },
    Route("GET", "/metrics", .read) { service, call throws(ServiceError) in
      try OperationHandlers.metrics(service, call)
    },
    Route("GET", "/v1/model", .read) { service, call throws(ServiceError) in
      try OperationHandlers.model(service, call)
    },
    Route("POST", "/v1/recommend", .read) { service, call throws(ServiceError) in
      try RecommendHandlers.recommend(service, call)
    },
    Route("POST", "/v1/recommend/batch", .read) { service, call throws(ServiceError) in
      try RecommendHandlers.batch(service, call)
    },
    Route("POST", "/v1/sessions/recommend", .read) { service, call throws(ServiceError) in
      try SessionHandlers.recommend(service, call)
    },
    Route("GET", "/v1/users/{user}/recommendations", .read) { service, call throws(ServiceError) in
      try RecommendHandlers.recommendations(service, call)
    },
    Route("GET", "/v1/popular", .read) { service, call throws(ServiceError) in
      try RecommendHandlers.popular(service, call)
    },
    Route("GET", "/v1/users", .read) { service, call throws(ServiceError) in try LookupHandlers.users(service, call) },
    Route("GET", "/v1/items", .read) { service, call throws(ServiceError) in try LookupHandlers.items(service, call) },
    Route("GET", "/v1/users/{user}", .read) { service, call throws(ServiceError) in
      try LookupHandlers.user(service, call)
    },
    Route("POST", "/v1/similar", .read) { service, call throws(ServiceError) in
      try LookupHandlers.similar(service, call)
    },
    Route("GET", "/v1/items/{item}/similar", .read) { service, call throws(ServiceError) in
      try LookupHandlers.similarItems(service, call)
    },
    Route("POST", "/v1/explain", .read) { service, call throws(ServiceError) in
      try LookupHandlers.explain(service, call)
    },
    Route("GET", "/v1/users/{user}/items/{item}/explanation", .read) { service, call throws(ServiceError) in
      try LookupHandlers.explanation(service, call)
    },
    Route("POST", "/v1/feedback", .write) { service, call throws(ServiceError) in
      try FeedbackHandlers.feedback(service, call)
    },
    Route("POST", "/v1/impressions", .write) { service, call throws(ServiceError) in
      try FeedbackHandlers.impressions(service, call)
    },
    Route("GET", "/v2", .none, dialect: .inference) { _, call throws(ServiceError) in
      try InferenceHandlers.server(call)
    },
    Route("GET", "/v2/health/live", .none, dialect: .inference) { _, call throws(ServiceError) in
      try InferenceHandlers.live(call)
    },
    Route("GET", "/v2/health/ready", .none, dialect: .inference) { service, call throws(ServiceError) in
      try InferenceHandlers.ready(service, call)
    },
    Route("GET", "/v2/models/{model}", .read, dialect: .inference) { service, call throws(ServiceError) in
      try InferenceHandlers.model(service, call)
    },
    Route("GET", "/v2/models/{model}/ready", .none, dialect: .inference) { service, call throws(ServiceError) in
      try InferenceHandlers.modelReady(service, call)
    },
    Route("POST", "/v2/models/{model}/infer", .read, dialect: .inference) { service, call throws(ServiceError) in
      try InferenceHandlers.infer(service, call)
    },
    Route("GET", "/v2/models/{model}/versions/{version}", .read, dialect: .inference) {
      service, call throws(ServiceError) in
      try InferenceHandlers.model(service, call)
    },
    Route("GET", "/v2/models/{model}/versions/{version}/ready", .none, dialect: .inference) {
      service, call throws(ServiceError) in
      try InferenceHandlers.modelReady(service, call)
    },
    Route("POST", "/v2/models/{model}/versions/{version}/infer", .read, dialect: .inference) {
      service, call throws(ServiceError) in
      try InferenceHandlers.infer(service, call)
    },
  ]
}
