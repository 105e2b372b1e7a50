/// How configurations and epochs are chosen; the same way for every method, under one bound on their number.
public struct StudyTuning: Sendable {
  /// What chooses.
  public enum Metric: Sendable, Hashable {
    /// DCG at a rank on held-out clicks, self-normalised inverse propensity weights.
    case snipsDCG(cutoff: Int)
    /// Pooled area under the curve on held-out random traffic.
    case sliceAUC
    /// Area under the curve within users on held-out random traffic: what a ranking for one user is.
    case sliceUserAUC

    /// Whether it needs random traffic.
    var readsSlice: Bool { self == .sliceAUC || self == .sliceUserAUC }
  }
  /// What chooses; nil: nothing is chosen.
  public let metric: Metric?
  /// Seeds of the tuning runs.
  public let seeds: [UInt64]
  /// Epochs of a tuning run, instead of the recipe's.
  public let epochs: Int?
  /// The epochs at which tuning runs are scored; empty: the last one only.
  public let checkpoints: [Int]
  /// Most configurations of a method.
  public let configurations: Int

  init(_ tree: StudyTree) throws {
    let keys = try StudyKeys(
      tree, at: "tuning", keys: ["metric", "seed", "seeds", "epochs", "checkpoints", "configurations"])
    let name = try keys.text("metric") ?? "none"
    switch name {
    case "none": metric = nil
    case "slice-auc": metric = .sliceAUC
    case "slice-user-auc": metric = .sliceUserAUC
    default:
      guard name.hasPrefix("snips-dcg@"), let cutoff = Int(name.dropFirst(10)), cutoff > 0 else {
        throw keys.bad("metric", "none, slice-auc, slice-user-auc or snips-dcg@K such as snips-dcg@3")
      }
      metric = .snipsDCG(cutoff: cutoff)
    }
    let one = try keys.integer("seed", in: 0...1_000_000_000) ?? 101
    seeds = try Study.seeds(keys, "seeds", standard: [UInt64(one)])
    epochs = try keys.integer("epochs", in: 1...100_000)
    checkpoints = try (keys.integers("checkpoints") ?? []).sorted()
    configurations = try keys.integer("configurations", in: 1...1000) ?? 6
  }

  /// What chooses, in words.
  public var name: String {
    switch metric {
    case nil: "none: fixed configurations"
    case .snipsDCG(let cutoff): "SNIPS-DCG@\(cutoff) on held-out clicks"
    case .sliceAUC: "pooled AUC on a held-out third of the random traffic"
    case .sliceUserAUC: "AUC within users on a held-out third of the random traffic"
    }
  }
}

/// Keys of recipes with the values to try: a grid.
struct SearchSpace: Sendable {
  let axes: [(key: String, values: [RecipeValue])]

  init(_ tree: StudyTree, at place: String) throws(StudyError) {
    let keys = try StudyKeys(tree, at: place, keys: RecipeKey.all.map(\.name))
    var axes: [(key: String, values: [RecipeValue])] = []
    for key in keys.map.keys.sorted() {
      let values = try (keys.list(key) ?? []).compactMap(\.recipeValue)
      guard !values.isEmpty else { throw keys.bad(key, "a list of values") }
      axes.append((key, values))
    }
    self.axes = axes
  }

  /// Every combination on top of `recipe`, the last key running fastest.
  func grid(over recipe: Recipe) -> [Recipe] {
    axes.reduce([recipe]) { grid, axis in
      grid.flatMap { base in axis.values.map { base.setting([axis.key: $0]) } }
    }
  }
}

/// A row of the tables: a recipe with a label, or the choice among other rows.
public struct StudyMethod: Sendable {
  /// Where the unbiased validation set of a row comes from.
  public enum Validation: String, Sendable, CaseIterable, Codable {
    /// The data's default: the slice where there is one, else carved from the log.
    case standard
    /// Carved, negatives among listed pairs (reading N1).
    case rated
    /// Carved, negatives among all unclicked pairs (reading N2).
    case unrated
    /// The slice of random traffic.
    case slice
  }

  /// Its name in the tables.
  public let label: String
  /// The recipe without searched keys.
  public let recipe: Recipe
  /// The configurations to try; one where nothing is searched.
  public let grid: [Recipe]
  /// Where its validation set comes from.
  public let validation: Validation
  /// Labels of the rows among which this row takes the one that did best on the slice; nil for a row of its own.
  public let members: [String]?

  static let ownKeys = ["method", "label", "validation", "search", "selectAmong"]

  init(_ tree: StudyTree, at place: String, shared: SearchSpace) throws {
    let tree: StudyTree = if case .text(let name) = tree { .map(["method": .text(name)]) } else { tree }
    let keys = try StudyKeys(tree, at: place, keys: StudyMethod.ownKeys + RecipeKey.all.map(\.name))
    if let members = try keys.texts("selectAmong") {
      label = try keys.required("label")
      recipe = Recipe("mf")
      (grid, validation, self.members) = ([], .standard, members)
      return
    }
    members = nil
    let name = try keys.required("method")
    var settings: [String: RecipeValue] = [:]
    for (key, value) in keys.map where !StudyMethod.ownKeys.contains(key) {
      guard let value = value.recipeValue else { throw keys.bad(key, "one value (lists belong into search)") }
      settings[key] = value
    }
    recipe = Recipe(name, settings)
    validation = try keys.choice("validation", Validation.self) ?? .standard
    do {
      let entry = try recipe.validated().entry
      label = try keys.text("label") ?? entry.title
      let own = try SearchSpace(keys.map["search"] ?? .map([:]), at: "\(place).search")
      let searched = Set(own.axes.map(\.key)).union(settings.keys)
      // A key that the row sets or searches itself is not searched again.
      let common = shared.axes.filter { axis in
        !searched.contains(axis.key) && (entry.defaults == nil || entry.takes(axis.key))
      }
      let bases = entry.isTrained ? SearchSpace(common).grid(over: recipe) : [recipe]
      grid = bases.flatMap { own.grid(over: $0) }
      for recipe in grid { _ = try recipe.validated() }
    } catch let error as RecipeError { throw StudyError.recipe(at: place, reason: error.description) }
  }
}

extension SearchSpace {
  init(_ axes: [(key: String, values: [RecipeValue])]) { self.axes = axes }
}
