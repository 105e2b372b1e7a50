/// Command lines as text that a shell takes.
enum CommandText {
  /// Words with quotes where a shell would split or change them.
  static func joined(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }

  /// One word in single quotes, unless it needs none.
  static func quoted(_ word: String) -> String {
    let plain = word.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: ":"),
        UInt8(ascii: "="), UInt8(ascii: ","), UInt8(ascii: "@"), UInt8(ascii: "+"), UInt8(ascii: "%"):
        true
      default: byte > 127
      }
    }
    if plain && !word.isEmpty { return word }
    return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }

  /// This process's own command line, with `flag` at its end if it is not there.
  static func own(adding flag: String? = nil) -> String {
    var words = ["lightmeter"] + CommandLine.arguments.dropFirst()
    if let flag, !words.contains(flag) { words.append(flag) }
    return joined(words)
  }
}

/// A run that was stopped and can go on: what was being done, what is kept, and the command that continues.
struct ResumableStop: Error, CustomStringConvertible {
  /// What was being done, what is kept.
  let state: String
  /// The command that continues.
  let command: String

  var description: String { "\(state); go on with\n  \(command)" }
}
