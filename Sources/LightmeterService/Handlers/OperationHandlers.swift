internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterServing

/// Health, metrics, the model card, the page and the OpenAPI document.
enum OperationHandlers {
  static func page(_ call: Call) throws(ServiceError) -> ServiceResponse {
    ServiceResponse(
      contentType: "text/html; charset=utf-8",
      headers: [
        "content-security-policy":
          "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
          + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "referrer-policy": "no-referrer", "cache-control": "no-cache",
      ], body: PackageResources.page_html)
  }

  static func document(_ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    return ServiceResponse(contentType: "application/json", body: PackageResources.openapi_json)
  }

  static func live(_ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    return .json(.members(["live": .bool(true)]))
  }

  static func ready(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    guard service.isReady else { throw .unavailable("the server is ending") }
    return .json(.members(["ready": .bool(true), "model": .string(service.slot.current.digest)]))
  }

  static func model(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    let (served, status) = (service.slot.current, service.slot.status)
    let model = served.model
    let failure: JSONValue? = status.lastFailure.map { reason in
      .members(["reason": .string(reason), "time": .integer(status.lastFailureTime ?? 0)])
    }
    return .json(
      .members([
        "name": .string(served.name), "digest": .string(served.digest), "version": .string(served.version),
        "users": .integer(model.users.count), "items": .integer(model.items.count),
        "history": .bool(model.seen != nil), "exposure": .bool(model.exposure != nil),
        "probability": .bool(model.scorer.relevanceScorer != nil), "similar": .bool(served.similar != nil),
        "fallback": .string(served.fallback.kind.rawValue), "loaded": .integer(status.loaded),
        "reloads": .integer(status.reloads), "failedReloads": .integer(status.failures), "lastFailure": failure,
        "feedbackLog": .bool(service.journal != nil), "manifest": served.manifest,
      ]))
  }

  static func metrics(_ service: RecommendationService, _ call: Call) throws(ServiceError) -> ServiceResponse {
    _ = try call.request.parameters([])
    let (served, status) = (service.slot.current, service.slot.status)
    var text = MetricsText()
    service.metrics.write(to: &text)
    text.gauge(
      "lightmeter_model_info", "The model that is served.", 1,
      labels: "name=\"\(MetricsText.escaped(served.name))\",digest=\"\(served.digest)\","
        + "version=\"\(MetricsText.escaped(served.version))\"")
    text.gauge("lightmeter_model_users", "Users that the model knows.", Double(served.model.users.count))
    text.gauge("lightmeter_model_items", "Items that the model knows.", Double(served.model.items.count))
    text.gauge("lightmeter_model_loaded_timestamp_seconds", "When it was loaded.", Double(status.loaded))
    text.family("lightmeter_model_reloads_total", "counter", "Loads of another file since the start.")
    text.sample("lightmeter_model_reloads_total", "result=\"replaced\"", Double(status.reloads))
    text.sample("lightmeter_model_reloads_total", "result=\"refused\"", Double(status.failures))
    if let journal = service.journal {
      text.family("lightmeter_feedback_lines_total", "counter", "Lines written to the feedback log.")
      for kind in FeedbackEntry.Kind.allCases {
        text.sample(
          "lightmeter_feedback_lines_total", "log=\"\(kind.rawValue)\"", Double(journal.lines[kind] ?? 0))
      }
    }
    if let bytes = HostProcess.residentBytes {
      text.gauge("process_resident_memory_bytes", "Memory that the process holds.", Double(bytes))
    }
    text.gauge("process_start_time_seconds", "When the process started.", Double(service.started))
    return ServiceResponse(contentType: MetricsText.contentType, body: Array(text.text.utf8))
  }
}
