import Testing

@testable import LightmeterService

@Suite struct InferenceHandlersTests {
  private func infer(_ rest: String, data: String = #"["a","b"]"#, shape: String = "[2]") -> (Int, JSONValue) {
    let answer = SmallModel.service().post(
      "/v2/models/small/infer",
      #"{"inputs":[{"name":"user","shape":\#(shape),"datatype":"BYTES","data":\#(data)}]\#(rest)}"#)
    return (answer.status, answer.json)
  }

  @Test func usersGoInAndListsComeOutInRectangles() throws {
    let (status, answer) = infer(#","id":"7","parameters":{"n":5}"#)
    #expect(status == 200)
    #expect(answer["id"]?.text == "7" && answer["model_name"]?.text == "small")
    let outputs = try #require(answer["outputs"]?.elements)
    #expect(outputs.map { $0["name"]?.text } == ["item", "score", "count"])
    #expect(outputs[0]["shape"] == .array([.integer(2), .integer(5)]))
    // a has clicked one of the five items: its list is filled up.
    #expect(outputs[2]["data"] == .array([.integer(4), .integer(5)]))
    #expect(outputs[0]["data"] == .strings(["i1", "i2", "i3", "i/4", "", "i/4", "i3", "i2", "i1", "i0"]))
    #expect(outputs[1]["data"]?.elements?.count == 10)
  }

  @Test func askedOutputsAloneAreGiven() {
    let (_, answer) = infer(#","outputs":[{"name":"item"}],"parameters":{"n":1}"#)
    #expect(answer["outputs"]?.elements?.compactMap { $0["name"]?.text } == ["item"])
  }

  @Test func errorsAreWrittenAsTheProtocolWritesThem() {
    for (status, problem) in [
      infer("", shape: "[3]"), infer("", data: "[1,2]"), infer("", data: "[]", shape: "[0]"),
      infer(#","outputs":[{"name":"x"}]"#), infer(#","parameters":{"k":1}"#),
    ] {
      #expect(status == 422)
      #expect(problem["error"]?.text?.isEmpty == false && problem["detail"] == nil)
    }
    let service = SmallModel.service()
    #expect(service.get("/v2/models/other").status == 404)
    #expect(service.get("/v2/models/other").json["error"]?.text?.contains("'small'") == true)
    #expect(service.get("/v2/models/small/ready").json["ready"] == .bool(true))
    #expect(service.get("/v2/models/small").json["versions"] == .strings(["00000000000000aa"]))
  }

  @Test func withoutAKeyAWrongNameIsNotToldTheRightOne() {
    let service = SmallModel.service()
    for wrong in ["other", "other/versions/1", "small/versions/1"] {
      let (status, problem) = service.get("/v2/models/\(wrong)/ready")
      #expect(status == 404 && !problem.detail.isEmpty)
      #expect(!problem.detail.contains("00000000000000aa"), "\(problem.detail)")
      if wrong.hasPrefix("other") { #expect(!problem.detail.contains("small"), "\(problem.detail)") }
    }
  }

  @Test(arguments: ["relevance", "click", "explore"]) func theListsAreThoseOfABatch(mode: String) throws {
    let service = SmallModel.service()
    let users = #"["b","stranger","a","b"]"#
    for rest in ["", #","exclude":["i2"]"#, #","candidates":["i3","i0","i2"]"#, #","filterSeen":false"#] {
      let question = #""n":3,"mode":"\#(mode)"\#(rest)"#
      let (status, answer) = infer(#","parameters":{\#(question)}"#, data: users, shape: "[4]")
      #expect(status == 200)
      let batch = service.post("/v1/recommend/batch", #"{"users":\#(users),\#(question)}"#).json
      let ids = (batch["lists"]?.elements ?? []).flatMap { list in
        list.ids + [String](repeating: "", count: 3 - list.ids.count)
      }
      #expect(answer["outputs"]?.elements?[0]["data"] == .strings(ids) && ids.count == 12)
    }
  }

  @Test func strangersGetTheirListsWhateverTheModelHolds() {
    let service = SmallModel.service(SmallModel.stored(history: false))
    for users in [#"["x","y"]"#, #"["x"]"#] {
      let (status, answer) = service.post("/v1/recommend/batch", #"{"users":\#(users),"filterSeen":true}"#)
      #expect(status == 200 && answer["lists"]?.elements?.isEmpty == false, "as for each alone")
    }
  }

  @Test func aVersionIsTheDigestOfTheModel() {
    let (service, version) = (SmallModel.service(), "/v2/models/small/versions/00000000000000aa")
    #expect(service.get(version).json["name"]?.text == "small")
    #expect(service.get(version + "/ready").json["ready"] == .bool(true))
    let body = #"{"inputs":[{"name":"user","shape":[1],"datatype":"BYTES","data":["a"]}]}"#
    #expect(service.post(version + "/infer", body).json["model_version"]?.text == "00000000000000aa")
    for wrong in ["/v2/models/small/versions/1", "/v2/models/other/versions/00000000000000aa"] {
      #expect(service.get(wrong).status == 404 && service.get(wrong + "/ready").status == 404)
      #expect(service.post(wrong + "/infer", body).status == 404)
    }
    #expect(service.get("/v2/models/small/versions/1").json["error"]?.text?.contains("00000000000000aa") == true)
  }
}
