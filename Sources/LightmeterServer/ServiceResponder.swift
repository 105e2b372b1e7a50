#if Server
  internal import HTTPTypes
  internal import Hummingbird
  internal import HummingbirdCore
  internal import LightmeterService
  internal import NIOCore

  /// From Hummingbird's requests to the service's and back; bounds the body in size and time.
  struct ServiceResponder: HTTPResponder {
    typealias Context = BasicRequestContext
    let service: RecommendationService

    private enum Body {
      case whole([UInt8])
      case tooLarge(ended: Bool)
      case tooSlow
    }

    func respond(to request: Request, context: Context) async throws -> Response {
      guard service.admit() else { return response(to: request, service.respond(refusing: .busy)) }
      defer { service.release() }
      var bytes: [UInt8] = []
      if request.method != .get && request.method != .head {
        switch try await body(of: request) {
        case .whole(let content): bytes = content
        case .tooLarge(let ended):
          let refusal = service.respond(refusing: .tooLarge(limit: service.settings.largestBody))
          return response(to: request, refusal, closing: !ended)
        case .tooSlow: return response(to: request, service.respond(refusing: .tooSlow), closing: true)
        }
      }
      var headers: [String: String] = [:]
      for field in request.headers where headers[field.name.canonicalName] == nil {
        headers[field.name.canonicalName] = field.value
      }
      if headers["host"] == nil { headers["host"] = request.head.authority }
      let answer = service.respond(
        to: ServiceRequest(
          method: request.method.rawValue, path: request.uri.path, query: request.uri.query ?? "", headers: headers,
          body: bytes))
      return response(to: request, answer)
    }

    /// The body, or why there is none; a body beyond the limit is read on for a while, so that its sender hears why.
    private func body(of request: Request) async throws -> Body {
      let limit = service.settings.largestBody
      let seconds = service.settings.bodySeconds
      return try await withThrowingTaskGroup(of: Body.self) { group in
        group.addTask {
          var content: [UInt8] = []
          var count = 0
          for try await part in request.body {
            count += part.readableBytes
            if count > 4 * limit { return .tooLarge(ended: false) }
            if count > limit { content = [] } else { content += part.readableBytesView }
          }
          return count > limit ? .tooLarge(ended: true) : .whole(content)
        }
        group.addTask {
          try await Task.sleep(for: .seconds(seconds))
          return .tooSlow
        }
        defer { group.cancelAll() }
        return try await group.next() ?? .tooSlow
      }
    }

    /// The answer; `closing` ends the connection behind it, without waiting for what the client still sends.
    private func response(to request: Request, _ answer: ServiceResponse, closing: Bool = false) -> Response {
      var fields = HTTPFields()
      fields[.contentType] = answer.contentType
      for (name, value) in answer.headers {
        if let name = HTTPField.Name(name) { fields[name] = value }
      }
      let status = HTTPResponse.Status(code: answer.status)
      let buffer = ByteBuffer(bytes: answer.body)
      guard closing else {
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: buffer))
      }
      fields[.connection] = "close"
      let body = ResponseBody(contentLength: answer.body.count) { writer in
        try await writer.write(buffer)
        try await writer.finish(nil)
        throw ConnectionEnd()
      }
      return Response(status: status, headers: fields, body: body)
    }
  }

  /// Thrown behind an answer to have its connection closed.
  private struct ConnectionEnd: Error {}
#endif
