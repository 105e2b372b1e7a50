#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

#if _endian(big)
  #error("Model files hold little-endian numbers, which are written and read as memory.")
#endif

/// One tensor in a safetensors header.
public struct TensorEntry: Equatable, Sendable {
  /// The element type's name as the file has it; may be one that ``TensorElement`` lacks.
  public let elementName: String
  /// Extent of every dimension.
  public let shape: [Int]
  /// Where the bytes are, counted from the end of the header.
  public let range: Range<Int>

  /// The element type, or nil when it is one that this library does not read.
  public var element: TensorElement? { TensorElement(rawValue: elementName) }
}

/// A refused header, before a path is put to it.
enum HeaderFailure: Error {
  case malformed(String)
  case shortFile(expected: Int)
}

/// The JSON at the start of a safetensors file.
struct SafetensorsHeader: Codable {
  var metadata: [String: String] = [:]
  var tensors: [String: TensorEntry] = [:]
  /// Names met while decoding, in all objects: fewer than the text has where a name stands twice.
  private var members = 0

  static let metadataKey = "__metadata__"
  /// The limit of the format's reference implementation.
  static let longest = 100_000_000

  init(metadata: [String: String], tensors: [String: TensorEntry]) {
    (self.metadata, self.tensors) = (metadata, tensors)
  }

  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  private enum Field: String, CodingKey, CaseIterable {
    case element = "dtype"
    case shape
    case offsets = "data_offsets"
  }

  init(from decoder: any Decoder) throws {
    let names = try decoder.container(keyedBy: Name.self)
    members = names.allKeys.count
    for name in names.allKeys {
      if name.stringValue == Self.metadataKey {
        metadata = try names.decode([String: String].self, forKey: name)
        members += metadata.count
        continue
      }
      let entry = try names.nestedContainer(keyedBy: Field.self, forKey: name)
      members += entry.allKeys.count
      let offsets = try entry.decode([Int].self, forKey: .offsets)
      guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1] else {
        throw HeaderFailure.malformed("tensor '\(name.stringValue)' has the impossible data_offsets \(offsets)")
      }
      tensors[name.stringValue] = TensorEntry(
        elementName: try entry.decode(String.self, forKey: .element),
        shape: try entry.decode([Int].self, forKey: .shape), range: offsets[0]..<offsets[1])
    }
  }

  func encode(to encoder: any Encoder) throws {
    var names = encoder.container(keyedBy: Name.self)
    if !metadata.isEmpty { try names.encode(metadata, forKey: Name(stringValue: Self.metadataKey)) }
    for (name, tensor) in tensors {
      var entry = names.nestedContainer(keyedBy: Field.self, forKey: Name(stringValue: name))
      try entry.encode(tensor.elementName, forKey: .element)
      try entry.encode(tensor.shape, forKey: .shape)
      try entry.encode([tensor.range.lowerBound, tensor.range.upperBound], forKey: .offsets)
    }
  }

  /// The header's bytes, filled up with spaces to a multiple of 8; equal headers give equal bytes.
  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var text = [UInt8](try encoder.encode(self))
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    return text
  }

  /// Reads a header and checks it against the number of bytes that follow it.
  static func decoded(_ text: [UInt8], dataCount: Int) throws -> SafetensorsHeader {
    let members = try countMembers(text)
    let header: SafetensorsHeader
    do {
      header = try JSONDecoder().decode(SafetensorsHeader.self, from: Data(text))
    } catch let failure as HeaderFailure {
      throw failure
    } catch let error as DecodingError {
      throw HeaderFailure.malformed(explain(error))
    } catch {
      throw HeaderFailure.malformed("it is not the expected JSON")
    }
    guard header.members == members else {
      throw HeaderFailure.malformed("it names something twice or has fields that the format does not know")
    }
    try header.checkLayout(dataCount: dataCount, headerCount: text.count)
    return header
  }

  /// Counts the "name: value" pairs of all objects and refuses what could trouble a JSON reader: other encodings and
  /// deep nesting. Whether the text is JSON at all is the decoder's to say.
  private static func countMembers(_ text: [UInt8]) throws -> Int {
    guard String(validating: text, as: UTF8.self) != nil else {
      throw HeaderFailure.malformed("it is not UTF-8 text")
    }
    var (members, depth) = (0, 0)
    var (inString, escaped) = (false, false)
    for byte in text {
      guard byte >= 0x20 || (!inString && [0x09, 0x0A, 0x0D].contains(byte)) else {
        throw HeaderFailure.malformed("it has the control character \(byte)")
      }
      if inString {
        if escaped {
          escaped = false
        } else if byte == UInt8(ascii: "\\") {
          escaped = true
        } else if byte == UInt8(ascii: "\"") {
          inString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): inString = true
      case UInt8(ascii: ":"): members += 1
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        guard depth <= 3 else { throw HeaderFailure.malformed("it nests deeper than the format does") }
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      default: break
      }
    }
    return members
  }

  private static func explain(_ error: DecodingError) -> String {
    let context: DecodingError.Context
    switch error {
    case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found),
      .dataCorrupted(let found):
      context = found
    @unknown default: return "it is not the expected JSON"
    }
    let place = context.codingPath.map(\.stringValue).joined(separator: "/")
    return place.isEmpty ? "it is not the expected JSON" : "'\(place)' is not what the format asks for"
  }

  /// The tensors must fill the data from end to end, each as long as its shape says.
  private func checkLayout(dataCount: Int, headerCount: Int) throws {
    let byOffset = tensors.sorted {
      ($0.value.range.lowerBound, $0.value.range.upperBound, $0.key)
        < ($1.value.range.lowerBound, $1.value.range.upperBound, $1.key)
    }
    var end = 0
    for (name, entry) in byOffset {
      guard entry.range.lowerBound == end else {
        let what = entry.range.lowerBound < end ? "overlaps the one before it" : "leaves a gap before it"
        throw HeaderFailure.malformed("tensor '\(name)' \(what)")
      }
      end = entry.range.upperBound
      try checkShape(entry, name: name)
    }
    if end > dataCount {
      let (expected, overflow) = end.addingReportingOverflow(8 + headerCount)
      throw overflow
        ? HeaderFailure.malformed("it speaks of \(end) bytes of data") : HeaderFailure.shortFile(expected: expected)
    }
    guard end == dataCount else {
      throw HeaderFailure.malformed("\(dataCount - end) bytes follow the last tensor")
    }
  }

  private func checkShape(_ entry: TensorEntry, name: String) throws {
    var count = 1
    for extent in entry.shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard extent >= 0 && !overflow else {
        throw HeaderFailure.malformed("tensor '\(name)' has the impossible shape \(entry.shape)")
      }
      count = product
    }
    guard let element = entry.element else { return }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: element.byteCount)
    guard !overflow && bytes == entry.range.count else {
      throw HeaderFailure.malformed(
        "tensor '\(name)' of shape \(entry.shape) and type \(entry.elementName) does not fill its "
          + "\(entry.range.count) bytes")
    }
  }
}
