public import LightmeterFeedback
public import LightmeterKernels

/// A trained relevance model that is a dot product: what serving, export and fold-in work on.
///
///     score = intercept + user row · item row;  relevance = 1 / (1 + exp(−score))
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

  /// Bundles trained tables.
  public init(users: Table<Float>, items: Table<Float>, intercept: Float) {
    precondition(users.width == items.width, "user rows have \(users.width) columns, item rows \(items.width)")
    (self.users, self.items, self.intercept) = (users, items, intercept)
  }

  public var userCount: Int { users.rows }
  public var itemCount: Int { items.rows }

  public func scores(user: Int, items range: Range<Int>, into scores: inout [Float]) {
    Float.dotRange(
      users.view, row: user, items.view, range: range, width: users.width, offset: intercept, into: &scores)
  }

  public func relevance(ofScore score: Float) -> Float { Stable.sigmoid(score) }
}

extension MatrixFactorization where S == Float {
  /// The tables as a scorer.
  public var factorModel: FactorModel { FactorModel(users: tables[0], items: tables[1], intercept: intercept) }
}
