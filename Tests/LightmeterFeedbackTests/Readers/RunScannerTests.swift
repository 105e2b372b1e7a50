import LightmeterKernels
import Testing

@testable import LightmeterFeedback

@Suite struct RunScannerTests {
  private static let fields: [String] = [
    "1", "0", "007", "7", "12345678", "123456789", "999999999999999999", "1000000000000000000", "a", "user-0001234",
    "é",
    "日本", "3.5", "-1", "1e2", " 4", "\"q\"", "\"a\"\"b\"", "x\"y", "\"two\nlines\"", "nan", "",
  ]

  /// Mostly plain lines, now and then whatever the careful scanner has a word for.
  private static func text(_ generator: inout SeededGenerator, _ separator: String, oddity: Int) -> [UInt8] {
    var text = Array("user\(separator)item\(separator)rating\n".utf8)
    for _ in 0..<40 {
      let odd = generator.below(oddity) == 0
      let count = odd && generator.below(3) == 0 ? 1 + generator.below(4) : 3
      for field in 0..<count {
        if field > 0 { text += Array(separator.utf8) }
        if odd {
          text += Array(fields[generator.below(fields.count)].utf8)
        } else if field == 2 {
          text += Array(["1", "5", "2.5", "10"][generator.below(4)].utf8)
        } else {
          text += Array((generator.below(2) == 0 ? "id\(generator.below(30))" : "\(generator.below(30))").utf8)
        }
        if odd && generator.below(20) == 0 { text.append([0, 13, 0xFF][generator.below(3)]) }
      }
      if odd && generator.below(8) == 0 { text += [10] }
      text += generator.below(oddity) == 0 ? [13, 10] : [10]
    }
    if generator.below(3) == 0 { text.removeLast() }
    return text
  }

  private static func outcome(_ text: [UInt8], _ options: ReadOptions, scansRuns: Bool) throws -> (
    Interactions?, String
  ) {
    try withFile(text) { path in
      var reader = InteractionReader(options: options)
      reader.scansRuns = scansRuns
      do {
        var (log, report) = try reader.read(path: path)
        report.file = ""
        report.seconds = 0
        for k in report.skippedExamples.indices { report.skippedExamples[k].file = "" }
        return (log, "\(report)")
      } catch var error as ReadError {
        error.file = ""
        return (nil, "\(error)")
      }
    }
  }

  @Test(arguments: [BadLinePolicy.fail, .skip])
  func runsAndTheCarefulScannerGiveTheSameRowsAndErrors(policy: BadLinePolicy) throws {
    var generator = SeededGenerator(seed: 11, stream: .split)
    var (read, refused) = (0, 0)
    for round in 0..<60 {
      let delimiter = round % 3 == 0 ? Delimiter.tab : .comma
      let text = Self.text(&generator, delimiter.text, oddity: [4, 30, 1000][round % 3])
      let options = ReadOptions(
        format: TableFormat(delimiter: delimiter, header: true, quoting: round % 5 == 0 ? false : nil),
        onBadLine: policy)
      let careful = try Self.outcome(text, options, scansRuns: false)
      let runs = try Self.outcome(text, options, scansRuns: true)
      #expect(runs.0 == careful.0 && runs.1 == careful.1, "round \(round): \(runs.1) instead of \(careful.1)")
      if careful.0 == nil { refused += 1 } else { read += 1 }
    }
    #expect(read > 10 && (policy == .skip || refused > 10))
  }

  @Test func runsReadEveryColumn() throws {
    var text = "user,item,rating,weight,timestamp,shown,click,propensity,random\n"
    for row in 0..<2000 {
      text +=
        "u\(row % 70),\(row % 90),\(row % 5),0.5,\(1_700_000_000 + row),\(row % 2),\(row % 2),0.25,\(row / 1000)\n"
    }
    let careful = try Self.outcome(Array(text.utf8), ReadOptions(), scansRuns: false)
    let runs = try Self.outcome(Array(text.utf8), ReadOptions(), scansRuns: true)
    #expect(runs.0 == careful.0 && runs.1 == careful.1 && runs.0?.count == 2000)
    #expect(runs.0?.times?.last == 1_700_001_999)
  }
}
