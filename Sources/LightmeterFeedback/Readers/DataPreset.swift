/// File forms that are read without further flags.
///
/// - Stability: stable
public enum DataPreset: String, Sendable, Codable, CaseIterable {
  /// Comma-separated text; columns by header or flag.
  case csv
  /// Tab-separated text; columns by header or flag.
  case tsv
  /// Coat Shopping's `train.ascii` and `test.ascii`: a matrix of ratings, 0 = missing.
  case coat
  /// Yahoo! R3 text: user, item, rating, tab, one-based ids kept as they are.
  case yahooR3 = "yahoo-r3"
  /// MovieLens 100K `u.data`.
  case movieLens100K = "movielens-100k"
  /// MovieLens 1M and 10M `ratings.dat`.
  case movieLens1M = "movielens-1m"
  /// MovieLens 20M to 32M `ratings.csv`.
  case movieLensCSV = "movielens-csv"
  /// Amazon ratings of 2014: user first.
  case amazon2014 = "amazon-2014"
  /// Amazon ratings of 2018: item first.
  case amazon2018 = "amazon-2018"
  /// Amazon ratings of 2023, with a header.
  case amazon2023 = "amazon-2023"
  /// KuaiRec `big_matrix.csv`, `small_matrix.csv`, or pairs of positives.
  case kuaiRec = "kuairec"
  /// RecBole's atomic `.inter` files.
  case recBole = "recbole"

  /// What it is, in one line for a help text.
  public var summary: String {
    switch self {
    case .csv: "comma-separated text; columns from a known header or --columns"
    case .tsv: "tab-separated text; columns from a known header or --columns"
    case .coat: "Coat train.ascii / test.ascii: users × items matrix of ratings, 0 = missing, ids counted from 0"
    case .yahooR3: "Yahoo! R3: user<TAB>item<TAB>rating, ids from 1, kept as they are"
    case .movieLens100K: "MovieLens 100K u.data: user<TAB>item<TAB>rating<TAB>timestamp"
    case .movieLens1M: "MovieLens 1M and 10M ratings.dat: user::movie::rating::timestamp"
    case .movieLensCSV: "MovieLens 20M to 32M ratings.csv: header userId,movieId,rating,timestamp"
    case .amazon2014: "Amazon 2014 ratings: user,item,rating,timestamp without header"
    case .amazon2018: "Amazon 2018 ratings: item,user,rating,timestamp without header"
    case .amazon2023: "Amazon 2023 ratings: header user_id,parent_asin,rating,timestamp"
    case .kuaiRec: "KuaiRec: header with user_id, video_id and watch_ratio, or the two ids alone for positive pairs"
    case .recBole: "RecBole .inter: tab-separated with a header of name:type"
    }
  }

  /// The layout that the form fixes.
  var format: TableFormat {
    switch self {
    case .csv: TableFormat(delimiter: .comma)
    case .tsv: TableFormat(delimiter: .tab)
    case .coat: TableFormat(delimiter: .space, header: false, quoting: false)
    case .yahooR3: DataPreset.headerless(.tab, [.user, .item, .rating])
    case .movieLens100K: DataPreset.headerless(.tab, [.user, .item, .rating, .timestamp])
    case .movieLens1M: DataPreset.headerless(.doubleColon, [.user, .item, .rating, .timestamp])
    case .amazon2014: DataPreset.headerless(.comma, [.user, .item, .rating, .timestamp])
    case .amazon2018: DataPreset.headerless(.comma, [.item, .user, .rating, .timestamp])
    case .movieLensCSV, .amazon2023, .kuaiRec: TableFormat(delimiter: .comma, header: true)
    case .recBole: TableFormat(delimiter: .tab, header: true, quoting: false)
    }
  }

  private static func headerless(_ delimiter: Delimiter, _ roles: [ColumnRole]) -> TableFormat {
    var format = TableFormat(delimiter: delimiter, header: false, quoting: false)
    for (k, role) in roles.enumerated() { format.columns[role] = .position(k + 1) }
    return format
  }

  /// Names of the header by role; nil: the general ones of ``KnownNames``.
  var names: [ColumnRole: [String]]? {
    switch self {
    case .movieLensCSV: [.user: ["userid"], .item: ["movieid"], .rating: ["rating"], .timestamp: ["timestamp"]]
    case .amazon2023: [.user: ["user_id"], .item: ["parent_asin"], .rating: ["rating"], .timestamp: ["timestamp"]]
    // Times are left out: the fully observed block lacks some, and nothing that reads it asks for them.
    case .kuaiRec: [.user: ["user_id"], .item: ["video_id"], .rating: ["watch_ratio"]]
    case .recBole:
      [
        .user: ["user_id"], .item: ["item_id"], .rating: ["rating"], .click: ["label", "click"],
        .timestamp: ["timestamp"], .weight: ["weight"],
      ]
    default: nil
    }
  }

  /// The positive rule that belongs to the form; nil where the caller has to say.
  ///
  /// Ratings from 1 to 5 count from 4, the watch ratio of KuaiRec from 2, pairs of positives all.
  public func positiveRule(for interactions: Interactions) -> PositiveRule? {
    switch self {
    case .csv, .tsv, .recBole: nil
    case .kuaiRec: interactions.ratings == nil ? .everyRow : .ratingAtLeast(2)
    default: .ratingAtLeast(4)
    }
  }
}

/// Column names that are understood in any header, in lower case.
enum KnownNames {
  static let general: [ColumnRole: [String]] = [
    .user: ["user", "user_id", "userid", "uid", "reviewerid", "customer_id"],
    .item: [
      "item", "item_id", "itemid", "iid", "movie_id", "movieid", "video_id", "product_id", "productid", "asin",
      "parent_asin",
    ],
    .rating: ["rating", "stars", "overall"],
    .weight: ["weight"],
    .timestamp: ["timestamp", "time", "ts", "unixreviewtime"],
    .shown: ["shown", "is_shown", "impression"],
    .click: ["click", "clicked", "is_click"],
    .propensity: ["propensity", "propensity_score"],
    .random: ["random", "is_random", "is_rand"],
  ]
}
