import Foundation
import LightmeterModels
import LightmeterServing
import Testing

@testable import LightmeterService

@Suite struct SessionHandlersTests {
  private func service() throws -> RecommendationService {
    struct Manifest: Encodable { var foldIn: FoldInObjective }
    let objective = FoldInObjective(
      loss: .naive, unclicked: .all, factorRidge: 0.1, biasRidge: 0.1, clicksPerUser: 1)
    var model = SmallModel.stored()
    model.manifest = String(
      decoding: try JSONEncoder().encode(Manifest(foldIn: objective)), as: UTF8.self)
    return SmallModel.service(model)
  }

  @Test func aSessionIsRankedByItsClicksAndNamesWhatIsUnknown() throws {
    let service = try service()
    // i0 lies on a's side of the items, i/4 on b's.
    let (status, low) = service.post("/v1/sessions/recommend", #"{"clicked":["i0","ghost"],"n":4}"#)
    #expect(status == 200, "\(low.detail)")
    #expect(low.ids.first == "i1" && !low.ids.contains("i0"))
    #expect(low["unknown"] == .strings(["ghost"]) && low["fallback"] == nil)
    let high = service.post("/v1/sessions/recommend", #"{"clicked":["i/4"],"n":4,"exclude":["i2"]}"#).json
    #expect(high.ids.first == "i3" && !high.ids.contains("i2"))
    let kept = service.post("/v1/sessions/recommend", #"{"clicked":["i/4"],"filterSeen":false,"n":1}"#).json
    #expect(kept.ids == ["i/4"])
  }

  @Test func aSessionOfWhichNothingIsKnownGetsTheListOfAnUnknownUser() throws {
    let service = try service()
    let stranger = service.post("/v1/recommend", #"{"user":"stranger","n":3}"#).json
    for session in [#"{"clicked":[],"n":3}"#, #"{"clicked":["ghost"],"declined":["spirit"],"n":3}"#] {
      let answer = service.post("/v1/sessions/recommend", session).json
      #expect(answer["items"] == stranger["items"] && answer["fallback"]?.text == "corrected-popularity")
    }
  }

  @Test func whatCannotBeIsSaid() throws {
    #expect(try service().post("/v1/sessions/recommend", "{}").status == 422)
    let old = SmallModel.service().post("/v1/sessions/recommend", #"{"clicked":["i0"]}"#)
    #expect(old.status == 409, "a model file that does not say how a user is folded in")
  }
}
