internal import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels
public import LightmeterServing
internal import Synchronization

/// A model with all that answers need, made once when it is loaded.
public final class ServedModel: Sendable {
  /// The model's name in answers.
  public let name: String
  /// XXH64 of the file's checksums: one number for its content, in 16 hexadecimal digits.
  public let digest: String
  /// Answers for known users.
  public let recommender: Recommender
  /// Answers for unknown users.
  public var fallback: CorrectedPopularity { recommender.fallback }
  /// Neighbours of items; nil where the model has no item vectors.
  public let similar: SimilarItems?
  /// What the file says of itself, with folders left out of file names.
  let manifest: JSONValue
  /// Version of the library that wrote the file.
  let version: String

  private let order = Mutex<[Int32]?>(nil)

  /// Items by popularity, best first; sorted when first asked for.
  var byPopularity: [Int32] {
    order.withLock { order in
      if let order { return order }
      let theta = model.popularity
      let sorted = theta.indices.map { Int32($0) }.sorted { a, b in
        theta[Int(a)] != theta[Int(b)] ? theta[Int(a)] > theta[Int(b)] : a < b
      }
      order = sorted
      return sorted
    }
  }

  /// The model itself.
  public var model: StoredModel { recommender.model }

  /// Reads a model file.
  ///
  /// - Throws: `ModelFileError`.
  public convenience init(path: String, name: String) throws {
    let digest = try SafetensorsFile(path).metadata["digest"] ?? ""
    var hash = XXH64()
    hash.update(digest)
    let digits = String(hash.finish(), radix: 16)
    self.init(
      try StoredModel.read(path), name: name,
      digest: String(repeating: "0", count: 16 - digits.count) + digits)
  }

  /// A model in memory.
  public init(_ model: StoredModel, name: String, digest: String) {
    (self.name, self.digest) = (name, digest)
    recommender = Recommender(model)
    similar = SimilarItems(model)
    let parsed = (try? JSONParser.parse(Array(model.manifest.utf8))) ?? .object([])
    manifest = Self.withoutFolders(parsed)
    version = parsed["version"]?.text ?? "unknown"
    warmUp()
  }

  /// Lays the item tables out for scoring and makes the list for unknown users, so that the first request does not wait for it.
  private func warmUp() {
    _ = fallback
    guard model.users.count > 0, model.items.count > 0 else { return }
    var scores: [Float] = []
    model.scorer.scores(users: [0], items: 0..<min(64, model.items.count), into: &scores)
  }

  private static func withoutFolders(_ value: JSONValue) -> JSONValue {
    switch value {
    case .string(let text) where text.hasPrefix("/") && text.count > 1:
      .string(text.split(separator: "/").last.map(String.init) ?? text)
    case .array(let elements): .array(elements.map(withoutFolders))
    case .object(let members):
      .object(
        members.map { member in
          // A log's name may be a relative path too.
          if member.name == "source", let text = member.value.text {
            return JSONValue.Member("source", .string(text.split(separator: "/").last.map(String.init) ?? text))
          }
          return JSONValue.Member(member.name, withoutFolders(member.value))
        })
    default: value
    }
  }
}
