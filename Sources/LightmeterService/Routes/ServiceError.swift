/// Why a request got no answer: a status and one sentence about the request, never about the host.
public struct ServiceError: Error, Sendable, Equatable {
  /// The HTTP status.
  public var status: Int
  /// The status in words.
  public var title: String
  /// What is wrong, one sentence.
  public var detail: String
  /// Header fields that belong to it.
  public var headers: [String: String] = [:]

  init(_ status: Int, _ title: String, _ detail: String, headers: [String: String] = [:]) {
    (self.status, self.title, self.detail, self.headers) = (status, title, detail, headers)
  }

  static func malformed(_ detail: String) -> ServiceError { ServiceError(400, "Bad Request", detail) }
  static func forbidden(_ detail: String) -> ServiceError { ServiceError(403, "Forbidden", detail) }
  static func unknown(_ detail: String) -> ServiceError { ServiceError(404, "Not Found", detail) }
  static func conflict(_ detail: String) -> ServiceError { ServiceError(409, "Conflict", detail) }
  static func unprocessable(_ detail: String) -> ServiceError { ServiceError(422, "Unprocessable Content", detail) }
  static func unavailable(_ detail: String) -> ServiceError {
    ServiceError(503, "Service Unavailable", detail, headers: ["retry-after": "1"])
  }
  static func tooMany(perMinute: Int, wait: Int) -> ServiceError {
    ServiceError(
      429, "Too Many Requests", "a key may make \(perMinute) requests a minute here; the next one is due in \(wait) s",
      headers: ["retry-after": String(wait)])
  }
  static let noKey = ServiceError(
    401, "Unauthorized", "this server asks for a key: send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'",
    headers: ["www-authenticate": "Bearer"])

  /// A body that is larger than the server takes.
  public static func tooLarge(limit: Int) -> ServiceError {
    ServiceError(413, "Content Too Large", "the body is larger than the \(limit) bytes that this server takes")
  }
  /// A body that did not arrive in time.
  public static let tooSlow = ServiceError(408, "Request Timeout", "the body did not arrive in time")
  /// As many requests at once as the server takes.
  public static let busy = ServiceError.unavailable("the server has as many requests at once as it takes; try again")

  /// A piece of the request in a message, short and in one line.
  static func quoted(_ text: String) -> String {
    let clean = text.unicodeScalars.prefix(64).map { $0.value < 32 || $0.value == 127 ? "\u{FFFD}" : String($0) }
    return clean.joined() + (text.unicodeScalars.count > 64 ? "…" : "")
  }

  /// As RFC 9457 writes problems.
  public var response: ServiceResponse {
    let body = JSONValue.members([
      "type": .string("about:blank"), "title": .string(title), "status": .integer(status), "detail": .string(detail),
    ])
    return ServiceResponse(status: status, contentType: "application/problem+json", headers: headers, body: body.bytes)
  }

  /// As the Open Inference Protocol writes problems.
  var inferenceResponse: ServiceResponse {
    ServiceResponse(
      status: status, contentType: "application/json", headers: headers,
      body: JSONValue.members(["error": .string(detail)]).bytes)
  }
}
