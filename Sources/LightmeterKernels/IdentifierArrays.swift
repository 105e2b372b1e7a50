internal import CLightmeterKernels

/// Borrowed arrays of an identifier table, for lookups; valid only inside the closure that hands them out.
///
/// - Shapes: `text` (textCount bytes); `bases` (count / 64 + 1); `starts` (count + 1); `slots` (slotCount).
public struct IdentifierArrays {
  /// UTF-8 text of all ids, one after another.
  public var text: UnsafePointer<UInt8>
  /// Bytes of `text`.
  public var textCount: Int
  /// Where the first id of every 64 starts.
  public var bases: UnsafePointer<Int64>
  /// Where an id starts, counted from its base.
  public var starts: UnsafePointer<UInt32>
  /// 0 where free, else tag << bits | id + 1.
  public var slots: UnsafePointer<UInt32>
  /// Number of ids.
  public var count: Int
  /// Number of slots.
  public var slotCount: Int
  /// Bits of a slot that name the id.
  public var bits: UInt32

  /// Borrows arrays.
  public init(
    text: UnsafePointer<UInt8>, textCount: Int, bases: UnsafePointer<Int64>, starts: UnsafePointer<UInt32>,
    slots: UnsafePointer<UInt32>, count: Int, slotCount: Int, bits: UInt32
  ) {
    (self.text, self.textCount, self.bases, self.starts) = (text, textCount, bases, starts)
    (self.slots, self.count, self.slotCount, self.bits) = (slots, count, slotCount, bits)
  }

  var table: lm_identifiers {
    lm_identifiers(
      text: text, bases: bases, starts: starts, slots: slots, count: count, slotCount: slotCount, bits: bits)
  }

  /// The hash that places ids in `slots`; part of the model file's format, the same on every machine.
  ///
  ///     h = n · k0;   for every 8 whole bytes w (little-endian) but the last 1...8 bytes:   h = mix(h xor w, k1)
  ///     h = mix(h xor tail, k2);   mix(a, b) = high(a·b) xor low(a·b)
  ///     slot = (h >> 32) · slots >> 32, then the next free one;   tag = low 32 − bits bits of h
  ///
  /// The tail is the last 8 bytes where there are 8, which may overlap; else the last and first 4 bytes (n ≥ 4), or
  /// first, middle and last byte (n < 4).
  public static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var nothing: UInt8 = 0
    return bytes.baseAddress.map { lm_identifier_hash($0, bytes.count) } ?? lm_identifier_hash(&nothing, 0)
  }

  /// Bits that name one of `count` ids.
  public static func bits(for count: Int) -> UInt32 { UInt32(Int.bitWidth - count.leadingZeroBitCount) }

  /// Where an id's text stands.
  public func range(of id: Int) -> Range<Int> { start(of: id)..<start(of: id + 1) }

  /// Where an id's text starts.
  public func start(of id: Int) -> Int { Int(bases[id >> 6]) + Int(starts[id]) }

  /// The index of an id, or −1.
  public func find(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
    var table = self.table
    var nothing: UInt8 = 0
    return bytes.baseAddress.map { lm_identifier_find(&table, $0, bytes.count) }
      ?? lm_identifier_find(&table, &nothing, 0)
  }

  /// Puts ids that are in no slot yet into `slots`, which are those of these arrays.
  public func place(_ ids: Range<Int>, into slots: UnsafeMutablePointer<UInt32>) {
    var table = self.table
    lm_identifier_place(&table, slots, ids.lowerBound, ids.count)
  }

  /// What does not hold of these arrays, in words, or nil: order, text, every id in one slot, lookups of up to 4,096 ids.
  public func fault() -> String? {
    var table = self.table
    var place = 0
    switch UInt32(bitPattern: lm_identifiers_check_text(&table, textCount, &place)) {
    case LM_IDENTIFIERS_SOUND.rawValue: break
    case LM_IDENTIFIERS_START.rawValue: return "its ids do not start at 0"
    case LM_IDENTIFIERS_ORDER.rawValue: return "id \(place) starts or ends outside its place"
    case LM_IDENTIFIERS_END.rawValue: return "its ids end at \(place), its text at \(textCount)"
    case LM_IDENTIFIERS_INSIDE_CHARACTER.rawValue: return "id \(place) starts inside a character"
    default: return "its text is not UTF-8"
    }
    var seen = [UInt64](repeating: 0, count: count / 64 + 1)
    switch UInt32(bitPattern: lm_identifiers_check_slots(&table, &seen, &place)) {
    case LM_IDENTIFIERS_SOUND.rawValue: break
    case LM_IDENTIFIERS_TWICE.rawValue: return "its index names id \(place) twice"
    case LM_IDENTIFIERS_MISSING.rawValue: return "its index leaves out id \(place)"
    default: return "its index names an id wrongly"
    }
    for id in Swift.stride(from: 0, to: count, by: max(1, count / 4096)) {
      let range = self.range(of: id)
      let found = find(UnsafeBufferPointer(start: text + range.lowerBound, count: range.count))
      guard found == id else { return "its index finds \(found) for id \(id)" }
    }
    return nil
  }
}
