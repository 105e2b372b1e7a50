import LightmeterKernels
import Testing

/// Fields that come back as they went in.
@Suite struct CSVFieldTests {
  @Test(arguments: [
    "a", "", " a", "a b", "a,b", "say \"x\"", "\"", "\"\"", "e\u{301}", "\"\u{301}x", ",\u{308}y", "\r\n",
  ])
  func aFieldComesBack(text: String) {
    let line = CSVField.quoted(text) + "," + CSVField.quoted("end") + "," + CSVField.quoted(text)
    #expect(CSVField.split(line[...]).map { Array($0.utf8) } == [text, "end", text].map { Array($0.utf8) })
  }

  @Test func quotesStandOnlyWhereTheyMust() {
    #expect(CSVField.quoted("a b") == "a b" && CSVField.quoted("a ") == "\"a \"")
    #expect(CSVField.quoted("a\"b") == "\"a\"\"b\"" && CSVField.quoted("\"\u{301}") == "\"\"\"\u{301}\"")
    #expect(CSVField.quoted("x\n") == "\"x\n\"" && CSVField.quoted("x,") == "\"x,\"")
  }
}
