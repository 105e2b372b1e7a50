import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import TestSupport

@testable import LightmeterService

/// Two users, five items: a likes low indices, b high ones; a has clicked i0. Item i3 was hardly shown.
enum SmallModel {
  static func stored(history: Bool = true, exposure: Bool = true, slope: Float = 1) -> StoredModel {
    var (users, items) = (IdentifierTable(), IdentifierTable())
    for name in ["a", "b"] { _ = users.intern(name) }
    for name in ["i0", "i1", "i2", "i3", "i/4"] { _ = items.intern(name) }
    var (left, right) = (
      Table<Float>(name: "user_factors", rows: 2, factorWidth: 2),
      Table<Float>(name: "item_factors", rows: 5, factorWidth: 2)
    )
    (left.values[0], left.values[4]) = (slope, -slope)
    for item in 0..<5 { (right.values[item * 4], right.values[item * 4 + 1]) = (Float(2 - item), 1) }
    return StoredModel(
      scorer: .factors(FactorModel(users: left, items: right, intercept: 0)),
      exposure: exposure ? .perItem([1, 0.5, 0.25, 0.1, 0.2]) : nil, users: users, items: items,
      popularity: [1, 0.8, 0.5, 0.2, 0.9],
      seen: history ? FeedbackMatrix(userCount: 2, itemCount: 5, users: [0], items: [0]) : nil,
      manifest: #"{"version":"9.9","source":"/secret/folder/clicks.csv","results":[]}"#)
  }

  static func service(
    _ model: StoredModel = stored(), keys: AccessKeys = AccessKeys(), journal: FeedbackJournal? = nil,
    _ change: (inout ServiceSettings) -> Void = { _ in }
  ) -> RecommendationService {
    var settings = ServiceSettings(model: "small.lightmeter")
    change(&settings)
    return RecommendationService(
      settings: settings, slot: ModelSlot(ServedModel(model, name: "small", digest: "00000000000000aa")),
      journal: journal, keys: keys)
  }
}

extension RecommendationService {
  /// GET, with headers.
  func get(_ target: String, _ headers: [String: String] = [:]) -> (status: Int, json: JSONValue) {
    let sides = target.split(separator: "?", maxSplits: 1)
    return parsed(
      respond(
        to: ServiceRequest(
          method: "GET", path: String(sides[0]), query: sides.count > 1 ? String(sides[1]) : "", headers: headers)))
  }

  /// POST of a JSON text.
  func post(
    _ path: String, _ body: String, _ headers: [String: String] = [:]
  ) -> (status: Int, json: JSONValue) {
    parsed(
      respond(
        to: ServiceRequest(
          method: "POST", path: path, headers: ["content-type": "application/json"].merging(headers) { $1 },
          body: Array(body.utf8))))
  }

  private func parsed(_ response: ServiceResponse) -> (status: Int, json: JSONValue) {
    (response.status, (try? JSONParser.parse(response.body)) ?? .null)
  }
}

extension JSONValue {
  /// The items of a list by id.
  var ids: [String] { (self["items"]?.elements ?? []).compactMap { $0["item"]?.text } }
  /// The sentence of an error.
  var detail: String { self["detail"]?.text ?? self["error"]?.text ?? "" }
}
