internal import LightmeterKernels
public import LightmeterModels

/// How configurations and epochs are chosen; the same way for every method, under one bound on their number.
public struct StudyTuning: Sendable {
  /// What chooses.
  public enum Metric: Sendable, Hashable {
    /// DCG at a rank on held-out clicks, self-normalised inverse propensity weights.
    case snipsDCG(cutoff: Int)
    /// A measure of held-out random traffic.
    case slice(SliceMeasure)
    /// A metric of the test itself: an upper bound that no comparison may use; the study must say ``Study/chosenOnTest``.
    case test(metric: String)

    /// Whether it needs random traffic.
    var readsSlice: Bool { if case .slice = self { true } else { false } }
    /// Whether it looks at the test.
    var readsTest: Bool { if case .test = self { true } else { false } }
  }
  /// Which configurations are tried.
  public enum Search: String, Sendable, CaseIterable {
    /// Every combination of the listed values.
    case grid
    /// Combinations drawn with a seed, of lists without repetition.
    case random
    /// Drawn combinations, of which the better part goes on with more epochs, rung by rung.
    case halving
  }
  /// What chooses; nil: nothing is chosen.
  public let metric: Metric?
  /// Which configurations are tried.
  public let search: Search
  /// Seed of drawn configurations.
  public let searchSeed: UInt64
  /// Of halving: one of so many configurations goes on, with so many times the epochs.
  public let reduction: Int
  /// Of halving: how many rounds.
  public let rungs: Int
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
      tree, at: "tuning",
      keys: [
        "metric", "search", "searchSeed", "reduction", "rungs", "seed", "seeds", "epochs", "checkpoints",
        "configurations",
      ])
    let name = try keys.text("metric") ?? "none"
    switch name {
    case "none": metric = nil
    default:
      if let measure = SliceMeasure(rawValue: name) {
        metric = .slice(measure)
      } else if name.hasPrefix("test:"), name.count > 5 {
        metric = .test(metric: String(name.dropFirst(5)))
      } else if name.hasPrefix("snips-dcg@"), let cutoff = Int(name.dropFirst(10)), cutoff > 0 {
        metric = .snipsDCG(cutoff: cutoff)
      } else {
        throw keys.bad(
          "metric",
          "none, \(SliceMeasure.names) or snips-dcg@K such as snips-dcg@3 (or test:METRIC, which is stamped)")
      }
    }
    search = try keys.choice("search", Search.self) ?? .grid
    searchSeed = UInt64(try keys.integer("searchSeed", in: 0...Int(Int32.max)) ?? 1)
    reduction = try keys.integer("reduction", in: 2...10) ?? 3
    rungs = try keys.integer("rungs", in: 2...8) ?? 3
    for key in ["reduction", "rungs"] where keys.map[key] != nil && search != .halving {
      throw StudyError.badValue(at: "tuning.\(key)", value: "set", allowed: "no value unless tuning.search is halving")
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
    case .slice(let measure): "\(measure.title) on a held-out third of the random traffic"
    case .test(let metric): "\(metric) ON THE TEST"
    }
  }

  /// Which configurations are tried, in words.
  var searchName: String {
    switch search {
    case .grid: "a grid"
    case .random: "random draws (search seed \(searchSeed))"
    case .halving:
      "successive halving (search seed \(searchSeed)): \(rungs) rungs, one in \(reduction) goes on with "
        + "\(reduction) times the epochs"
    }
  }
}

extension SliceMeasure {
  /// What study files call the measures.
  static let names = allCases.map(\.rawValue).joined(separator: ", ")
}

/// Keys of recipes with the values to try.
struct SearchSpace: Sendable {
  enum Values: Sendable, Equatable {
    case list([RecipeValue])
    case range(ClosedRange<Double>, isLogarithmic: Bool)
  }

  let axes: [(key: String, values: Values)]

  init(_ axes: [(key: String, values: Values)]) { self.axes = axes }

  init(_ tree: StudyTree, at place: String) throws(StudyError) {
    let keys = try StudyKeys(tree, at: place, keys: RecipeKey.all.map(\.name))
    var axes: [(key: String, values: Values)] = []
    for key in keys.map.keys.sorted() {
      if case .map = keys.map[key] {
        axes.append((key, try SearchSpace.range(keys.map[key] ?? .null, at: keys.path(key))))
        continue
      }
      let values = try (keys.list(key) ?? []).compactMap(\.recipeValue)
      guard !values.isEmpty else { throw keys.bad(key, "a list of values, or a range { from, to, scale }") }
      axes.append((key, .list(values)))
    }
    self.axes = axes
  }

  private static func range(_ tree: StudyTree, at place: String) throws(StudyError) -> Values {
    let keys = try StudyKeys(tree, at: place, keys: ["from", "to", "scale"])
    let all = -1e12...1e12
    guard let low = try keys.number("from", in: all) else { throw .missingKey("from", at: place) }
    guard let high = try keys.number("to", in: all) else { throw .missingKey("to", at: place) }
    let scale = try keys.text("scale") ?? "log"
    guard scale == "log" || scale == "linear" else { throw keys.bad("scale", "log or linear") }
    guard low < high, scale == "linear" || low > 0 else {
      throw keys.bad("to", "a number above from; both above 0 on a log scale")
    }
    return .range(low...high, isLogarithmic: scale == "log")
  }

  /// Number of combinations; nil where a range has no end of them.
  var count: Int? {
    axes.reduce(1) { count, axis in
      guard let count, case .list(let values) = axis.values else { return nil }
      return count * values.count
    }
  }

  /// Every combination on top of `recipe`, the last key running fastest; nil with a range.
  func grid(over recipe: Recipe) -> [Recipe]? {
    axes.reduce([recipe]) { grid, axis in
      guard let grid, case .list(let values) = axis.values else { return nil }
      return grid.flatMap { base in values.map { base.setting([axis.key: $0]) } }
    }
  }

  /// Combinations drawn with a seed: without repetition from lists, and a key's draws are the same for every method.
  func draws(_ wanted: Int, seed: UInt64, over recipe: Recipe) -> [Recipe] {
    if let grid = grid(over: recipe) {
      let order = KeyedPermutation(count: grid.count, key: SeededGenerator.key(seed: seed, stream: .tuning))
      return (0..<min(wanted, grid.count)).map { grid[order($0)] }
    }
    return (0..<wanted).map { draw in
      axes.reduce(recipe) { recipe, axis in
        var name = XXH64()
        name.update(axis.key)
        let shard = Int(name.finish() >> 33)
        var generator = SeededGenerator(seed: seed, stream: .tuning, epoch: draw + 1, shard: shard)
        switch axis.values {
        case .list(let values): return recipe.setting([axis.key: values[generator.below(values.count)]])
        case .range(let range, let isLogarithmic):
          let value = SearchSpace.point(generator.uniform(), of: range, isLogarithmic: isLogarithmic)
          return recipe.setting([axis.key: .number(value)])
        }
      }
    }
  }

  /// The point a share of the way up a range, to four digits, so that a recipe's text is short and exact.
  private static func point(_ share: Double, of range: ClosedRange<Double>, isLogarithmic: Bool) -> Double {
    let (low, high) = (range.lowerBound, range.upperBound)
    let value =
      isLogarithmic
      ? Portable.exp(Portable.log(low) + share * (Portable.log(high) - Portable.log(low)))
      : low + share * (high - low)
    var power = 0
    while value != 0, (value * NumberText.powerOfTen(power)).magnitude < 1000 { power += 1 }
    let scale = NumberText.powerOfTen(power)
    return min(max((value * scale).rounded() / scale, low), high)
  }
}
