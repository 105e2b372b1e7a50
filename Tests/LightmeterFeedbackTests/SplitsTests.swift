import LightmeterFeedback
import LightmeterKernels
import Testing

/// 300 rows of 20 users and 25 items; some pairs repeat, many times are tied.
private func log(seed: UInt64 = 1) -> Interactions {
  var generator = SeededGenerator(seed: seed, stream: .world)
  var log = Interactions()
  var times: [Int64] = []
  for _ in 0..<300 {
    log.userColumn.append(Int32(generator.below(20)))
    log.itemColumn.append(Int32(generator.below(25)))
    times.append(Int64(generator.below(60)))
  }
  log.times = times
  return log
}

@Suite("Splits")
struct SplitsTests {
  @Test("both sides together are all rows, each once")
  func partition() throws {
    let log = log()
    for split in [
      try Splits.randomPerUser(log, fraction: 0.3, seed: 1), try Splits.temporal(log, fraction: 0.2),
      try Splits.lastPerUser(log, count: 2),
    ] {
      #expect((split.train + split.test).sorted() == (0..<300).map(Int32.init))
      #expect(split.train == split.train.sorted() && split.test == split.test.sorted())
      #expect(split.protocolDescription.hasSuffix("."))
    }
  }

  @Test("a temporal split never tests on a row as old as a training row, ties included", arguments: 1...5)
  func temporalLeak(_ seed: UInt64) throws {
    let log = log(seed: seed)
    let times = try #require(log.times)
    let split = try Splits.temporal(log, fraction: 0.2)
    let newestTraining = try #require(split.train.map { times[Int($0)] }.max())
    let oldestTest = try #require(split.test.map { times[Int($0)] }.min())
    #expect(newestTraining < oldestTest)
    #expect(split.test.count >= 60 && split.test.count < 80)
  }

  @Test("a random split takes the share of each user's items, rounded by chance, and keeps a pair's rows together")
  func randomShares() throws {
    let log = log()
    let split = try Splits.randomPerUser(log, fraction: 0.3, seed: 4)
    for user in 0..<20 as Range<Int32> {
      let items = { (rows: [Int32]) in
        Set(rows.filter { log.userColumn[Int($0)] == user }.map { log.itemColumn[Int($0)] })
      }
      let (train, test) = (items(split.train), items(split.test))
      #expect(train.isDisjoint(with: test))
      let tenths = 3 * (train.count + test.count)
      #expect(test.count == tenths / 10 || (test.count == tenths / 10 + 1 && tenths % 10 != 0))
    }
    #expect(try Splits.randomPerUser(log, fraction: 0.3, seed: 4) == split)
    #expect(try Splits.randomPerUser(log, fraction: 0.3, seed: 5).test != split.test)
  }

  @Test("users with two items take part in the expected share (five standard errors)")
  func fewItems() throws {
    let users = 2000
    var log = Interactions()
    log.userColumn = (0..<2 * users).map { Int32($0 / 2) }
    log.itemColumn = (0..<2 * users).map { Int32($0 % 2) }
    let held = try Splits.randomPerUser(log, fraction: 0.2, seed: 1).test.count
    #expect(abs(Double(held) - 0.4 * Double(users)) < 5 * (0.4 * 0.6 * Double(users)).squareRoot())
  }

  @Test("the held-out items of a user do not depend on the order of rows or on other users")
  func randomStable() throws {
    let log = log()
    let kept = (0..<300).reversed().filter { log.userColumn[$0] < 7 }
    var part = Interactions()
    part.userColumn = kept.map { log.userColumn[$0] }
    part.itemColumn = kept.map { log.itemColumn[$0] }
    let pairs = { (log: Interactions, rows: [Int32]) in
      Set(rows.map { Int(log.userColumn[Int($0)]) * 100 + Int(log.itemColumn[Int($0)]) })
    }
    let whole = try Splits.randomPerUser(log, fraction: 0.4, seed: 2)
    let alone = try Splits.randomPerUser(part, fraction: 0.4, seed: 2)
    #expect(pairs(part, alone.test) == pairs(log, whole.test).filter { $0 < 700 })
  }

  @Test("each user keeps an item to learn from, whatever the share")
  func keepsOne() throws {
    var log = Interactions()
    log.userColumn = [0, 1, 1]
    log.itemColumn = [0, 0, 1]
    let split = try Splits.randomPerUser(log, fraction: 0.99, seed: 1)
    #expect(split.test.count == 1)
    #expect(split.train.contains(0))
  }

  @Test("the last rows of each user are held out, later rows first among equal times")
  func lastRows() throws {
    var log = Interactions()
    log.userColumn = [0, 0, 0, 1, 0, 1, 2]
    log.itemColumn = [0, 1, 2, 0, 3, 1, 0]
    log.times = [5, 9, 9, 1, 2, 1, 7]
    #expect(try Splits.lastPerUser(log, count: 1).test == [2, 5])
    #expect(try Splits.lastPerUser(log, count: 2).test == [1, 2])
  }

  @Test("impossible splits are refused with a sentence")
  func refusals() {
    var log = Interactions()
    log.userColumn = [0, 1]
    log.itemColumn = [0, 1]
    #expect(throws: TrainingDataError.noTimes) { try Splits.temporal(log, fraction: 0.5) }
    #expect(throws: TrainingDataError.noTimes) { try Splits.lastPerUser(log, count: 1) }
    #expect(throws: TrainingDataError.emptySplit(side: "test")) {
      try Splits.randomPerUser(log, fraction: 0.5, seed: 1)
    }
    log.times = [3, 3]
    #expect(throws: TrainingDataError.emptySplit(side: "training")) { try Splits.temporal(log, fraction: 0.5) }
    #expect(throws: TrainingDataError.badCount(0)) { try Splits.lastPerUser(log, count: 0) }
    #expect(throws: TrainingDataError.badFraction(1, of: "the log held out for test")) {
      try Splits.temporal(log, fraction: 1)
    }
    #expect(throws: TrainingDataError.emptySplit(side: "training")) {
      try Splits.temporal(Interactions.empty, fraction: 0.5)
    }
  }
}

extension Interactions {
  fileprivate static var empty: Interactions {
    var log = Interactions()
    log.times = []
    return log
  }
}
