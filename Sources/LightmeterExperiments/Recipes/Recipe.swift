public import LightmeterFeedback
public import LightmeterTraining

/// A value of a recipe's key.
public enum RecipeValue: Sendable, Hashable, Codable, CustomStringConvertible {
  case number(Double)
  case text(String)

  /// Reads a JSON value.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else {
      self = .text(try container.decode(String.self))
    }
  }

  /// Writes a JSON value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let number): try container.encode(number)
    case .text(let text): try container.encode(text)
    }
  }

  /// Reads what a command line says: a number where it is one.
  public init(parsing text: String) { self = Double(text).map { .number($0) } ?? .text(text) }

  /// One sentence, or the text that a recipe holds.
  public var description: String {
    switch self {
    case .number(let number): number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
    case .text(let text): text
    }
  }
}

/// The unchecked description of a method: its name and the keys that differ from its defaults. What JSON, study files and
/// the command line speak.
///
///     { "method": "biif", "dimension": 50, "epochs": 100, "weightDecay": 1e-6, "stream": "sampled:5" }
///
/// - Stability: stable
public struct Recipe: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The method's name in the catalogue.
  public var method: String
  /// Keys of ``RecipeKey/all`` that differ from the method's defaults.
  public var settings: [String: RecipeValue]

  /// A method with settings.
  public init(_ method: String, _ settings: [String: RecipeValue] = [:]) {
    (self.method, self.settings) = (method, settings)
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads a JSON value.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    method = try container.decode(String.self, forKey: Key(stringValue: "method"))
    settings = [:]
    for key in container.allKeys where key.stringValue != "method" {
      settings[key.stringValue] = try container.decode(RecipeValue.self, forKey: key)
    }
  }

  /// Writes a JSON value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(method, forKey: Key(stringValue: "method"))
    for (key, value) in settings { try container.encode(value, forKey: Key(stringValue: key)) }
  }

  /// Recipes with other settings on top of this one's.
  public func setting(_ changes: [String: RecipeValue]) -> Recipe {
    Recipe(method, settings.merging(changes) { $1 })
  }

  /// One sentence, or the text that a recipe holds.
  public var description: String {
    ([method] + settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
  }

  /// Checks names, keys and values.
  ///
  /// - Throws: ``RecipeError``, one sentence that names the nearest key and the allowed values.
  public func validated() throws(RecipeError) -> Plan {
    let entry = try MethodCatalogue.entry(named: method)
    var plan = Plan(recipe: self, entry: entry)
    let names = RecipeKey.all.map(\.name)
    if let unknown = settings.keys.sorted().first(where: { !names.contains($0) }) {
      throw .unknownKey(unknown, nearest: nearest(to: unknown, among: names))
    }
    // In the order of the keys, not of the alphabet: a clip belongs to the estimator that is chosen before it.
    for key in RecipeKey.all {
      guard let value = settings[key.name] else { continue }
      let name = key.name
      guard key.applies(to: entry) else { throw .keyWithoutEffect(name, method: method) }
      guard key.apply(&plan, value) else { throw .badValue(key: name, value: value.description, allowed: key.allowed) }
    }
    return plan
  }
}

/// What is wrong with a recipe.
public enum RecipeError: Error, Sendable, Equatable, CustomStringConvertible {
  case unknownMethod(String, nearest: String)
  case unknownKey(String, nearest: String)
  case badValue(key: String, value: String, allowed: String)
  case keyWithoutEffect(String, method: String)

  /// One sentence, or the text that a recipe holds.
  public var description: String {
    switch self {
    case .unknownMethod(let name, let nearest):
      "there is no method '\(name)'; did you mean '\(nearest)'? `lightmeter methods` lists them"
    case .unknownKey(let name, let nearest):
      "a recipe has no key '\(name)'; did you mean '\(nearest)'? `lightmeter methods biif` lists the keys"
    case .badValue(let key, let value, let allowed): "'\(value)' is no value for '\(key)': it takes \(allowed)"
    case .keyWithoutEffect(let key, let method):
      "'\(key)' would have no effect on '\(method)': leave it out; `lightmeter methods \(method)` lists its keys"
    }
  }
}

/// The checked form of a recipe: all that a run can be built from.
public struct Plan: Sendable {
  /// What was asked for.
  public let recipe: Recipe
  /// The method's entry in the catalogue.
  public let entry: MethodEntry
  /// The pointwise method with the recipe's settings; ignored by methods of another kind.
  public var pointwise: PointwiseMethod
  /// Numbers of the keys that only methods of one kind have, by key.
  public var own: [String: Double] = [:]
  /// The stream that the recipe asks for; nil leaves it to the data.
  public var stream: TrainingStream?
  /// Weight with which the slice of random traffic joins the training pairs; 0 for not at all.
  public var sliceWeight = 0.0

  init(recipe: Recipe, entry: MethodEntry) {
    (self.recipe, self.entry) = (recipe, entry)
    pointwise = entry.pointwise ?? PointwiseMethod()
    setDefaults()
  }

  private mutating func setDefaults() {
    for key in RecipeKey.all {
      guard let value = entry.defaults?[key.name], key.name != "stream" else { continue }
      precondition(key.apply(&self, value), "\(entry.name): the default \(key.name)=\(value) is refused by its key")
    }
  }

  /// Learns from `data`, which must have been built with ``stream``.
  public func fit(
    _ data: TrainingData, seed: UInt64, observer: any TrainingObserver = SilentObserver()
  ) throws(TrainingError) -> TrainedModel {
    let joined = sliceWeight > 0 ? try data.joiningSlice(weight: Float(sliceWeight)) : data
    return try entry.method(self).fit(joined, seed: seed, observer: observer)
  }
}

extension TrainingData {
  /// The data with the slice of random traffic among the training pairs: a control that is given the same slice.
  func joiningSlice(weight: Float) throws(TrainingError) -> TrainingData {
    guard let slice = randomTraffic else {
      throw .missing(
        "'sliceWeight' joins a slice of random traffic to the training pairs, and none was given: "
          + "--validation-random FILE")
    }
    // Its pairs without a click are listed ones: alone, its clicks would be a sample selected by the outcome.
    guard stream != .all else {
      throw .missing("'sliceWeight' needs the stream sampled or rated: all pairs have no place for the slice's own")
    }
    let positions = slice.users.indices
    let clicked = positions.filter { slice.feedback[$0] != 0 }
    let clicks = FeedbackMatrix(
      userCount: userCount, itemCount: itemCount, users: clicked.map { slice.users[$0] },
      items: clicked.map { slice.items[$0] })
    var joined = self
    joined.positives = positives.union(clicks)
    // What was known of each positive, at its new place; all of the slice was shown.
    func moved(_ column: [Float]?, missing: Float, slice: Float) -> [Float] {
      let column = column ?? [Float](repeating: missing, count: positives.count)
      var moved = [Float](repeating: slice, count: joined.positives.count)
      for (k, user) in positives.userColumn.enumerated() {
        let (user, item) = (Int(user), positives.items[k])
        guard !clicks.contains(user: user, item: item) else { continue }
        if let place = joined.positives.position(user: user, item: item) { moved[place] = column[k] }
      }
      return moved
    }
    joined.positiveWeights = moved(positiveWeights, missing: 1, slice: weight)
    if positiveExposures != nil { joined.positiveExposures = moved(positiveExposures, missing: .nan, slice: 1) }
    joined.extraNegatives.weights = extraNegatives.weights ?? [Float](repeating: 1, count: extraNegatives.count)
    for k in positions where slice.feedback[k] == 0 {
      joined.extraNegatives.append(
        user: slice.users[k], item: slice.items[k], feedback: 0, knownExposure: 1, weight: weight)
    }
    return joined
  }
}

/// The candidate with the fewest edits, for "did you mean".
func nearest(to word: String, among candidates: [String]) -> String {
  candidates.min { edits($0, word) < edits($1, word) } ?? ""
}

private func edits(_ a: String, _ b: String) -> Int {
  let (a, b) = (Array(a.lowercased()), Array(b.lowercased()))
  var row = Array(0...b.count)
  for i in 1...max(a.count, 1) where !a.isEmpty {
    var diagonal = row[0]
    row[0] = i
    for j in 0..<b.count {
      let above = row[j + 1]
      row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a[i - 1] == b[j] ? 0 : 1))
      diagonal = above
    }
  }
  return row[b.count]
}
