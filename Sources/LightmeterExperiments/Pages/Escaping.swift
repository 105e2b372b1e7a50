/// Text made safe for the language it is written into.
enum Escaping {
  /// For HTML and XML, in text and in double-quoted attributes; characters that XML forbids become U+FFFD.
  static func markup(_ text: String) -> String {
    var safe = ""
    safe.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": safe += "&amp;"
      case "<": safe += "&lt;"
      case ">": safe += "&gt;"
      case "\"": safe += "&quot;"
      case "'": safe += "&#39;"
      case "\t", "\n", "\r": safe.unicodeScalars.append(scalar)
      default: safe.unicodeScalars.append(isControl(scalar) ? "\u{FFFD}" : scalar)
      }
    }
    return safe
  }

  /// For one cell of a Markdown table.
  static func markdown(_ text: String) -> String {
    var safe = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\", "`", "*", "_", "[", "]", "|", "~": safe += "\\\(scalar)"
      case "&": safe += "&amp;"
      case "<": safe += "&lt;"
      case ">": safe += "&gt;"
      default: safe.unicodeScalars.append(oneLine(scalar))
      }
    }
    return safe
  }

  /// For LaTeX text with UTF-8 input; dashes, ± and comparison signs become commands.
  static func latex(_ text: String) -> String {
    var safe = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": safe += "\\textbackslash{}"
      case "{", "}", "$", "&", "#", "_", "%": safe += "\\\(scalar)"
      case "~": safe += "\\textasciitilde{}"
      case "^": safe += "\\textasciicircum{}"
      case "<": safe += "\\textless{}"
      case ">": safe += "\\textgreater{}"
      case "–": safe += "--"
      case "−": safe += "$-$"
      case "±": safe += "$\\pm$"
      case "×": safe += "$\\times$"
      case "≤": safe += "$\\leq$"
      case "≥": safe += "$\\geq$"
      default: safe.unicodeScalars.append(oneLine(scalar))
      }
    }
    return safe
  }

  /// For a terminal: one line, and no control character reaches the screen.
  static func terminal(_ text: String) -> String {
    var safe = ""
    for scalar in text.unicodeScalars { safe.unicodeScalars.append(oneLine(scalar)) }
    return safe
  }

  private static func oneLine(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    if scalar == "\t" || scalar == "\n" || scalar == "\r" { return " " }
    return isControl(scalar) ? "\u{FFFD}" : scalar
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value & 0xFFFE == 0xFFFE
  }
}
