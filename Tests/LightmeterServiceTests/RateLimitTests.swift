import Testing

@testable import LightmeterService

@Suite struct RateLimitTests {
  @Test func aKeySavesUpItsBurstAndThenGetsItsRate() throws {
    // One request every two seconds, three at once.
    let limit = RateLimit(perMinute: 30, burst: 3, keys: 2)
    for _ in 0..<3 { #expect(limit.take(key: 0, at: 100) == nil) }
    #expect(limit.take(key: 0, at: 100) == 2)
    #expect(limit.take(key: 1, at: 100) == nil, "another key has its own bucket")
    #expect(limit.take(key: 0, at: 101.5) == 0.5)
    #expect(limit.take(key: 0, at: 102) == nil, "refused requests cost nothing")
    #expect(limit.take(key: 0, at: 102) != nil)
    // An hour later no more than the burst has been saved.
    for _ in 0..<3 { #expect(limit.take(key: 0, at: 3700) == nil) }
    #expect(limit.take(key: 0, at: 3700) != nil)
    #expect(limit.take(key: 0, at: 3600) != nil, "a clock that goes back gives nothing")
  }

  private let keys = ["a-reading-key-of-one", "a-reading-key-of-two"]

  @Test func everyKeyIsLimitedForItselfOnTheRoutesThatAskForKeys() throws {
    let access = try AccessKeys(file: nil, environment: ["LIGHTMETER_READ_KEYS": keys.joined(separator: ",")])
    let service = SmallModel.service(keys: access) { ($0.mostPerMinute, $0.burst) = (1, 2) }
    func ask(_ key: String, _ path: String = "/v1/model") -> ServiceResponse {
      service.respond(to: ServiceRequest(method: "GET", path: path, headers: ["x-api-key": key]))
    }
    #expect(ask(keys[0]).status == 200 && ask(keys[0]).status == 200)
    let refused = ask(keys[0])
    #expect(refused.status == 429)
    let wait = try #require(refused.headers["retry-after"].flatMap { Int($0) })
    #expect((1...60).contains(wait))
    #expect(String(decoding: refused.body, as: UTF8.self).contains("1 requests a minute"))
    let inference = ask(keys[0], "/v2/models/small")
    #expect(inference.status == 429 && String(decoding: inference.body, as: UTF8.self).contains("\"error\""))
    #expect(ask(keys[1]).status == 200, "the other key has its own")
    #expect(ask("no-key-of-this-server").status == 401, "a wrong key takes nobody's requests")
    for path in ["/", "/health/ready", "/openapi.json"] { #expect(ask(keys[0], path).status == 200, "\(path)") }
  }

  @Test func aServerWithoutKeysLimitsAllTogether() {
    let service = SmallModel.service { $0.mostPerMinute = 1 }
    #expect(service.get("/v1/model").status == 200)
    #expect(service.get("/v1/users").status == 429)
    let unlimited = SmallModel.service()
    for _ in 0..<50 { #expect(unlimited.get("/v1/users").status == 200) }
  }

  @Test func theRateIsASettingAndTheBurstBelongsToIt() throws {
    let found = try ServiceSettings(
      arguments: ["m", "--max-rate", "600"], environment: ["LIGHTMETER_MAX_BURST": "20"])
    #expect(found.mostPerMinute == 600 && found.burst == 20)
    #expect { try ServiceSettings(arguments: ["m", "--max-burst", "5"], environment: [:]) } throws: {
      "\($0)".contains("--max-rate")
    }
  }
}
