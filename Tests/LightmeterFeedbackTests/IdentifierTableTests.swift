import LightmeterKernels
import Testing

@testable import LightmeterFeedback

@Suite struct IdentifierTableTests {
  static func table(_ names: [String]) -> IdentifierTable {
    var table = IdentifierTable()
    for name in names { _ = table.intern(name) }
    return table
  }

  @Test func idsRoundTripInOrderOfFirstAppearance() {
    let names = ["", "a", "007", "7", "größe", "日本語", "x y,\"z\"", String(repeating: "long", count: 100)]
    var table = IdentifierTable()
    for (k, name) in (names + names).enumerated() { #expect(table.intern(name) == Int32(k % names.count)) }
    #expect(table.count == names.count)
    for (k, name) in names.enumerated() {
      #expect(table[k] == name)
      #expect(table.index(of: name) == Int32(k))
    }
    #expect(table.index(of: "unknown") == nil)
    #expect(IdentifierTable().index(of: "a") == nil)
  }

  @Test func agreesWithADictionaryOnManyIdsOfAllLengths() {
    var generator = SeededGenerator(seed: 7, stream: .split)
    var table = IdentifierTable()
    var expected: [String: Int32] = [:]
    for _ in 0..<5000 {
      let length = generator.below(20)
      let name = String((0..<length).map { _ in Character(Unicode.Scalar(UInt8(97 + generator.below(3)))) })
      let known = expected[name]
      let index = table.intern(name)
      #expect(index == known ?? Int32(expected.count))
      expected[name] = index
    }
    #expect(table.count == expected.count)
  }

  @Test func hashesHaveTheirPublishedValues() {
    func hash(_ text: String) -> UInt64 {
      Array(text.utf8).withUnsafeBufferPointer { IdentifierArrays.hash($0) }
    }
    func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
      let product = a.multipliedFullWidth(by: b)
      return product.high ^ product.low
    }
    let (k0, k1, k2): (UInt64, UInt64, UInt64) = (0x9E37_79B9_7F4A_7C15, 0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB)
    #expect(hash("ab") == mix(2 &* k0 ^ 0x61_6262, k2))
    #expect(hash("abcde") == mix(5 &* k0 ^ 0x6564_6362_6463_6261, k2))
    #expect(hash("abcdefgh") == mix(8 &* k0 ^ 0x6867_6665_6463_6261, k2))
    #expect(hash("abcdefghi") == mix(mix(9 &* k0 ^ 0x6867_6665_6463_6261, k1) ^ 0x6968_6766_6564_6362, k2))
  }

  private static func stored(
    _ table: IdentifierTable,
    _ change: (inout (text: [UInt8], bases: [Int64], starts: [UInt32], slots: [UInt32])) -> Void = { _ in }
  ) throws -> IdentifierTable {
    var arrays = table.arrays()
    change(&arrays)
    func bytes(_ array: [some BitwiseCopyable]) -> FileBytes {
      FileBytes(content: array.withUnsafeBytes { Array($0) })
    }
    return try IdentifierTable(
      stored: StoredIdentifiers(
        text: bytes(arrays.text), bases: bytes(arrays.bases), starts: bytes(arrays.starts), slots: bytes(arrays.slots)))
  }

  @Test func storedArraysMakeTheSameTableAndGrowAfterACopy() throws {
    for count in [0, 1, 63, 64, 65, 300] {
      let table = Self.table((0..<count).map { "id\($0)" })
      let again = try Self.stored(table)
      #expect(again == table && again.count == count)
      for id in 0..<count { #expect(again.index(of: "id\(id)") == Int32(id) && again[id] == "id\(id)") }
      #expect(again.index(of: "id\(count)") == nil && again.index(of: "") == nil)
      #expect(again.starts(of: 0..<count + 1) == table.starts(of: 0..<count + 1))
      var longer = again
      #expect(longer.intern("new") == Int32(count))
      #expect(longer.index(of: "new") == Int32(count) && longer != table && again == table)
      for id in 0..<count { #expect(longer.intern("id\(id)") == Int32(id)) }
    }
  }

  @Test func aStoredTableTakesAtMostTwelveBytesPerIdBesideItsText() {
    let arrays = Self.table((0..<10_000).map { "user-\($0)" }).arrays()
    let bytes = 8 * arrays.bases.count + 4 * arrays.starts.count + 4 * arrays.slots.count
    #expect(Double(bytes) / 10_000 < 9.5)
  }

  @Test func equalIdsGiveEqualArraysHoweverTheTableGrew() throws {
    let table = Self.table((0..<1000).map { "u\($0)" })
    var grown = try Self.stored(Self.table((0..<500).map { "u\($0)" }))
    for id in 500..<1000 { _ = grown.intern("u\(id)") }
    #expect(grown.arrays() == table.arrays())
    #expect(try Self.stored(table).arrays() == table.arrays())
  }

  @Test func startsOfTheFirstFormatMakeTheSameTable() throws {
    let table = Self.table(["ab", "", "c", "é"])
    let (text, starts) = (table.bytes(of: 0..<4), table.starts(of: 0..<5))
    #expect(try IdentifierTable(text: text, starts: starts) == table)
    for (starts, what) in [
      ([], "do not start at 0"), ([0, 2, 2, 3, 4], "end at 4"), ([0, 3, 2, 5], "outside its place"),
      ([0, 2, 4, 5], "inside a character"), ([0, 2, 2, 2, 5], "twice"),
    ] as [([Int64], String)] {
      #expect { try IdentifierTable(text: text, starts: starts) } throws: { "\($0)".contains(what) }
    }
  }

  @Test func damagedArraysAreRefused() throws {
    let table = Self.table(["ab", "c", "é"])
    func refuses(
      _ what: String, _ change: (inout (text: [UInt8], bases: [Int64], starts: [UInt32], slots: [UInt32])) -> Void
    ) {
      #expect { try Self.stored(table, change) } throws: { "\($0)".contains(what) }
    }
    let low: UInt32 = 3
    refuses("starts take") { $0.starts = [] }
    refuses("bases take") { $0.bases.append(0) }
    refuses("index takes") { $0.slots.removeLast() }
    refuses("do not start at 0") { $0.bases[0] = 1 }
    refuses("outside its place") { $0.starts[1] = 4 }
    refuses("end at 4") { $0.starts[3] = 4 }
    refuses("inside a character") { $0.starts[2] = 4 }
    refuses("not UTF-8") { $0.text[4] = 0x61 }
    refuses("twice") { arrays in
      let (a, b) = (arrays.slots.firstIndex { $0 & low == 1 }!, arrays.slots.firstIndex { $0 & low == 2 }!)
      arrays.slots[a] = arrays.slots[b]
    }
    refuses("leaves out id 2") { arrays in arrays.slots = arrays.slots.map { $0 & low == 3 ? 0 : $0 } }
    refuses("finds") { arrays in
      let (a, b) = (arrays.slots.firstIndex { $0 & low == 1 }!, arrays.slots.firstIndex { $0 & low == 2 }!)
      arrays.slots.swapAt(a, b)
      arrays.slots = arrays.slots.map { $0 == 0 ? 0 : $0 ^ 1 << 31 }
    }
    let four = Self.table(["a", "b", "c", "d", "e"])
    #expect { try Self.stored(four) { arrays in arrays.slots = arrays.slots.map { $0 == 0 ? 0 : $0 | 7 } } } throws: {
      "\($0)".contains("wrongly")
    }
  }

  @Test func wellFormedUTF8IsWhatTheStandardLibraryReads() {
    var generator = SeededGenerator(seed: 3, stream: .split)
    let interesting: [UInt8] = [
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5,
    ]
    var cases: [[UInt8]] = (0..<1000).map { _ in
      (0..<generator.below(12)).map { _ in interesting[generator.below(interesting.count)] }
    }
    for lead in interesting {
      for second in interesting {
        cases += [[lead, second], [lead, second, 0x80], [lead, second, 0x80, 0xBF], [lead, second, 0x41, 0x80]]
      }
    }
    for bytes in cases {
      #expect(isUTF8(bytes) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
    }
  }
}
