import Testing

@testable import LightmeterService

@Suite struct AccessKeysTests {
  private let reader = "0123456789abcdef-read"
  private let writer = "0123456789abcdef-write"

  private func keys() throws -> AccessKeys {
    try AccessKeys(file: "keys", environment: [:]) { _ in "# keys\nread \(reader)\n\n  write\t\(writer)\n" }
  }

  @Test func aKeyAllowsWhatItsLineSays() throws {
    let keys = try keys()
    #expect(keys.level(headers: ["x-api-key": reader]) == .read)
    #expect(keys.level(headers: ["authorization": "Bearer \(writer)"]) == .write)
    #expect(keys.level(headers: ["authorization": "bearer  \(writer) "]) == .write)
    for wrong in ["", "x", String(reader.dropLast()), reader + "x", reader + reader, reader.uppercased()] {
      #expect(keys.level(headers: ["x-api-key": wrong]) == .none, "\(wrong)")
    }
    #expect(keys.level(headers: ["authorization": "Basic \(writer)"]) == .none)
    #expect(keys.level(headers: [:]) == .none)
    #expect(keys.level(headers: ["x-api-key": writer, "authorization": "Bearer \(reader)"]) == .read)
    #expect(keys.level(headers: ["x-api-key": writer, "authorization": "Bearer x"]) == .none, "a wrong key is refused")
    #expect(AccessKeys().level(headers: [:]) == .write, "without keys everybody may")
  }

  @Test func keysOfTheEnvironmentCountToo() throws {
    let environment = ["LIGHTMETER_READ_KEYS": "\(reader),another-key-of-some-length"]
    let keys = try AccessKeys(file: nil, environment: environment)
    #expect(keys.level(headers: ["x-api-key": "another-key-of-some-length"]) == .read)
  }

  @Test(arguments: ["", "# nothing", "admin 0123456789abcdef", "read short", "read", "read 0123456789abcde\u{E9}"])
  func aFileThatGivesNoGoodKeysIsRefusedWithoutShowingThem(text: String) {
    #expect {
      try AccessKeys(file: "keys", environment: [:]) { _ in text }
    } throws: { error in
      let sentence = "\(error)"
      return sentence.hasPrefix("keys") && !sentence.contains("0123456789")
    }
  }

  @Test func routesAskForTheirLevel() throws {
    let service = SmallModel.service(keys: try keys())
    for open in ["/", "/health/live", "/health/ready", "/openapi.json", "/v2", "/v2/health/ready"] {
      #expect(service.get(open).status == 200, "\(open)")
    }
    for closed in ["/v1/model", "/metrics", "/v2/models/small", "/v1/users/a/recommendations"] {
      #expect(service.get(closed).status == 401, "\(closed)")
      #expect(service.get(closed, ["x-api-key": reader]).status == 200, "\(closed)")
    }
    let body = #"{"user":"a","items":[{"item":"i"}]}"#
    #expect(service.post("/v1/impressions", body).status == 401)
    #expect(service.post("/v1/impressions", body, ["x-api-key": reader]).status == 403)
    #expect(service.post("/v1/impressions", body, ["x-api-key": writer]).status == 409, "let in; it keeps no log")
  }

  @Test(arguments: ["0.0.0.0", "192.168.0.7", "example.org", "::", "127.example.org"])
  func listeningBeyondLoopbackNeedsKeysOrConsent(host: String) throws {
    #expect(throws: SettingError.self) { try SmallModel.service { $0.host = host }.checkAddress() }
    try SmallModel.service(keys: try keys()) { $0.host = host }.checkAddress()
    try SmallModel.service { ($0.host, $0.allowsOpen) = (host, true) }.checkAddress()
    for loopback in ["127.0.0.1", "127.1.2.3", "localhost", "::1"] {
      try SmallModel.service { $0.host = loopback }.checkAddress()
    }
  }
}
