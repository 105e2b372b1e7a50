/// Kinds of feedback.
public struct FeedbackKinds: OptionSet, Sendable {
  /// 1 for pairs without a click, 2 for clicks.
  public let rawValue: UInt8
  /// Wraps the bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// Pairs without a click.
  public static let others = FeedbackKinds(rawValue: 1)
  /// Clicks.
  public static let clicks = FeedbackKinds(rawValue: 2)
  /// All pairs.
  public static let all: FeedbackKinds = [.others, .clicks]
}
