internal import LightmeterFeedback
internal import LightmeterModels
internal import LightmeterServing

/// What the model knows of users, items and pairs.
enum LookupHandlers {
  static func users(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    try search(call, service.slot.current.model.users, "users")
  }

  static func items(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    try search(call, service.slot.current.model.items, "items")
  }

  /// Ids that begin with a text, in the order of the training log, an equal one first.
  private static func search(
    _ call: Call, _ ids: IdentifierTable, _ what: String
  ) throws(ServiceError) -> ServiceResponse {
    let parameters = try call.request.parameters(["prefix", "limit"])
    let limit = try call.whole("limit", in: parameters, 1...100) ?? 20
    let prefix = Array((parameters["prefix"] ?? "").utf8)
    var found: [String] = []
    if let exact = parameters["prefix"], ids.index(of: exact) != nil { found.append(exact) }
    let chunk = 1 << 14
    scan: for first in stride(from: 0, to: ids.count, by: chunk) {
      let range = first..<min(first + chunk, ids.count)
      let (text, starts) = (ids.bytes(of: range), ids.starts(of: range.lowerBound..<range.upperBound + 1))
      for k in 0..<range.count {
        if found.count >= limit { break scan }
        let bytes = text[Int(starts[k] - starts[0])..<Int(starts[k + 1] - starts[0])]
        guard bytes.count >= prefix.count, bytes.prefix(prefix.count).elementsEqual(prefix) else { continue }
        if !found.isEmpty, bytes.count == prefix.count { continue }
        found.append(String(decoding: bytes, as: UTF8.self))
      }
    }
    return .json(.members(["total": .integer(ids.count), what: .strings(found)]))
  }

  /// One user with the newest-known part of the history that the model holds.
  static func user(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    let parameters = try call.request.parameters(["limit"])
    let limit = try call.whole("limit", in: parameters, 0...service.settings.mostItems) ?? 100
    let model = service.slot.current.model
    guard let index = model.users.index(of: call.path[0]) else {
      throw RecommendHandlers.problem(.unknownUser(call.path[0]))
    }
    let clicked = model.seen?.items(of: Int(index))
    return .json(
      .members([
        "user": .string(call.path[0]), "clicks": clicked.map { .integer($0.count) },
        "clicked": clicked.map { .strings($0.prefix(limit).map { model.items[Int($0)] }) },
      ]))
  }

  static func similar(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    let fields = try JSONFields(try call.json(), names: ["item", "n"])
    let count = try fields.whole("n", in: 1...service.settings.mostItems) ?? 10
    return try similar(service, to: try fields.string("item"), count: count)
  }

  static func similarItems(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    let parameters = try call.request.parameters(["n"])
    let count = try call.whole("n", in: parameters, 1...service.settings.mostItems) ?? 10
    return try similar(service, to: call.path[0], count: count)
  }

  private static func similar(
    _ service: RecommendationService, to item: String, count: Int
  ) throws(ServiceError) -> ServiceResponse {
    let served = service.slot.current
    guard let similar = served.similar else {
      throw .conflict("this model holds no item vectors to compare; train a method that does, such as biif or mf")
    }
    let near = try RecommendHandlers.asking { () throws(Recommender.Problem) in
      try similar.nearest(to: item, count: count)
    }
    let items = near.enumerated().map { place, neighbour in
      JSONValue.members([
        "rank": .integer(place + 1), "item": .string(neighbour.item), "similarity": .single(neighbour.similarity),
      ])
    }
    return .json(.members(["item": .string(item), "model": .string(served.digest), "items": .array(items)]))
  }

  static func explain(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    let fields = try JSONFields(try call.json(), names: ["user", "item"])
    return try explain(service, user: try fields.string("user"), item: try fields.string("item"))
  }

  static func explanation(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    return try explain(service, user: call.path[0], item: call.path[1])
  }

  private static func explain(
    _ service: RecommendationService, user: String, item: String
  ) throws(ServiceError) -> ServiceResponse {
    let served = service.slot.current
    let pair = try RecommendHandlers.asking { () throws(Recommender.Problem) in
      try served.recommender.explain(user: user, item: item)
    }
    return .json(
      .members([
        "user": .string(user), "item": .string(item), "model": .string(served.digest),
        "relevance": .number(pair.relevance), "exposure": pair.exposure.map { .number($0) },
        "clicked": pair.clicked.map { .bool($0) }, "neverSeen": pair.neverSeen.map { .number($0) },
        "declined": pair.declined.map { .number($0) },
      ]))
  }
}
