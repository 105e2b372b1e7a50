/// The members of a request's object, each asked for by name and type; what is not asked for is refused.
struct JSONFields {
  private let members: [JSONValue.Member]
  /// Where the object stands in the request, for messages: "" or "events[3].".
  private let place: String

  /// Refuses what is no object and members other than `names`.
  init(_ value: JSONValue, place: String = "", names: [String]) throws(ServiceError) {
    guard case .object(let members) = value else {
      throw .unprocessable("\(place.isEmpty ? "the body" : String(place.dropLast())) is \(value.kind), not an object")
    }
    (self.members, self.place) = (members, place)
    if let stranger = members.first(where: { !names.contains($0.name) }) {
      throw .unprocessable(
        "'\(place)\(ServiceError.quoted(stranger.name))' is no member here; there are \(names.joined(separator: ", "))")
    }
  }

  /// The member; nil where it is missing.
  func value(_ name: String) -> JSONValue? { members.first { $0.name == name }?.value }

  private func wrong(_ name: String, _ value: JSONValue, _ expected: String) -> ServiceError {
    .unprocessable("'\(place)\(name)' is \(value.kind); it must be \(expected)")
  }

  private func missing(_ name: String) -> ServiceError { .unprocessable("'\(place)\(name)' is missing") }

  /// A text that must be there and not be empty.
  func string(_ name: String) throws(ServiceError) -> String {
    guard let value = value(name) else { throw missing(name) }
    guard let text = value.text else { throw wrong(name, value, "text") }
    guard !text.isEmpty else { throw .unprocessable("'\(place)\(name)' is empty") }
    return text
  }

  /// A whole number in a range.
  func whole(_ name: String, in range: ClosedRange<Int>) throws(ServiceError) -> Int? {
    guard let value = value(name) else { return nil }
    guard let number = value.whole else { throw wrong(name, value, "a whole number") }
    guard range.contains(number) else {
      throw .unprocessable(
        "'\(place)\(name)' is \(number); it must be from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A number that `allows` takes; `expected` says in words what it takes.
  func number(_ name: String, _ expected: String, _ allows: (Double) -> Bool) throws(ServiceError) -> Double? {
    guard let value = value(name) else { return nil }
    guard let number = value.double else { throw wrong(name, value, expected) }
    guard allows(number) else { throw .unprocessable("'\(place)\(name)' is \(number); it must be \(expected)") }
    return number
  }

  /// True or false.
  func bool(_ name: String) throws(ServiceError) -> Bool? {
    guard let value = value(name) else { return nil }
    guard case .bool(let flag) = value else { throw wrong(name, value, "true or false") }
    return flag
  }

  /// A list of texts, none of them empty.
  func strings(_ name: String, atMost limit: Int) throws(ServiceError) -> [String]? {
    guard let value = value(name) else { return nil }
    guard let elements = value.elements else { throw wrong(name, value, "a list of texts") }
    guard elements.count <= limit else {
      throw .unprocessable("'\(place)\(name)' has \(elements.count) elements; at most \(limit) are taken")
    }
    var texts: [String] = []
    for element in elements {
      guard let text = element.text, !text.isEmpty else {
        throw .unprocessable(
          "'\(place)\(name)' holds \(element.text == "" ? "an empty text" : element.kind); "
            + "it must be a list of texts")
      }
      texts.append(text)
    }
    return texts
  }

  /// A list of objects that must be there and not be empty.
  func objects(_ name: String, atMost limit: Int, names: [String]) throws(ServiceError) -> [JSONFields] {
    guard let value = value(name) else { throw missing(name) }
    guard let elements = value.elements else { throw wrong(name, value, "a list of objects") }
    guard (1...limit).contains(elements.count) else {
      throw .unprocessable("'\(place)\(name)' has \(elements.count) elements; it takes 1 to \(limit)")
    }
    var objects: [JSONFields] = []
    for (index, element) in elements.enumerated() {
      objects.append(try JSONFields(element, place: "\(place)\(name)[\(index)].", names: names))
    }
    return objects
  }

  /// One of a few words.
  func word<T: RawRepresentable<String> & CaseIterable>(_ name: String, of type: T.Type) throws(ServiceError) -> T? {
    guard let value = value(name) else { return nil }
    guard let text = value.text, let word = T(rawValue: text) else {
      let words = T.allCases.map(\.rawValue).joined(separator: ", ")
      let found = value.text.map { "'\(ServiceError.quoted($0))'" } ?? value.kind
      throw .unprocessable("'\(place)\(name)' is \(found); it must be one of \(words)")
    }
    return word
  }
}
