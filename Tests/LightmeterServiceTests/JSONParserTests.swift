import Testing

@testable import LightmeterService

@Suite struct JSONParserTests {
  private func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)) }

  @Test func aDocumentComesBackAsItWas() throws {
    let text = #"{"a":[1,-2,3.5,true,false,null,{}],"b":"x\"\\\n\t\u0001é🙂","c":[]}"#
    #expect(String(decoding: try parse(text).bytes, as: UTF8.self) == text)
    #expect(try parse(#" "\u00e9\ud83d\ude42\/" "#) == .string("é🙂/"))
    #expect(try parse("1e3").whole == 1000 && parse("10.0").whole == 10 && parse("1.5").whole == nil)
    #expect(try parse("9223372036854775808").double == 9.223372036854775808e18)
  }

  @Test(arguments: [
    "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "01", "-", "1.", ".5", "1e", "+1", "tru", "nulll", "'a'",
    "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"", "[1] 2", "1e999",
    "{\"a\":1,\"a\":2}", "NaN",
  ]) func whatIsNoJSONIsRefused(text: String) {
    #expect(throws: JSONError.self) { try parse(text) }
  }

  @Test func depthIsBoundedAndBytesMustBeText() {
    #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 100_000)) }
    #expect(throws: JSONError.self) { try JSONParser.parse([34, 0xFF, 34]) }
    #expect(throws: JSONError.self) { try JSONParser.parse([34, 0xC0, 0x80, 34]) }
  }

  @Test func numbersThatAreNoneBecomeNullAndSinglesAreShort() {
    #expect(JSONValue.array([.single(0.9), .single(.nan), .number(.infinity)]).bytes == Array("[0.9,null,null]".utf8))
  }
}
