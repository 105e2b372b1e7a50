/// Fields of comma-separated lines.
public enum CSVField {
  /// The text as one field: in quotes, its own ones doubled, where it holds a comma, a quote or the end of a line, or
  /// begins or ends with a space, which a reader may trim.
  public static func quoted(_ text: String) -> String {
    // By scalars: a quote with an accent after it is one Character, and none that equals a quote.
    let scalars = text.unicodeScalars
    let special = scalars.contains { $0 == "," || $0 == "\"" || $0 == "\n" || $0 == "\r" }
    guard special || scalars.first == " " || scalars.last == " " else { return text }
    var field = "\""
    for scalar in scalars {
      if scalar == "\"" { field.unicodeScalars.append(scalar) }
      field.unicodeScalars.append(scalar)
    }
    field.unicodeScalars.append("\"")
    return field
  }

  /// The fields of one line without its end, their quotes taken off.
  public static func split(_ line: Substring) -> [String] {
    var (fields, field, isQuoted, isDoubled) = ([String](), String.UnicodeScalarView(), false, false)
    for scalar in line.unicodeScalars {
      switch scalar {
      case "\"":
        // The second of two quotes within quotes stands for itself.
        if isDoubled { field.append(scalar) }
        isDoubled = isQuoted
        isQuoted.toggle()
        continue
      case "," where !isQuoted:
        fields.append(String(field))
        field.removeAll()
      default: field.append(scalar)
      }
      isDoubled = false
    }
    return fields + [String(field)]
  }
}
