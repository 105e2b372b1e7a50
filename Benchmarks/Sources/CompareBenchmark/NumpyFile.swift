import Foundation

/// A number type that NumPy knows.
protocol NumpyElement: BitwiseCopyable {
  /// Its name in the header of an `.npy` file.
  static var numpyName: String { get }
}

extension Float: NumpyElement { static var numpyName: String { "<f4" } }
extension Double: NumpyElement { static var numpyName: String { "<f8" } }
extension Int32: NumpyElement { static var numpyName: String { "<i4" } }
extension Int64: NumpyElement { static var numpyName: String { "<i8" } }
extension UInt8: NumpyElement { static var numpyName: String { "|u1" } }

/// Writes arrays as NumPy reads them, format version 1.0, row-major.
struct NumpyFolder {
  let path: String

  init(_ path: String) throws {
    self.path = path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  func write<E: NumpyElement>(_ values: [E], shape: [Int], as name: String) throws {
    precondition(values.count == shape.reduce(1, *), "\(values.count) values are no array of shape \(shape)")
    let sizes = shape.map { "\($0)," }.joined(separator: " ")
    var header = "{'descr': '\(E.numpyName)', 'fortran_order': False, 'shape': (\(sizes)), }"
    // Magic, version, length and header together are a multiple of 64 bytes.
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    data.append(contentsOf: [UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8)])
    data.append(contentsOf: header.utf8)
    values.withUnsafeBytes { data.append(contentsOf: $0) }
    try data.write(to: URL(fileURLWithPath: "\(path)/\(name).npy"))
  }
}
