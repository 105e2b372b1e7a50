import LightmeterModels
import LightmeterServing
import Testing

@testable import LightmeterService

@Suite struct RecommendHandlersTests {
  @Test func aListHasRankScoreRelevanceAndExposure() throws {
    let service = SmallModel.service()
    let (status, answer) = service.post("/v1/recommend", #"{"user":"a","n":2}"#)
    #expect(status == 200)
    #expect(answer.ids == ["i1", "i2"], "i0 was clicked")
    #expect(answer["filterSeen"] == .bool(true))
    #expect(answer["fallback"] == nil)
    #expect(answer["model"]?.text == "00000000000000aa")
    let first = try #require(answer["items"]?.elements?.first)
    #expect(first["rank"]?.whole == 1)
    #expect(abs(try #require(first["relevance"]?.double) - 0.7310586) < 1e-6)
    #expect(first["exposure"]?.double == 0.5)
    #expect(service.get("/v1/users/a/recommendations?n=2").json.ids == ["i1", "i2"], "the same by GET")
    #expect(service.get("/v1/users/a/recommendations?n=1&filterSeen=false").json.ids == ["i0"])
  }

  @Test func excludedItemsAreLeftOutAndCandidatesAreTheOnlyOnes() {
    let service = SmallModel.service()
    #expect(
      service.post("/v1/recommend", #"{"user":"a","n":2,"exclude":["i1","nothing"]}"#).json.ids == ["i2", "i3"])
    #expect(
      service.post("/v1/recommend", #"{"user":"a","candidates":["i3","i0","i2","i3"]}"#).json.ids == ["i2", "i3"])
    #expect(
      service.post("/v1/recommend", #"{"user":"a","candidates":["i3","i2"],"exclude":["i2"]}"#).json.ids == ["i3"])
    let (status, problem) = service.post("/v1/recommend", #"{"user":"a","candidates":["i3","ghost"]}"#)
    #expect(status == 404)
    #expect(problem.detail.contains("'ghost'"))
  }

  @Test(arguments: ["relevance", "click", "explore"]) func candidatesOfAllItemsAreRankedAsTheWholeList(
    mode: String
  ) {
    let service = SmallModel.service()
    let all = #"["i0","i1","i2","i3","i/4"]"#
    for user in ["a", "b", "stranger"] {
      let whole = service.post("/v1/recommend", #"{"user":"\#(user)","mode":"\#(mode)"}"#).json
      let listed = service.post("/v1/recommend", #"{"user":"\#(user)","mode":"\#(mode)","candidates":\#(all)}"#).json
      #expect(whole["items"] == listed["items"])
    }
  }

  @Test func anUnknownUserGetsPopularityCorrectedForExposure() throws {
    let service = SmallModel.service()
    let (status, answer) = service.post("/v1/recommend", #"{"user":"stranger","n":5}"#)
    #expect(status == 200)
    #expect(answer["fallback"]?.text == "corrected-popularity")
    // a wants what b does not: the means are equal.
    #expect(Set(answer.ids) == ["i0", "i1", "i2", "i3", "i/4"])
    for item in answer["items"]?.elements ?? [] { #expect(abs(try #require(item["relevance"]?.double) - 0.5) < 1e-6) }
    let explore = service.post("/v1/recommend", #"{"user":"stranger","n":1,"mode":"explore"}"#).json
    #expect(explore.ids == ["i3"], "equally wanted, least shown")
  }

  @Test func withoutProbabilitiesTheFallbackIsPopularityAndSaysSo() {
    var model = SmallModel.stored()
    model.scorer = .factors(FactorModel(itemScores: [5, 4, 3, 2, 1], userCount: 2))
    let service = SmallModel.service(model)
    let answer = service.post("/v1/recommend", #"{"user":"stranger","n":2}"#).json
    #expect(answer["fallback"]?.text == "popularity")
    #expect(answer.ids == ["i0", "i/4"])
    #expect(service.post("/v1/recommend", #"{"user":"stranger","mode":"click"}"#).status == 409)
  }

  @Test func aBatchGivesEachUserTheListOfItsOwnRequest() {
    let service = SmallModel.service()
    let (status, answer) = service.post("/v1/recommend/batch", #"{"users":["b","stranger","a","b"],"n":2}"#)
    #expect(status == 200)
    let alone = ["b", "stranger", "a", "b"].map { service.post("/v1/recommend", #"{"user":"\#($0)","n":2}"#).json }
    #expect(answer["lists"]?.elements == alone)
  }

  @Test func whatTheModelLacksIsAConflictThatSaysWhy() {
    let service = SmallModel.service(SmallModel.stored(history: false, exposure: false))
    let (status, problem) = service.post("/v1/recommend", #"{"user":"a","mode":"explore"}"#)
    #expect(status == 409)
    #expect(problem.detail.contains("exposure"))
    #expect(service.post("/v1/recommend", #"{"user":"a","filterSeen":true}"#).status == 409)
    #expect(service.post("/v1/recommend", #"{"user":"a"}"#).json["filterSeen"] == .bool(false), "by default it cannot")
  }

  @Test(arguments: [
    (#"{"user":"a","n":-1}"#, "'n' is -1; it must be from 1 to 1000"),
    (#"{"user":"a","n":1.5}"#, "'n' is a number; it must be a whole number"),
    (#"{"user":"a","n":"3"}"#, "'n' is text; it must be a whole number"),
    (#"{"user":7}"#, "'user' is a number; it must be text"), (#"{"user":""}"#, "'user' is empty"),
    (#"{"n":3}"#, "'user' is missing"), (#"[]"#, "the body is a list, not an object"),
    (#"{"user":"a","mode":"best"}"#, "'mode' is 'best'; it must be one of relevance, click, explore"),
    (#"{"user":"a","exclude":["x",null]}"#, "'exclude' holds null; it must be a list of texts"),
    (#"{"user":"a","filterseen":true}"#, "'filterseen' is no member here"),
  ]) func aWrongValueIsNamedWithWhatIsTaken(body: String, sentence: String) {
    let (status, problem) = SmallModel.service().post("/v1/recommend", body)
    #expect(status == 422)
    #expect(problem.detail.hasPrefix(sentence), "\(problem.detail)")
    #expect(problem["title"]?.text == "Unprocessable Content" && problem["status"]?.whole == 422)
  }

  @Test func popularItemsCarryWhatTheUserThinksOfThem() throws {
    let service = SmallModel.service()
    let answer = service.get("/v1/popular?n=2&user=a").json
    #expect(answer.ids == ["i/4", "i1"], "i0 was clicked by a")
    #expect(try #require(answer["items"]?.elements?[0]["relevance"]?.double) < 0.2)
    #expect(service.get("/v1/popular?n=2").json.ids == ["i0", "i/4"])
    #expect(service.get("/v1/popular?user=ghost").status == 404)
  }
}
