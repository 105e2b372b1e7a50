internal import LightmeterFeedback
internal import LightmeterServing

/// The Open Inference Protocol, version 2: users as BYTES in, items and scores out.
enum InferenceHandlers {
  static func server(_ call: Call) throws(ServiceError) -> ServiceResponse {
    .json(.members(["name": .string("lightmeter"), "version": .string("2"), "extensions": .array([])]))
  }

  static func live(_ call: Call) throws(ServiceError) -> ServiceResponse { .json(.members(["live": .bool(true)])) }

  static func ready(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    guard service.isReady else { throw .unavailable("the server is ending") }
    return .json(.members(["live": .bool(true), "ready": .bool(true)]))
  }

  static func modelReady(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    let served = try served(service, call, asksForKey: false)
    guard service.isReady else { throw .unavailable("the server is ending") }
    return .json(.members(["name": .string(served.name), "ready": .bool(true)]))
  }

  static func model(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    let served = try served(service, call)
    func tensor(_ name: String, _ type: String, _ shape: [Int]) -> JSONValue {
      .members([
        "name": .string(name), "datatype": .string(type), "shape": .array(shape.map { .integer($0) }),
      ])
    }
    return .json(
      .members([
        "name": .string(served.name), "versions": .strings([served.digest]), "platform": .string("lightmeter"),
        "inputs": .array([tensor("user", "BYTES", [-1])]),
        "outputs": .array([
          tensor("item", "BYTES", [-1, -1]), tensor("score", "FP32", [-1, -1]), tensor("count", "INT32", [-1]),
        ]),
      ]))
  }

  static func infer(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    let served = try served(service, call)
    let body = try JSONFields(try call.json(), names: ["id", "parameters", "inputs", "outputs"])
    let users = try users(of: body, service.settings)
    let parameters = try JSONFields(
      body.value("parameters") ?? .object([]), place: "parameters.", names: RecommendHandlers.Question.names)
    let question = try RecommendHandlers.Question(parameters, service.settings)
    let id = try body.value("id") == nil ? nil : body.string("id")
    let wanted = try outputs(of: body)
    var (items, scores, counts): ([JSONValue], [JSONValue], [JSONValue]) = ([], [], [])
    for answer in try RecommendHandlers.lists(service, served, users: users, question) {
      let list = answer["items"]?.elements ?? []
      items += list.map { $0["item"] ?? .string("") }
      scores += list.map { $0["score"] ?? .integer(0) }
      counts.append(.integer(list.count))
      // A tensor is rectangular: a short list is filled up, and `count` says how many entries are real.
      items += [JSONValue](repeating: .string(""), count: question.count - list.count)
      scores += [JSONValue](repeating: .integer(0), count: question.count - list.count)
    }
    func tensor(_ name: String, _ type: String, _ shape: [Int], _ data: [JSONValue]) -> JSONValue {
      .members([
        "name": .string(name), "datatype": .string(type), "shape": .array(shape.map { .integer($0) }),
        "data": .array(data),
      ])
    }
    let all = [
      ("item", tensor("item", "BYTES", [users.count, question.count], items)),
      ("score", tensor("score", "FP32", [users.count, question.count], scores)),
      ("count", tensor("count", "INT32", [users.count], counts)),
    ]
    return .json(
      .members([
        "model_name": .string(served.name), "model_version": .string(served.digest), "id": id.map { .string($0) },
        "outputs": .array(all.filter { wanted.isEmpty || wanted.contains($0.0) }.map(\.1)),
      ]))
  }

  /// The model that the path names. Where no key is asked for, a wrong name or version is not answered with the right one.
  private static func served(
    _ service: RecommendationService, _ call: Call, asksForKey: Bool = true
  ) throws(ServiceError) -> ServedModel {
    let served = service.slot.current
    func instead(_ truth: String) -> String { asksForKey ? "; there is '\(truth)'" : "" }
    guard call.path[0] == served.name else {
      throw .unknown("there is no model '\(ServiceError.quoted(call.path[0]))' here\(instead(served.name))")
    }
    // A version is a model's digest: one server has one of them at a time.
    if call.path.count > 1, call.path[1] != served.digest {
      throw .unknown(
        "there is no version '\(ServiceError.quoted(call.path[1]))' of '\(served.name)' here"
          + instead(served.digest))
    }
    return served
  }

  private static func users(of body: JSONFields, _ settings: ServiceSettings) throws(ServiceError) -> [String] {
    let inputs = try body.objects("inputs", atMost: 1, names: ["name", "shape", "datatype", "parameters", "data"])
    guard try inputs[0].string("name") == "user", try inputs[0].string("datatype") == "BYTES" else {
      throw .unprocessable("the input must be named 'user' and have the datatype BYTES")
    }
    guard let users = try inputs[0].strings("data", atMost: settings.largestBatch), !users.isEmpty else {
      throw .unprocessable("'inputs[0].data' is missing or empty")
    }
    guard let shape = inputs[0].value("shape")?.elements?.map({ $0.whole ?? -1 }),
      shape == [users.count] || shape == [users.count, 1]
    else {
      throw .unprocessable("'inputs[0].shape' must be [\(users.count)], as many as there are users in 'data'")
    }
    return users
  }

  private static func outputs(of body: JSONFields) throws(ServiceError) -> [String] {
    guard body.value("outputs") != nil else { return [] }
    var names: [String] = []
    for output in try body.objects("outputs", atMost: 3, names: ["name", "parameters"]) {
      let name = try output.string("name")
      guard ["item", "score", "count"].contains(name) else {
        throw .unprocessable("there is no output '\(ServiceError.quoted(name))'; there are item, score and count")
      }
      names.append(name)
    }
    return names
  }
}
