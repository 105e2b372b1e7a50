internal import LightmeterFeedback
internal import LightmeterModels
internal import LightmeterServing

/// Lists for users.
enum RecommendHandlers {
  /// What is asked beside the user.
  struct Question {
    var count = 10
    var mode = Recommender.Mode.relevance
    var excluded: [String] = []
    var candidates: [String]?
    /// Nil: where the model holds the users' history.
    var filterSeen: Bool?

    static let names = ["n", "mode", "exclude", "candidates", "filterSeen"]

    init() {}

    init(_ fields: JSONFields, _ settings: ServiceSettings) throws(ServiceError) {
      count = try fields.whole("n", in: 1...settings.mostItems) ?? count
      mode = try fields.word("mode", of: Recommender.Mode.self) ?? mode
      excluded = try fields.strings("exclude", atMost: 100_000) ?? []
      candidates = try fields.strings("candidates", atMost: 100_000)
      filterSeen = try fields.bool("filterSeen")
    }

    init(_ call: Call, _ parameters: [String: String], _ settings: ServiceSettings) throws(ServiceError) {
      count = try call.whole("n", in: parameters, 1...settings.mostItems) ?? count
      if let text = parameters["mode"] {
        guard let mode = Recommender.Mode(rawValue: text) else {
          throw .unprocessable(
            "the parameter 'mode' is '\(ServiceError.quoted(text))'; it must be one of "
              + Recommender.Mode.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.mode = mode
      }
      if let text = parameters["filterSeen"] {
        guard let flag = ["true": true, "false": false][text] else {
          throw .unprocessable("the parameter 'filterSeen' is '\(ServiceError.quoted(text))'; it must be true or false")
        }
        filterSeen = flag
      }
    }
  }

  static func recommend(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    let fields = try JSONFields(try call.json(), names: ["user"] + Question.names)
    let question = try Question(fields, service.settings)
    return .json(try list(service, service.slot.current, user: try fields.string("user"), question))
  }

  static func recommendations(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    let parameters = try call.request.parameters(["n", "mode", "filterSeen"])
    let question = try Question(call, parameters, service.settings)
    return .json(try list(service, service.slot.current, user: call.path[0], question))
  }

  static func batch(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    let fields = try JSONFields(try call.json(), names: ["users"] + Question.names)
    let question = try Question(fields, service.settings)
    guard let users = try fields.strings("users", atMost: service.settings.largestBatch), !users.isEmpty else {
      throw .unprocessable("'users' is missing or empty; it must be a list of users")
    }
    let served = service.slot.current
    let lists = try lists(service, served, users: users, question)
    return .json(.members(["model": .string(served.digest), "lists": .array(lists)]))
  }

  /// The items that the log clicked most: what a recommender driven by popularity shows everybody.
  static func popular(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    let parameters = try call.request.parameters(["n", "user"])
    let count = try call.whole("n", in: parameters, 1...service.settings.mostItems) ?? 10
    let served = service.slot.current
    let model = served.model
    var seen: Set<Int32> = []
    var user: Int32?
    if let id = parameters["user"] {
      guard let index = model.users.index(of: id) else { throw problem(.unknownUser(ServiceError.quoted(id))) }
      user = index
      if let history = model.seen { seen = Set(history.items(of: Int(index))) }
    }
    let shown = served.byPopularity.lazy.filter { !seen.contains($0) }.prefix(count).map { Int($0) }
    let relevances = user == nil ? nil : model.scorer.relevanceScorer
    let items = shown.enumerated().map { place, item -> JSONValue in
      var (relevance, exposure): (Float?, Float?)
      if let user {
        var score: [Float] = [0]
        model.scorer.scores(user: Int(user), items: item..<item + 1, into: &score)
        relevance = relevances?.relevance(ofScore: score[0])
        exposure = model.exposure?.exposure(user: Int(user), item: item)
      }
      return .members([
        "rank": .integer(place + 1), "item": .string(model.items[item]), "popularity": .single(model.popularity[item]),
        "relevance": relevance.map { .single($0) }, "exposure": exposure.map { .single($0) },
      ])
    }
    return .json(.members(["model": .string(served.digest), "items": .array(Array(items))]))
  }

  /// The list of one user, known or not, as an answer writes it.
  static func list(
    _ service: RecommendationService, _ served: ServedModel, user: String, _ question: Question
  ) throws(ServiceError) -> JSONValue {
    guard served.model.users.index(of: user) != nil else {
      service.metrics.countFallback(served.fallback.kind.rawValue)
      let list = try asking { () throws(Recommender.Problem) in
        try served.fallback.recommend(
          count: question.count, mode: question.mode, excluding: question.excluded, among: question.candidates)
      }
      return answer(served, user: user, question, list, filterSeen: nil)
    }
    let filterSeen = question.filterSeen ?? (served.model.seen != nil)
    let list = try asking { () throws(Recommender.Problem) in
      if let candidates = question.candidates {
        return try served.recommender.recommend(
          user: user, among: candidates, count: question.count, mode: question.mode, excluding: question.excluded,
          filterSeen: filterSeen)
      }
      return try served.recommender.recommend(
        user: user, count: question.count, mode: question.mode, excluding: question.excluded, filterSeen: filterSeen)
    }
    return answer(served, user: user, question, list, filterSeen: filterSeen)
  }

  /// The lists of several users, in their order, each as it would be alone.
  static func lists(
    _ service: RecommendationService, _ served: ServedModel, users: [String], _ question: Question
  ) throws(ServiceError) -> [JSONValue] {
    let filterSeen = question.filterSeen ?? (served.model.seen != nil)
    var found = [[Recommender.Recommendation]?](repeating: nil, count: users.count)
    // Blocks of users on all threads; for strangers and for given candidates there are none.
    if question.candidates == nil, users.contains(where: { served.model.users.index(of: $0) != nil }) {
      found = try asking { () throws(Recommender.Problem) in
        try served.recommender.recommend(
          users: users, count: question.count, mode: question.mode, excluding: question.excluded,
          filterSeen: filterSeen)
      }
    }
    var lists: [JSONValue] = []
    for (user, list) in zip(users, found) {
      if let list {
        lists.append(answer(served, user: user, question, list, filterSeen: filterSeen))
      } else {
        lists.append(try self.list(service, served, user: user, question))
      }
    }
    return lists
  }

  /// Known users say whether seen items were left out, unknown ones what stands behind their list.
  private static func answer(
    _ served: ServedModel, user: String, _ question: Question, _ list: [Recommender.Recommendation], filterSeen: Bool?
  ) -> JSONValue {
    .members([
      "user": .string(user), "mode": .string(question.mode.rawValue), "model": .string(served.digest),
      "filterSeen": filterSeen.map { .bool($0) },
      "fallback": filterSeen == nil ? .string(served.fallback.kind.rawValue) : nil,
      "items": items(list),
    ])
  }

  /// Recommended items as answers write them.
  static func items(_ list: [Recommender.Recommendation]) -> JSONValue {
    .array(
      list.enumerated().map { place, item in
        .members([
          "rank": .integer(place + 1), "item": .string(item.item), "score": .single(item.score),
          "relevance": item.relevance.map { .single($0) }, "exposure": item.exposure.map { .single($0) },
        ])
      })
  }

  /// Turns a problem of the recommender into an error of the request.
  static func asking<R>(_ body: () throws(Recommender.Problem) -> R) throws(ServiceError) -> R {
    do { return try body() } catch { throw problem(error) }
  }

  static func problem(_ problem: Recommender.Problem) -> ServiceError {
    switch problem {
    case .unknownUser(let id): .unknown(Recommender.Problem.unknownUser(ServiceError.quoted(id)).description)
    case .unknownItem(let id): .unknown(Recommender.Problem.unknownItem(ServiceError.quoted(id)).description)
    default: .conflict(problem.description)
    }
  }
}
