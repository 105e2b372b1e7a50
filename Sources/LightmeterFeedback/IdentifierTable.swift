internal import LightmeterKernels

/// Raw ids ↔ indices, compact enough for 10⁷ string ids and mapped from a model file as they are.
///
/// Indices are given in order of first appearance. A table is either built, by ``intern(_:)``, or stored: then its arrays
/// are pages of a file, looked up where they lie. Adding an id to a stored table copies it first.
///
/// - Shapes: text (bytes of all ids, UTF-8, one after another); bases (one per 64 ids) and starts (count + 1): an id
///   begins at bases[id / 64] + starts[id]; slots (open addressing, see `IdentifierArrays.hash`).
/// - Complexity: O(1) expected per lookup; beside the text about 9 bytes per id stored, 10 to 16 while it grows.
/// - Stability: stable
public struct IdentifierTable: Sendable {
  private var text: [UInt8] = []
  private var bases: [Int64] = [0]
  private var starts: [UInt32] = [0]
  private var slots: [UInt32] = []
  private var stored: StoredIdentifiers?
  /// Ids before the slots are built anew; settles how many bits of a slot name an id.
  private var room = 0

  /// An empty table.
  public init() {}

  /// A table over the arrays of a model file, which are looked up in place.
  ///
  /// - Throws: ``IdentifierTableError`` when the arrays cannot be what ``arrays()`` gave.
  /// - Complexity: O(bytes + slots) time once, for the checks; no memory beyond a bit per id.
  public init(stored: StoredIdentifiers) throws(IdentifierTableError) {
    self.stored = stored
    if let fault = stored.withArrays({ $0.fault() }) { throw .damaged(fault) }
  }

  /// A table of the ids that stand in `text` from each of `starts` to the next, the last of which ends the text.
  ///
  /// - Throws: ``IdentifierTableError`` when the starts do not cut the text into distinct ids of whole characters.
  public init(text: [UInt8], starts: [Int64]) throws(IdentifierTableError) {
    guard let last = starts.last, starts[0] == 0 else { throw .damaged("its ids do not start at 0") }
    guard last == Int64(text.count) else { throw .damaged("its ids end at \(last), its text at \(text.count)") }
    guard isUTF8(text) else { throw .damaged("its text is not UTF-8") }
    for id in 0..<starts.count - 1 {
      guard starts[id] >= 0, starts[id] <= starts[id + 1], starts[id + 1] <= last else {
        throw .damaged("id \(id) starts or ends outside its place")
      }
      let range = Int(starts[id])..<Int(starts[id + 1])
      guard range.lowerBound == text.count || text[range.lowerBound] & 0xC0 != 0x80 else {
        throw .damaged("id \(id) starts inside a character")
      }
      let index = text.withUnsafeBufferPointer { intern(bytes: UnsafeBufferPointer(rebasing: $0[range])) }
      guard index == id else { throw .damaged("id \(id) stands there twice") }
    }
  }

  /// Number of ids.
  public var count: Int { stored?.count ?? starts.count - 1 }

  /// Bytes of all ids' text.
  public var textBytes: Int { stored?.text.count ?? text.count }

  /// Whether the arrays are pages of a file rather than memory of their own.
  public var isMapped: Bool { stored?.isMapped ?? false }

  /// The index of an id, which is added when it is new.
  public mutating func intern(_ name: String) -> Int32 {
    var name = name
    return name.withUTF8 { intern(bytes: $0) }
  }

  /// The index of a known id, or nil.
  public func index(of name: String) -> Int32? {
    var name = name
    let found = name.withUTF8 { bytes in withArrays { $0.find(bytes) } }
    return found < 0 ? nil : found
  }

  /// The id of an index.
  public subscript(index: Int) -> String { String(decoding: bytes(of: index), as: UTF8.self) }

  /// The UTF-8 text of an id.
  public func bytes(of index: Int) -> [UInt8] { bytes(of: index..<index + 1) }

  /// The UTF-8 text of consecutive ids, one after another.
  public func bytes(of ids: Range<Int>) -> [UInt8] {
    precondition(ids.lowerBound >= 0 && ids.upperBound <= count, "ids \(ids) of a table of \(count)")
    return withArrays { arrays in
      let (start, end) = (arrays.start(of: ids.lowerBound), arrays.start(of: ids.upperBound))
      return Array(UnsafeBufferPointer(start: arrays.text + start, count: end - start))
    }
  }

  /// Where consecutive ids start in the text of all ids; index `count` gives its end.
  public func starts(of ids: Range<Int>) -> [Int64] {
    precondition(ids.lowerBound >= 0 && ids.upperBound <= count + 1, "starts \(ids) of a table of \(count)")
    return withArrays { arrays in ids.map { Int64(arrays.start(of: $0)) } }
  }

  /// Calls `body` with the arrays, for lookups.
  func withArrays<R>(_ body: (IdentifierArrays) -> R) -> R {
    if let stored { return stored.withArrays(body) }
    return text.withUnsafeBufferPointer { text in
      bases.withUnsafeBufferPointer { bases in
        starts.withUnsafeBufferPointer { starts in
          slots.withUnsafeBufferPointer { slots in
            // An empty array may have no address; its pointer is then never read.
            body(
              IdentifierArrays(
                text: text.baseAddress ?? UnsafePointer(bitPattern: 8)!, textCount: text.count,
                bases: bases.baseAddress!, starts: starts.baseAddress!,
                slots: slots.baseAddress ?? UnsafePointer(bitPattern: 8)!, count: starts.count - 1,
                slotCount: slots.count, bits: IdentifierArrays.bits(for: room)))
          }
        }
      }
    }
  }
}

extension IdentifierTable: Equatable {
  /// Same ids in the same order; how the index is laid out does not count.
  public static func == (a: IdentifierTable, b: IdentifierTable) -> Bool {
    guard a.count == b.count && a.textBytes == b.textBytes else { return false }
    return a.withArrays { a in
      b.withArrays { b in
        (0..<a.count).allSatisfy { a.start(of: $0) == b.start(of: $0) }
          && UnsafeBufferPointer(start: a.text, count: a.textCount)
            .elementsEqual(UnsafeBufferPointer(start: b.text, count: b.textCount))
      }
    }
  }
}

/// Arrays of a model file that are no identifier table.
public enum IdentifierTableError: Error, Equatable, CustomStringConvertible {
  /// What does not hold.
  case damaged(String)

  /// One sentence.
  public var description: String {
    switch self {
    case .damaged(let what): "the identifier table is damaged: \(what); take the file from its source again"
    }
  }
}

// MARK: - Growth

extension IdentifierTable {
  /// The index of an id given as UTF-8 text, or −1.
  func find(bytes: UnsafeBufferPointer<UInt8>) -> Int32 { withArrays { $0.find(bytes) } }

  /// The index of an id given as UTF-8 text, which is added when it is new.
  mutating func intern(bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
    let found = find(bytes: bytes)
    return found < 0 ? add(bytes: bytes) : found
  }

  /// Adds an id that ``find(bytes:)`` did not know.
  mutating func add(bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
    if let stored { own(stored) }
    let new = starts.count - 1
    precondition(new < Int(Int32.max) - 1, "an identifier table holds at most \(Int32.max - 1) ids")
    precondition(bytes.count < 1 << 25, "an id of \(bytes.count) bytes; an id has less than 32 MiB")
    text.append(contentsOf: bytes)
    if (new + 1) & 63 == 0 { bases.append(Int64(text.count)) }
    starts.append(UInt32(text.count - Int(bases[(new + 1) >> 6])))
    if new + 1 > room {
      layOut(room: max(8, room * 2))
    } else {
      place(new..<new + 1)
    }
    return Int32(new)
  }

  /// Builds the slots anew for `room` ids, two slots for every three ids and a third more.
  private mutating func layOut(room: Int) {
    self.room = min(room, Int(Int32.max))
    slots = [UInt32](repeating: 0, count: self.room + self.room / 2)
    place(0..<count)
  }

  private mutating func place(_ ids: Range<Int>) {
    var slots = exchange(&self.slots, [])
    slots.withUnsafeMutableBufferPointer { slots in
      withArrays { arrays in
        var arrays = arrays
        (arrays.slots, arrays.slotCount) = (UnsafePointer(slots.baseAddress!), slots.count)
        arrays.place(ids, into: slots.baseAddress!)
      }
    }
    self.slots = slots
  }

  /// Copies a stored table into memory of its own, so that it can grow.
  private mutating func own(_ stored: StoredIdentifiers) {
    let arrays = stored.copied()
    (text, bases, starts) = (arrays.text, arrays.bases, arrays.starts)
    self.stored = nil
    layOut(room: max(8, count + count / 2))
  }
}

private func exchange<T>(_ value: inout T, _ new: T) -> T {
  let old = value
  value = new
  return old
}

// MARK: - Storage

extension IdentifierTable {
  /// The arrays as a model file stores them: the same for the same ids, whatever way the table was built.
  ///
  /// - Shapes: text (bytes); bases (count / 64 + 1); starts (count + 1); slots (count + count / 4 + 1), of which
  ///   ``StoredIdentifiers/slotCount(for:)`` is the number.
  public func arrays() -> (text: [UInt8], bases: [Int64], starts: [UInt32], slots: [UInt32]) {
    if let stored { return stored.copied() }
    var compact = self
    compact.room = count
    compact.slots = [UInt32](repeating: 0, count: StoredIdentifiers.slotCount(for: count))
    compact.place(0..<count)
    return (text, bases, starts, compact.slots)
  }
}

/// Whether bytes are well-formed UTF-8.
func isUTF8(_ bytes: some Collection<UInt8>) -> Bool {
  bytes.withContiguousStorageIfAvailable { isWellFormedUTF8($0) } ?? isUTF8(Array(bytes))
}
