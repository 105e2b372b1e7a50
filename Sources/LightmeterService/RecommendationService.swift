internal import LightmeterKernels
internal import Synchronization

/// All that the server does but sockets: from a request to its answer.
///
/// Answers depend on the request, the model that is served at that moment and the keys; nothing waits but a write of
/// the feedback log. Safe from any thread.
///
/// - Stability: experimental
public final class RecommendationService: Sendable {
  /// How the server runs.
  public let settings: ServiceSettings
  /// The model and how it is exchanged.
  public let slot: ModelSlot
  /// The feedback log; nil where none is kept.
  public let journal: FeedbackJournal?
  let keys: AccessKeys
  private let rates: RateLimit?
  let metrics = RequestMetrics()
  let started = ModelSlot.now
  private let begin = ContinuousClock.now
  private let draining = Atomic<Bool>(false)

  /// Puts the parts together.
  public init(
    settings: ServiceSettings, slot: ModelSlot, journal: FeedbackJournal? = nil, keys: AccessKeys = AccessKeys()
  ) {
    (self.settings, self.slot, self.journal, self.keys) = (settings, slot, journal, keys)
    rates = settings.mostPerMinute.map { rate in
      RateLimit(perMinute: rate, burst: settings.burst ?? rate, keys: keys.count + 1)
    }
  }

  /// Refuses to listen beyond loopback where nobody needs a key.
  ///
  /// - Throws: ``SettingError``.
  public func checkAddress() throws {
    guard settings.isLoopback || !keys.isEmpty || settings.allowsOpen else {
      throw SettingError(
        "listening on \(settings.host) without keys would open the server to everybody who can reach it; give "
          + "--keys FILE, or say --allow-open")
    }
  }

  /// Takes a request in before its body is read; false where the server has as many as it takes.
  ///
  /// - Returns: when true, ``release()`` must follow the answer.
  public func admit() -> Bool { metrics.enter(limit: settings.mostRequests) }

  /// The request is answered.
  public func release() { metrics.leave() }

  /// From now on the server says that it is not ready: it is about to end.
  public func beginDraining() { draining.store(true, ordering: .relaxed) }

  /// Whether it takes new work.
  var isReady: Bool { !draining.load(ordering: .relaxed) }

  /// Answers a request; never throws, and errors say nothing of the host.
  public func respond(to request: ServiceRequest) -> ServiceResponse {
    let start = ContinuousClock.now
    var request = request
    let isHead = request.method == "HEAD"
    if isHead { request.method = "GET" }
    let (route, outcome) = answer(request)
    var response = outcome
    let key = RequestMetrics.Key(method: route?.method ?? "other", route: route?.template ?? "none")
    metrics.record(key, status: response.status, seconds: (ContinuousClock.now - start) / .seconds(1))
    response.headers["x-content-type-options"] = "nosniff"
    if response.headers["cache-control"] == nil { response.headers["cache-control"] = "no-store" }
    if isHead { response.body = [] }
    return response
  }

  /// The answer to a request whose body was refused, counted like any other.
  public func respond(refusing error: ServiceError) -> ServiceResponse {
    metrics.record(RequestMetrics.Key(method: "other", route: "none"), status: error.status, seconds: 0)
    return error.response
  }

  private func answer(_ request: ServiceRequest) -> (route: Route?, response: ServiceResponse) {
    var found: Route?
    do throws(ServiceError) {
      try checkHost(request)
      let (route, path) = try route(of: request)
      found = route
      if route.access > .none {
        let (level, key) = keys.grant(headers: request.headers)
        guard level > .none else { throw .noKey }
        try checkRate(key)
        guard level >= route.access else { throw .forbidden("this key may read, but not write") }
      }
      if route.method == "POST" { try checkType(request) }
      return (route, try route.handler(self, Call(request: request, path: path)))
    } catch {
      return (found, found?.dialect == .inference ? error.inferenceResponse : error.response)
    }
  }

  private func checkRate(_ key: Int) throws(ServiceError) {
    let time = (ContinuousClock.now - begin) / .seconds(1)
    if let wait = rates?.take(key: key, at: time) {
      throw .tooMany(perMinute: settings.mostPerMinute ?? 0, wait: Int(wait.rounded(.up)))
    }
  }

  /// The route of a request.
  private func route(of request: ServiceRequest) throws(ServiceError) -> (Route, path: [String]) {
    guard let segments = request.segments else { throw .malformed("the path is not percent-encoded UTF-8") }
    var allowed: [String] = []
    for route in Route.all {
      guard let path = route.match(segments) else { continue }
      if route.method == request.method { return (route, path) }
      allowed += route.method == "GET" ? ["GET", "HEAD"] : [route.method]
    }
    guard !allowed.isEmpty else {
      throw .unknown("there is nothing at this path; /openapi.json lists what there is")
    }
    throw ServiceError(
      405, "Method Not Allowed", "this path takes \(allowed.joined(separator: ", "))",
      headers: ["allow": allowed.joined(separator: ", ")])
  }

  private func checkType(_ request: ServiceRequest) throws(ServiceError) {
    let type = (request.headers["content-type"] ?? "").split(separator: ";").first ?? ""
    guard SettingsFile.trimmed(type).lowercased() == "application/json" else {
      throw ServiceError(415, "Unsupported Media Type", "send JSON, with the header Content-Type: application/json")
    }
  }

  /// A server without keys answers to the names of this machine only: a page of another site, whose name was made to
  /// lead here, does not get at it.
  private func checkHost(_ request: ServiceRequest) throws(ServiceError) {
    guard keys.isEmpty, settings.isLoopback, let host = request.headers["host"] else { return }
    var name = host
    if let colon = name.lastIndex(of: ":"), name[name.index(after: colon)...].allSatisfy(\.isNumber) {
      name = String(name[..<colon])
    }
    guard ServiceSettings.isLoopback(name) else {
      throw .forbidden("without keys this server answers to localhost only, not to the host that the request names")
    }
  }
}
