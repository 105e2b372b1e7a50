/// A request as handlers see it, whatever server took it in.
public struct ServiceRequest: Sendable {
  /// GET, POST, …
  public var method: String
  /// The path as it came, percent signs and all.
  public var path: String
  /// The query as it came, without its question mark.
  public var query: String
  /// Header fields by lower-case name.
  public var headers: [String: String]
  /// The body.
  public var body: [UInt8]

  /// A request.
  public init(
    method: String, path: String, query: String = "", headers: [String: String] = [:], body: [UInt8] = []
  ) {
    (self.method, self.path, self.query, self.headers, self.body) = (method, path, query, headers, body)
  }

  /// The parts of the path between slashes, decoded; nil where a percent sign or the text makes no sense.
  var segments: [String]? {
    guard path.utf8.first == UInt8(ascii: "/") else { return nil }
    var parts: [String] = []
    for part in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard let decoded = Self.decoded(Array(part), plusIsSpace: false) else { return nil }
      parts.append(decoded)
    }
    return parts
  }

  /// The parameters of the query; each may be given once and must be one of `names`.
  func parameters(_ names: [String]) throws(ServiceError) -> [String: String] {
    var values: [String: String] = [:]
    for part in query.utf8.split(separator: UInt8(ascii: "&")) {
      let sides = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(Array(sides[0]), plusIsSpace: true),
        let value = Self.decoded(sides.count > 1 ? Array(sides[1]) : [], plusIsSpace: true)
      else { throw .malformed("the query is not percent-encoded UTF-8") }
      guard names.contains(name) else {
        throw .malformed(
          "'\(ServiceError.quoted(name))' is no parameter here; "
            + (names.isEmpty ? "there are none" : "there are \(names.joined(separator: ", "))"))
      }
      guard values[name] == nil else { throw .malformed("the parameter '\(name)' is given twice") }
      values[name] = value
    }
    return values
  }

  private static func decoded(_ bytes: [UInt8], plusIsSpace: Bool) -> String? {
    var (out, at): ([UInt8], Int) = ([], 0)
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "%") {
        guard at + 2 < bytes.count, let high = hex(bytes[at + 1]), let low = hex(bytes[at + 2]) else { return nil }
        out.append(high << 4 | low)
        at += 3
      } else {
        out.append(plusIsSpace && bytes[at] == UInt8(ascii: "+") ? 32 : bytes[at])
        at += 1
      }
    }
    return String(validating: out, as: UTF8.self)
  }

  private static func hex(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

/// An answer as handlers give it.
public struct ServiceResponse: Sendable {
  /// The HTTP status.
  public var status: Int
  /// Value of the field Content-Type.
  public var contentType: String
  /// Further header fields.
  public var headers: [String: String]
  /// The body.
  public var body: [UInt8]

  /// An answer.
  public init(status: Int = 200, contentType: String, headers: [String: String] = [:], body: [UInt8]) {
    (self.status, self.contentType, self.headers, self.body) = (status, contentType, headers, body)
  }

  /// A JSON answer.
  static func json(_ value: JSONValue, status: Int = 200) -> ServiceResponse {
    ServiceResponse(status: status, contentType: "application/json", body: value.bytes)
  }
}
