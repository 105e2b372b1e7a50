public import LightmeterFeedback

/// One data set of a study as the file describes it.
public struct StudyData: Sendable {
  /// What kind of data.
  public enum Kind: String, Sendable, CaseIterable {
    /// Coat Shopping: biased ratings, random test ratings.
    case coat
    /// Yahoo! R3: biased ratings, random test ratings of some of the users.
    case yahooR3 = "yahoo-r3"
    /// KuaiRec's positives, tested on its fully observed block.
    case kuaiRecBlock = "kuairec-block"
    /// A world fitted to MovieLens 100K.
    case movieLensWorld = "ml-100k-world"
    /// A world fitted to any ratings file.
    case ratingsWorld = "ratings-world"
    /// A simulated world without data behind it.
    case cleanWorld = "clean-world"
    /// Any log, split by rows.
    case log
  }
  /// Its name in the tables.
  public let label: String
  /// What kind.
  public let kind: Kind
  /// File or folder below the data folder.
  public let path: String?
  /// Whether the study goes on without it where its files are missing.
  public let isOptional: Bool
  /// Share of the listed pairs held out for tuning.
  public let hyperValidation: Double
  /// Default reading of the carved validation set.
  public let reading: UnbiasedValidation.Reading?
  /// Share of users in the carved validation set.
  public let activeUsers: Double
  /// Share of the block (or of a world) that becomes random traffic; 0 for none.
  public let slice: Double
  /// The world, for kinds that are one.
  public let world: WorldDescription?
  /// How a log is read and split.
  public let log: LogDescription?
  /// Of worlds: whether the test's labels are drawn like the clicks, instead of the probabilities themselves.
  public let drawsLabels: Bool
  /// Everything above but the label as one text.
  let canonical: String

  private static let common = [
    "label", "kind", "path", "hyperValidation", "validation", "activeUsers", "slice", "optional",
  ]

  /// Reads a description; mistakes of worlds and rules become mistakes of the file.
  init(checking tree: StudyTree, at place: String) throws {
    do { try self.init(tree, at: place) } catch let error as StudyError { throw error } catch {
      throw StudyError.recipe(at: place, reason: "\(error)")
    }
  }

  private init(_ tree: StudyTree, at place: String) throws {
    guard case .map(let map) = tree, case .text(let text) = map["kind"] else {
      throw StudyError.missingKey("kind", at: place)
    }
    guard let kind = Kind(rawValue: text) else {
      let names = Kind.allCases.map(\.rawValue)
      throw StudyError.badValue(
        at: "\(place).kind", value: "'\(text)'",
        allowed: names.joined(separator: ", ") + "; did you mean '\(nearest(to: text, among: names))'?")
    }
    let own: [String]
    switch kind {
    case .coat, .yahooR3, .kuaiRecBlock: own = []
    case .movieLensWorld, .ratingsWorld: own = WorldDescription.fittedKeys + ["labels"]
    case .cleanWorld: own = WorldDescription.cleanKeys + ["labels"]
    case .log: own = LogDescription.keys
    }
    let keys = try StudyKeys(tree, at: place, keys: StudyData.common + own)
    self.kind = kind
    label = try keys.text("label") ?? kind.rawValue
    switch kind {
    case .coat: path = try keys.text("path") ?? "coat"
    case .yahooR3: path = try keys.text("path") ?? "yahoo-r3"
    case .kuaiRecBlock: path = try keys.text("path") ?? "kuairec"
    case .movieLensWorld: path = try keys.text("path") ?? "ml-100k/u.data"
    case .ratingsWorld, .log: path = try keys.required("path")
    case .cleanWorld: path = nil
    }
    isOptional = try keys.flag("optional") ?? false
    hyperValidation = try keys.number("hyperValidation", in: 0...0.9) ?? 0.1
    activeUsers = try keys.number("activeUsers", in: 0...1) ?? 0.2
    reading = try keys.choice("validation", UnbiasedValidation.Reading.self)
    slice = try keys.number("slice", in: 0...0.5) ?? 0
    switch kind {
    case .movieLensWorld, .ratingsWorld: world = .fitted(try FittedWorld(keys, kind: kind))
    case .cleanWorld: world = .clean(try WorldDescription.cleanParameters(keys))
    case .coat, .yahooR3, .kuaiRecBlock, .log: world = nil
    }
    switch try keys.text("labels") ?? "probabilities" {
    case "probabilities": drawsLabels = false
    case "draws": drawsLabels = true
    default: throw keys.bad("labels", "probabilities or draws")
    }
    log = kind == .log ? try LogDescription(keys) : nil
    canonical = StudyTree.map(keys.map.filter { $0.key != "label" && $0.key != "optional" }).canonical
  }
}

/// A world of a study.
public enum WorldDescription: Sendable, Hashable {
  /// Fitted to ratings.
  case fitted(FittedWorld)
  /// Without data behind it.
  case clean(CleanWorldParameters)

  static let fittedKeys = [
    "fit", "transform", "worldSeed", "form", "threshold", "leastPerUser", "leastPerItem", "firstUsers", "firstItems",
  ]
  static let cleanKeys = [
    "world", "users", "items", "rank", "meanRelevance", "meanExposure", "skew", "activitySpread", "correlation",
    "personalRelevance", "personalExposure", "worldSeed", "calibrationPairs",
  ]

  static func cleanParameters(_ keys: StudyKeys) throws -> CleanWorldParameters {
    var parameters = try keys.choice("world", WorldPreset.self)?.parameters ?? CleanWorldParameters()
    parameters.userCount = try keys.integer("users", in: 1...100_000) ?? parameters.userCount
    parameters.itemCount = try keys.integer("items", in: 2...100_000) ?? parameters.itemCount
    parameters.rank = try keys.integer("rank", in: 1...256) ?? parameters.rank
    parameters.meanRelevance = try keys.number("meanRelevance", in: 0...1) ?? parameters.meanRelevance
    parameters.meanExposure = try keys.number("meanExposure", in: 0...1) ?? parameters.meanExposure
    parameters.skew = try keys.number("skew", in: 0...10) ?? parameters.skew
    parameters.activitySpread = try keys.number("activitySpread", in: 0...10) ?? parameters.activitySpread
    parameters.correlation = try keys.number("correlation", in: -1...1) ?? parameters.correlation
    parameters.personalRelevance = try keys.number("personalRelevance", in: 0...10) ?? parameters.personalRelevance
    parameters.personalExposure = try keys.number("personalExposure", in: 0...10) ?? parameters.personalExposure
    parameters.calibrationPairs =
      try keys.integer("calibrationPairs", in: 100...10_000_000) ?? parameters.calibrationPairs
    parameters.seed = UInt64(try keys.integer("worldSeed", in: 0...Int(Int32.max)) ?? 1)
    return try parameters.validated()
  }
}

/// A world fitted to a ratings file.
public struct FittedWorld: Sendable, Hashable {
  /// How strongly it is fitted.
  public let fit: WorldFit
  /// What is changed afterwards.
  public let transform: WorldTransform
  /// Seed of fit and permutation.
  public let seed: UInt64
  /// Form of the file.
  public let form: DataPreset
  /// A rating above it is relevant.
  public let threshold: Float
  /// Which ratings are fitted to.
  public let filter: RatingsFilter

  init(_ keys: StudyKeys, kind: StudyData.Kind) throws {
    switch try keys.text("fit") ?? "relmf" {
    case "relmf": fit = .relMF
    case "regularised": fit = .regularised
    default: throw keys.bad("fit", "relmf or regularised")
    }
    switch try keys.text("transform") ?? "none" {
    case "none": transform = .none
    case "permuted": transform = .permuted
    default: throw keys.bad("transform", "none or permuted")
    }
    seed = UInt64(try keys.integer("worldSeed", in: 0...Int(Int32.max)) ?? 1)
    form = try keys.choice("form", DataPreset.self) ?? .movieLens100K
    threshold = Float(try keys.number("threshold", in: -1e6...1e6) ?? 3)
    filter = RatingsFilter(
      leastPerUser: try keys.integer("leastPerUser", in: 0...1_000_000) ?? 0,
      leastPerItem: try keys.integer("leastPerItem", in: 0...1_000_000) ?? 0,
      firstUsers: try keys.integer("firstUsers", in: 1...Int(Int32.max)) ?? .max,
      firstItems: try keys.integer("firstItems", in: 1...Int(Int32.max)) ?? .max)
  }
}

/// How a log of one's own is read and split.
public struct LogDescription: Sendable, Hashable {
  /// How test rows are taken.
  public enum Split: String, Sendable, CaseIterable {
    /// A share of each user's items at random.
    case random
    /// The newest share of the rows.
    case temporal
    /// The last rows of each user.
    case last
  }
  /// Form of the file; nil: settled from the file.
  public let form: DataPreset?
  /// What is positive; nil: the form's rule, or the only reading.
  public let positive: PositiveRule?
  /// How test rows are taken.
  public let split: Split
  /// Share of the rows, or rows per user for `last`.
  public let share: Double
  /// Seed of a random split.
  public let seed: UInt64

  static let keys = ["form", "positive", "split", "share", "splitSeed"]

  init(_ keys: StudyKeys) throws {
    form = try keys.choice("form", DataPreset.self)
    positive = try keys.text("positive").map { try PositiveRule(parsing: $0) }
    split = try keys.choice("split", Split.self) ?? .random
    share = try keys.number("share", in: 0...1000) ?? (split == .last ? 1 : 0.2)
    seed = UInt64(try keys.integer("splitSeed", in: 0...Int(Int32.max)) ?? 1)
  }
}
