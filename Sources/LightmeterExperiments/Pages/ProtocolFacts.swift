internal import LightmeterEvaluation

extension ProtocolCard {
  /// The lines of the card as names and values.
  var facts: [Page.Fact] {
    description.split(separator: "\n").map { line in
      let cut = line.firstIndex { $0 == ":" || $0 == " " } ?? line.startIndex
      return Page.Fact(String(line[..<cut]), String(line[line.index(after: cut)...].drop { $0 == " " }))
    }
  }
}
