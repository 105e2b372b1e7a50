internal import LightmeterKernels

/// What is logged: one line of one of the three kinds of files.
public enum FeedbackEntry: Sendable, Equatable {
  /// An item that was shown, and whether it was clicked.
  case impression(Impression)
  /// A click on something that this server was not told to have been shown.
  case click(user: String, item: String, timestamp: Int)
  /// A rating.
  case rating(user: String, item: String, rating: Double, timestamp: Int)

  /// An item that was shown.
  public struct Impression: Sendable, Equatable {
    /// Raw user id.
    public var user: String
    /// Raw item id.
    public var item: String
    /// Whether it was clicked.
    public var clicked: Bool
    /// Probability with which the policy showed it, in (0, 1].
    public var probability: Double
    /// Place in the list, from 1.
    public var rank: Int
    /// Unix time, seconds.
    public var timestamp: Int

    /// An impression.
    public init(user: String, item: String, clicked: Bool, probability: Double, rank: Int, timestamp: Int) {
      (self.user, self.item, self.clicked) = (user, item, clicked)
      (self.probability, self.rank, self.timestamp) = (probability, rank, timestamp)
    }
  }

  /// The files that entries go to.
  public enum Kind: String, Sendable, CaseIterable {
    /// `user,item,shown,click,propensity,rank,timestamp`: what `train --impressions` reads as known exposure.
    case impressions
    /// `user,item,click,timestamp`
    case clicks
    /// `user,item,rating,timestamp`
    case ratings

    /// First line of a file.
    public var header: String {
      switch self {
      case .impressions: "user,item,shown,click,propensity,rank,timestamp\n"
      case .clicks: "user,item,click,timestamp\n"
      case .ratings: "user,item,rating,timestamp\n"
      }
    }
  }

  /// Where it belongs.
  public var kind: Kind {
    switch self {
    case .impression: .impressions
    case .click: .clicks
    case .rating: .ratings
    }
  }

  /// Its line, end included.
  var line: String {
    switch self {
    case .impression(let shown):
      "\(CSVField.quoted(shown.user)),\(CSVField.quoted(shown.item)),1,\(shown.clicked ? 1 : 0),\(Float(shown.probability)),"
        + "\(shown.rank),\(shown.timestamp)\n"
    case .click(let user, let item, let timestamp): "\(CSVField.quoted(user)),\(CSVField.quoted(item)),1,\(timestamp)\n"
    case .rating(let user, let item, let rating, let timestamp):
      "\(CSVField.quoted(user)),\(CSVField.quoted(item)),\(Float(rating)),\(timestamp)\n"
    }
  }

  /// Whether an id can stand in a line: text without control characters, not too long.
  public static func takes(id: String) -> Bool {
    (1...512).contains(id.utf8.count) && id.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 }
  }

  /// The impression of a line of the impressions file; nil for the header and for lines of other hands.
  static func impression(ofLine line: Substring) -> Impression? {
    let fields = CSVField.split(line)
    guard fields.count == 7, let probability = Double(fields[4]), let rank = Int(fields[5]),
      let timestamp = Int(fields[6])
    else { return nil }
    return Impression(
      user: fields[0], item: fields[1], clicked: fields[3] == "1", probability: probability,
      rank: rank, timestamp: timestamp)
  }
}
