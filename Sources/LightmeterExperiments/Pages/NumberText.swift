/// Numbers as text, with the same bytes on every machine.
public enum NumberText {
  /// What stands where a number is missing, NaN or infinite.
  public static let absent = "–"

  /// A number with a fixed count of decimals; ``absent`` if it is not finite.
  ///
  /// - Precondition: `places` in 0...15.
  /// - Numerics: ties of the binary product round away from zero; magnitudes above 2⁵³ after scaling keep Swift's
  ///   shortest form. Minus zero loses its sign.
  public static func fixed(_ value: Double, places: Int) -> String {
    precondition((0...15).contains(places), "Decimal places must lie in 0...15, not \(places).")
    guard value.isFinite else { return absent }
    let scale = powerOfTen(places)
    let scaled = (value.magnitude * scale).rounded(.toNearestOrAwayFromZero)
    guard scaled < 9_007_199_254_740_992 else { return "\(value)" }
    var digits = String(Int64(scaled))
    if places > 0 {
      digits = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
      digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -places))
    }
    return value < 0 && scaled > 0 ? "-" + digits : digits
  }

  /// A number with about four significant digits, or as many as asked for, for hover texts and captions.
  ///
  /// - Precondition: `digits` in 1...8.
  public static func short(_ value: Double, digits: Int = 4) -> String {
    precondition((1...8).contains(digits), "Significant digits must lie in 1...8, not \(digits).")
    guard value.isFinite else { return absent }
    let size = value.magnitude
    if size == 0 { return "0" }
    if size >= 1e15 || size < 1e-6 { return scientific(value) }
    var places = digits - 1
    var bound = 1.0
    while places > 0, size >= bound * 10 {
      places -= 1
      bound *= 10
    }
    bound = 1
    while places < digits + 5, size < bound {
      places += 1
      bound /= 10
    }
    return trimmed(fixed(value, places: places))
  }

  /// Swift's shortest text that reads back as the same number; empty if it is not finite.
  public static func exact(_ value: Double) -> String {
    guard value.isFinite else { return "" }
    let text = "\(value)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// A whole number with its digits in groups of three, `1,234,567`.
  public static func grouped(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// A drawing coordinate: two decimals at most, no trailing zeros.
  static func coordinate(_ value: Double, places: Int = 2) -> String {
    precondition(value.isFinite, "A coordinate must be finite.")
    return trimmed(fixed(value, places: places))
  }

  /// Ten to a whole power; exact up to 22, correctly rounded down to −22.
  static func powerOfTen(_ exponent: Int) -> Double {
    var power = 1.0
    for _ in 0..<abs(exponent) { power *= 10 }
    return exponent < 0 ? 1 / power : power
  }

  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var kept = Substring(text)
    while kept.hasSuffix("0") { kept.removeLast() }
    if kept.hasSuffix(".") { kept.removeLast() }
    return String(kept)
  }

  private static func scientific(_ value: Double) -> String {
    var mantissa = value
    var exponent = 0
    while mantissa.magnitude >= 10 {
      mantissa /= 10
      exponent += 1
    }
    while mantissa.magnitude < 1 {
      mantissa *= 10
      exponent -= 1
    }
    return "\(trimmed(fixed(mantissa, places: 2)))e\(exponent)"
  }
}
