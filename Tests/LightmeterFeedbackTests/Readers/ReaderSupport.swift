@testable import LightmeterFeedback

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Writes bytes to a fresh temporary file, hands over its path, and removes it.
func withFile<R>(_ bytes: [UInt8], name: String = "log.txt", _ body: (String) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory.appending(path: "lightmeter-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let file = folder.appending(path: name)
  try Data(bytes).write(to: file)
  return try body(file.path)
}

/// Reads text as a file of the given name; messages name the file without its folder.
func readText(
  _ text: String, name: String = "log.csv", _ options: ReadOptions = ReadOptions()
) throws -> (interactions: Interactions, report: ReadReport) {
  try withFile(Array(text.utf8), name: name) { path in
    var (log, report) = try InteractionReader(options: options).read(path: path)
    for k in report.skippedExamples.indices { report.skippedExamples[k].file = name }
    return (log, report)
  }
}

/// The error that reading gives, or nil; it names the file without its folder.
func failure(
  _ bytes: [UInt8], name: String = "log.csv", _ options: ReadOptions = ReadOptions()
) throws -> ReadError? {
  try withFile(bytes, name: name) { path in
    do {
      _ = try InteractionReader(options: options).read(path: path)
      return nil
    } catch var error as ReadError {
      if error.file == path { error.file = name }
      return error
    }
  }
}

/// The error that reading text gives, or nil.
func failure(_ text: String, name: String = "log.csv", _ options: ReadOptions = ReadOptions()) throws -> ReadError? {
  try failure(Array(text.utf8), name: name, options)
}

extension Interactions {
  /// Rows as text "user item", in order.
  var pairs: [String] { (0..<count).map { "\(users[Int(userColumn[$0])]) \(items[Int(itemColumn[$0])])" } }
}

extension ReadOptions {
  /// Options with columns from the text of the flag.
  static func columns(_ text: String, header: Bool? = nil, _ policy: BadLinePolicy = .fail) throws -> ReadOptions {
    ReadOptions(
      format: TableFormat(header: header, columns: try TableFormat.columns(parsing: text)), onBadLine: policy)
  }
}

/// A gzip member that stores its text uncompressed.
func storedGzip(_ text: [UInt8]) -> [UInt8] {
  var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
  var start = 0
  repeat {
    let count = min(65535, text.count - start)
    let last: UInt8 = start + count == text.count ? 1 : 0
    let length = [UInt8(count & 255), UInt8(count >> 8)]
    bytes += [last] + length + length.map { ~$0 } + text[start..<start + count]
    start += count
  } while start < text.count
  var crc: UInt32 = .max
  for byte in text {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
  }
  for word in [~crc, UInt32(text.count)] {
    for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
  }
  return bytes
}

/// Reads a few bytes, less than a pipe holds, through a pipe.
func readThroughPipe(
  _ bytes: [UInt8], _ options: ReadOptions
) throws -> (interactions: Interactions, report: ReadReport) {
  var ends: [Int32] = [0, 0]
  precondition(pipe(&ends) == 0, "no pipe: errno \(errno)")
  let written = bytes.withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) }
  precondition(written == bytes.count, "the pipe took \(written) of \(bytes.count) bytes")
  close(ends[1])
  defer { close(ends[0]) }
  return try InteractionReader(options: options).read(descriptor: ends[0], name: "a pipe")
}
