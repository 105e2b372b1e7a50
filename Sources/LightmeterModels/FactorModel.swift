public import LightmeterFeedback
public import LightmeterKernels
internal import Synchronization

/// A trained relevance model that is a dot product: what serving, export and fold-in work on.
///
///     score = intercept + user row · item row;  relevance = 1 / (1 + exp(−score)) for logits
///
/// - Shapes: users (users × width), items (items × width); biases stand in columns beside a constant 1.
/// - Stability: stable
public struct FactorModel: RelevanceScorer {
  /// User rows.
  public let users: Table<Float>
  /// Item rows.
  public let items: Table<Float>
  /// Added to every score.
  public let intercept: Float
  /// What a score says of relevance.
  public enum Meaning: UInt8, Sendable, Hashable {
    /// Nothing: a ranking by counts.
    case ranking = 0
    /// σ(score) is its probability.
    case logit = 1
    /// (1 + score)/2, cut to [0, 1], is: regression on labels ±1.
    case centred = 2
  }
  /// What a score says of relevance.
  public let meaning: Meaning

  /// Whether a score is a probability of relevance in disguise.
  public var isProbability: Bool { meaning != .ranking }
  private let packing: Packing

  /// Bundles trained tables.
  public init(users: Table<Float>, items: Table<Float>, intercept: Float, meaning: Meaning = .logit) {
    precondition(users.width == items.width, "user rows have \(users.width) columns, item rows \(items.width)")
    self.init(users: users, items: items, intercept: intercept, meaning: meaning, packing: Packing())
  }

  private init(users: Table<Float>, items: Table<Float>, intercept: Float, meaning: Meaning, packing: Packing) {
    (self.users, self.items, self.intercept, self.meaning) = (users, items, intercept, meaning)
    self.packing = packing
  }

  /// The same items for other users; what was packed for scoring is shared.
  public func replacingUsers(by users: Table<Float>) -> FactorModel {
    precondition(users.width == items.width, "user rows have \(users.width) columns, item rows \(items.width)")
    return FactorModel(users: users, items: items, intercept: intercept, meaning: meaning, packing: packing)
  }

  /// A ranking that is the same for every user: popularity, item means of random traffic.
  public init(itemScores: [Float], userCount: Int) {
    let users = Table<Float>(name: "user_factors", rows: userCount, factorWidth: 0, extraColumns: 1, fixedColumn: 0)
    var items = Table<Float>(name: "item_factors", rows: itemScores.count, factorWidth: 1)
    for (item, score) in itemScores.enumerated() { items.values[item * items.stride] = score }
    self.init(users: users, items: items, intercept: 0, meaning: .ranking)
  }

  /// Number of users.
  public var userCount: Int { users.rows }
  /// Number of items.
  public var itemCount: Int { items.rows }

  /// Scores of one user for a run of items.
  public func scores(user: Int, items range: Range<Int>, into scores: inout [Float]) {
    // A short run is not worth packing the table for.
    if range.count < 64, !packing.isDone {
      Float.rowScores(
        users.view, row: user, items.view, range: range, width: users.width, offset: intercept, into: &scores)
    } else {
      packing.rows(of: items).scores(
        users.view, rows: [Int32(user)], range: range, offset: intercept, into: &scores)
    }
  }

  /// Scores of several users for a run of items, in blocks that share each item's row.
  ///
  /// - Complexity: the first call packs the item table once, a copy of it.
  public func scores(users members: [Int32], items range: Range<Int>, into scores: inout [Float]) {
    packing.rows(of: items).scores(users.view, rows: members, range: range, offset: intercept, into: &scores)
  }

  /// P(relevant) of a score.
  public func relevance(ofScore score: Float) -> Float {
    meaning == .centred ? min(max((1 + score) / 2, 0), 1) : Stable.sigmoid(score)
  }

  /// P(relevant) of many scores.
  public func relevances(ofScores scores: [Float], count: Int, into relevances: inout [Float]) {
    guard meaning == .centred else { return Float.sigmoid(scores, count: count, into: &relevances) }
    for k in 0..<count { relevances[k] = relevance(ofScore: scores[k]) }
  }
}

/// The item table laid out for scoring, made when it is first asked for.
private final class Packing: Sendable {
  private let made = Mutex<PackedRows<Float>?>(nil)

  var isDone: Bool { made.withLock { $0 != nil } }

  func rows(of items: Table<Float>) -> PackedRows<Float> {
    made.withLock { made in
      if let made { return made }
      let packed = PackedRows(items.view, count: items.rows, width: items.width)
      made = packed
      return packed
    }
  }
}

extension MatrixFactorization where S == Float {
  /// The tables as a scorer.
  public var factorModel: FactorModel { FactorModel(users: tables[0], items: tables[1], intercept: intercept) }
}
