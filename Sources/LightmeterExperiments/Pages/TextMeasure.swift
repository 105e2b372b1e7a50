/// Estimated widths of sans-serif text, and ways to make text fit.
///
/// The advances are those of DejaVu Sans, the widest of the fonts that browsers fall back to, so text set in Helvetica,
/// Arial, Roboto or Segoe takes less room than was kept for it.
enum TextMeasure {
  /// The width of one line of text, in pixels.
  static func width(_ text: String, size: Double, bold: Bool = false) -> Double {
    var thousandths = 0
    for scalar in text.unicodeScalars { thousandths += advance(scalar) }
    return Double(thousandths) / 1000 * size * (bold ? 1.15 : 1)
  }

  /// The columns that text takes in a terminal: 0 for combining marks, 2 for wide scripts and pictographs, else 1.
  static func columns(_ text: String) -> Int {
    var sum = 0
    for scalar in text.unicodeScalars { sum += isCombining(scalar) ? 0 : isWide(scalar) ? 2 : 1 }
    return sum
  }

  /// The text itself, or its start and end around an ellipsis so that it is no wider than `limit`.
  ///
  /// The end is kept because method names often differ only there.
  static func fitted(_ text: String, size: Double, limit: Double, bold: Bool = false) -> String {
    if width(text, size: size, bold: bold) <= limit { return text }
    let characters = Array(text)
    var kept = characters.count - 1
    while kept > 0 {
      let head = (kept + 1) / 2
      let shortened = String(characters[..<head]) + "…" + String(characters[(characters.count - (kept - head))...])
      if width(shortened, size: size, bold: bold) <= limit { return shortened }
      kept -= 1
    }
    return "…"
  }

  /// The text in lines no wider than `limit`, broken at spaces; the last allowed line is shortened if need be.
  static func wrapped(_ text: String, size: Double, limit: Double, lines: Int, bold: Bool = false) -> [String] {
    var result: [String] = []
    var line = ""
    for word in text.split(whereSeparator: \.isWhitespace) {
      let longer = line.isEmpty ? String(word) : line + " " + word
      if line.isEmpty || result.count == lines - 1 || width(longer, size: size, bold: bold) <= limit {
        line = longer
      } else {
        result.append(line)
        line = String(word)
      }
    }
    if !line.isEmpty { result.append(line) }
    return result.map { fitted($0, size: size, limit: limit, bold: bold) }
  }

  private static func advance(_ scalar: Unicode.Scalar) -> Int {
    let value = Int(scalar.value)
    if (32..<127).contains(value) { return ascii[value - 32] }
    if isCombining(scalar) { return 0 }
    if isWide(scalar) { return value >= 0x1F000 ? 1300 : 1000 }
    if scalar == "–" || scalar == "†" { return 500 }
    return value < 0x0400 ? 790 : 1000
  }

  private static func isCombining(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: true
    default: false
    }
  }

  private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
      0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      true
    default: false
    }
  }

  private static let ascii = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636,
    636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863,
    748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635,
    615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636,
    337, 636, 838,
  ]
}
