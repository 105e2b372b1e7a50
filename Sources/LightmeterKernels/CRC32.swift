/// CRC-32 as zip archives check their entries, one after another.
///
/// - Source: ISO 3309, polynomial 0xEDB88320 reflected; eight bytes at a time would be faster, and disks are slower.
public struct CRC32: Sendable {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 0 ? value >> 1 : (value >> 1) ^ 0xEDB8_8320 }
  }

  private var state: UInt32 = 0xFFFF_FFFF

  /// The checksum of nothing.
  public init() {}

  /// Goes on with the memory of `values`, in the machine's byte order.
  public mutating func update<T: BitwiseCopyable>(_ values: [T]) {
    var state = state
    CRC32.table.withUnsafeBufferPointer { table in
      values.withUnsafeBytes { bytes in
        for byte in bytes { state = table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ (state >> 8) }
      }
    }
    self.state = state
  }

  /// The checksum of all so far.
  public var value: UInt32 { ~state }
}
