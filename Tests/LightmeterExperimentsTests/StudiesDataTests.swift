import LightmeterEvaluation
import LightmeterFeedback
import Testing

@testable import LightmeterExperiments

@Suite struct StudiesDataTests {
  private func open(_ data: String, _ folder: ScratchFolder) throws -> StudyDataset {
    let text = "{ name: 'x', data: \(data), methods: ['mf'], tuning: { metric: 'none' } }"
    return try StudyDataset.open(Study(text: text).data[0], folder: folder.path(""))
  }

  /// Users a…f clicked, the block is users a…d × videos 1…5, all pairs with an even sum positive.
  private func kuaiRec() throws -> ScratchFolder {
    let folder = try ScratchFolder()
    var train = "user_id,video_id\n"
    for user in 0..<6 { for item in 6..<10 { train += "\(user),\(item)\n\(user),\(item)\n" } }
    var test = "user_id,video_id\n"
    for user in 0..<4 { for item in 1..<6 where (user + item) % 2 == 0 { test += "\(user),\(item)\n" } }
    try folder.write("kuairec/train_positives.csv", train)
    try folder.write("kuairec/test_positives.csv", test)
    return folder
  }

  @Test func theBlockIsTheUsersAndVideosOfItsFile() throws {
    let folder = try kuaiRec()
    let set = try open("{ kind: 'kuairec-block' }", folder)
    let source = try set.source(1)
    #expect(source.log.userCount == 6 && source.log.itemCount == 9 && source.log.positives.count == 24)
    #expect(source.slice == nil)
    guard case .catalogue(let test) = try set.test(1) else { throw StudyError.missingKey("test", at: "block") }
    #expect(test.users == [0, 1, 2, 3] && test.candidates == [4, 5, 6, 7, 8] && test.seen == nil)
    #expect(test.relevant.count == 10)
  }

  @Test func pairsOfTheSliceAreNeitherCandidatesNorLabels() throws {
    let folder = try kuaiRec()
    let set = try open("{ kind: 'kuairec-block', slice: 0.4 }", folder)
    let slice = try #require(try set.source(1).slice)
    #expect(slice.count == 8)
    guard case .catalogue(let test) = try set.test(1) else { throw StudyError.missingKey("test", at: "block") }
    let seen = try #require(test.seen)
    #expect(seen.count == 8, "the pairs of a slice are distinct")
    var positives = 0
    for k in 0..<slice.count {
      let (user, item) = (Int(slice.users[k]), slice.items[k])
      #expect(seen.contains(user: user, item: item) && !test.relevant.contains(user: user, item: item))
      positives += Int(slice.feedback[k])
    }
    #expect(test.relevant.count == 10 - positives && positives > 0)
    let (again, other) = (try set.source(1).slice, try set.source(2).slice)
    #expect(again == slice && other != slice, "a slice belongs to its seed")
  }

  @Test func twoThirdsOfTheSliceCalibrateAndValidateAndOneThirdChooses() throws {
    let folder = try kuaiRec()
    let set = try open("{ kind: 'kuairec-block', slice: 0.5, hyperValidation: 0 }", folder)
    let training = try set.training(stream: .sampled(negativesPerPositive: 1), validation: .slice, seed: 1)
    let fitting = try #require(training.data.randomTraffic)
    #expect(fitting.count == 7 && training.selection?.count == 3)
    #expect(training.data.validation.count == 7)
    let carved = try set.training(stream: nil, validation: .unrated, seed: 1)
    #expect(carved.summary.validationSource.contains("unclicked"))
  }

  @Test func coatGivesARatedTestAndItsDigestFollowsItsBytes() throws {
    let folder = try ScratchFolder()
    let train = (0..<10).map { user in (0..<5).map { "\(($0 + user) % 6)" }.joined(separator: " ") }
    try folder.write("coat/train.ascii", train.joined(separator: "\n") + "\n")
    try folder.write("coat/test.ascii", train.reversed().joined(separator: "\n") + "\n")
    let set = try open("{ kind: 'coat', activeUsers: 0.5 }", folder)
    guard case .rated(let test) = try set.test(1) else { throw StudyError.missingKey("test", at: "coat") }
    let ratings = train.joined(separator: " ").split(separator: " ").compactMap { Int($0) }
    #expect(test.count == ratings.count { $0 > 0 } && test.supports(.cjmf2020))
    #expect(try set.source(1).log.positives.count == ratings.count { $0 >= 4 })
    let training = try set.training(stream: .sampled(negativesPerPositive: 5), validation: .standard, seed: 1)
    #expect(training.data.validation.count == 10 && (training.data.hyperValidation?.count ?? 0) > 0)
    try folder.write("coat/test.ascii", train.joined(separator: "\n") + "\n")
    #expect(try open("{ kind: 'coat', activeUsers: 0.5 }", folder).digest != set.digest)
  }

  @Test func aWorldIsTestedOnUnclickedPairsOfTheSameDraw() throws {
    let folder = try ScratchFolder()
    let set = try open(
      "{ kind: 'clean-world', users: 20, items: 15, rank: 2, meanExposure: 0.5, calibrationPairs: 500 }", folder)
    let log = try set.source(3).log
    guard case .truth(let test) = try set.test(3) else { throw StudyError.missingKey("test", at: "world") }
    #expect(test.seen?.count == log.positives.count && log.positives.count > 0)
    var relevance: [Float] = [0]
    test.relevance(2, 4..<5, &relevance)
    #expect(relevance[0] == Float(try #require(set.world).truth(user: 2, item: 4).relevance))
    let (again, other) = (try set.source(3).log, try set.source(4).log)
    #expect(again == log && other != log)
  }

  @Test func aLogOfOnesOwnIsSplitByRowsAndSeenPairsAreNoCandidates() throws {
    let folder = try ScratchFolder()
    var text = "user,item,rating\n"
    for user in 0..<8 { for item in 0..<6 { text += "u\(user),i\(item),\((user * item) % 5 + 1)\n" } }
    try folder.write("my.csv", text)
    let set = try open("{ kind: 'log', path: 'my.csv', positive: 'rating>=3', share: 0.5 }", folder)
    let log = try set.source(1).log
    guard case .catalogue(let test) = try set.test(1) else { throw StudyError.missingKey("test", at: "log") }
    #expect(log.positives.count + log.negatives.count == 24 && test.relevant.count > 0)
    for k in 0..<log.positives.count {
      let (user, item) = (Int(log.positives.users[k]), log.positives.items[k])
      #expect(test.seen?.contains(user: user, item: item) == true && !test.relevant.contains(user: user, item: item))
    }
  }

  @Test func aWorldOfAFileWithoutRatingsSaysWhichFileAndWhatToDo() throws {
    let folder = try ScratchFolder()
    try folder.write("clicks.csv", "user,item\n" + (0..<12).map { "u\($0 % 4),i\($0 / 3)\n" }.joined())
    do {
      _ = try open("{ kind: 'ratings-world', path: 'clicks.csv', form: 'csv' }", folder)
      Issue.record("a file without ratings gave a world")
    } catch let error as StudyError {
      #expect("\(error)".contains("clicks.csv") && "\(error)".contains("no rating column"), "\(error)")
    }
  }

  @Test func aMissingFileIsNamedWithTheRemedy() throws {
    let folder = try ScratchFolder()
    #expect(throws: (any Error).self) { try open("{ kind: 'coat' }", folder) }
    do { _ = try open("{ kind: 'coat' }", folder) } catch {
      #expect("\(error)".contains("train.ascii") && "\(error)".contains("--data"))
    }
  }
}
