public import LightmeterFeedback
internal import LightmeterKernels

/// What a model file's scores come from.
public enum StoredScorer: Scorer {
  /// A dot product, biases included: everything that is trained, popularity and item means.
  case factors(FactorModel)
  /// The mean relevance of several dot products.
  case ensemble(EnsembleModel)
  /// The control that ranks at random.
  case random(RandomRanking)

  /// Wraps a scorer that a model file can keep.
  ///
  /// - Returns: nil for a scorer of another kind.
  public init?(_ scorer: any Scorer) {
    switch scorer {
    case let factors as FactorModel: self = .factors(factors)
    case let ensemble as EnsembleModel: self = .ensemble(ensemble)
    case let random as RandomRanking: self = .random(random)
    case let stored as StoredScorer: self = stored
    default: return nil
    }
  }

  private var scorer: any Scorer {
    switch self {
    case .factors(let factors): factors
    case .ensemble(let ensemble): ensemble
    case .random(let random): random
    }
  }

  /// The factor models in it: itself, the members of an ensemble, none of a random ranking.
  public var members: [FactorModel] {
    switch self {
    case .factors(let factors): [factors]
    case .ensemble(let ensemble): ensemble.members
    case .random: []
    }
  }

  /// The scorer where its scores are probabilities of relevance in disguise; nil for mere rankings.
  public var relevanceScorer: (any RelevanceScorer)? {
    switch self {
    case .factors(let factors): factors.isProbability ? factors : nil
    case .ensemble(let ensemble): ensemble
    case .random: nil
    }
  }

  /// Number of users.
  public var userCount: Int { scorer.userCount }
  /// Number of items.
  public var itemCount: Int { scorer.itemCount }
  /// Scores of one user for a run of items.
  public func scores(user: Int, items: Range<Int>, into scores: inout [Float]) {
    scorer.scores(user: user, items: items, into: &scores)
  }
  /// Scores of several users for a run of items.
  public func scores(users: [Int32], items: Range<Int>, into scores: inout [Float]) {
    scorer.scores(users: users, items: items, into: &scores)
  }
}

/// All that serving needs of a trained model, raw ids included: loads without the training data.
///
/// The manifest is opaque here: recipe, protocol cards and metrics are types of rooms above.
///
/// - Complexity of reading: O(bytes) for the checksums; identifier tables stay in the mapped file and are not rebuilt.
/// - Source: DESIGN of the model file, format version 2.
/// - Stability: stable
public struct StoredModel: Sendable {
  /// Ranks items.
  public var scorer: StoredScorer
  /// What the model says of exposure; nil when it says nothing.
  public var exposure: StoredExposure?
  /// AutoDebias's weights, which folding new rows in needs; nil for other methods.
  public var weights: PairWeights?
  /// Raw user ids by index.
  public var users: IdentifierTable
  /// Raw item ids by index.
  public var items: IdentifierTable
  /// θ per item, the fallback ranking for unknown users.
  public var popularity: [Float]
  /// What each user clicked, to be filtered from recommendations; nil when left out.
  public var seen: FeedbackMatrix?
  /// Recipe, protocol cards, metrics, data digest, version: JSON.
  public var manifest: String

  /// Bundles the parts.
  public init(
    scorer: StoredScorer, exposure: StoredExposure?, users: IdentifierTable, items: IdentifierTable,
    popularity: [Float], seen: FeedbackMatrix?, weights: PairWeights? = nil, manifest: String
  ) {
    precondition(
      scorer.userCount == users.count && scorer.itemCount == items.count && popularity.count == items.count,
      "the scorer knows \(scorer.userCount) × \(scorer.itemCount), the ids are \(users.count) × \(items.count)")
    self.scorer = scorer
    self.exposure = exposure
    self.users = users
    self.items = items
    self.popularity = popularity
    self.seen = seen
    self.weights = weights
    self.manifest = manifest
  }

  /// Writes the file whole or not at all.
  ///
  /// - Throws: `FileError`; ``ModelFileError`` for an exposure that only this process knows.
  public func write(to path: String) throws {
    var tensors = TensorBook()
    tensors.add(scorer)
    try tensors.add(exposure, path: path)
    tensors.add(users, "users")
    tensors.add(items, "items")
    tensors.tensors["popularity"] = .float32(popularity, shape: [popularity.count])
    if let seen {
      tensors.tensors["seen.offsets"] = .int64(seen.offsets.map { Int64($0) }, shape: [seen.offsets.count])
      tensors.tensors["seen.items"] = .int32(seen.items, shape: [seen.items.count])
    }
    if let weights { tensors.add(weights) }
    try ModelContainer(manifest: manifest, tensors: tensors.tensors).write(to: path)
  }

  /// Reads a file.
  ///
  /// - Throws: ``ModelFileError``, one sentence: missing, truncated, altered, newer, or not a model.
  public static func read(_ path: String) throws -> StoredModel {
    let reader = TensorReader(
      container: try ModelContainer.read(path, leavesInPlace: TensorReader.isOfIdentifiers), path: path)
    let users = try reader.identifiers("users")
    let items = try reader.identifiers("items")
    let scorer = try reader.scorer(userCount: users.count, itemCount: items.count)
    return StoredModel(
      scorer: scorer, exposure: try reader.exposure(of: scorer, userCount: users.count, itemCount: items.count),
      users: users, items: items, popularity: try reader.container.float32("popularity", shape: [items.count]),
      seen: try reader.seen(userCount: users.count, itemCount: items.count),
      weights: try reader.weights(userCount: users.count, itemCount: items.count), manifest: reader.container.manifest)
  }
}
