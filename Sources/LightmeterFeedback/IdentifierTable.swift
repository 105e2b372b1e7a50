/// Raw ids ↔ indices, compact enough for 10⁷ string ids: one blob, offsets, an open-addressing index.
///
/// Indices are given in order of first appearance. The three arrays are what the model file stores, so a loaded table
/// needs no rebuilding.
///
/// - Shapes: `blob` (bytes of all ids, UTF-8, one after another); `offsets` (count + 1); `index` (a power of two, at
///   least twice `count`, or empty), −1 where a slot is free, linear probing from ``hash(_:)``.
/// - Complexity: O(1) expected per lookup; about 16 bytes per id beside its text.
/// - Stability: stable
public struct IdentifierTable: Sendable {
  /// The UTF-8 text of every id, in index order.
  public private(set) var blob: [UInt8] = []
  /// Where each id starts in ``blob``; the last entry is the blob's length.
  public private(set) var offsets: [Int64] = [0]
  /// Slots of the hash index: an id's index, or −1.
  public private(set) var index: [Int32] = []

  /// An empty table.
  public init() {}

  /// A table from the arrays of a model file.
  ///
  /// - Throws: ``IdentifierTableError`` when the arrays cannot be what ``blob``, ``offsets`` and ``index`` gave.
  /// - Complexity: O(bytes + slots); lookups are tried for up to 4,096 ids spread over the table.
  public init(blob: [UInt8], offsets: [Int64], index: [Int32]) throws(IdentifierTableError) {
    self.blob = blob
    self.offsets = offsets
    self.index = index
    try validateText()
    try validateIndex()
  }

  /// Number of ids.
  public var count: Int { offsets.count - 1 }

  /// The index of an id, which is added when it is new.
  public mutating func intern(_ name: String) -> Int32 {
    var name = name
    return name.withUTF8 { intern(bytes: $0) }
  }

  /// The index of a known id, or nil.
  public func index(of name: String) -> Int32? {
    var name = name
    let found = name.withUTF8 { find(bytes: $0) }
    return found < 0 ? nil : found
  }

  /// The id of an index.
  public subscript(index: Int) -> String { String(decoding: bytes(of: index), as: UTF8.self) }

  /// The UTF-8 text of an id, without a copy.
  public func bytes(of index: Int) -> ArraySlice<UInt8> { blob[Int(offsets[index])..<Int(offsets[index + 1])] }
}

extension IdentifierTable: Equatable {
  /// Same ids in the same order; how full the index is does not count.
  public static func == (a: IdentifierTable, b: IdentifierTable) -> Bool {
    a.offsets == b.offsets && a.blob == b.blob
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

// MARK: - Lookup

extension IdentifierTable {
  /// The hash that places ids in ``index``; part of the file format, the same on every machine.
  ///
  ///     h = n · k0;   for every 8 whole bytes w (little-endian) but the last 1...8 bytes:   h = mix(h xor w, k1)
  ///     h = mix(h xor tail, k2);   mix(a, b) = high(a·b) xor low(a·b)
  ///
  /// The tail is the last 8 bytes where there are 8, which may overlap; else the first and last 4 bytes (n ≥ 4), or
  /// first, middle and last byte (n < 4).
  @inline(__always)
  static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
    let count = bytes.count
    var h = UInt64(count) &* 0x9E37_79B9_7F4A_7C15
    guard count > 0 else { return mix(h, 0xE703_7ED1_A0B4_28DB) }
    let raw = UnsafeRawPointer(bytes.baseAddress!)
    var tail: UInt64
    if count >= 8 {
      var at = 0
      while at &+ 8 < count {
        let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        h = mix(h ^ word, 0xA076_1D64_78BD_642F)
        at &+= 8
      }
      tail = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
    } else if count >= 4 {
      let low = UInt32(littleEndian: raw.loadUnaligned(as: UInt32.self))
      let high = UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
      tail = UInt64(high) << 32 | UInt64(low)
    } else {
      tail = UInt64(bytes[0]) << 16 | UInt64(bytes[count >> 1]) << 8 | UInt64(bytes[count &- 1])
    }
    h = mix(h ^ tail, 0xE703_7ED1_A0B4_28DB)
    return h
  }

  @inline(__always)
  private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  /// Index of an id, or −1.
  @inline(__always)
  func find(bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
    guard !index.isEmpty else { return -1 }
    let mask = index.count &- 1
    var slot = Int(truncatingIfNeeded: IdentifierTable.hash(bytes)) & mask
    while true {
      let candidate = index[slot]
      if candidate < 0 { return -1 }
      if holds(bytes, at: Int(candidate)) { return candidate }
      slot = (slot &+ 1) & mask
    }
  }

  /// Whether the id of an index is this text.
  @inline(__always)
  func holds(_ bytes: UnsafeBufferPointer<UInt8>, at candidate: Int) -> Bool {
    let start = Int(offsets[candidate])
    guard Int(offsets[candidate &+ 1]) &- start == bytes.count else { return false }
    return blob.withUnsafeBufferPointer { text in
      var k = 0
      while k < bytes.count && text[start &+ k] == bytes[k] { k &+= 1 }
      return k == bytes.count
    }
  }

  /// The index of an id given as UTF-8 text, which is added when it is new.
  mutating func intern(bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
    let found = find(bytes: bytes)
    return found < 0 ? add(bytes: bytes) : found
  }

  /// Adds an id that ``find(bytes:)`` did not know.
  mutating func add(bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
    precondition(count < Int(Int32.max), "an identifier table holds at most \(Int32.max) ids")
    let new = Int32(count)
    blob.append(contentsOf: bytes)
    offsets.append(Int64(blob.count))
    if count * 2 > index.count {
      rebuildIndex(slots: max(16, index.count * 2))
    } else {
      place(new, hash: IdentifierTable.hash(bytes))
    }
    return new
  }

  private mutating func place(_ new: Int32, hash: UInt64) {
    let mask = index.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while index[slot] >= 0 { slot = (slot + 1) & mask }
    index[slot] = new
  }

  private mutating func rebuildIndex(slots: Int) {
    index = [Int32](repeating: -1, count: slots)
    for id in 0..<count { place(Int32(id), hash: hash(of: id)) }
  }

  private func hash(of id: Int) -> UInt64 {
    let range = Int(offsets[id])..<Int(offsets[id + 1])
    return blob.withUnsafeBufferPointer { IdentifierTable.hash(UnsafeBufferPointer(rebasing: $0[range])) }
  }
}

// MARK: - Validation

extension IdentifierTable {
  private func validateText() throws(IdentifierTableError) {
    guard let last = offsets.last, offsets[0] == 0 else { throw .damaged("its offsets do not start at 0") }
    guard last == Int64(blob.count) else {
      throw .damaged("its offsets end at \(last), its text at \(blob.count)")
    }
    guard count <= Int(Int32.max) else { throw .damaged("it lists \(count) ids, more than an index can name") }
    for id in 0..<count where offsets[id] > offsets[id + 1] {
      throw .damaged("id \(id) starts at \(offsets[id]) and ends at \(offsets[id + 1])")
    }
    for id in 0..<count where offsets[id] < last && blob[Int(offsets[id])] & 0xC0 == 0x80 {
      throw .damaged("id \(id) starts inside a character")
    }
    guard isUTF8(blob) else { throw .damaged("its text is not UTF-8") }
  }

  private func validateIndex() throws(IdentifierTableError) {
    guard count > 0 || !index.isEmpty else { return }
    guard index.count & (index.count - 1) == 0, index.count >= 2 * count, index.count > 0 else {
      throw .damaged("its index has \(index.count) slots for \(count) ids, not a power of two from twice as many")
    }
    var seen = [Bool](repeating: false, count: count)
    for entry in index where entry != -1 {
      guard entry >= 0, entry < count, !seen[Int(entry)] else {
        throw .damaged("its index names id \(entry) wrongly")
      }
      seen[Int(entry)] = true
    }
    for id in 0..<count where !seen[id] { throw .damaged("its index leaves out id \(id)") }
    for id in stride(from: 0, to: count, by: max(1, count / 4096)) {
      let range = Int(offsets[id])..<Int(offsets[id + 1])
      let found = blob.withUnsafeBufferPointer { find(bytes: UnsafeBufferPointer(rebasing: $0[range])) }
      guard found == id else { throw .damaged("its index finds \(found) for id \(id)") }
    }
  }
}

/// Whether bytes are well-formed UTF-8.
func isUTF8(_ bytes: some Sequence<UInt8>) -> Bool {
  if bytes.allSatisfy({ $0 < 128 }) { return true }
  var decoder = Unicode.UTF8.ForwardParser()
  var iterator = bytes.makeIterator()
  while true {
    switch decoder.parseScalar(from: &iterator) {
    case .valid: continue
    case .emptyInput: return true
    case .error: return false
    }
  }
}
