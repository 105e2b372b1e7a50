#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
internal import LightmeterModels

/// Why a model was not exported.
public enum ExportError: Error, Equatable, CustomStringConvertible {
  /// The model is no dot product.
  case noVectors(String)
  /// A raw id does not fit the format.
  case impossibleId(String, what: String)
  /// An archive of 4 GiB or more.
  case tooLarge(bytes: Int)
  /// The folder could not be made.
  case noFolder(String)

  /// One sentence.
  public var description: String {
    switch self {
    case .noVectors(let reason):
      "this model has no vector per user and item: \(reason); export its lists with --format csv"
    case .impossibleId(let id, let what):
      "the id '\(id)' holds a character that ends \(what); export with --format npz or safetensors"
    case .tooLarge(let bytes):
      "an archive of \(MemoryShortage.text(bytes)) is beyond what plain zip holds (4 GiB); take --format npy or safetensors"
    case .noFolder(let path): "the folder '\(path)' cannot be made; name another place"
    }
  }
}

extension ModelExport {
  /// What a reader must know besides the arrays, as JSON.
  struct Description: Encodable {
    var lightmeter = lightmeterVersion
    var method: String?
    var users: Int
    var items: Int
    var dimension: Int
    var score = "intercept + user_biases[u] + item_biases[i] + user_factors[u] @ item_factors[i]"
    /// Python for the probability of relevance; nil where a score is none in disguise.
    var relevance: String?
    /// Squared length of the vectors for distance indexes.
    var largestSquare: Double?
  }

  static func description(
    of factors: FactorModel, dimension: Int, manifest: String, largestSquare: Double?
  ) throws -> String {
    let relevance: String? =
      switch factors.meaning {
      case .logit: "1 / (1 + exp(-score))"
      case .centred: "minimum(maximum((1 + score) / 2, 0), 1)"
      case .ranking: nil
      }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(
      decoding: try encoder.encode(
        Description(
          method: ModelManifest(json: manifest)?.recipe.method, users: factors.userCount, items: factors.itemCount,
          dimension: dimension, relevance: relevance, largestSquare: largestSquare)), as: UTF8.self)
  }
}
