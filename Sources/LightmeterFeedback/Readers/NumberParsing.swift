/// Numbers from the bytes of a field; spaces around them do not count.
enum NumberParsing {
  /// A finite decimal number, or nil.
  ///
  /// - Numerics: up to 15 digits and 22 decimals are one exact division in Double, correctly rounded; the rest goes
  ///   through the standard library's correctly rounded parser.
  static func decimal(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Double? {
    var (p, end) = trimmed(base, start, end)
    let first = p
    var negative = false
    if p < end && (base[p] == 45 || base[p] == 43) {
      negative = base[p] == 45
      p += 1
    }
    var mantissa = 0
    var (digits, decimals) = (0, 0)
    var point = false
    while p < end {
      let c = base[p]
      if c &- 48 <= 9 {
        if digits < 18 { mantissa = mantissa * 10 + Int(c &- 48) }
        digits += 1
        if point { decimals += 1 }
      } else if c == 46 && !point {
        point = true
      } else {
        break
      }
      p += 1
    }
    if p == end && digits > 0 && digits <= 15 {
      let value = Double(mantissa) / powersOfTen[decimals]
      return negative ? -value : value
    }
    guard digits > 0, p == end || base[p] | 32 == 101 else { return nil }
    // The parser of the standard library also takes words and hexadecimal: only digits, signs, e and the point pass.
    for k in first..<end {
      let c = base[k]
      guard c &- 48 <= 9 || c == 46 || c == 43 || c == 45 || c | 32 == 101 else { return nil }
    }
    let text = String(decoding: UnsafeBufferPointer(start: base + first, count: end - first), as: UTF8.self)
    end = 0
    guard let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// A whole number; a decimal fraction is dropped towards minus infinity. Nil when it is no number or out of range.
  static func whole(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int64? {
    let (first, last) = trimmed(base, start, end)
    var p = first
    let negative = p < last && base[p] == 45
    if negative { p += 1 }
    var value: Int64 = 0
    let digitsFrom = p
    while p < last && base[p] &- 48 <= 9 && p - digitsFrom < 18 {
      value = value * 10 + Int64(base[p] &- 48)
      p += 1
    }
    if p == last && p > digitsFrom { return negative ? -value : value }
    guard let value = decimal(base, start, end)?.rounded(.down), abs(value) < 0x1p63 else { return nil }
    return Int64(value)
  }

  /// 0 or 1 from `0`, `1`, `0.0`, `1.0`, `true`, `false` in any letter case, or nil.
  static func flag(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> UInt8? {
    let (first, last) = trimmed(base, start, end)
    guard last > first else { return nil }
    if let value = decimal(base, first, last) { return value == 0 ? 0 : value == 1 ? 1 : nil }
    func reads(_ word: StaticString) -> Bool {
      guard last - first == word.utf8CodeUnitCount else { return false }
      return (first..<last).allSatisfy { base[$0] | 32 == word.utf8Start[$0 - first] }
    }
    return reads("true") ? 1 : reads("false") ? 0 : nil
  }

  private static func trimmed(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> (Int, Int) {
    var (start, end) = (start, end)
    while start < end && base[start] == 32 { start += 1 }
    while start < end && base[end - 1] == 32 { end -= 1 }
    return (start, end)
  }

  private static let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
  ]
}
