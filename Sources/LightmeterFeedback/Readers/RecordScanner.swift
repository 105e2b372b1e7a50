/// One field of a record: where its text stands in the block.
struct FieldSpan {
  /// First byte.
  var start: Int32
  /// One past the last byte.
  var end: Int32
  /// The value where the text is a plain integer without leading zeros, at most 18 digits; else one of the marks below.
  var integer: Int

  /// Text that is no such integer.
  static let text = -1
  /// Quoted text with doubled quotes inside.
  static let escaped = -2
}

/// What one call of the scanner found.
enum ScanOutcome: UInt8 {
  /// A record, in `fields`.
  case record
  /// A line without text.
  case blank
  /// A quoted field that is not closed before the limit.
  case unclosedQuote
  /// Text between a closing quote and the delimiter.
  case textAfterQuote
}

/// Cuts one record into fields in a single pass, reading plain integers on the way.
///
/// The byte before the limit must be a line feed: unquoted text then needs no bounds check.
struct RecordScanner {
  private let first: UInt8
  private let second: UInt8
  private let isDouble: Bool
  private let collapses: Bool
  private let quoting: Bool
  /// The first `capacity` fields of the last record.
  let fields: UnsafeMutablePointer<FieldSpan>
  private let capacity: Int
  /// How many fields the last record has.
  private(set) var count = 0
  /// Where the next record starts.
  private(set) var next = 0
  /// Line feeds inside quotes.
  private(set) var embeddedLines = 0
  /// Whether the last record has a NUL byte.
  private(set) var hasNUL = false

  /// - Parameter fields: room for `capacity` spans, owned by the caller.
  init(delimiter: Delimiter, quoting: Bool, fields: UnsafeMutablePointer<FieldSpan>, capacity: Int) {
    let text = Array(delimiter.text.utf8)
    first = text[0]
    second = text.count > 1 ? text[1] : 0
    isDouble = text.count > 1
    collapses = delimiter == .space
    self.quoting = quoting
    self.fields = fields
    self.capacity = capacity
  }

  @inline(__always)
  private func endsLine(_ base: UnsafePointer<UInt8>, _ p: Int, _ c: UInt8) -> Bool {
    c == 10 || (c == 13 && base[p &+ 1] == 10)
  }

  @inline(__always)
  private func endsField(_ base: UnsafePointer<UInt8>, _ p: Int, _ c: UInt8) -> Bool {
    (c == first && (!isDouble || base[p &+ 1] == second)) || endsLine(base, p, c)
  }

  /// Scans the record that starts at `from`.
  @inline(__always)
  mutating func scan(_ base: UnsafePointer<UInt8>, from: Int, limit: Int) -> ScanOutcome {
    var p = from
    var count = 0
    var nul = false
    var embedded = 0
    defer { (self.count, next, embeddedLines, hasNUL) = (count, p, embedded, nul) }
    if endsLine(base, p, base[p]) {
      p &+= base[p] == 10 ? 1 : 2
      return .blank
    }
    while true {
      if collapses {
        while base[p] == 32 { p &+= 1 }
        if endsLine(base, p, base[p]) { break }
      }
      var start = p
      var value = 0
      var c = base[p]
      while c &- 48 <= 9 {
        value = value &* 10 &+ Int(c &- 48)
        p &+= 1
        c = base[p]
      }
      let digits = p &- start
      var end = p
      if !endsField(base, p, c) {
        value = FieldSpan.text
        if quoting && c == 34 && digits == 0 {
          start = p &+ 1
          let closed = closingQuote(base, &p, limit, &embedded, &nul)
          guard let mark = closed else { return .unclosedQuote }
          value = mark
          end = p
          p &+= 1
          guard endsField(base, p, base[p]) else { return .textAfterQuote }
        } else {
          repeat {
            nul = nul || c == 0
            p &+= 1
            c = base[p]
          } while !endsField(base, p, c)
          end = p
        }
        c = base[p]
      } else if digits == 0 || digits > 18 || (digits > 1 && base[start] == 48) {
        value = FieldSpan.text
      }
      if count < capacity {
        fields[count] = FieldSpan(
          start: Int32(truncatingIfNeeded: start), end: Int32(truncatingIfNeeded: end), integer: value)
      }
      count &+= 1
      if c == 10 || c == 13 && endsLine(base, p, c) { break }
      p &+= isDouble ? 2 : 1
    }
    p &+= base[p] == 10 ? 1 : 2
    return count == 0 ? .blank : .record
  }

  /// Moves `p` from an opening quote to its closing one; nil where there is none before the limit.
  private func closingQuote(
    _ base: UnsafePointer<UInt8>, _ p: inout Int, _ limit: Int, _ embedded: inout Int, _ nul: inout Bool
  ) -> Int? {
    var mark = FieldSpan.text
    p += 1
    while p < limit {
      switch base[p] {
      case 34:
        guard base[p + 1] == 34 else { return mark }
        mark = FieldSpan.escaped
        p += 1
      case 10: embedded += 1
      case 0: nul = true
      default: break
      }
      p += 1
    }
    return nil
  }
}
