#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
public import LightmeterKernels

/// A model file in memory: named tensors and a manifest that the rooms above fill. Resume states use it too.
///
/// On disk it is one safetensors file with four metadata keys: `format` = "lightmeter", `format_version` = "2",
/// `manifest`, and `digest`, a JSON object with the XXH64 of the manifest's UTF-8 text (`manifest`) and of every tensor
/// (`tensors`, by name: the text "F32 3,4\n" of type and shape, then the tensor's bytes), as 16 hexadecimal digits.
/// Version 2 stores identifier tables in another form than version 1, which is read too.
/// A reader ignores metadata keys and tensors that it does not know; a higher version it refuses.
public struct ModelContainer: Sendable {
  /// JSON text; opaque here.
  public var manifest: String
  /// Content by name.
  public var tensors: [String: Tensor]
  /// Tensors left in the file, by name.
  private var inPlace: [String: FileBytes] = [:]
  private var elements: [String: String] = [:]
  /// Where it was read from, for messages; empty for a container made in memory.
  public private(set) var path = ""

  /// The version that ``write(to:)`` writes and the highest that `read(_:verify:)` reads.
  public static let formatVersion = 2

  private struct Digest: Codable {
    var manifest: String
    var tensors: [String: String]
  }

  /// A container of `tensors` under `manifest`.
  public init(manifest: String, tensors: [String: Tensor] = [:]) {
    (self.manifest, self.tensors) = (manifest, tensors)
  }

  /// Writes the file whole or not at all: equal content gives equal bytes, and a failure leaves the old file.
  ///
  /// - Precondition: every tensor has as many numbers as its shape says.
  /// - Throws: `FileError` with the path and the system's reason.
  /// - Complexity: O(bytes) time; O(header) extra memory.
  public func write(to path: String) throws {
    let digest = Digest(
      manifest: Self.text(Self.hash(manifest)), tensors: tensors.mapValues { Self.text(Self.hash($0)) })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try SafetensorsFile.write(
      tensors,
      metadata: [
        "format": "lightmeter", "format_version": String(Self.formatVersion), "manifest": manifest,
        "digest": String(decoding: try encoder.encode(digest), as: UTF8.self),
      ],
      to: path)
  }

  /// Reads and checks a file.
  ///
  /// - Parameters:
  ///   - path: the model file.
  ///   - verify: false trusts the tensors' bytes and checks the manifest and the structure only.
  ///   - leavesInPlace: names of tensors that stay in the mapped file, for ``bytes(_:_:)``, and are not copied.
  /// - Throws: ``ModelFileError``: missing, some other file, cut off, altered, or of a newer version.
  /// - Complexity: O(bytes) time; the tensors' memory.
  public static func read(
    _ path: String, verify: Bool = true, leavesInPlace: (String) -> Bool = { _ in false }
  ) throws -> ModelContainer {
    try ModelContainer(SafetensorsFile(path), verify: verify, leavesInPlace: leavesInPlace)
  }

  /// The manifest alone, without reading a tensor; the same refusals, except that tensors are not checked.
  public static func manifest(of path: String) throws -> String {
    let file = try SafetensorsFile(path)
    return try checked(file).manifest
  }

  init(_ file: SafetensorsFile, verify: Bool, leavesInPlace: (String) -> Bool = { _ in false }) throws {
    let digest: Digest
    (manifest, digest) = try Self.checked(file)
    (tensors, path) = ([:], file.path)
    for name in Set(file.entries.keys).union(digest.tensors.keys).sorted() {
      guard let entry = file.entries[name], let expected = digest.tensors[name],
        !verify || Self.text(file.digest(entry)) == expected
      else { throw ModelFileError.altered(path: file.path, part: name) }
      if leavesInPlace(name) {
        (inPlace[name], elements[name]) = (file.bytes(name), entry.elementName)
      } else {
        tensors[name] = file.tensor(name)
      }
    }
  }

  private static func checked(_ file: SafetensorsFile) throws -> (manifest: String, digest: Digest) {
    guard file.metadata["format"] == "lightmeter" else {
      throw ModelFileError.notAModel(path: file.path, reason: "it is a safetensors file of another program")
    }
    guard let version = file.metadata["format_version"].flatMap({ Int($0) }), version >= 1 else {
      let found = file.metadata["format_version"] ?? "missing"
      throw ModelFileError.malformed(path: file.path, reason: "its format_version is \(found)")
    }
    guard version <= formatVersion else {
      throw ModelFileError.newerVersion(path: file.path, found: version, supported: formatVersion)
    }
    guard let manifest = file.metadata["manifest"], let recorded = file.metadata["digest"] else {
      throw ModelFileError.malformed(path: file.path, reason: "it lacks its manifest or its checksums")
    }
    guard let digest = try? JSONDecoder().decode(Digest.self, from: Data(recorded.utf8)) else {
      throw ModelFileError.malformed(path: file.path, reason: "its list of checksums is not readable")
    }
    guard text(hash(manifest)) == digest.manifest else {
      throw ModelFileError.altered(path: file.path, part: "manifest")
    }
    return (manifest, digest)
  }

  private static func hash(_ text: String) -> UInt64 {
    var hash = XXH64()
    hash.update(text)
    return hash.finish()
  }

  private static func hash(_ tensor: Tensor) -> UInt64 {
    var hash = XXH64()
    hash.update(SafetensorsFile.digestPrefix(element: tensor.element.rawValue, shape: tensor.shape))
    switch tensor {
    case .float32(let values, _): hash.update(values)
    case .float64(let values, _): hash.update(values)
    case .int32(let values, _): hash.update(values)
    case .int64(let values, _): hash.update(values)
    case .uint8(let values, _): hash.update(values)
    }
    return hash.finish()
  }

  private static func text(_ hash: UInt64) -> String {
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// Tensors by name with the type that the caller needs.
extension ModelContainer {
  /// The single-precision tensor `name`; with `shape`, it must have that shape.
  ///
  /// - Throws: ``ModelFileError`` `missingTensor` or `unexpectedTensor`.
  public func float32(_ name: String, shape: [Int]? = nil) throws -> [Float] {
    let tensor = try named(name)
    guard case .float32(let values, let found) = tensor, shape == nil || shape == found else {
      throw unexpected(name, tensor, .float32, shape)
    }
    return values
  }

  /// The double-precision tensor `name`; see ``float32(_:shape:)``.
  public func float64(_ name: String, shape: [Int]? = nil) throws -> [Double] {
    let tensor = try named(name)
    guard case .float64(let values, let found) = tensor, shape == nil || shape == found else {
      throw unexpected(name, tensor, .float64, shape)
    }
    return values
  }

  /// The 32-bit integer tensor `name`; see ``float32(_:shape:)``.
  public func int32(_ name: String, shape: [Int]? = nil) throws -> [Int32] {
    let tensor = try named(name)
    guard case .int32(let values, let found) = tensor, shape == nil || shape == found else {
      throw unexpected(name, tensor, .int32, shape)
    }
    return values
  }

  /// The 64-bit integer tensor `name`; see ``float32(_:shape:)``.
  public func int64(_ name: String, shape: [Int]? = nil) throws -> [Int64] {
    let tensor = try named(name)
    guard case .int64(let values, let found) = tensor, shape == nil || shape == found else {
      throw unexpected(name, tensor, .int64, shape)
    }
    return values
  }

  /// The byte tensor `name`; see ``float32(_:shape:)``.
  public func uint8(_ name: String, shape: [Int]? = nil) throws -> [UInt8] {
    let tensor = try named(name)
    guard case .uint8(let values, let found) = tensor, shape == nil || shape == found else {
      throw unexpected(name, tensor, .uint8, shape)
    }
    return values
  }

  /// The bytes of a tensor that was left in place.
  ///
  /// - Throws: ``ModelFileError`` `missingTensor` or `unexpectedTensor`.
  public func bytes(_ name: String, _ element: TensorElement) throws -> FileBytes {
    guard let bytes = inPlace[name], let found = elements[name] else {
      throw ModelFileError.missingTensor(path: path, tensor: name)
    }
    guard found == element.rawValue else {
      throw ModelFileError.unexpectedTensor(path: path, tensor: name, found: found, expected: element.rawValue)
    }
    return bytes
  }

  /// Whether a tensor of this name was read, copied or left in place.
  public func has(_ name: String) -> Bool { tensors[name] != nil || inPlace[name] != nil }

  private func named(_ name: String) throws -> Tensor {
    guard let tensor = tensors[name] else { throw ModelFileError.missingTensor(path: path, tensor: name) }
    return tensor
  }

  private func unexpected(
    _ name: String, _ tensor: Tensor, _ element: TensorElement, _ shape: [Int]?
  ) -> ModelFileError {
    .unexpectedTensor(
      path: path, tensor: name, found: "\(tensor.element.rawValue) \(tensor.shape)",
      expected: "\(element.rawValue) \(shape.map { "\($0)" } ?? "of any shape")")
  }
}
