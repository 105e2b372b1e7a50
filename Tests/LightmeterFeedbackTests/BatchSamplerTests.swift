import LightmeterFeedback
import Testing

/// A user–item pair as one number, for sets and counts.
private func code(_ user: Int32, _ item: Int32) -> Int { Int(user) * 1000 + Int(item) }

private func epoch(_ sampler: BatchSampler, _ epoch: Int) -> PairBatch {
  var whole = PairBatch()
  var batch = PairBatch()
  for index in 0..<sampler.batchCount {
    sampler.fill(&batch, epoch: epoch, index: index)
    whole.users += batch.users
    whole.items += batch.items
    whole.feedback += batch.feedback
    if let known = batch.knownExposures { whole.knownExposures = (whole.knownExposures ?? []) + known }
    if let weights = batch.weights { whole.weights = (whole.weights ?? []) + weights }
  }
  return whole
}

/// 12 users × 30 items; user u clicked every item divisible by u + 2.
private func matrix(users: Int = 12, items: Int = 30) -> FeedbackMatrix {
  var (userColumn, itemColumn): ([Int32], [Int32]) = ([], [])
  for user in 0..<users {
    for item in stride(from: 0, to: items, by: user + 2) {
      userColumn.append(Int32(user))
      itemColumn.append(Int32(item))
    }
  }
  return FeedbackMatrix(userCount: users, itemCount: items, users: userColumn, items: itemColumn)
}

private func data(
  _ stream: TrainingStream, positives: FeedbackMatrix = matrix(), extra: PairBatch = PairBatch(),
  shown: FeedbackMatrix? = nil
) -> TrainingData {
  TrainingData(
    positives: positives, extraNegatives: extra, shown: shown,
    popularity: Popularity.exposure(of: positives), stream: stream)
}

private let extra = PairBatch(users: [0, 3, 3], items: [1, 1, 2], feedback: [0, 0, 0])

@Suite("Training streams")
struct BatchSamplerTests {
  @Test("every positive and every extra negative comes exactly once an epoch")
  func positivesOnce() {
    let source = data(.sampled(negativesPerPositive: 0), extra: extra)
    let pairs = epoch(BatchSampler(data: source, batchSize: 7, seed: 1), 4)
    #expect(pairs.count == source.positives.count + 3)
    var seen: [Int] = []
    for k in 0..<pairs.count where pairs.feedback[k] == 1 { seen.append(code(pairs.users[k], pairs.items[k])) }
    let column = source.positives.userColumn
    #expect(seen.sorted() == column.indices.map { code(column[$0], source.positives.items[$0]) }.sorted())
    let zeros = (0..<pairs.count).filter { pairs.feedback[$0] == 0 }.map { code(pairs.users[$0], pairs.items[$0]) }
    #expect(zeros.sorted() == [1, 3001, 3002])
  }

  @Test("the index space is positives × (1 + k) + extra negatives, and only draws on known pairs are missing")
  func pairCount() {
    let source = data(.sampled(negativesPerPositive: 5), extra: extra)
    let sampler = BatchSampler(data: source, batchSize: 64, seed: 2)
    let positives = source.positives.count
    #expect(sampler.pairsPerEpoch == positives * 6 + 3)
    #expect(sampler.batchCount == (positives * 6 + 3 + 63) / 64)
    let plain = BatchSampler(data: data(.sampled(negativesPerPositive: 5)), batchSize: 64, seed: 2)
    #expect(sampler.pairsPerEpoch - plain.pairsPerEpoch == extra.count)
    let pairs = epoch(sampler, 0)
    #expect(pairs.count < sampler.pairsPerEpoch)
    #expect(pairs.count > positives * 4)
  }

  @Test("no draw hits a training positive or a shown pair")
  func drawsAvoidKnownPairs() {
    let positives = matrix()
    let shown = FeedbackMatrix(
      userCount: 12, itemCount: 30, users: (0..<12).flatMap { user in [Int32](repeating: user, count: 10) },
      items: (0..<12).flatMap { _ in (5..<15).map(Int32.init) })
    let source = data(.sampled(negativesPerPositive: 20), shown: shown)
    let sampler = BatchSampler(data: source, batchSize: 100, seed: 3)
    for pass in 0..<3 {
      let pairs = epoch(sampler, pass)
      for k in 0..<pairs.count where pairs.feedback[k] == 0 {
        #expect(!positives.contains(user: Int(pairs.users[k]), item: pairs.items[k]))
        #expect(!shown.contains(user: Int(pairs.users[k]), item: pairs.items[k]))
      }
    }
  }

  @Test("draws and order are new every epoch and every seed")
  func resampled() {
    let source = data(.sampled(negativesPerPositive: 5))
    let sampler = BatchSampler(data: source, batchSize: 32, seed: 5)
    let draws = { (pairs: PairBatch) in
      (0..<pairs.count).filter { pairs.feedback[$0] == 0 }.map { code(pairs.users[$0], pairs.items[$0]) }.sorted()
    }
    let (first, second) = (epoch(sampler, 0), epoch(sampler, 1))
    #expect(draws(first) != draws(second))
    let rated = BatchSampler(data: data(.rated, extra: extra), batchSize: 32, seed: 5)
    #expect(epoch(rated, 0).items != epoch(rated, 1).items)
    #expect(draws(first) != draws(epoch(BatchSampler(data: source, batchSize: 32, seed: 6), 0)))
  }

  @Test("a batch does not depend on which batches came before, nor the epoch's pairs on the batch size")
  func anyOrder() {
    let source = data(.sampled(negativesPerPositive: 3), extra: extra)
    let sampler = BatchSampler(data: source, batchSize: 16, seed: 7)
    let calls = (0..<2).flatMap { pass in (0..<sampler.batchCount).map { (pass, $0) } }
    var batch = PairBatch()
    var forward: [PairBatch] = []
    for (pass, index) in calls {
      sampler.fill(&batch, epoch: pass, index: index)
      forward.append(batch)
    }
    for (k, call) in calls.enumerated().reversed() {
      sampler.fill(&batch, epoch: call.0, index: call.1)
      #expect(batch == forward[k])
    }
    #expect(epoch(sampler, 1) == epoch(BatchSampler(data: source, batchSize: 5, seed: 7), 1))
  }

  @Test("blocks of users hold every index once an epoch, few users at a time, and begin elsewhere in every epoch")
  func blocks() {
    // 30,000 users with two clicks each: four blocks, the last one short.
    let users = (0..<60_000).map { Int32($0 / 2) }
    let positives = FeedbackMatrix(
      userCount: 30_000, itemCount: 100, users: users, items: (0..<60_000).map { Int32($0 % 2 * 50 + $0 % 49) })
    let further = PairBatch(
      users: (0..<3000).map { Int32($0 * 10) }, items: [Int32](repeating: 99, count: 3000),
      feedback: [UInt8](repeating: 0, count: 3000))
    let source = data(.sampled(negativesPerPositive: 0), positives: positives, extra: further)
    let sampler = BatchSampler(data: source, batchSize: 1000, seed: 4, shuffle: .blocks)
    let passes = (0..<2).map { epoch(sampler, $0) }
    var starts: [Set<Int>] = []
    for pairs in passes {
      let codes = (0..<pairs.count).map { code(pairs.users[$0], pairs.items[$0]) }
      let known = users.indices.map { code(users[$0], positives.items[$0]) }
      #expect(codes.sorted() == (known + further.users.map { code($0, 99) }).sorted())
      // 63 batches; a block's users are 8,192 neighbours of 30,000, around the end of the line too.
      var spread: [Int] = []
      var lowest: Set<Int> = []
      for first in stride(from: 0, to: pairs.count - 1000, by: 1000) {
        let own = pairs.users[first..<first + 1000].map { Int($0) }
        let turned = own.map { ($0 + 15_000) % 30_000 }
        let width = { (members: [Int]) in (members.max() ?? 0) - (members.min() ?? 0) }
        spread.append(min(width(own), width(turned)))
        if width(own) <= 8200 { lowest.insert((own.min() ?? 0) / 500) }
        #expect(pairs.feedback[first..<first + 1000].contains(0), "further pairs are spread over the blocks")
      }
      #expect(spread.filter { $0 <= 8200 }.count >= 59, "at most three batches lie over two blocks")
      #expect(spread.filter { $0 > 4000 }.count >= 40, "a block is shuffled")
      starts.append(lowest)
    }
    #expect(starts[0].count <= 4 && starts[0].isDisjoint(with: starts[1]), "blocks begin elsewhere in the next epoch")
  }

  @Test("all visits every pair exactly once, labelled by the positives, extra negatives not twice")
  func allPairs() {
    let source = data(.all, extra: extra)
    let sampler = BatchSampler(data: source, batchSize: 50, seed: 8)
    let pairs = epoch(sampler, 2)
    #expect(pairs.count == 12 * 30)
    #expect(Set((0..<pairs.count).map { code(pairs.users[$0], pairs.items[$0]) }).count == 12 * 30)
    for k in 0..<pairs.count {
      let clicked = source.positives.contains(user: Int(pairs.users[k]), item: pairs.items[k])
      #expect(pairs.feedback[k] == (clicked ? 1 : 0))
    }
    #expect(abs(sampler.clickRate - Double(source.positives.count) / 360) < 1e-15)
  }

  @Test("rated visits the listed pairs only and carries their exposures and weights")
  func ratedPairs() throws {
    let positives = FeedbackMatrix(userCount: 2, itemCount: 4, users: [0, 1], items: [3, 2])
    let listed = PairBatch(
      users: [0, 1], items: [0, 1], feedback: [0, 0], knownExposures: [1, 0.5], weights: [3, 4])
    let source = TrainingData(
      positives: positives, positiveExposures: [0.25, .nan], positiveWeights: [1, 2], extraNegatives: listed,
      popularity: [0, 0, 1, 1], stream: .rated)
    let sampler = BatchSampler(data: source, batchSize: 3, seed: 9)
    let pairs = epoch(sampler, 0)
    let (known, weights) = (try #require(pairs.knownExposures), try #require(pairs.weights))
    let rows = (0..<pairs.count).sorted { weights[$0] < weights[$1] }
    #expect(rows.map { pairs.items[$0] } == [3, 2, 0, 1])
    #expect(rows.map { pairs.feedback[$0] } == [1, 1, 0, 0])
    #expect(rows.map { known[$0] }.map { $0.isNaN ? -1 : $0 } == [0.25, -1, 1, 0.5])
    #expect(sampler.clickRate == 0.3)
  }

  @Test("the click rate is the mean share of positives over epochs (200 epochs, five standard errors)")
  func clickRate() {
    let shown = FeedbackMatrix(userCount: 12, itemCount: 30, users: [0, 0, 1], items: [1, 2, 4])
    let sampler = BatchSampler(
      data: data(.sampled(negativesPerPositive: 2), extra: extra, shown: shown), batchSize: 1000, seed: 10)
    var (clicks, total) = (0.0, 0.0)
    for pass in 0..<200 {
      let pairs = epoch(sampler, pass)
      clicks += Double(pairs.feedback.reduce(0) { $0 + Int($1) })
      total += Double(pairs.count)
    }
    // About 94 positives and 190 draws an epoch, each kept with probability near 3/4: the share has a standard
    // deviation below 0.01 an epoch.
    #expect(abs(clicks / total - sampler.clickRate) < 5 * 0.01 / 200.0.squareRoot())
  }

  @Test("draws are uniform over the free items (χ², rejects a uniform sampler once in 10⁶ seeds; the seed is fixed)")
  func uniformDraws() {
    let positives = FeedbackMatrix(userCount: 1, itemCount: 41, users: [0], items: [17])
    let sampler = BatchSampler(
      data: data(.sampled(negativesPerPositive: 40_000), positives: positives), batchSize: 50_000, seed: 11)
    let pairs = epoch(sampler, 0)
    var counts = [Int](repeating: 0, count: 41)
    for k in 0..<pairs.count where pairs.feedback[k] == 0 { counts[Int(pairs.items[k])] += 1 }
    #expect(counts[17] == 0)
    let expected = Double(counts.reduce(0, +)) / 40
    var statistic = 0.0
    for item in 0..<41 where item != 17 {
      statistic += (Double(counts[item]) - expected) * (Double(counts[item]) - expected) / expected
    }
    // 1 − 10⁻⁶ quantile of χ² with 39 degrees of freedom: 96.6 (Wilson and Hilferty).
    #expect(statistic < 96.6)
    #expect(statistic > 10)
  }

  @Test("an empty stream has no batches and a click rate of 0")
  func emptyStream() {
    let empty = FeedbackMatrix(userCount: 3, itemCount: 3, users: [], items: [])
    let sampler = BatchSampler(data: data(.rated, positives: empty), batchSize: 8, seed: 1)
    #expect(sampler.batchCount == 0)
    #expect(sampler.clickRate == 0)
  }
}
