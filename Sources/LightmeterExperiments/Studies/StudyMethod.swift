public import LightmeterModels

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

  /// What a choosing row goes by, where that is not the tuning metric.
  public let measure: SliceMeasure?

  static let ownKeys = ["method", "label", "validation", "search", "selectAmong", "by", "optional"]

  /// The label of an optional row whose method the catalogue lacks; nil for all others, whatever else is wrong with them.
  static func absence(_ tree: StudyTree) -> String? {
    guard case .map(let map) = tree, map["optional"] == .flag(true), case .text(let name) = map["method"],
      !MethodCatalogue.all.contains(where: { $0.name == name })
    else { return nil }
    guard case .text(let label) = map["label"] else {
      return ["expomf": "ExpoMF", "bpr": "BPR", "cjmf": "CJMF", "ceb": "CEB"][name] ?? name
    }
    return label
  }

  init(_ tree: StudyTree, at place: String, shared: SearchSpace, tuning: StudyTuning) throws {
    let tree: StudyTree = if case .text(let name) = tree { .map(["method": .text(name)]) } else { tree }
    let keys = try StudyKeys(tree, at: place, keys: StudyMethod.ownKeys + RecipeKey.all.map(\.name))
    if let members = try keys.texts("selectAmong") {
      label = try keys.required("label")
      recipe = Recipe("mf")
      (grid, validation, self.members) = ([], .standard, members)
      measure = try keys.choice("by", SliceMeasure.self)
      return
    }
    (members, measure) = (nil, nil)
    if keys.map["by"] != nil { throw keys.bad("by", "no value but where a row has selectAmong") }
    _ = try keys.flag("optional")
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
        !searched.contains(axis.key) && entry.takes(axis.key)
      }
      let space = SearchSpace((entry.isTrained ? common : []) + own.axes)
      grid = try StudyMethod.configurations(of: space, over: recipe, tuning, at: place)
      for recipe in grid { _ = try recipe.validated() }
    } catch let error as RecipeError { throw StudyError.recipe(at: place, reason: error.description) }
  }

  private static func configurations(
    of space: SearchSpace, over recipe: Recipe, _ tuning: StudyTuning, at place: String
  ) throws(StudyError) -> [Recipe] {
    guard tuning.search == .grid else {
      if tuning.search == .halving, space.axes.contains(where: { $0.key == "epochs" }) {
        throw .badValue(
          at: "\(place).search", value: "epochs", allowed: "no search of epochs with halving, which sets them")
      }
      return space.draws(tuning.configurations, seed: tuning.searchSeed, over: recipe)
    }
    guard let grid = space.grid(over: recipe) else {
      throw .badValue(
        at: "tuning.search", value: "grid", allowed: "random or halving where a range is searched; a grid needs lists")
    }
    return grid
  }
}
