import TestSupport
import Testing

@testable import LightmeterService

@Suite struct FeedbackHandlersTests {
  private func lines(_ folder: String, _ file: String) throws -> [String] {
    String(decoding: try bytes(at: folder + "/\(file)-000001.csv"), as: UTF8.self).split(separator: "\n").dropFirst()
      .map(String.init)
  }

  @Test func aClickCarriesTheProbabilityOfItsImpression() throws {
    try withTemporaryFolder { folder in
      let service = SmallModel.service(journal: try FeedbackJournal(folder: folder))
      let told = service.post(
        "/v1/impressions",
        #"{"user":"a","items":[{"item":"i3","probability":0.25},{"item":"x","rank":7}],"timestamp":5}"#)
      #expect(told.status == 200 && told.json["written"]?["impressions"]?.whole == 2)
      let clicked = service.post("/v1/feedback", #"{"events":[{"user":"a","item":"i3","clicked":true,"timestamp":9}]}"#)
      #expect(clicked.json["written"]?["impressions"]?.whole == 1)
      #expect(try lines(folder, "impressions") == ["a,i3,1,0,0.25,1,5", "a,x,1,0,1.0,7,5", "a,i3,1,1,0.25,1,9"])
    }
  }

  @Test func aClickOnWhatWasNotShownClaimsNothingOfExposure() throws {
    try withTemporaryFolder { folder in
      let service = SmallModel.service(journal: try FeedbackJournal(folder: folder))
      let body = #"{"events":[{"user":"a","item":"i3","clicked":true,"rating":4,"timestamp":9}]}"#
      let written = service.post("/v1/feedback", body).json["written"]
      #expect(written?["clicks"]?.whole == 1 && written?["ratings"]?.whole == 1)
      #expect(try lines(folder, "clicks") == ["a,i3,1,9"])
      #expect(try lines(folder, "ratings") == ["a,i3,4.0,9"])
      let declined = service.post("/v1/feedback", #"{"events":[{"user":"a","item":"i3","clicked":false}]}"#)
      #expect(declined.status == 409 && declined.json.detail.contains("/v1/impressions"))
    }
  }

  @Test(arguments: [
    #"{"events":[]}"#, #"{"events":[{"user":"a","item":"i"}]}"#, #"{"events":[{"user":"a","item":"i","clicked":1}]}"#,
    #"{"events":[{"user":"a\n","item":"i","clicked":true}]}"#, #"{"events":[{"user":"a","item":"i","rating":1e300}]}"#,
    #"{"events":[{"user":"a","item":"i","clicked":true,"probability":0}]}"#,
    #"{"events":[{"user":"a","item":"i","clicked":true,"timestamp":-1}]}"#, #"{"event":[]}"#,
  ]) func anEventThatCannotBeLoggedWritesNothing(body: String) throws {
    try withTemporaryFolder { folder in
      let service = SmallModel.service(journal: try FeedbackJournal(folder: folder))
      #expect(service.post("/v1/feedback", body).status == 422)
      for kind in FeedbackEntry.Kind.allCases { #expect(try lines(folder, kind.rawValue).isEmpty) }
    }
  }

  @Test func aServerWithoutALogSaysSo() {
    let (status, problem) = SmallModel.service().post("/v1/impressions", #"{"user":"a","items":[{"item":"i"}]}"#)
    #expect(status == 409 && problem.detail.contains("--feedback-log"))
  }
}
