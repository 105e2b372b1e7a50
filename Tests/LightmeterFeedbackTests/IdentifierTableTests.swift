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
    #expect(table.index.count >= 2 * table.count)
  }

  @Test func hashesHaveTheirPublishedValues() {
    func hash(_ text: String) -> UInt64 {
      Array(text.utf8).withUnsafeBufferPointer { IdentifierTable.hash($0) }
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

  @Test func theThreeArraysMakeTheSameTable() throws {
    let table = Self.table((0..<300).map { "id\($0)" })
    let again = try IdentifierTable(blob: table.blob, offsets: table.offsets, index: table.index)
    #expect(again == table)
    #expect(again.index(of: "id299") == 299)
    var longer = again
    #expect(longer.intern("new") == 300)
    #expect(longer != table)
    #expect(try IdentifierTable(blob: [], offsets: [0], index: []) == IdentifierTable())
  }

  @Test func damagedArraysAreRefused() throws {
    let table = Self.table(["ab", "c", "é"])
    let (blob, offsets, index) = (table.blob, table.offsets, table.index)
    func refuses(_ blob: [UInt8], _ offsets: [Int64], _ index: [Int32], _ what: String) {
      do {
        _ = try IdentifierTable(blob: blob, offsets: offsets, index: index)
        Issue.record("accepted: \(what)")
      } catch {
        #expect("\(error)".contains(what))
      }
    }
    refuses(blob, [], index, "do not start at 0")
    refuses(blob, [0, 2, 3, 4], index, "end at 4")
    refuses(blob, [0, 3, 2, 5], index, "starts at 3 and ends at 2")
    refuses(blob, [0, 2, 4, 5], index, "inside a character")
    refuses(blob.dropLast() + [0x61], offsets, index, "not UTF-8")
    refuses(blob, offsets, Array(index.dropLast()), "15 slots")
    refuses(blob, offsets, index.map { $0 == 2 ? 1 : $0 }, "wrongly")
    refuses(blob, offsets, index.map { $0 == 2 ? 9 : $0 }, "wrongly")
    refuses(blob, offsets, index.map { $0 == 2 ? -1 : $0 }, "leaves out id 2")
    refuses(blob, offsets, index.map { $0 == 0 ? 1 : $0 == 1 ? 0 : $0 }, "finds")
  }
}
