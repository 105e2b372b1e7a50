/// What in data, scorer or options makes a number impossible.
public enum EvaluationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A preset grades by rating and the test has none.
  case presetNeedsRatings(preset: String)
  /// A preset counts training positives and none were given.
  case presetNeedsTraining(preset: String)
  /// A preset is defined on the other kind of test.
  case presetNeedsOtherCandidates(preset: String, wanted: CandidateRule)
  /// The scorer is smaller than the test.
  case scorerTooSmall(users: Int, items: Int, testUsers: Int, testItems: Int)
  /// A score is not a number.
  case scoreIsNotANumber(user: Int)
  /// A pair stands twice in a rated test.
  case repeatedTestPair(user: Int, item: Int)
  /// A logged propensity is not in (0, 1].
  case badPropensity(position: Int, value: Double)
  /// Too few effective pairs for an estimate by logged propensities.
  case tooFewEffectivePairs(effective: Double, pairs: Int, needed: Double)
  /// No user with held-out positives that have a propensity.
  case nothingToEstimate
  /// Two results share no user, or compare different things.
  case notComparable(String)

  /// One sentence with the values and the way out.
  public var description: String {
    switch self {
    case .presetNeedsRatings(let preset):
      "The protocol “\(preset)” grades by rating and the test has only labels: give ratings or leave the protocol out."
    case .presetNeedsTraining(let preset):
      "The protocol “\(preset)” looks at training positives: give the training clicks with the test."
    case .presetNeedsOtherCandidates(let preset, let wanted):
      "The protocol “\(preset)” ranks candidates “\(wanted.rawValue)”, which this test does not have: leave it out here."
    case .scorerTooSmall(let users, let items, let testUsers, let testItems):
      "The model knows \(users) users and \(items) items, the test has \(testUsers) and \(testItems): they do not "
        + "belong together."
    case .scoreIsNotANumber(let user):
      "The model's score for user \(user) is not a number: its training diverged or its file is damaged."
    case .repeatedTestPair(let user, let item):
      "The test lists user \(user) and item \(item) twice: keep one row of each pair."
    case .badPropensity(let position, let value):
      "The logged propensity of pair \(position) is \(value), not in (0, 1]: correct the column or drop the row."
    case .tooFewEffectivePairs(let effective, let pairs, let needed):
      "\(pairs) clicked pairs count as \(decimal(effective, places: 1)) after weighting, fewer than \(plain(needed)): "
        + "collect more random traffic, the estimate would be noise."
    case .nothingToEstimate:
      "No held-out click has a propensity above 0: hold out clicks on items that were clicked in training too."
    case .notComparable(let reason): "The two results cannot be compared: \(reason)."
    }
  }
}
