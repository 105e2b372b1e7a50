internal import LightmeterKernels
@testable internal import LightmeterModels
internal import TestSupport
internal import Testing

@Suite struct ModelFileSafetensorsTests {
  /// A file of `header` and as many zero bytes of data as asked for; `claimed` replaces the true header length.
  static func open(_ header: String, data: Int = 0, claimed: UInt64? = nil) throws -> SafetensorsFile {
    try open(Array(header.utf8), data: data, claimed: claimed)
  }

  static func open(_ header: [UInt8], data: Int = 0, claimed: UInt64? = nil) throws -> SafetensorsFile {
    let length = claimed ?? UInt64(header.count)
    let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    return try SafetensorsFile(
      MappedFile(content: prefix + header + [UInt8](repeating: 0, count: data), path: "m.safetensors"))
  }

  static func entry(_ type: String, _ shape: String, _ offsets: String) -> String {
    #"{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  @Test func `a well-formed file opens, with white space and in any order`() throws {
    let file = try Self.open(
      """
      { "b" : \(Self.entry("I64", "[1]", "[6, 14]")),
        "a" : \(Self.entry("U8", "[2, 3]", "[0, 6]")), "n": \(Self.entry("F32", "[0, 7]", "[6, 6]")),
        "__metadata__" : { "note" : "a \\"quoted: {[\\\\" } }
      """, data: 14)
    #expect(file.metadata == ["note": #"a "quoted: {[\"#])
    #expect(file.entries.keys.sorted() == ["a", "b", "n"])
    #expect(file.tensor("a")?.shape == [2, 3])
    #expect(file.tensor("b")?.isIdentical(to: .int64([0], shape: [1])) == true)
    #expect(file.tensor("n")?.isIdentical(to: .float32([], shape: [0, 7])) == true)
    #expect(file.tensor("c") == nil)
  }

  @Test func `a tensor of a type that the library does not read is listed and not given`() throws {
    let file = try Self.open(#"{"h":\#(Self.entry("BF16", "[3]", "[0,6]"))}"#, data: 6)
    #expect(file.entries["h"]?.elementName == "BF16")
    #expect(file.tensor("h") == nil)
  }

  @Test(arguments: [
    (#"{"a":\#(entry("F32", "[2]", "[0,4]"))}"#, 4, "does not fill its 4 bytes"),
    (#"{"a":\#(entry("F32", "[1]", "[4,0]"))}"#, 4, "impossible data_offsets [4, 0]"),
    (#"{"a":\#(entry("F32", "[1]", "[-4,0]"))}"#, 4, "impossible data_offsets [-4, 0]"),
    (#"{"a":\#(entry("F32", "[1]", "[0]"))}"#, 4, "impossible data_offsets [0]"),
    (#"{"a":\#(entry("F32", "[1]", "[0,4,8]"))}"#, 4, "impossible data_offsets [0, 4, 8]"),
    (#"{"a":\#(entry("F32", "[-1]", "[0,4]"))}"#, 4, "impossible shape [-1]"),
    (#"{"a":\#(entry("F32", "[-1,-1]", "[0,4]"))}"#, 4, "impossible shape [-1, -1]"),
    (#"{"a":\#(entry("F64", "[4611686018427387904,4]", "[0,0]"))}"#, 0, "impossible shape"),
    (#"{"a":\#(entry("F64", "[2305843009213693952]", "[0,0]"))}"#, 0, "does not fill its 0 bytes"),
    (#"{"a":\#(entry("X9", "[4611686018427387904,4]", "[0,0]"))}"#, 0, "impossible shape"),
    (#"{"a":\#(entry("F32", "[1]", "[0,4]")),"b":\#(entry("U8", "[2]", "[3,5]"))}"#, 5, "'b' overlaps"),
    (#"{"a":\#(entry("F32", "[1]", "[0,4]")),"b":\#(entry("F32", "[1]", "[0,4]"))}"#, 4, "'b' overlaps"),
    (#"{"a":\#(entry("F32", "[1]", "[0,4]")),"b":\#(entry("U8", "[2]", "[5,7]"))}"#, 7, "'b' leaves a gap"),
    (#"{"a":\#(entry("U8", "[9223372036854775807]", "[0,9223372036854775807]"))}"#, 4, "speaks of"),
    (#"{"a":\#(entry("F32", "[1]", "[0,4]"))}"#, 5, "1 bytes follow the last tensor"),
    (#"{"a":\#(entry("F32", "[1]", "[0,99999999999999999999]"))}"#, 4, "not"),
    (#"{"a":\#(entry("F32", "[1e99]", "[0,4]"))}"#, 4, "not"),
    (#"{"a":\#(entry("F32", "[1.5]", "[0,4]"))}"#, 4, "not"),
    (#"{"a":{"dtype":"F32","shape":[1]}}"#, 4, "'a"),
    (#"{"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}}"#, 4, "'a/dtype' is not"),
    (#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"more":1}}"#, 0, "does not know"),
    (#"{"a":\#(entry("U8", "[1]", "[0,1]")),"a":\#(entry("U8", "[1]", "[0,1]"))}"#, 1, "something twice"),
    (#"{"a":\#(entry("U8", "[1]", "[0,1]")),"\u0061":\#(entry("U8", "[1]", "[0,1]"))}"#, 1, "something twice"),
    (#"{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}"#, 1, "something twice"),
    (#"{"__metadata__":{"a":"1","a":"2"}}"#, 0, "something twice"),
    (#"{"__metadata__":{"a":1}}"#, 0, "not"),
    (#"{"__metadata__":"a"}"#, 0, "not"),
    (#"{"a":[[[[0]]]]}"#, 0, "nests deeper"),
    (#"{"a":null}"#, 0, "not"), (#"{"a" 1}"#, 0, "not the expected JSON"), ("{}}", 0, "not the expected JSON"),
    (#"{"a":""#, 0, "not the expected JSON"), ("{}\0\0", 0, "control character 0"),
    ("{\"a\u{1}\":1}", 0, "control character 1"), ("{\0}\0", 0, "control character 0"),
  ])
  func `a hostile header is refused with its reason`(header: String, data: Int, reason: String) {
    let error = #expect(throws: ModelFileError.self) { try Self.open(header, data: data) }
    guard case .malformed(let path, let found) = error else {
      Issue.record("\(header.prefix(80)) gave \(String(describing: error))")
      return
    }
    #expect(path == "m.safetensors")
    #expect(found.contains(reason), "\(found)")
  }

  @Test func `a header nested deep enough to exhaust a stack is refused`() {
    for header in [String(repeating: #"{"a":"#, count: 100_000), "{" + String(repeating: "[", count: 100_000)] {
      #expect(throws: ModelFileError.malformed(path: "m.safetensors", reason: "it nests deeper than the format does")) {
        try Self.open(header)
      }
    }
  }

  @Test func `a header in another encoding is refused`() {
    for header: [UInt8] in [[0x7B, 0xFF, 0x7D], [0x7B, 0x22, 0xC3, 0x22, 0x7D]] {
      #expect(throws: ModelFileError.malformed(path: "m.safetensors", reason: "it is not UTF-8 text")) {
        try Self.open(header)
      }
    }
  }

  @Test func `a header length that cannot be is refused`() {
    let other = ModelFileError.notAModel(path: "m.safetensors", reason: "it does not begin like a safetensors file")
    for claimed: UInt64 in [0, 1, 100_000_001, 1 << 63, .max] {
      #expect(throws: other) { try Self.open("{}", claimed: claimed) }
    }
    #expect(throws: other) { try Self.open("[]") }
    #expect(throws: other) { try Self.open("user,item\n", claimed: 0x6574_692C_7265_7375) }
    #expect(throws: ModelFileError.truncated(path: "m.safetensors", bytes: 10, expected: 11)) {
      try Self.open("{}", claimed: 3)
    }
  }

  @Test func `data that the file lacks is reported as a cut`() {
    let header = #"{"a":\#(Self.entry("F32", "[2]", "[0,8]"))}"#
    let whole = 8 + header.utf8.count + 8
    #expect(throws: ModelFileError.truncated(path: "m.safetensors", bytes: whole - 1, expected: whole)) {
      try Self.open(header, data: 7)
    }
  }

  @Test func `the written layout is fixed: wide types first, then by name, the data on a multiple of 8`() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/t.safetensors"
      try SafetensorsFile.write(
        [
          "b": .uint8([1, 2, 3], shape: [3]), "a": .int32([5], shape: []), "z": .float64([1], shape: [1, 1]),
          "c": .float32([0], shape: [1]),
        ], metadata: ["k": "é/\"\n"], to: path)
      let header =
        #"{"__metadata__":{"k":"é/\"\n"},"a":{"data_offsets":[8,12],"dtype":"I32","shape":[]},"#
        + #""b":{"data_offsets":[16,19],"dtype":"U8","shape":[3]},"#
        + #""c":{"data_offsets":[12,16],"dtype":"F32","shape":[1]},"#
        + #""z":{"data_offsets":[0,8],"dtype":"F64","shape":[1,1]}}"#
      let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
      let content = try bytes(at: path)
      #expect(
        content.prefix(8).elementsEqual(
          [UInt8(padded.utf8.count & 255), UInt8(padded.utf8.count >> 8)] + [0, 0, 0, 0, 0, 0]))
      #expect(String(decoding: content.dropFirst(8).prefix(padded.utf8.count), as: UTF8.self) == padded)
      #expect(content.suffix(19).elementsEqual([0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 5, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]))
      #expect(try SafetensorsFile(path).metadata == ["k": "é/\"\n"])
    }
  }
}
