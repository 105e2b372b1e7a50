internal import LightmeterModels
internal import Testing

@Suite struct ModelFileHashTests {
  /// The byte sequence of the reference implementation's self-test.
  static let published: [UInt8] = {
    var state: UInt64 = 2_654_435_761
    return (0..<222).map { _ in
      defer { state &*= 11_400_714_785_074_694_797 }
      return UInt8(state >> 56)
    }
  }()

  static func hash(_ bytes: some Sequence<UInt8>, seed: UInt64 = 0) -> UInt64 {
    var hash = XXH64(seed: seed)
    hash.update(Array(bytes))
    return hash.finish()
  }

  @Test(
    arguments: [
      (0, 0xEF46_DB37_51D8_E999, 0xAC75_FDA2_929B_17EF), (1, 0xE934_A84A_DB05_2768, 0x5014_6076_43A9_B4C3),
      (4, 0x9136_A0DC_A574_57EE, 0xCAAB_286B_D8E9_FDB5), (14, 0x8282_DCC4_994E_35C8, 0xC3BD_6BF6_3DEB_6DF0),
      (222, 0xB641_AE8C_B691_C174, 0x20CB_8AB7_AE10_C14A),
    ] as [(Int, UInt64, UInt64)])
  func `the published vectors hold`(count: Int, unseeded: UInt64, seeded: UInt64) {
    #expect(Self.hash(Self.published.prefix(count)) == unseeded)
    #expect(Self.hash(Self.published.prefix(count), seed: 2_654_435_761) == seeded)
  }

  @Test(
    arguments: [
      ("", 0xEF46_DB37_51D8_E999), ("a", 0xD24E_C4F1_A98C_6E5B), ("abc", 0x44BC_2CF5_AD77_0999),
      ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
    ] as [(String, UInt64)])
  func `known texts hold`(text: String, expected: UInt64) {
    var hash = XXH64()
    hash.update(text)
    #expect(hash.finish() == expected)
  }

  // The constant comes from xxHash 0.8.4 by way of Python's xxhash 4.1: every length from 0 to 222, seeded with it.
  @Test func `every length agrees with the reference implementation`() {
    let folded = (0...222).reduce(UInt64(0)) { fold, count in
      fold &* 31 &+ Self.hash(Self.published.prefix(count), seed: UInt64(count))
    }
    #expect(folded == 0x24BD0A04812435C6)
  }

  @Test func `cutting the stream anywhere changes nothing`() {
    let whole = Self.hash(Self.published)
    for first in stride(from: 0, through: 222, by: 3) {
      for second in stride(from: first, through: 222, by: 7) {
        var hash = XXH64()
        hash.update(Array(Self.published[..<first]))
        _ = hash.finish()
        hash.update(Array(Self.published[first..<second]))
        hash.update(Array(Self.published[second...]))
        #expect(hash.finish() == whole)
      }
    }
  }

  @Test func `numbers count as their memory`() {
    var hash = XXH64()
    hash.update([Int32(1), -1])
    #expect(hash.finish() == Self.hash([1, 0, 0, 0, 255, 255, 255, 255]))
  }
}
