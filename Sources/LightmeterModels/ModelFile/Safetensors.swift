public import LightmeterKernels

/// A safetensors file: its metadata and, on demand, its tensors.
///
/// The file is mapped; a tensor is copied when it is asked for. Everything the header says is checked on opening: the
/// tensors fill the data from end to end without gap or overlap, each as long as its type and shape say.
///
/// - Throws: ``ModelFileError``.
/// - Source: the safetensors format of Hugging Face: 8 bytes of little-endian header length, a JSON object, the data.
public struct SafetensorsFile: Sendable {
  /// The free text that came with the tensors.
  public let metadata: [String: String]
  /// What the header says of every tensor, by name.
  public let entries: [String: TensorEntry]
  /// The path as given.
  public var path: String { file.path }
  private let file: MappedFile
  private let dataStart: Int

  /// Opens and checks `path`; reads no tensor.
  public init(_ path: String) throws {
    do {
      try self.init(MappedFile(path))
    } catch let error as FileError {
      throw error.isNotFound
        ? ModelFileError.notFound(path: path) : ModelFileError.unreadable(path: path, reason: error.description)
    }
  }

  init(_ file: MappedFile) throws {
    self.file = file
    let headerCount = try Self.headerCount(of: file)
    dataStart = 8 + headerCount
    do {
      let text = file.array(of: UInt8.self, in: 8..<dataStart)
      let header = try SafetensorsHeader.decoded(text, dataCount: file.count - dataStart)
      (metadata, entries) = (header.metadata, header.tensors)
    } catch HeaderFailure.malformed(let reason) {
      throw ModelFileError.malformed(path: file.path, reason: reason)
    } catch HeaderFailure.shortFile(let expected) {
      throw ModelFileError.truncated(path: file.path, bytes: file.count, expected: expected)
    }
  }

  /// The named tensor, copied out of the file; nil when there is none or when its type is none of ``TensorElement``.
  public func tensor(_ name: String) -> Tensor? {
    guard let entry = entries[name], let element = entry.element else { return nil }
    let range = entry.range.lowerBound + dataStart..<entry.range.upperBound + dataStart
    switch element {
    case .float32: return .float32(file.array(of: Float.self, in: range), shape: entry.shape)
    case .float64: return .float64(file.array(of: Double.self, in: range), shape: entry.shape)
    case .int32: return .int32(file.array(of: Int32.self, in: range), shape: entry.shape)
    case .int64: return .int64(file.array(of: Int64.self, in: range), shape: entry.shape)
    case .uint8: return .uint8(file.array(of: UInt8.self, in: range), shape: entry.shape)
    }
  }

  /// The bytes of the named tensor where they lie in the file; nil when there is none.
  public func bytes(_ name: String) -> FileBytes? {
    entries[name].map { FileBytes(file, $0.range.lowerBound + dataStart..<$0.range.upperBound + dataStart) }
  }

  /// The checksum of the named tensor as ``ModelContainer`` defines it, without copying.
  func digest(_ entry: TensorEntry) -> UInt64 {
    var hash = XXH64()
    hash.update(Self.digestPrefix(element: entry.elementName, shape: entry.shape))
    file.withBytes(entry.range.lowerBound + dataStart..<entry.range.upperBound + dataStart) { hash.update($0) }
    return hash.finish()
  }

  /// What precedes a tensor's bytes in its checksum, so that type and shape are covered too.
  static func digestPrefix(element: String, shape: [Int]) -> String {
    "\(element) \(shape.map(String.init).joined(separator: ","))\n"
  }

  private static func headerCount(of file: MappedFile) throws -> Int {
    guard file.count >= 8 else { throw ModelFileError.truncated(path: file.path, bytes: file.count, expected: 8) }
    let count = UInt64(littleEndian: file.array(of: UInt64.self, in: 0..<8)[0])
    let opening = file.count > 8 ? file.array(of: UInt8.self, in: 8..<9)[0] : UInt8(ascii: "{")
    guard opening == UInt8(ascii: "{") && count >= 2 && count <= UInt64(SafetensorsHeader.longest) else {
      throw ModelFileError.notAModel(path: file.path, reason: "it does not begin like a safetensors file")
    }
    guard Int(count) <= file.count - 8 else {
      throw ModelFileError.truncated(path: file.path, bytes: file.count, expected: 8 + Int(count))
    }
    return Int(count)
  }

  /// Writes `tensors` and `metadata` to `path`, whole or not at all.
  ///
  /// Wider types come first and names of one width in order, so every tensor is aligned and equal content gives equal
  /// bytes. The arrays go to the file as they are; nothing is copied.
  ///
  /// - Precondition: every tensor has as many numbers as its shape says; none is named `__metadata__`.
  /// - Throws: `FileError` with the path and the system's reason; the old file then stays.
  public static func write(_ tensors: [String: Tensor], metadata: [String: String], to path: String) throws {
    let ordered = tensors.sorted {
      ($1.value.element.byteCount, $0.key) < ($0.value.element.byteCount, $1.key)
    }
    var entries: [String: TensorEntry] = [:]
    var offset = 0
    for (name, tensor) in ordered {
      precondition(name != SafetensorsHeader.metadataKey, "Safetensors: a tensor cannot be named '\(name)'")
      precondition(
        tensor.shape.reduce(1, *) == tensor.count,
        "Safetensors: '\(name)' has \(tensor.count) numbers for the shape \(tensor.shape)")
      entries[name] = TensorEntry(
        elementName: tensor.element.rawValue, shape: tensor.shape, range: offset..<offset + tensor.byteCount)
      offset += tensor.byteCount
    }
    let header = try SafetensorsHeader(metadata: metadata, tensors: entries).encoded()
    let file = try AtomicFile(path)
    try file.write([UInt64(header.count).littleEndian])
    try file.write(header)
    for (_, tensor) in ordered {
      switch tensor {
      case .float32(let values, _): try file.write(values)
      case .float64(let values, _): try file.write(values)
      case .int32(let values, _): try file.write(values)
      case .int64(let values, _): try file.write(values)
      case .uint8(let values, _): try file.write(values)
      }
    }
    try file.commit()
  }
}
