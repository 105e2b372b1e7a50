import LightmeterFeedback
import LightmeterKernels
import Testing

private let (users, items) = (40, 30)

/// About 360 distinct ratings of 40 users; roughly a third is positive.
private func ratings(negatives: Bool = true) -> FeedbackLog {
  var generator = SeededGenerator(seed: 3, stream: .world)
  var log = FeedbackLog(userCount: users, itemCount: items, positives: ListedPairs())
  for user in 0..<Int32(users) {
    for item in 0..<Int32(items) where generator.uniform() < 0.3 {
      if generator.uniform() < 0.35 {
        log.positives.users.append(user)
        log.positives.items.append(item)
      } else if negatives {
        log.negatives.users.append(user)
        log.negatives.items.append(item)
      }
    }
  }
  return log
}

private func codes(_ users: [Int32], _ items: [Int32]) -> Set<Int> {
  Set(users.indices.map { Int(users[$0]) * 1000 + Int(items[$0]) })
}

private func codes(_ matrix: FeedbackMatrix?) -> Set<Int> {
  matrix.map { codes($0.userColumn, $0.items) } ?? []
}

private func isSame(_ a: TrainingData, _ b: TrainingData) -> Bool {
  let bits = { (column: [Float]?) in column?.map(\.bitPattern) }
  return a.positives == b.positives && bits(a.positiveExposures) == bits(b.positiveExposures)
    && bits(a.positiveWeights) == bits(b.positiveWeights) && a.extraNegatives == b.extraNegatives
    && bits(a.extraNegatives.knownExposures) == bits(b.extraNegatives.knownExposures) && a.shown == b.shown
    && a.validation == b.validation && a.hyperValidation == b.hyperValidation
    && bits(a.popularity) == bits(b.popularity) && a.stream == b.stream
}

@Suite("Training data")
struct TrainingDataBuilderTests {
  @Test(
    "a tenth of the listed pairs outside the validation set is held out, and nothing of it is trained or validated on")
  func hyperValidation() throws {
    let log = ratings()
    let (data, summary) = try TrainingDataBuilder.build(log, options: TrainingDataOptions(stream: .rated, seed: 1))
    let listed = log.positives.count + log.negatives.count
    #expect(data.validation.count == 16)
    #expect(summary.heldOutPositives + summary.heldOutNegatives == (listed - 16) / 10)
    #expect(summary.heldOutPositives > 0 && summary.heldOutNegatives > 0)
    let held = codes(data.hyperValidation)
    #expect(held.count == summary.heldOutPositives)
    #expect(held.isDisjoint(with: codes(data.positives)))
    #expect(held.isDisjoint(with: codes(data.validation.users, data.validation.items)))
    #expect(held.union(codes(data.positives)) == codes(log.positives.users, log.positives.items))
    let kept = codes(data.extraNegatives.users, data.extraNegatives.items)
    #expect(kept.count == log.negatives.count - summary.heldOutNegatives)
    for k in 0..<data.validation.count {
      let pair = codes([data.validation.users[k]], [data.validation.items[k]])
      #expect(pair.isSubset(of: data.validation.feedback[k] == 1 ? codes(data.positives) : kept))
    }
  }

  @Test("another seed holds out other pairs, the same seed the same")
  func seeds() throws {
    let build = { (seed: UInt64) in try TrainingDataBuilder.build(ratings(), options: TrainingDataOptions(seed: seed)) }
    let first = try build(1)
    #expect(isSame(first.data, try build(1).data))
    #expect(first.summary == (try build(1).summary))
    #expect(first.data.hyperValidation != (try build(2).data.hyperValidation))
    #expect(first.data.validation == (try build(2).data.validation))
  }

  @Test("popularity is counted on the training positives, its largest value is 1")
  func popularity() throws {
    let (data, summary) = try TrainingDataBuilder.build(
      ratings(), options: TrainingDataOptions(popularityExponent: 1, hyperValidationFraction: 0.4, seed: 1))
    #expect(data.popularity == Popularity.exposure(of: data.positives, exponent: 1))
    #expect(data.popularity.max() == 1)
    #expect(summary.itemsWithoutPositives == data.popularity.count { $0 == 0 })
  }

  @Test("a carved validation set adds its negatives to the sampled stream and nothing else")
  func validationInStream() throws {
    let options = TrainingDataOptions(hyperValidationFraction: 0, seed: 1)
    var without = options
    without.validation = .absent
    let carved = try TrainingDataBuilder.build(ratings(), options: options).data
    let plain = try TrainingDataBuilder.build(ratings(), options: without).data
    #expect(carved.positives == plain.positives)
    let pairs = { (data: TrainingData) in BatchSampler(data: data, batchSize: 100, seed: 1).pairsPerEpoch }
    #expect(pairs(carved) - pairs(plain) == carved.validation.feedback.count { $0 == 0 })
    #expect(plain.hyperValidation == nil)
  }

  @Test("validation is ordered by item; under all pairs nothing is added twice")
  func orderAndAll() throws {
    let (data, _) = try TrainingDataBuilder.build(ratings(), options: TrainingDataOptions(stream: .all, seed: 1))
    #expect(data.validation.items == data.validation.items.sorted())
    #expect(data.extraNegatives.isEmpty)
  }

  @Test("random traffic is the validation set as given and stays out of training and tuning")
  func givenValidation() throws {
    let log = ratings()
    let slice = PairBatch(
      users: [9, log.positives.users[0], 0], items: [3, log.positives.items[0], 29], feedback: [0, 1, 0])
    for seed in 0..<20 as Range<UInt64> {
      let (data, _) = try TrainingDataBuilder.build(
        log, options: TrainingDataOptions(validation: .given(slice), hyperValidationFraction: 0.5, seed: seed))
      #expect(data.validation == slice.itemMajor())
      #expect(data.extraNegatives.isEmpty)
      #expect(codes(data.hyperValidation).isDisjoint(with: codes(slice.users, slice.items)))
    }
  }

  @Test("random traffic equals the carved set given by hand, except that it is not trained on")
  func givenEqualsCarved() throws {
    let log = ratings()
    let carved = try TrainingDataBuilder.build(log, options: TrainingDataOptions(seed: 5)).data
    var given = try TrainingDataBuilder.build(
      log, options: TrainingDataOptions(validation: .given(carved.validation), seed: 5)
    ).data
    #expect(given.extraNegatives.isEmpty)
    given.extraNegatives = carved.extraNegatives
    #expect(isSame(given, carved))
  }

  @Test("any click wins over showings without one, and repeats are counted")
  func repeats() throws {
    let log = FeedbackLog(
      userCount: 2, itemCount: 3, positives: ListedPairs(users: [0, 0, 1], items: [1, 1, 2]),
      negatives: ListedPairs(users: [0, 0, 0], items: [1, 0, 0]))
    let (data, summary) = try TrainingDataBuilder.build(
      log, options: TrainingDataOptions(stream: .rated, validation: .absent, hyperValidationFraction: 0, seed: 1))
    #expect(codes(data.positives) == [1, 1002])
    #expect(data.extraNegatives == PairBatch(users: [0], items: [0], feedback: [0]))
    #expect(summary.repeatedRows == 3)
  }

  @Test("a log as read becomes the two sides; rows neither clicked nor shown are left out")
  func fromInteractions() {
    var log = Interactions()
    log.userColumn = [0, 0, 1, 1]
    log.itemColumn = [0, 1, 0, 1]
    log.shown = [1, 1, 0, 0]
    log.propensities = [0.5, 0.25, 0.125, 1]
    let clicks: [UInt8] = [1, 0, 1, 0]
    let sides = FeedbackLog(log, rows: [0, 1, 2, 3]) { clicks[$0] == 1 }
    #expect(sides.positives == ListedPairs(users: [0, 1], items: [0, 0], shown: [1, 0], propensities: [0.5, 0.125]))
    #expect(sides.negatives == ListedPairs(users: [0], items: [1], shown: [1], propensities: [0.25]))
    #expect(FeedbackLog(log, rows: [2]) { clicks[$0] == 1 }.negatives.count == 0)
  }
}

@Suite("Impression logs")
struct ImpressionTests {
  @Test("a partial log with zero impressions equals the plain run bit for bit")
  func zeroImpressions() throws {
    let log = ratings(negatives: false)
    var unseen = log
    unseen.positives.shown = [UInt8](repeating: 0, count: log.positives.count)
    let plain = try TrainingDataBuilder.build(log, options: TrainingDataOptions(seed: 2)).data
    let partial = try TrainingDataBuilder.build(unseen, options: TrainingDataOptions(seed: 2, impressions: .partial))
      .data
    #expect(isSame(plain, partial))
    let (first, second) = (
      BatchSampler(data: plain, batchSize: 64, seed: 4), BatchSampler(data: partial, batchSize: 64, seed: 4)
    )
    #expect(first.clickRate == second.clickRate)
    var (a, b) = (PairBatch(), PairBatch())
    for index in 0..<first.batchCount {
      first.fill(&a, epoch: 1, index: index)
      second.fill(&b, epoch: 1, index: index)
      #expect(a == b)
    }
  }

  @Test("partial: every impression comes with exposure 1, draws avoid shown pairs, other clicks keep unknown exposure")
  func partial() throws {
    var log = ratings()
    log.positives.shown = log.positives.users.map { $0 % 2 == 0 ? 1 : 0 }
    let (data, summary) = try TrainingDataBuilder.build(
      log, options: TrainingDataOptions(hyperValidationFraction: 0, seed: 2, impressions: .partial))
    #expect(data.stream == .sampled(negativesPerPositive: 5))
    #expect(
      codes(data.extraNegatives.users, data.extraNegatives.items) == codes(log.negatives.users, log.negatives.items))
    #expect(data.extraNegatives.count == log.negatives.count)
    #expect(data.extraNegatives.knownExposures == [Float](repeating: 1, count: log.negatives.count))
    let exposures = try #require(data.positiveExposures)
    for (user, exposure) in zip(data.positives.userColumn, exposures) {
      #expect(user % 2 == 0 ? exposure == 1 : exposure.isNaN)
    }
    let shown = try #require(data.shown)
    #expect(summary.shownPairs == shown.count)
    #expect(codes(log.negatives.users, log.negatives.items).isSubset(of: codes(shown)))
  }

  @Test("partial with the unrated reading adds unlisted validation negatives with unknown exposure")
  func partialUnrated() throws {
    let (data, _) = try TrainingDataBuilder.build(
      ratings(),
      options: TrainingDataOptions(
        validation: .carved(reading: .unrated), hyperValidationFraction: 0, seed: 2, impressions: .partial))
    let known = try #require(data.extraNegatives.knownExposures)
    let unlisted = known.count { $0.isNaN }
    #expect(unlisted > 0)
    #expect(data.extraNegatives.count == ratings().negatives.count + unlisted)
    #expect(codes(data.extraNegatives.users, data.extraNegatives.items).count == data.extraNegatives.count)
  }

  @Test("complete: the stream is the listed pairs, all with exposure 1")
  func complete() throws {
    let (data, _) = try TrainingDataBuilder.build(
      ratings(), options: TrainingDataOptions(seed: 2, impressions: .complete))
    #expect(data.stream == .rated)
    #expect(data.shown == nil)
    #expect(data.positiveExposures == [Float](repeating: 1, count: data.positives.count))
    #expect(data.extraNegatives.knownExposures == [Float](repeating: 1, count: data.extraNegatives.count))
    #expect(data.extraNegatives.count > 100)
  }

  @Test("propensity weights are 1/e, cut, with mean 1; of several propensities of a pair the largest counts")
  func weights() throws {
    let log = FeedbackLog(
      userCount: 2, itemCount: 3,
      positives: ListedPairs(users: [0, 1, 1], items: [1, 2, 2], propensities: [0.5, 0.25, 0.125]),
      negatives: ListedPairs(users: [0, 1], items: [0, 0], propensities: [0.01, 1]))
    let (data, summary) = try TrainingDataBuilder.build(
      log,
      options: TrainingDataOptions(
        validation: .absent, hyperValidationFraction: 0, seed: 1, impressions: .complete, largestPropensityWeight: 9))
    // Weights 2, 4 and 9 (100 cut), 1; their mean is 4.
    #expect(data.positiveWeights == [0.5, 1])
    #expect(data.extraNegatives.weights == [2.25, 0.25])
    #expect(abs((summary.effectivePairs ?? 0) - 256.0 / 102) < 1e-12)
  }

  @Test("what cannot be is refused with a sentence")
  func refusals() throws {
    let log = ratings()
    let options = TrainingDataOptions(seed: 1)
    let build = { (log: FeedbackLog, change: (inout TrainingDataOptions) -> Void) in
      var changed = options
      change(&changed)
      _ = try TrainingDataBuilder.build(log, options: changed)
    }
    var clicksOnly = ratings(negatives: false)
    #expect(throws: TrainingDataError.noListedNegatives(for: "the rated stream")) {
      try build(clicksOnly) { $0.stream = .rated }
    }
    #expect(throws: TrainingDataError.noListedNegatives(for: "the rated reading")) {
      try build(clicksOnly) { $0.validation = .carved(reading: .rated) }
    }
    #expect(throws: TrainingDataError.self) {
      try build(log) { ($0.impressions, $0.stream) = (.complete, .sampled(negativesPerPositive: 5)) }
    }
    #expect(throws: TrainingDataError.self) { try build(log) { ($0.impressions, $0.stream) = (.partial, .all) } }
    clicksOnly.positives.shown = clicksOnly.positives.users.map { _ in 0 }
    #expect(throws: TrainingDataError.clicksWithoutImpression(clicksOnly.positives.count)) {
      try build(clicksOnly) { $0.impressions = .complete }
    }
    #expect(throws: TrainingDataError.noPropensities) {
      try build(log) { ($0.stream, $0.largestPropensityWeight) = (.rated, 10) }
    }
    #expect(throws: TrainingDataError.weightsNeedListedPairs(stream: "all")) {
      try build(log) { ($0.stream, $0.largestPropensityWeight) = (.all, 10) }
    }
    #expect(throws: TrainingDataError.badFraction(1, of: "the log held out for tuning")) {
      try build(log) { $0.hyperValidationFraction = 1 }
    }
    #expect(throws: TrainingDataError.noPositives) {
      try build(FeedbackLog(userCount: 2, itemCount: 2, positives: ListedPairs())) { _ in }
    }
    #expect(throws: TrainingDataError.tooFewItems(1)) {
      try build(FeedbackLog(userCount: 1, itemCount: 1, positives: ListedPairs(users: [0], items: [0]))) { _ in }
    }
    var broken = log
    broken.positives.propensities = [Float](repeating: 0, count: log.positives.count)
    #expect(throws: TrainingDataError.badPropensity(0)) {
      try build(broken) { ($0.stream, $0.largestPropensityWeight) = (.rated, 10) }
    }
  }
}
