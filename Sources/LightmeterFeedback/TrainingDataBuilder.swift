/// Turns a log into all that a method may learn from, in the paper's order of operations.
///
/// 1. The unbiased validation set is carved from the full log, or given. 2. A seeded share of the other listed pairs,
/// positive or not, is held out for tuning. 3. The rest and the carved validation set are the training data. 4. Popularity
/// is counted on the training positives.
///
/// Negatives of every epoch besides the drawn ones: under `sampled` those of the carved validation set; under `rated`
/// the listed ones; under `all` none, every pair comes anyway. With partial impressions `sampled` goes through all shown
/// pairs too, exposure 1, and its draws are among the pairs never known to be shown.
///
/// - Source: METHODS §1.4, §20; Biif §3.1.1.
/// - Stability: stable
public enum TrainingDataBuilder {
  /// Builds training data and says what was done.
  ///
  /// - Returns: the data, its validation set ordered by item, and the summary for the protocol card.
  /// - Throws: ``TrainingDataError`` when the log cannot serve the options.
  /// - Precondition: every index of the log, and of a given validation set, is below the log's user and item counts.
  /// - Complexity: O(rows log rows-per-user) time, O(rows + users + items) memory.
  public static func build(
    _ log: FeedbackLog, options: TrainingDataOptions
  ) throws(TrainingDataError) -> (data: TrainingData, summary: TrainingDataSummary) {
    try check(options)
    let pairs = try DistinctPairs(log, impressions: options.impressions)
    let stream = try resolveStream(options, pairs: pairs)
    let validation = try validationSet(options.validation, pairs: pairs)
    let held = holdOut(options, pairs: pairs, validation: validation.pairs)
    let count = pairs.positives.count
    let holdsOut = options.hyperValidationFraction > 0
    let training = holdsOut ? pairs.positives.filtered { _, _, position in !held[position] } : pairs.positives
    if training.count == 0 { throw .noTrainingPositives(heldOut: count) }

    var data = TrainingData(
      positives: training, popularity: Popularity.exposure(of: training, exponent: options.popularityExponent),
      stream: stream)
    data.validation = validation.pairs.itemMajor()
    if options.hyperValidationFraction > 0 {
      data.hyperValidation = pairs.positives.filtered { _, _, position in held[position] }
    }
    let keptNegatives =
      holdsOut ? pairs.negatives.filtered { _, _, position in !held[count + position] } : pairs.negatives
    addKnownExposure(to: &data, pairs: pairs)
    data.extraNegatives = extraNegatives(
      stream: stream, listed: keptNegatives, exposuresKnown: pairs.shown != nil,
      validation: validation.isCarved ? validation.pairs : PairBatch())
    var effective: Double?
    if let largest = options.largestPropensityWeight {
      effective = try addWeights(to: &data, log: log, largest: largest)
    }
    let summary = TrainingDataSummary(
      users: log.userCount, items: log.itemCount, positives: count, listedNegatives: pairs.negatives.count,
      repeatedRows: log.positives.count + log.negatives.count - count - pairs.negatives.count, stream: stream,
      popularityExponent: options.popularityExponent, itemsWithoutPositives: data.popularity.count { $0 == 0 },
      validationSource: validation.source, validation: UnbiasedValidation.Coverage(of: data.validation),
      hyperValidationFraction: options.hyperValidationFraction, heldOutPositives: count - training.count,
      heldOutNegatives: pairs.negatives.count - keptNegatives.count, seed: options.seed,
      trainingPositives: training.count, extraNegatives: data.extraNegatives.count, impressions: options.impressions,
      shownPairs: pairs.shown?.count ?? 0, largestPropensityWeight: options.largestPropensityWeight,
      effectivePairs: effective)
    return (data, summary)
  }

  // MARK: - Steps

  private static func check(_ options: TrainingDataOptions) throws(TrainingDataError) {
    let exponent = options.popularityExponent
    guard exponent.isFinite && exponent >= 0 else { throw .badExponent(exponent) }
    let share = options.hyperValidationFraction
    guard share >= 0 && share < 1 else { throw .badFraction(share, of: "the log held out for tuning") }
    if case .sampled(let negatives) = options.stream, negatives < 0 { throw .badCount(negatives) }
    if case .carved(let fraction, _, _) = options.validation, !(fraction >= 0 && fraction <= 1) {
      throw .badFraction(fraction, of: "the users taken for validation")
    }
    if let largest = options.largestPropensityWeight, !(largest >= 1) { throw .badLargestWeight(largest) }
  }

  private static func resolveStream(
    _ options: TrainingDataOptions, pairs: DistinctPairs
  ) throws(TrainingDataError) -> TrainingStream {
    let stream = options.stream ?? (options.impressions == .complete ? .rated : .sampled(negativesPerPositive: 5))
    if options.impressions == .complete, stream != .rated {
      throw .streamAgainstImpressions(
        stream: stream.name, impressions: "complete",
        remedy: "pairs never shown carry no information there, so leave the stream out or choose rated")
    }
    if options.impressions == .partial, pairs.shown != nil {
      guard case .sampled = stream else {
        throw .streamAgainstImpressions(
          stream: stream.name, impressions: "partial", remedy: "choose sampled, or declare the log complete")
      }
    }
    if stream == .rated, pairs.negatives.count == 0 { throw .noListedNegatives(for: "the rated stream") }
    if options.largestPropensityWeight != nil, stream != .rated { throw .weightsNeedListedPairs(stream: stream.name) }
    return stream
  }

  private static func validationSet(
    _ source: ValidationSource, pairs: DistinctPairs
  ) throws(TrainingDataError) -> (pairs: PairBatch, isCarved: Bool, source: String) {
    switch source {
    case .absent: return (PairBatch(), false, "none")
    case .given(let batch): return (batch, false, "given, exposure taken as 1")
    case .carved(let fraction, let activity, let reading):
      if reading == .rated, pairs.negatives.count == 0 { throw .noListedNegatives(for: "the rated reading") }
      let carved = UnbiasedValidation(
        positives: pairs.positives, negatives: pairs.negatives, fraction: fraction, activity: activity,
        reading: reading)
      let kind = carved.reading == .rated ? "listed" : "unclicked"
      return (
        carved.pairs, true,
        "carved from the log: most popular positive and \(kind) negative of the top \(fraction) of users by "
          + activity.rawValue
      )
    }
  }

  /// One entry per distinct positive, then one per listed negative; true where the pair is held out for tuning.
  private static func holdOut(
    _ options: TrainingDataOptions, pairs: DistinctPairs, validation: PairBatch
  ) -> [Bool] {
    let (positives, negatives) = (pairs.positives, pairs.negatives)
    let set = FeedbackMatrix(
      userCount: positives.userCount, itemCount: positives.itemCount, users: validation.users, items: validation.items)
    var listedInSet = 0
    for user in 0..<set.userCount {
      for item in set.items(of: user)
      where positives.contains(user: user, item: item) || negatives.contains(user: user, item: item) {
        listedInSet += 1
      }
    }
    return Splits.hyperValidation(
      total: positives.count + negatives.count, fraction: options.hyperValidationFraction, seed: options.seed,
      excluded: { position in
        let (matrix, place) =
          position < positives.count ? (positives, position) : (negatives, position - positives.count)
        return set.contains(user: matrix.user(at: place), item: matrix.items[place])
      }, excludedCount: listedInSet)
  }

  private static func addKnownExposure(to data: inout TrainingData, pairs: DistinctPairs) {
    guard let shown = pairs.shown else { return }
    let training = data.positives
    var exposures = [Float](repeating: .nan, count: training.count)
    for user in 0..<training.userCount {
      for position in training.range(of: user) where shown.contains(user: user, item: training.items[position]) {
        exposures[position] = 1
      }
    }
    data.positiveExposures = exposures
    if case .sampled = data.stream { data.shown = shown }
  }

  private static func extraNegatives(
    stream: TrainingStream, listed: FeedbackMatrix, exposuresKnown: Bool, validation: PairBatch
  ) -> PairBatch {
    var extra = PairBatch(knownExposures: exposuresKnown ? [] : nil)
    let takesListed = stream == .rated || exposuresKnown
    if takesListed {
      for user in 0..<listed.userCount {
        for item in listed.items(of: user) {
          extra.append(user: Int32(user), item: item, feedback: 0, knownExposure: 1)
        }
      }
    }
    if case .sampled = stream {
      for k in 0..<validation.count where validation.feedback[k] == 0 {
        let (user, item) = (validation.users[k], validation.items[k])
        if takesListed && listed.contains(user: Int(user), item: item) { continue }
        extra.append(user: user, item: item, feedback: 0)
      }
    }
    return extra
  }

  /// Sets the loss weights of a stream of listed pairs.
  ///
  /// - Returns: the effective number of pairs.
  private static func addWeights(
    to data: inout TrainingData, log: FeedbackLog, largest: Float
  ) throws(TrainingDataError) -> Double {
    let lists = [log.positives, log.negatives]
    let positiveWeights = try data.positives.inversePropensities(from: lists, largest: largest)
    let negativeWeights = try log.matrix(data.extraNegatives.users, data.extraNegatives.items)
      .inversePropensities(from: lists, largest: largest)
    var (sum, squares) = (0.0, 0.0)
    for weight in positiveWeights + negativeWeights {
      sum += Double(weight)
      squares += Double(weight) * Double(weight)
    }
    let mean = Float(sum / Double(positiveWeights.count + negativeWeights.count))
    data.positiveWeights = positiveWeights.map { $0 / mean }
    // Extra negatives of a rated stream stand in the order of the matrix.
    data.extraNegatives.weights = negativeWeights.map { $0 / mean }
    return sum * sum / squares
  }
}

/// The distinct pairs of a log: a pair is positive, or listed without a click, never both.
private struct DistinctPairs {
  let positives: FeedbackMatrix
  let negatives: FeedbackMatrix
  /// Pairs known to have been shown; nil where none is.
  let shown: FeedbackMatrix?

  init(_ log: FeedbackLog, impressions: Impressions) throws(TrainingDataError) {
    if log.positives.count == 0 { throw .noPositives }
    if log.itemCount < 2 { throw .tooFewItems(log.itemCount) }
    for list in [log.positives, log.negatives] {
      let (user, item) = (list.users.max() ?? -1, list.items.max() ?? -1)
      precondition(
        user < log.userCount && item < log.itemCount,
        "user \(user) or item \(item) is outside the log's \(log.userCount) × \(log.itemCount) users and items")
    }
    let clicked = log.matrix(log.positives.users, log.positives.items)
    positives = clicked
    negatives = log.matrix(log.negatives.users, log.negatives.items)
      .filtered { user, item, _ in !clicked.contains(user: user, item: item) }
    guard impressions != .none else {
      shown = nil
      return
    }
    let (clicks, others) = (log.positives.shownRows, log.negatives.shownRows)
    let seen = log.matrix(clicks.users + others.users, clicks.items + others.items)
    if impressions == .complete {
      let missing = clicked.filtered { user, item, _ in !seen.contains(user: user, item: item) }.count
      if missing > 0 { throw .clicksWithoutImpression(missing) }
    }
    shown = seen.count > 0 ? seen : nil
  }
}

extension FeedbackLog {
  fileprivate func matrix(_ users: [Int32], _ items: [Int32]) -> FeedbackMatrix {
    FeedbackMatrix(userCount: userCount, itemCount: itemCount, users: users, items: items)
  }
}

extension ListedPairs {
  /// Users and items of the rows that were shown.
  fileprivate var shownRows: (users: [Int32], items: [Int32]) {
    guard let shown else { return (users, items) }
    let rows = shown.indices.filter { shown[$0] != 0 }
    return (rows.map { users[$0] }, rows.map { items[$0] })
  }
}

extension FeedbackMatrix {
  /// The pairs that `keeps` (given user, item and position in ``items``) lets pass.
  fileprivate func filtered(_ keeps: (Int, Int32, Int) -> Bool) -> FeedbackMatrix {
    var starts = [0]
    var kept: [Int32] = []
    starts.reserveCapacity(userCount + 1)
    kept.reserveCapacity(count)
    for user in 0..<userCount {
      for position in range(of: user) where keeps(user, items[position], position) { kept.append(items[position]) }
      starts.append(kept.count)
    }
    return FeedbackMatrix(userCount: userCount, itemCount: itemCount, sortedOffsets: starts, items: kept)
  }

  /// min(1 / propensity, `largest`) of each pair, the propensity being the largest of the pair's rows in `lists`.
  fileprivate func inversePropensities(
    from lists: [ListedPairs], largest: Float
  ) throws(TrainingDataError) -> [Float] {
    var propensities = [Float](repeating: 0, count: count)
    for list in lists where list.count > 0 {
      guard let column = list.propensities else { throw .noPropensities }
      for row in column.indices {
        let value = column[row]
        guard value > 0 && value <= 1 else { throw .badPropensity(value) }
        guard let position = position(user: Int(list.users[row]), item: list.items[row]) else { continue }
        propensities[position] = max(propensities[position], value)
      }
    }
    return propensities.map { min(1 / $0, largest) }
  }
}

extension TrainingStream {
  /// How cards spell it: `sampled(K)`, `all` or `rated`.
  public var name: String {
    switch self {
    case .sampled(let negatives): "sampled(\(negatives))"
    case .all: "all"
    case .rated: "rated"
    }
  }
}
