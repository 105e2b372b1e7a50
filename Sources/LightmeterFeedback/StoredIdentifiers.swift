public import LightmeterKernels

/// The arrays of an identifier table as they lie in a file, mapped or read.
///
/// - Stability: stable
public struct StoredIdentifiers: Sendable {
  /// UTF-8 text of all ids.
  let text: FileBytes
  let bases: FileBytes
  let starts: FileBytes
  let slots: FileBytes
  /// Number of ids.
  let count: Int

  /// Arrays of Int64 `bases`, UInt32 `starts` and `slots` in the machine's byte order.
  ///
  /// - Throws: ``IdentifierTableError`` when their sizes do not fit together.
  public init(text: FileBytes, bases: FileBytes, starts: FileBytes, slots: FileBytes) throws(IdentifierTableError) {
    count = starts.count / 4 - 1
    guard starts.count % 4 == 0, count >= 0, count < Int(Int32.max) else {
      throw .damaged("its starts take \(starts.count) bytes")
    }
    guard bases.count == 8 * (count / 64 + 1) else {
      throw .damaged("its bases take \(bases.count) bytes for \(count) ids")
    }
    guard slots.count == 4 * StoredIdentifiers.slotCount(for: count) else {
      throw .damaged("its index takes \(slots.count) bytes for \(count) ids")
    }
    self.text = text
    self.bases = bases.aligned(to: 8)
    self.starts = starts.aligned(to: 4)
    self.slots = slots.aligned(to: 4)
  }

  /// Slots of a stored table: a quarter more than ids, and one that is always free.
  public static func slotCount(for count: Int) -> Int { count + count / 4 + 1 }

  var isMapped: Bool { text.isMapped && slots.isMapped }

  func withArrays<R>(_ body: (IdentifierArrays) -> R) -> R {
    text.withUnsafeBytes { text in
      bases.withUnsafeBytes { bases in
        starts.withUnsafeBytes { starts in
          slots.withUnsafeBytes { slots in
            body(
              IdentifierArrays(
                text: text.assumingMemoryBound(to: UInt8.self), textCount: self.text.count,
                bases: bases.assumingMemoryBound(to: Int64.self), starts: starts.assumingMemoryBound(to: UInt32.self),
                slots: slots.assumingMemoryBound(to: UInt32.self), count: count, slotCount: self.slots.count / 4,
                bits: IdentifierArrays.bits(for: count)))
          }
        }
      }
    }
  }

  func copied() -> (text: [UInt8], bases: [Int64], starts: [UInt32], slots: [UInt32]) {
    (
      text.array(of: UInt8.self), bases.array(of: Int64.self), starts.array(of: UInt32.self),
      slots.array(of: UInt32.self)
    )
  }
}
