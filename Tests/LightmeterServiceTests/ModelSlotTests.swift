import LightmeterKernels
import LightmeterModels
import TestSupport
import Testing

@testable import LightmeterService

@Suite struct ModelSlotTests {
  @Test func anotherFileIsServedAfterALoadAndABadOneIsRefused() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/shop.lightmeter"
      try SmallModel.stored().write(to: path)
      let slot = try ModelSlot(path: path, name: "shop")
      let service = RecommendationService(settings: ServiceSettings(model: path), slot: slot)
      let first = slot.current.digest
      #expect(slot.reloadIfReplaced() == nil, "the same file")
      #expect(slot.reload() == .unchanged)

      try SmallModel.stored(slope: -1).write(to: path)
      let outcome = slot.reloadIfReplaced()
      #expect(outcome == .replaced(digest: slot.current.digest) && slot.current.digest != first)
      #expect(service.get("/v1/users/b/recommendations?n=1").json.ids == ["i0"], "b and a have changed places")

      let bad = try AtomicFile(path)
      try bad.write("no model at all")
      try bad.commit()
      let before = slot.current.digest
      guard case .refused(let reason)? = slot.reloadIfReplaced() else {
        Issue.record("a bad file was taken")
        return
      }
      #expect(reason.contains("shop.lightmeter") && !reason.contains(folder), "\(reason)")
      #expect(slot.reloadIfReplaced() == nil, "looked at once")
      #expect(slot.current.digest == before)
      let card = service.get("/v1/model").json
      #expect(card["failedReloads"]?.whole == 1 && card["lastFailure"]?["reason"]?.text == reason)
      #expect(card["reloads"]?.whole == 1)

      try SmallModel.stored().write(to: path)
      #expect(slot.reloadIfReplaced() == .replaced(digest: first))
      #expect(service.get("/v1/model").json["lastFailure"] == nil)
    }
  }

  @Test func equalModelsHaveEqualDigests() throws {
    try withTemporaryFolder { folder in
      for (name, slope) in [("a", Float(1)), ("b", 1), ("c", 2)] {
        try SmallModel.stored(slope: slope).write(to: folder + "/\(name)")
      }
      let digests = try ["a", "b", "c"].map { try ServedModel(path: folder + "/\($0)", name: "m").digest }
      #expect(digests[0] == digests[1] && digests[0] != digests[2])
      #expect(digests[0].count == 16)
    }
  }

  @Test func anEndingServerIsNotReadyButAnswers() {
    let service = SmallModel.service()
    #expect(service.get("/health/ready").status == 200)
    service.beginDraining()
    #expect(service.get("/health/ready").status == 503 && service.get("/v2/health/ready").status == 503)
    #expect(service.get("/health/live").status == 200)
    #expect(service.get("/v1/users/a/recommendations").status == 200)
  }
}
