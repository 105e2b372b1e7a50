/// Which rows of a log are positive feedback; part of every protocol card.
///
/// - Stability: stable
public enum PositiveRule: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Every row is a positive, as in a log of clicks.
  case everyRow
  /// Rows whose rating is at least this, compared in single precision as the ratings are kept.
  case ratingAtLeast(Double)
  /// Rows whose click column is 1.
  case clickColumn

  /// The text form: `every-row`, `rating>=4`, `click`.
  public var description: String {
    switch self {
    case .everyRow: return "every-row"
    case .clickColumn: return "click"
    case .ratingAtLeast(let threshold):
      let text = "\(threshold)"
      return "rating>=" + (text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }
  }

  /// Reads the text form.
  ///
  /// - Throws: ``ReadError`` of kind `options`.
  public init(parsing text: String) throws(ReadError) {
    let compact = String(text.filter { $0 != " " })
    switch compact {
    case "every-row": self = .everyRow
    case "click": self = .clickColumn
    default:
      guard compact.hasPrefix("rating>="), let threshold = Double(compact.dropFirst(8)), threshold.isFinite else {
        throw ReadError(
          .options, file: "--positive", value: shortened(text.utf8), problem: "is no positive rule",
          remedy: "write every-row, click, or rating>=NUMBER such as rating>=4")
      }
      self = .ratingAtLeast(threshold)
    }
  }

  /// Reads the text form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    do { self = try PositiveRule(parsing: container.decode(String.self)) } catch let error as ReadError {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
    }
  }

  /// Writes the text form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// 1 for each positive row, else 0.
  ///
  /// - Shapes: one entry per row.
  /// - Throws: ``ReadError`` when the log lacks the column that the rule reads, or when no row is a positive.
  public func apply(to interactions: Interactions, file: String = "the log") throws(ReadError) -> [UInt8] {
    let labels: [UInt8]
    switch self {
    case .everyRow: labels = [UInt8](repeating: 1, count: interactions.count)
    case .clickColumn:
      guard let clicks = interactions.clicks else { throw missing("click", file) }
      labels = clicks
    case .ratingAtLeast(let threshold):
      guard let ratings = interactions.ratings else { throw missing("rating", file) }
      let cut = Float(threshold)
      labels = ratings.map { $0 >= cut ? 1 : 0 }
    }
    guard labels.contains(1) else { throw noPositive(interactions, file) }
    return labels
  }

  private func missing(_ column: String, _ file: String) -> ReadError {
    ReadError(
      .options, file: file, problem: "has no \(column) column, which the positive rule \(self) reads",
      remedy: "name it with --columns \(column)=NAME or use --positive every-row")
  }

  private func noPositive(_ interactions: Interactions, _ file: String) -> ReadError {
    var remedy = "give the log of clicks, or check --positive"
    if case .ratingAtLeast = self, let low = interactions.ratings?.min(), let high = interactions.ratings?.max() {
      remedy = "the ratings run from \(low) to \(high): choose --positive rating>=NUMBER within them"
    }
    return ReadError(
      .unrankable, file: file,
      problem: "none of the \(interactions.count) rows is a positive under \(self), so there is nothing to learn",
      remedy: remedy)
  }
}

extension Interactions {
  /// The rule that the columns leave no choice about: clicks where there is a click column and no rating, every row
  /// where there is neither.
  ///
  /// - Throws: ``ReadError`` of kind `unsettled` where a rating column or a shown column leaves two readings.
  public func onlyPositiveRule(file: String = "the log") throws(ReadError) -> PositiveRule {
    if clicks != nil && ratings == nil { return .clickColumn }
    if ratings == nil && shown == nil { return .everyRow }
    let readings: (String, String)
    if ratings == nil {
      readings = ("every row is a click", "rows are impressions whose click column is missing")
    } else if clicks == nil {
      readings = ("every row is a positive", "only rows with a high rating are")
    } else {
      readings = ("the click column says what is positive", "the rating does")
    }
    throw ReadError(
      .unsettled, file: file, problem: "can be read two ways, \(readings.0) or \(readings.1)",
      remedy: "say which with --positive every-row, --positive click or --positive 'rating>=4'")
  }
}
