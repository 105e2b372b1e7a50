internal import LightmeterKernels

/// An array as NumPy reads it: format version 1.0, row-major, little-endian.
///
/// - Source: NumPy's format specification (NEP 1).
struct NumpyArray {
  private enum Content {
    case floats([Float])
    case text([UInt32])
  }

  private let content: Content
  /// Magic, version, description and padding: what precedes the numbers.
  let header: [UInt8]

  /// Numbers of a shape; an empty shape is one number.
  init(_ values: [Float], shape: [Int]) {
    precondition(values.count == shape.reduce(1, *), "\(values.count) values are no array of shape \(shape)")
    content = .floats(values)
    header = NumpyArray.header("<f4", shape)
  }

  /// Texts as a column of fixed width, four bytes a character, padded by zeros.
  init(_ ids: [String]) {
    let width = max(1, ids.reduce(0) { max($0, $1.unicodeScalars.count) })
    var points = [UInt32](repeating: 0, count: ids.count * width)
    for (place, id) in ids.enumerated() {
      for (k, scalar) in id.unicodeScalars.enumerated() { points[place * width + k] = scalar.value }
    }
    content = .text(points)
    header = NumpyArray.header("<U\(width)", [ids.count])
  }

  private static func header(_ kind: String, _ shape: [Int]) -> [UInt8] {
    let sizes = shape.map { "\($0)," }.joined(separator: " ")
    var text = "{'descr': '\(kind)', 'fortran_order': False, 'shape': (\(sizes)), }"
    // Magic, version, length and description together are a multiple of 64 bytes.
    text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
    let count = text.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(count & 255), UInt8(count >> 8)] + Array(text.utf8)
  }

  /// Bytes of header and numbers.
  var byteCount: Int {
    switch content {
    case .floats(let values): header.count + 4 * values.count
    case .text(let points): header.count + 4 * points.count
    }
  }

  /// CRC-32 of header and numbers.
  var checksum: UInt32 {
    var sum = CRC32()
    sum.update(header)
    switch content {
    case .floats(let values): sum.update(values)
    case .text(let points): sum.update(points)
    }
    return sum.value
  }

  /// Appends the whole array.
  func write(to file: AtomicFile) throws {
    try file.write(header)
    switch content {
    case .floats(let values): try file.write(values)
    case .text(let points): try file.write(points)
    }
  }

  /// Writes an `.npy` file, whole or not at all.
  func write(path: String) throws {
    let file = try AtomicFile(path)
    try write(to: file)
    try file.commit()
  }
}

/// A zip archive of NumPy arrays without compression: an `.npz` file.
///
/// - Source: PKWARE's APPNOTE, version 2.0 entries; no Zip64, so an archive ends at 4 GiB.
enum NumpyArchive {
  /// Writes the archive, whole or not at all; the entries stand in the given order and have no time of day.
  ///
  /// - Throws: ``ExportError/tooLarge(bytes:)`` from 4 GiB on.
  static func write(_ arrays: [(name: String, array: NumpyArray)], to path: String) throws {
    let total = arrays.reduce(22) { $0 + $1.array.byteCount + 2 * ($1.name.utf8.count + 4) + 76 }
    guard total < 1 << 32 else { throw ExportError.tooLarge(bytes: total) }
    let file = try AtomicFile(path)
    var directory: [UInt8] = []
    for (name, array) in arrays {
      let fields = entry(name: name + ".npy", size: array.byteCount, checksum: array.checksum)
      let offset = file.byteCount
      try file.write([0x50, 0x4B, 3, 4] + fields + Array((name + ".npy").utf8))
      try array.write(to: file)
      directory += [0x50, 0x4B, 1, 2] + bytes(UInt16(20)) + fields
      // Comment, disk, attributes.
      directory += [UInt8](repeating: 0, count: 10) + bytes(UInt32(offset)) + Array((name + ".npy").utf8)
    }
    let start = file.byteCount
    try file.write(directory)
    try file.write(
      [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + bytes(UInt16(arrays.count)) + bytes(UInt16(arrays.count))
        + bytes(UInt32(directory.count)) + bytes(UInt32(start)) + [0, 0])
    try file.commit()
  }

  /// What local header and directory have in common: version 2.0, stored, 1 January 1980.
  private static func entry(name: String, size: Int, checksum: UInt32) -> [UInt8] {
    var fields = bytes(UInt16(20)) + bytes(UInt16(0)) + bytes(UInt16(0)) + bytes(UInt16(0)) + bytes(UInt16(33))
    fields += bytes(checksum) + bytes(UInt32(size)) + bytes(UInt32(size))
    return fields + bytes(UInt16(name.utf8.count)) + bytes(UInt16(0))
  }

  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }
}
