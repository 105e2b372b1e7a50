/// What a reader saw: printed after reading, stored with the run.
///
/// - Units and range: bytes as they came (compressed where they were), seconds of wall clock.
/// - Stability: stable
public struct ReadReport: Sendable, Equatable {
  /// The file as the caller named it; "standard input" for "-".
  public var file = ""
  /// How the columns were read, such as "comma, header; user = user_id, item = video_id".
  public var reading = ""
  /// Bytes taken from the file.
  public var bytes: Int64 = 0
  /// Bytes of text, which is more where the file was compressed.
  public var textBytes: Int64 = 0
  /// Physical lines, with header and blank lines.
  public var lines = 0
  /// Rows kept.
  public var rows = 0
  /// Lines left out because they were bad.
  public var skipped = 0
  /// The first few of them.
  public var skippedExamples: [ReadError] = []
  /// Rows that a duplicates policy dropped; nil until one was applied.
  public var duplicates: Int?
  /// Distinct users, with those that were known before.
  public var users = 0
  /// Distinct items, with those that were known before.
  public var items = 0
  /// Smallest rating; nil without ratings.
  public var lowestRating: Float?
  /// Largest rating; nil without ratings.
  public var highestRating: Float?
  /// Wall time.
  public var seconds = 0.0
  /// Sentences that a reader of the report should see.
  public var notes: [String] = []

  /// How many skipped lines are kept as examples.
  public static let exampleLimit = 5

  /// An empty report.
  public init() {}
}

/// How far reading has come.
public struct ReadProgress: Sendable, Equatable {
  /// Bytes taken from the file.
  public var bytes: Int64
  /// Size of the file; nil for a pipe.
  public var totalBytes: Int64?
  /// Rows kept.
  public var rows: Int
}
