import Testing

@testable import LightmeterService

@Suite struct RequestMetricsTests {
  private func page(_ service: RecommendationService) -> String {
    String(decoding: service.respond(to: ServiceRequest(method: "GET", path: "/metrics")).body, as: UTF8.self)
  }

  @Test func requestsAreCountedByRouteAndStatusNeverByUser() {
    let service = SmallModel.service()
    for user in ["a", "b", "stranger"] { _ = service.get("/v1/users/\(user)/recommendations") }
    _ = service.get("/v1/users/a/recommendations?n=x")
    _ = service.get("/some/path")
    let text = page(service)
    let route = #"method="GET",route="/v1/users/{user}/recommendations""#
    #expect(text.contains("lightmeter_requests_total{\(route),status=\"200\"} 3\n"))
    #expect(text.contains("lightmeter_requests_total{\(route),status=\"422\"} 1\n"))
    #expect(text.contains("lightmeter_request_duration_seconds_count{\(route)} 4\n"))
    #expect(text.contains("lightmeter_request_duration_seconds_bucket{\(route),le=\"+Inf\"} 4\n"))
    #expect(text.contains(#"lightmeter_requests_total{method="other",route="none",status="404"} 1"#))
    #expect(text.contains(#"lightmeter_fallbacks_total{kind="corrected-popularity"} 1"#))
    #expect(text.contains(#"lightmeter_model_info{name="small",digest="00000000000000aa",version="9.9"} 1"#))
    #expect(!text.contains("stranger") && !text.contains("/some/path"))
  }

  @Test func everySampleBelongsToADeclaredFamilyAndHasANumber() {
    let service = SmallModel.service()
    _ = service.get("/v1/model")
    var families: Set<String> = []
    for line in page(service).split(separator: "\n") {
      if line.hasPrefix("# TYPE ") { families.insert(String(line.split(separator: " ")[2])) }
      if line.hasPrefix("#") { continue }
      let name = line.prefix { $0 != "{" && $0 != " " }
      let family = ["_bucket", "_sum", "_count"].reduce(String(name)) { text, ending in
        text.hasSuffix(ending) ? String(text.dropLast(ending.count)) : text
      }
      #expect(families.contains(family) || families.contains(String(name)), "\(line)")
      #expect(Double(line.split(separator: " ").last ?? "") != nil, "\(line)")
    }
    #expect(families.contains("process_resident_memory_bytes"))
  }

  @Test func bucketsCountWhatIsAtMostTheirBound() {
    let metrics = RequestMetrics()
    let key = RequestMetrics.Key(method: "GET", route: "/a\"b\\")
    for seconds in [0.0005, 0.0006, 0.3, 20] { metrics.record(key, status: 200, seconds: seconds) }
    var text = MetricsText()
    metrics.write(to: &text)
    let labels = #"{method="GET",route="/a\"b\\",le="#
    for (bound, count) in [("0.0005", 1), ("0.001", 2), ("0.25", 2), ("0.5", 3), ("10.0", 3), ("+Inf", 4)] {
      #expect(text.text.contains("_bucket\(labels)\"\(bound)\"} \(count)\n"), "\(bound)")
    }
  }

  @Test func moreRequestsThanTheLimitAreTurnedAway() {
    let service = SmallModel.service { $0.mostRequests = 2 }
    #expect(service.admit() && service.admit())
    #expect(!service.admit())
    service.release()
    #expect(service.admit())
    #expect(service.respond(refusing: .busy).status == 503)
  }
}
