/// A page of the Prometheus text format, version 0.0.4.
struct MetricsText {
  private(set) var text = ""

  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// A label's value between its quotes.
  static func escaped(_ value: String) -> String {
    String(
      value.flatMap { character -> [Character] in
        switch character {
        case "\\": ["\\", "\\"]
        case "\"": ["\\", "\""]
        case "\n": ["\\", "n"]
        default: [character]
        }
      })
  }

  mutating func family(_ name: String, _ type: String, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  mutating func sample(_ name: String, _ labels: String = "", _ value: Double) {
    let number = Int(exactly: value).map { "\($0)" } ?? "\(value)"
    text += labels.isEmpty ? "\(name) \(number)\n" : "\(name){\(labels)} \(number)\n"
  }

  mutating func gauge(_ name: String, _ help: String, _ value: Double, labels: String = "") {
    family(name, "gauge", help)
    sample(name, labels, value)
  }
}
