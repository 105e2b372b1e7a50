import Testing

@testable import LightmeterExperiments

@Suite struct StudiesYAMLTests {
  private func tree(_ text: String) throws -> StudyTree { try StudyYAML.parse(Array(text.utf8)).tree }

  private func problem(_ text: String) -> String {
    do {
      return "no error: \(try tree(text).canonical)"
    } catch let error as StudyYAML.Problem { return "\(error.line): \(error.reason)" } catch { return "\(error)" }
  }

  @Test func blocksAndBracketsMeanTheSame() throws {
    let block = """
      # a study
      name: two words # and a comment
      data:
        - kind: coat
          share: 0.1
        -
          kind: log
      rows:
      - [a, b]
      - - c
        - d
      empty: []
      none: {}
      """
    let flow =
      "{ name: two words, data: [{kind: coat, share: 1e-1}, {kind: log,}], rows: [[a, b], [c, d]], \"empty\":[], none: {} }"
    #expect(try tree(block) == tree(flow))
    #expect(
      try tree(block).canonical
        == "{data:[{kind:'coat',share:0.1},{kind:'log'}],empty:[],name:'two words',none:{},rows:[['a','b'],['c','d']]}")
  }

  @Test(arguments: [
    ("1e-5", "1e-05"), ("-2", "-2"), ("+.5", "0.5"), ("3.", "3"), ("true", "true"), ("FALSE", "false"), ("~", "null"),
    ("1_000", "'1_000'"), ("sampled:5", "'sampled:5'"), ("1e", "'1e'"), (".", "'.'"), ("'1'", "'1'"),
    ("\"a\\n\\u00e9\\\\\"", "'a\né\\'"), ("'it''s'", "'it's'"), ("a#b", "'a#b'"), ("'a # b'", "'a # b'"),
    ("x, y", "'x, y'"), ("007", "7"),
  ])
  func plainAndQuotedTextsMeanWhatTheCoreSchemaSays(_ text: String, _ expected: String) throws {
    #expect(try tree("key: \(text)\n").canonical == "{key:\(expected)}")
  }

  @Test func textsOverSeveralLinesAreJoined() throws {
    let text = """
      plain: one
        two

        three
      folded: >-
        one
        two

        three
      literal: |
        one
          two
      last: >
        end
      """
    #expect(
      try tree(text)
        == .map([
          "plain": .text("one two\nthree"), "folded": .text("one two\nthree"), "literal": .text("one\n  two\n"),
          "last": .text("end\n"),
        ]))
  }

  @Test func aDocumentMarkByteOrderMarkAndReturnsAreRead() throws {
    #expect(try tree("\u{FEFF}---\r\na: 1\r\nb:\r\n  - x\r\n").canonical == "{a:1,b:['x']}")
  }

  @Test func everyValueKnowsItsLine() throws {
    let document = try StudyYAML.parse(Array("a: 1\nb:\n  - c: 2\n    d: [3,\n      { e: 4 }]\n".utf8))
    #expect(
      document.lines == [
        "": 1, "a": 1, "b": 2, "b[0]": 3, "b[0].c": 3, "b[0].d": 4, "b[0].d[0]": 4, "b[0].d[1]": 5, "b[0].d[1].e": 5,
      ])
  }

  @Test(arguments: [
    ("", "1: the file holds no keys"),
    ("# only this\n", "the file holds no keys"),
    ("a: 1\n\tb: 2\n", "2: a tab stands here; indent with spaces"),
    ("a:\t1\n", "1: a tab stands in a plain text"),
    ("a: b\tc\n", "1: a tab stands in a plain text"),
    ("a: &x 1\n", "1: anchors (&) are not read"),
    ("a: *x\n", "1: aliases (*) are not read"),
    ("a: !!int 1\n", "1: tags (!) are not read"),
    ("<<: 1\n", "1: merge keys (<<) are not read"),
    ("? a\n", "1: keys with '?' are not read"),
    ("%YAML 1.2\n", "1: directives (%) are not read"),
    ("a: @b\n", "1: a plain text cannot start with '@'; put it in quotes"),
    ("a: 1\n---\nb: 2\n", "2: a study is one document; remove the line '---'"),
    ("a: 1\n...\n", "2: a study is one document"),
    ("a: 1\na: 2\n", "2: the key 'a' stands here and on line 1; keep one"),
    ("{a: 1,\n a: 2}\n", "2: the key 'a' stands twice in these braces"),
    ("a: 1\nb\n", "2: 'b' is no 'key: value'"),
    ("a: 1\n  b: 2\n", "2: 'b:' continues the text of line 1"),
    ("a: x\n  - b\n", "2: '- ' continues the text of line 1"),
    ("a:\n    b: 1\n  c: 2\n", "3: 'c: 2' is indented by 2 spaces, where 0 belong"),
    ("a:\n  - 1\n    - 2\n", "3: '- ' continues the text of line 2"),
    ("a: 1\n- b\n", "2: a list entry stands among keys"),
    ("a: - b\n", "1: a list after 'a:' starts on the next line"),
    ("a: b: c\n", "1: ': ' inside a plain text; put 'b: c' in quotes"),
    ("a:\nb: 1\n", "1: the key 'a' has no value"),
    ("a:\n", "1: the key 'a' has no value"),
    ("a:\n  -\n", "2: this '-' has no value"),
    ("{a: }\n", "1: the key 'a' has no value"),
    ("{a, b}\n", "1: 'a' in braces has no value; write 'a: value'"),
    ("[1,, 2]\n", "1: a comma follows a comma"),
    ("a: [b: 1]\n", "1: a key in brackets needs braces of its own"),
    ("x: 1\na: [1\n", "2: the bracket opened on this line is never closed"),
    ("a: [1 2}\n", "1: '}' follows a value in the brackets of line 1; a comma or ']' belongs before it"),
    ("a: ]\n", "1: ']' has no opening bracket"),
    ("a: [1] 2\n", "1: '2' follows a closing bracket on its line"),
    ("a: 'b\n", "1: a quoted text ends on its own line"),
    ("a: \"\\q\"\n", "1: '\\q' is no escape"),
    ("a: \"\\u12\"\n", "four hexadecimal digits"),
    ("a: yes\n", "1: 'yes' is a flag to some readers and a text to others"),
    ("a: 0x10\n", "1: '0x10' is a number that studies do not take"),
    ("a: .nan\n", "1: '.nan' is a number that studies do not take"),
    ("a: 1e999\n", "1: the number 1e999 is too large"),
    ("a: >2\n  b\n", "1: after '>' or '|' only '-'"),
    ("a: >\nb: 1\n", "1: no indented text follows"),
    ("a: >\n  b\n    c\n", "3: a folded text has one indentation"),
    ("a: |\n   b\n  c\n", "3: this line of the text of line 1 is indented less"),
    ("a: \u{1}\n", "1: a control character (byte 1)"),
  ])
  func whatIsNotReadIsRefusedInOneSentenceWithItsLine(_ text: String, _ expected: String) {
    #expect(problem(text).contains(expected), "\(problem(text))")
  }

  @Test func bytesThatAreNoTextAndBottomlessBracketsAreRefused() {
    #expect(throws: StudyYAML.Problem(line: 2, reason: "this line is not UTF-8 text")) {
      try StudyYAML.parse(Array("a: 1\nb: ".utf8) + [0xFF, 10])
    }
    #expect(problem(String(repeating: "[", count: 5000)).contains("nested more than 40 deep"))
    #expect(problem(String(repeating: "- ", count: 5000)).contains("nested more than 40 deep"))
  }

  /// Every prefix of a file, and every file with one byte changed, is read or refused; nothing traps.
  @Test func noPrefixAndNoChangedByteTraps() {
    let bytes = Array(
      "a: 'x' # c\nb:\n  - { k: [1, \"t\\n\"], m: ~ }\n  - >-\n    two\n    lines\nc: one\n  two\n".utf8)
    var read = 0
    for end in bytes.indices { if (try? StudyYAML.parse(Array(bytes[..<end]))) != nil { read += 1 } }
    for place in bytes.indices {
      for byte in "\n -:#'\"[]{},>|&\t".utf8 {
        var changed = bytes
        changed[place] = byte
        if (try? StudyYAML.parse(changed)) != nil { read += 1 }
      }
    }
    #expect(read > 100)
  }
}
