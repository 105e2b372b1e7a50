/// A parsed study file before anything in it is checked; what any syntax of study files ends in.
indirect enum StudyTree: Sendable, Equatable {
  case null
  case flag(Bool)
  case number(Double)
  case text(String)
  case list([StudyTree])
  case map([String: StudyTree])

  /// One text for equal trees: keys sorted, numbers with all their digits. What content addresses are made of.
  var canonical: String {
    switch self {
    case .null: "null"
    case .flag(let flag): "\(flag)"
    case .number(let number): NumberText.exact(number)
    case .text(let text): "'\(text)'"
    case .list(let list): "[\(list.map(\.canonical).joined(separator: ","))]"
    case .map(let map):
      "{\(map.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.canonical)" }.joined(separator: ","))}"
    }
  }

  var recipeValue: RecipeValue? {
    switch self {
    case .number(let number): .number(number)
    case .text(let text): .text(text)
    case .flag(let flag): .text("\(flag)")
    case .null, .list, .map: nil
    }
  }
}

/// Reads a map with known keys; a key that is not among them is an error from the start.
struct StudyKeys {
  let place: String
  let map: [String: StudyTree]

  init(_ tree: StudyTree, at place: String, keys: [String]) throws(StudyError) {
    guard case .map(let map) = tree else {
      throw .badValue(at: place, value: tree.canonical, allowed: "keys with values")
    }
    for key in map.keys.sorted() where !keys.contains(key) {
      throw .unknownKey(key, at: place, nearest: nearest(to: key, among: keys))
    }
    (self.place, self.map) = (place, map)
  }

  func path(_ key: String) -> String { "\(place).\(key)" }

  func bad(_ key: String, _ allowed: String) -> StudyError {
    .badValue(at: path(key), value: map[key]?.canonical ?? "missing", allowed: allowed)
  }

  func text(_ key: String) throws(StudyError) -> String? {
    guard let tree = map[key] else { return nil }
    guard case .text(let text) = tree else { throw bad(key, "a text") }
    return text
  }

  func required(_ key: String) throws(StudyError) -> String {
    guard let text = try text(key) else { throw .missingKey(key, at: place) }
    return text
  }

  func number(_ key: String, in range: ClosedRange<Double>) throws(StudyError) -> Double? {
    guard let tree = map[key] else { return nil }
    guard case .number(let number) = tree, range.contains(number) else {
      throw bad(key, "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws(StudyError) -> Int? {
    guard let tree = map[key] else { return nil }
    guard case .number(let number) = tree, let whole = Int(exactly: number), range.contains(whole) else {
      throw bad(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return whole
  }

  func flag(_ key: String) throws(StudyError) -> Bool? {
    guard let tree = map[key] else { return nil }
    guard case .flag(let flag) = tree else { throw bad(key, "true or false") }
    return flag
  }

  func list(_ key: String) throws(StudyError) -> [StudyTree]? {
    guard let tree = map[key] else { return nil }
    guard case .list(let list) = tree else { throw bad(key, "a list") }
    return list
  }

  func texts(_ key: String) throws(StudyError) -> [String]? {
    guard let list = try list(key) else { return nil }
    var texts: [String] = []
    for tree in list {
      guard case .text(let text) = tree else { throw bad(key, "a list of texts") }
      texts.append(text)
    }
    return texts
  }

  func integers(_ key: String) throws(StudyError) -> [Int]? {
    guard let list = try list(key) else { return nil }
    var numbers: [Int] = []
    for tree in list {
      guard case .number(let number) = tree, let whole = Int(exactly: number), whole >= 0 else {
        throw bad(key, "a list of whole numbers")
      }
      numbers.append(whole)
    }
    return numbers
  }

  func choice<T: RawRepresentable<String> & CaseIterable>(_ key: String, _ type: T.Type) throws(StudyError) -> T? {
    guard let text = try text(key) else { return nil }
    guard let value = T(rawValue: text) else { throw bad(key, T.allCases.map(\.rawValue).joined(separator: ", ")) }
    return value
  }
}
