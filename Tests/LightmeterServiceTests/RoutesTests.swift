import LightmeterModels
import Testing

@testable import LightmeterService

@Suite struct RoutesTests {
  @Test func everyRouteIsInTheDocumentAndTheReverse() throws {
    let document = try JSONParser.parse(
      SmallModel.service().respond(
        to: ServiceRequest(method: "GET", path: "/openapi.json")
      ).body)
    guard case .object(let paths)? = document["paths"] else {
      Issue.record("the document has no paths")
      return
    }
    var documented: Set<String> = []
    for path in paths {
      guard case .object(let operations) = path.value else { continue }
      for operation in operations { documented.insert("\(operation.name.uppercased()) \(path.name)") }
    }
    #expect(documented == Set(Route.all.map { "\($0.method) \($0.template)" }))
    #expect(document["openapi"]?.text?.hasPrefix("3.1") == true)
  }

  @Test func everyReferenceOfTheDocumentLeadsSomewhere() throws {
    let document = try JSONParser.parse(PackageResources.openapi_json)
    func references(_ value: JSONValue) -> [String] {
      switch value {
      case .object(let members): members.flatMap { $0.name == "$ref" ? [$0.value.text ?? ""] : references($0.value) }
      case .array(let elements): elements.flatMap(references)
      default: []
      }
    }
    let found = references(document)
    #expect(!found.isEmpty)
    for reference in Set(found) {
      let name = String(reference.split(separator: "/").last ?? "")
      #expect(document["components"]?["schemas"]?[name] != nil, "\(reference)")
    }
  }

  @Test func wrongPathsAndMethodsAreClear() {
    let service = SmallModel.service()
    for path in ["/nothing", "/v1/recommend/", "//v1/model", "/../etc/passwd", "/v1/users//recommendations"] {
      #expect(service.get(path).status == 404, "\(path)")
    }
    for path in ["/v1/%zz", "/v1/%ff", "/%", "v1", ""] {
      #expect(
        service.respond(to: ServiceRequest(method: "GET", path: path)).status == 400, "\(path)")
    }
    let wrong = service.respond(to: ServiceRequest(method: "DELETE", path: "/v1/recommend"))
    #expect(wrong.status == 405 && wrong.headers["allow"] == "POST")
    #expect(service.get("/v1/recommend").status == 405)
  }

  @Test func queriesTakeKnownParametersOnce() {
    let service = SmallModel.service()
    #expect(service.get("/v1/popular?n=3&n=4").json.detail == "the parameter 'n' is given twice")
    #expect(service.get("/v1/popular?m=3").json.detail == "'m' is no parameter here; there are n, user")
    for query in ["n=0", "n=1001", "n=x", "n=", "n=%2B3", "n=1.0"] {
      #expect(service.get("/v1/popular?\(query)").status == 422, "\(query)")
    }
    #expect(service.get("/v1/popular?n=%zz").status == 400)
  }

  @Test func aBodyIsJSONAndSaysSo() {
    let service = SmallModel.service()
    let bare = ServiceRequest(method: "POST", path: "/v1/recommend", body: Array(#"{"user":"a"}"#.utf8))
    #expect(service.respond(to: bare).status == 415)
    #expect(
      service.post("/v1/recommend", #"{"user":"a"}"#, ["content-type": "Application/JSON; charset=utf-8"]).status == 200
    )
    let (status, problem) = service.post("/v1/recommend", #"{"user":"#)
    #expect(status == 400 && problem.detail.contains("no JSON"))
  }

  @Test func headIsGetWithoutABody() {
    let response = SmallModel.service().respond(to: ServiceRequest(method: "HEAD", path: "/v1/model"))
    #expect(response.status == 200 && response.body.isEmpty)
  }

  @Test func answersAndErrorsSayNothingOfTheHost() {
    let service = SmallModel.service()
    let card = service.respond(to: ServiceRequest(method: "GET", path: "/v1/model"))
    let text = String(decoding: card.body, as: UTF8.self)
    #expect(text.contains("clicks.csv") && !text.contains("secret"))
  }

  @Test func withoutKeysOnlyNamesOfThisMachineAreAnswered() {
    let service = SmallModel.service()
    for host in ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"] {
      #expect(service.get("/v1/model", ["host": host]).status == 200, "\(host)")
    }
    for host in ["evil.example", "127.evil.example", "127.0.0.1.evil.example:8000", "10.0.0.1"] {
      #expect(service.get("/v1/model", ["host": host]).status == 403, "\(host)")
    }
    let open = SmallModel.service { ($0.host, $0.allowsOpen) = ("0.0.0.0", true) }
    #expect(open.get("/v1/model", ["host": "evil.example"]).status == 200)
  }

  @Test func thePageLoadsNothingFromElsewhere() throws {
    let response = SmallModel.service().respond(to: ServiceRequest(method: "GET", path: "/"))
    let page = String(decoding: response.body, as: UTF8.self)
    #expect(response.contentType.hasPrefix("text/html"))
    #expect(response.headers["content-security-policy"]?.contains("default-src 'none'") == true)
    let addresses = page.split(separator: "http").dropFirst().filter { $0.hasPrefix("://") || $0.hasPrefix("s://") }
    #expect(addresses.allSatisfy { $0.hasPrefix("://www.w3.org/2000/svg") })
  }
}
