import Foundation
import LightmeterExperiments
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What every drawing and page must satisfy.
enum PagesChecks {
  /// The text parses as XML.
  static func expectWellFormed(_ text: String, _ name: String) {
    let parser = XMLParser(data: Data(text.utf8))
    #expect(parser.parse(), "\(name): \(parser.parserError.map { "\($0)" } ?? "") line \(parser.lineNumber)")
  }

  /// Every start tag of an HTML page has its end tag, in order; void elements aside.
  static func expectBalanced(_ html: String) throws {
    let voids: Set<Substring> = ["meta", "link", "!DOCTYPE"]
    var open: [Substring] = []
    var rest = html[...]
    while let start = rest.firstIndex(of: "<") {
      rest = rest[rest.index(after: start)...]
      let end = try #require(rest.firstIndex(of: ">"), "A tag is not closed: \(rest.prefix(60))")
      let tag = rest[..<end]
      #expect(!tag.contains("<"), "A tag within a tag: \(tag.prefix(60))")
      let name = tag.prefix { !$0.isWhitespace && $0 != "/" }
      if tag.hasPrefix("/") {
        let innermost = open.popLast()
        let last = try #require(innermost, "Nothing is open before \(tag)")
        try #require(last == tag.dropFirst(), "\(last) is closed by \(tag)")
      } else if !tag.hasSuffix("/"), !voids.contains(name) {
        open.append(name)
      }
      rest = rest[rest.index(after: end)...]
    }
    #expect(open.isEmpty, "Left open: \(open)")
  }

  /// Well-formed, finite, every label inside the drawing, no two labels on each other, the legend off the data.
  static func expectSound(_ chart: any Chart, width: Double, _ name: String) {
    let drawing = chart.drawing(width: width)
    let text = drawing.standalone()
    expectWellFormed(text, name)
    for match in text.matches(of: /(?:d|x|y|x1|y1|cx|cy|r|width|height|viewBox|opacity)="([^"]*)"/) {
      let value = match.output.1.lowercased()
      #expect(!value.contains("nan") && !value.contains("inf") && !value.contains("–"), "\(name): \(value)")
    }
    #expect(text.contains("role=\"img\"") && text.contains("aria-label=\""), "\(name)")
    let page = LayoutBox(minX: 0, minY: 0, maxX: drawing.width, maxY: drawing.height)
    for label in drawing.labels {
      #expect(page.contains(label.box), "\(name) at \(width): \(label.text) leaves the drawing, \(label.box)")
    }
    for (index, one) in drawing.labels.enumerated() {
      for other in drawing.labels[(index + 1)...] {
        #expect(!one.box.overlaps(other.box), "\(name) at \(width): \(one.text) overlaps \(other.text)")
      }
    }
    for area in drawing.plotAreas {
      #expect(page.contains(area) && area.width > 60, "\(name) at \(width): plot area \(area)")
      if let legend = drawing.legendBox {
        #expect(page.contains(legend), "\(name) at \(width): the legend leaves the drawing, \(legend)")
        #expect(!legend.overlaps(area), "\(name) at \(width): the legend lies on the data.")
      }
    }
  }
}
