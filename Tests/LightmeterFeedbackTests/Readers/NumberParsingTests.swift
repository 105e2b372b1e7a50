import LightmeterKernels
import Testing

@testable import LightmeterFeedback

@Suite struct NumberParsingTests {
  static func parse<T>(_ text: String, _ body: (UnsafePointer<UInt8>, Int, Int) -> T?) -> T? {
    let bytes = Array(text.utf8) + [0]
    return bytes.withUnsafeBufferPointer { body($0.baseAddress!, 0, bytes.count - 1) }
  }

  @Test func decimalsAgreeWithTheStandardLibrary() {
    var generator = SeededGenerator(seed: 11, stream: .split)
    for _ in 0..<3000 {
      let digits = generator.below(20) + 1
      var text = generator.below(2) == 0 ? "" : "-"
      let point = generator.below(digits + 1)
      for k in 0..<digits {
        if k == point { text += "." }
        text += String(generator.below(10))
      }
      if generator.below(4) == 0 { text += "e\(generator.below(40) - 20)" }
      #expect(Self.parse(text, NumberParsing.decimal) == Double(text), "\(text)")
    }
  }

  @Test(arguments: ["", " ", "-", ".", "nan", "inf", "0x10", "1e", "1.2.3", "4,5", "1e999", "--1", "1 2", "e5", "5a"])
  func whatIsNoFiniteNumberIsRefused(text: String) {
    #expect(Self.parse(text, NumberParsing.decimal) == nil)
    #expect(Self.parse(text, NumberParsing.whole) == nil)
  }

  @Test func spacesAroundNumbersDoNotCount() {
    #expect(Self.parse("  3.5 ", NumberParsing.decimal) == 3.5)
    #expect(Self.parse(" 12 ", NumberParsing.whole) == 12)
    #expect(Self.parse("+2", NumberParsing.decimal) == 2)
  }

  @Test func wholeNumbersKeepAllDigitsAndDropFractions() {
    #expect(Self.parse("1593878903438", NumberParsing.whole) == 1_593_878_903_438)
    #expect(Self.parse("-5", NumberParsing.whole) == -5)
    #expect(Self.parse("1593878903.438", NumberParsing.whole) == 1_593_878_903)
    #expect(Self.parse("-1.5", NumberParsing.whole) == -2)
    #expect(Self.parse("1e30", NumberParsing.whole) == nil)
    #expect(Self.parse("9223372036854775808", NumberParsing.whole) == nil)
  }

  @Test func flagsAreZeroOrOne() {
    for text in ["1", "1.0", "true", "True", "TRUE"] { #expect(Self.parse(text, NumberParsing.flag) == 1) }
    for text in ["0", "0.0", "false", "False"] { #expect(Self.parse(text, NumberParsing.flag) == 0) }
    for text in ["", "2", "0.5", "yes", "tru", "-1"] { #expect(Self.parse(text, NumberParsing.flag) == nil) }
  }
}
