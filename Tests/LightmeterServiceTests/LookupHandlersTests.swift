import LightmeterModels
import Testing

@testable import LightmeterService

@Suite struct LookupHandlersTests {
  @Test func idsAreFoundByTheirBeginningAnEqualOneFirst() {
    let service = SmallModel.service()
    #expect(service.get("/v1/items?prefix=i").json["items"] == .strings(["i0", "i1", "i2", "i3", "i/4"]))
    #expect(service.get("/v1/items?prefix=i&limit=2").json["items"] == .strings(["i0", "i1"]))
    #expect(service.get("/v1/items?prefix=i%2F").json["items"] == .strings(["i/4"]))
    #expect(service.get("/v1/items?prefix=i3").json["items"] == .strings(["i3"]))
    #expect(service.get("/v1/users").json["total"]?.whole == 2)
    #expect(service.get("/v1/users?prefix=zz").json["users"] == .array([]))
  }

  @Test func aUserShowsItsHistoryWhereTheModelHoldsIt() {
    #expect(SmallModel.service().get("/v1/users/a").json["clicked"] == .strings(["i0"]))
    let without = SmallModel.service(SmallModel.stored(history: false)).get("/v1/users/a")
    #expect(without.status == 200 && without.json["clicked"] == nil)
    #expect(SmallModel.service().get("/v1/users/ghost").status == 404)
  }

  @Test func similarItemsAreNearestByCosineWithoutTheItemItself() throws {
    let answer = SmallModel.service().post("/v1/similar", #"{"item":"i2","n":2}"#).json
    // Vectors (2,1) (1,1) (0,1) (−1,1) (−2,1): from (0,1) both neighbours are at 45 degrees.
    #expect(answer.ids == ["i1", "i3"])
    for item in answer["items"]?.elements ?? [] {
      #expect(abs(try #require(item["similarity"]?.double) - 0.70710678) < 1e-6)
    }
    let slash = SmallModel.service().get("/v1/items/i%2F4/similar?n=1")
    #expect(slash.json.ids == ["i3"], "an id with a slash is one part of the path")
    let (status, problem) = SmallModel.service().get("/v1/items/ghost/similar")
    #expect(status == 404 && problem.detail.contains("'ghost'"))
  }

  @Test func aModelWithoutVectorsSaysThatItCannotCompare() {
    var model = SmallModel.stored()
    model.scorer = .factors(FactorModel(itemScores: [5, 4, 3, 2, 1], userCount: 2))
    #expect(SmallModel.service(model).post("/v1/similar", #"{"item":"i2"}"#).status == 409)
  }

  @Test func anExplanationIsThePosteriorOfExposure() throws {
    let service = SmallModel.service()
    let answer = service.post("/v1/explain", #"{"user":"a","item":"i1"}"#).json
    let (p, m) = (try #require(answer["relevance"]?.double), try #require(answer["exposure"]?.double))
    #expect(abs(try #require(answer["neverSeen"]?.double) - (1 - m) / (1 - m * p)) < 1e-6)
    #expect(service.get("/v1/users/a/items/i1/explanation").json == answer)
    #expect(service.get("/v1/users/a/items/i0/explanation").json["clicked"] == .bool(true))
    #expect(service.get("/v1/users/a/items/ghost/explanation").json.detail.contains("'ghost'"))
  }
}
