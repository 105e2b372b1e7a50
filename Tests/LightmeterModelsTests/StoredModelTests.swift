import Foundation
import LightmeterFeedback
import LightmeterKernels
import TestSupport
import Testing

@testable import LightmeterModels

@Suite struct StoredModelTests {
  private func ids(_ count: Int, _ letter: String) -> IdentifierTable {
    var table = IdentifierTable()
    for index in 0..<count { _ = table.intern("\(letter)\(index)") }
    return table
  }

  private func backbone() -> MatrixFactorization<Float> {
    MatrixFactorization(userCount: 7, itemCount: 9, dimension: 5, biases: .userAndItem, intercept: -1, seed: 4)
  }

  private func model(_ scorer: StoredScorer, _ exposure: StoredExposure?) -> StoredModel {
    StoredModel(
      scorer: scorer, exposure: exposure, users: ids(7, "u"), items: ids(9, "i"),
      popularity: (0..<9).map { Float($0) / 8 },
      seen: FeedbackMatrix(userCount: 7, itemCount: 9, users: [0, 0, 6], items: [1, 8, 0]), manifest: "{\"a\":1}")
  }

  private func exposures() throws -> [StoredExposure?] {
    let blended = BlendedExposure<Float>(
      userCount: 7, dimension: 5, popularity: (0..<9).map { Float($0) / 8 }, seed: 5)
    // Users of different activity, or the users' part of a calibration would be the same for all.
    let clicks = FeedbackMatrix(
      userCount: 7, itemCount: 9, users: [0, 0, 0, 0, 1, 2, 2, 3, 4, 5, 6], items: [0, 1, 2, 5, 0, 1, 7, 1, 2, 3, 4])
    var slice = PairBatch()
    for k in 0..<40 { slice.append(user: Int32(k % 7), item: Int32(k % 9), feedback: UInt8(k % 3 == 0 ? 1 : 0)) }
    return [
      nil, .constant(1), .perItem((0..<9).map { Float($0) / 9 }), blended.estimate(items: backbone().tables[1]),
      .calibrated(try Calibration.exposure(.plain, clicks: clicks, slice: slice)),
      .calibrated(try Calibration.exposure(.regressed, clicks: clicks, slice: slice)),
    ]
  }

  private func ensemble() -> EnsembleModel {
    EnsembleModel(
      members: (0..<3).map { k in
        MatrixFactorization<Float>(
          userCount: 7, itemCount: 9, dimension: 5, biases: .userAndItem, intercept: -0.5 * Float(k), deviation: 1,
          seed: UInt64(k)
        ).factorModel
      })
  }

  private func layouts(_ scorer: StoredScorer) -> [[Int]] {
    guard case .factors(let model) = scorer else { return [] }
    return [model.users, model.items].map { [$0.factorWidth, $0.width, $0.stride, $0.fixedColumn ?? -1] }
  }

  @Test func anEnsembleAveragesRelevanceAndKeepsOrderAtTheEnds() {
    let model = ensemble()
    var scores = [Float](repeating: 0, count: 9)
    model.scores(user: 3, items: 2..<9, into: &scores)
    for item in 2..<9 {
      let mean =
        model.members.map { member -> Float in
          var score: [Float] = [0]
          member.scores(user: 3, items: item..<item + 1, into: &score)
          return Stable.sigmoid(score[0])
        }.reduce(0, +) / 3
      #expect(abs(model.relevance(ofScore: scores[item - 2]) - mean) < 1e-6)
    }
    // Relevances that are 1 in single precision still have an order, and so have their complements.
    func far(_ sign: Float) -> [Float] {
      var items = Table<Float>(name: "i", rows: 2, factorWidth: 1)
      (items.values[0], items.values[4]) = (sign * 30, sign * 31)
      var users = Table<Float>(name: "u", rows: 1, factorWidth: 1)
      users.values[0] = 1
      let member = FactorModel(users: users, items: items, intercept: 0)
      var scores: [Float] = [0, 0]
      EnsembleModel(members: [member, member]).scores(user: 0, items: 0..<2, into: &scores)
      return scores
    }
    #expect(far(1)[0] < far(1)[1] && far(-1)[0] > far(-1)[1])
  }

  @Test func everyKindOfModelComesBackWithTheSameScoresAndExposures() throws {
    let scorers: [StoredScorer] = [
      .factors(backbone().factorModel), .factors(FactorModel(itemScores: (0..<9).map { Float($0 * $0) }, userCount: 7)),
      .factors(
        FactorModel(users: backbone().tables[0], items: backbone().tables[1], intercept: 0.5, meaning: .centred)),
      .ensemble(ensemble()), .random(RandomRanking(userCount: 7, itemCount: 9, seed: 11)),
    ]
    try withTemporaryFolder { folder in
      for exposure in try exposures() {
        for scorer in scorers {
          // Eq. (14) reads the item factors of the model it was learned with, and of no other.
          if case .blended = exposure {
            guard case .factors(let factors) = scorer, factors.isProbability else { continue }
          }
          let before = model(scorer, exposure)
          try before.write(to: "\(folder)/m")
          let after = try StoredModel.read("\(folder)/m")
          #expect(after.users == before.users && after.items == before.items && after.seen == before.seen)
          #expect(after.manifest == before.manifest && after.popularity == before.popularity)
          let meanings = [before, after].map { $0.scorer.relevanceScorer?.relevance(ofScore: 0.25) }
          #expect(meanings[0] == meanings[1])
          #expect((after.exposure == nil) == (exposure == nil))
          #expect(layouts(after.scorer) == layouts(before.scorer), "an update goes on from these tables")
          for user in 0..<7 {
            var (a, b) = ([Float](repeating: 0, count: 9), [Float](repeating: 1, count: 9))
            before.scorer.scores(user: user, items: 0..<9, into: &a)
            after.scorer.scores(user: user, items: 0..<9, into: &b)
            #expect(a == b)
            before.exposure?.exposures(user: user, items: 0..<9, into: &a)
            after.exposure?.exposures(user: user, items: 0..<9, into: &b)
            #expect(a == b)
          }
        }
      }
    }
  }

  @Test func weightsOfPairsComeBack() throws {
    try withTemporaryFolder { folder in
      var before = model(.factors(backbone().factorModel), nil)
      before.weights = PairWeights(
        clickUsers: (0..<7).map { 1 + Float($0) }, clickItems: (0..<9).map { 11 + Float($0) },
        pairUsers: (0..<7).map { 21 + Float($0) }, pairItems: (0..<9).map { 31 + Float($0) }, pairOutcomes: [41, 42],
        labels: [-0.5, 0.5])
      try before.write(to: "\(folder)/m")
      #expect(try StoredModel.read("\(folder)/m").weights == before.weights)
      var container = try ModelContainer.read("\(folder)/m")
      container.tensors["weights.pair_items"] = .float32([1], shape: [1])
      try container.write(to: "\(folder)/broken")
      #expect(throws: ModelFileError.self) { _ = try StoredModel.read("\(folder)/broken") }
    }
  }

  @Test func theTruthOfAWorldIsNotWrittenToAFile() throws {
    try withTemporaryFolder { folder in
      _ = #expect(throws: ModelFileError.self) {
        try model(.factors(backbone().factorModel), .known(StoredExposure.constant(1))).write(to: "\(folder)/m")
      }
    }
  }

  @Test func tablesThatDoNotFitTogetherAreRefused() throws {
    try withTemporaryFolder { folder in
      try model(.factors(backbone().factorModel), nil).write(to: "\(folder)/m")
      var container = try ModelContainer.read("\(folder)/m")
      container.tensors["seen.items"] = .int32([1, 8, 99], shape: [3])
      try container.write(to: "\(folder)/broken")
      #expect(throws: ModelFileError.self) { _ = try StoredModel.read("\(folder)/broken") }
      container = try ModelContainer.read("\(folder)/m")
      // Layouts of the same row length, so that only their own check can refuse them; the last is possible, but not the
      // items'.
      for layout: [Int64] in [[5, 3, -1], [-1, 7, 6], [8, 7, 6], [5, 7, 7], [5, 7, -2], [5, 6, -1]] {
        container.tensors["user_factors.layout"] = .int64(layout, shape: [3])
        try container.write(to: "\(folder)/broken")
        #expect(throws: ModelFileError.self) { _ = try StoredModel.read("\(folder)/broken") }
      }
    }
  }

  /// A model without factors, whose users have these names.
  private func model(users names: [String]) -> StoredModel {
    var users = IdentifierTable()
    for name in names { _ = users.intern(name) }
    return StoredModel(
      scorer: .random(RandomRanking(userCount: users.count, itemCount: 1, seed: 1)), exposure: nil, users: users,
      items: ids(1, "i"), popularity: [1], seen: nil, manifest: "{}")
  }

  @Test func identifiersAreLookedUpInTheMappedFile() throws {
    let names = ["", "größe", "日本語", "007", "7"] + (0..<100_000).map { "user-\($0)" }
    try withTemporaryFolder { folder in
      try model(users: names).write(to: "\(folder)/m")
      var users = try StoredModel.read("\(folder)/m").users
      #expect(users.isMapped && users.count == names.count)
      for (id, name) in names.enumerated() where id < 100 || id % 37 == 0 {
        #expect(users.index(of: name) == Int32(id) && users[id] == name)
      }
      #expect(users.index(of: "user-100000") == nil && users.index(of: "grösse") == nil)
      #expect(users.intern("one more") == Int32(names.count) && !users.isMapped)
      #expect(users.index(of: "user-99999") == Int32(names.count - 1))
    }
  }

  @Test func anAlteredIdentifierTableIsRefused() throws {
    try withTemporaryFolder { folder in
      try model(users: (0..<200).map { "u\($0)" }).write(to: "\(folder)/m")
      let content = try bytes(at: "\(folder)/m")
      let file = try SafetensorsFile("\(folder)/m")
      for part in ["users.ids", "users.bases", "users.starts", "users.slots"] {
        var altered = content
        let range = try #require(file.bytes(part)).range
        altered[range.lowerBound + range.count / 2] ^= 1
        try Data(altered).write(to: URL(fileURLWithPath: "\(folder)/altered"))
        #expect(throws: ModelFileError.altered(path: "\(folder)/altered", part: part)) {
          try StoredModel.read("\(folder)/altered")
        }
      }
    }
  }

  @Test func theIdentifiersOfTheFirstFormatAreRead() throws {
    let names = ["a", "é", "", "long enough for several words"]
    try withTemporaryFolder { folder in
      try model(users: names).write(to: "\(folder)/m")
      var container = try ModelContainer.read("\(folder)/m")
      var (text, offsets) = ([UInt8](), [Int64(0)])
      for name in names {
        text += Array(name.utf8)
        offsets.append(Int64(text.count))
      }
      for part in ["bases", "starts", "slots"] { container.tensors["users." + part] = nil }
      container.tensors["users.offsets"] = .int64(offsets, shape: [offsets.count])
      container.tensors["users.index"] = .int32([], shape: [0])
      try container.write(to: "\(folder)/first")
      let users = try StoredModel.read("\(folder)/first").users
      #expect(users == (try StoredModel.read("\(folder)/m").users))
      #expect(names.indices.allSatisfy { users.index(of: names[$0]) == Int32($0) })
    }
  }

  @Test func equalIdsGiveTheSameFileWhateverTheTablesPast() throws {
    try withTemporaryFolder { folder in
      let once = model(users: (0..<70).map { "u\($0)" })
      try once.write(to: "\(folder)/a")
      try StoredModel.read("\(folder)/a").write(to: "\(folder)/b")
      #expect(try bytes(at: "\(folder)/a") == bytes(at: "\(folder)/b"))
    }
  }

  @Test func otherUsersOfAnExposureShareTheItemsGates() throws {
    let found = try exposures().compactMap { exposure -> BlendedEstimate? in
      if case .blended(let blended) = exposure { blended } else { nil }
    }
    let blended = try #require(found.first)
    let other = blended.replacingUsers(by: blended.users)
    #expect(other.gates === blended.gates)
    #expect(other.exposure(user: 2, item: 4) == blended.exposure(user: 2, item: 4))
  }
}
