import Testing

@testable import LightmeterFeedback

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct ByteSourceTests {
  static let text = Array("user,item\n1,a\n2,b\n".utf8)
  /// `gzip` of `text`, from Python's zlib.
  static let compressed: [UInt8] = [
    0x1F, 0x8B, 0x8, 0x0, 0x0, 0x0, 0x0, 0x0, 0x2, 0x3, 0x2B, 0x2D, 0x4E, 0x2D, 0xD2, 0xC9, 0x2C, 0x49, 0xCD, 0xE5,
    0x32, 0xD4, 0x49, 0xE4, 0x32, 0xD2, 0x49, 0xE2, 0x2, 0x0, 0x95, 0x83, 0x63, 0x5D, 0x12, 0x0, 0x0, 0x0,
  ]

  /// Reads through a pipe that another thread writes.
  static func throughPipe(_ bytes: [UInt8]) async throws -> Interactions {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    let writer = Task.detached {
      var at = 0
      while at < bytes.count {
        let count = bytes[at...].withUnsafeBytes { write(writing, $0.baseAddress, min(777, $0.count)) }
        if count <= 0 { break }
        at += count
      }
      close(writing)
    }
    defer { close(reading) }
    let log = try InteractionReader().read(descriptor: reading, name: "standard input").interactions
    await writer.value
    return log
  }

  @Test func gzipIsSeenByItsFirstBytesWhateverTheName() throws {
    try withFile(Self.compressed, name: "log.csv") { path in
      let (log, report) = try InteractionReader().read(path: path)
      #expect(log.pairs == ["1 a", "2 b"])
      #expect((report.bytes, report.textBytes) == (Int64(Self.compressed.count), 18))
    }
  }

  @Test func concatenatedMembersAndZeroPaddingAreOneText() throws {
    let parts = storedGzip(Self.text) + storedGzip(Array("3,c\n4".utf8)) + storedGzip(Array(",d\n".utf8)) + [0, 0, 0]
    try withFile(parts, name: "log.csv.gz") { path in
      let log = try InteractionReader().read(path: path).interactions
      #expect(log.pairs == ["1 a", "2 b", "3 c", "4 d"])
    }
  }

  @Test func everyTruncationOfGzipIsAnError() throws {
    let whole = Self.compressed + storedGzip(Array("3,c\n".utf8))
    for count in 2..<whole.count where count != Self.compressed.count {
      let error = try failure(Array(whole[..<count]), name: "log.csv.gz")
      #expect(error?.kind == .damaged)
      #expect(
        error?.description.contains("log.csv.gz: is gzip that is cut off after \(count) compressed bytes") == true,
        "\(count): \(error?.description ?? "accepted")")
      #expect(error?.remedy.contains("from its source again") == true)
    }
  }

  @Test func damagedGzipAndTrailingBytesAreErrors() throws {
    var wrong = Self.compressed
    wrong[wrong.count - 6] ^= 1
    #expect(try failure(wrong)?.description.contains("is damaged gzip near compressed byte") == true)
    let trailing = try failure(Self.compressed + Array("3,c\n".utf8))
    #expect(trailing?.description.contains("no gzip after a complete gzip stream") == true)
  }

  @Test func aPipeReadsLikeAFilePlainOrCompressed() async throws {
    let rows = (0..<60_000).map { "\($0 % 5003),item\($0 % 997),\($0 % 5)\n" }
    let text = Array(("user,item,rating\n" + rows.joined()).utf8)
    let expected = try withFile(text, name: "log.csv") { try InteractionReader().read(path: $0).interactions }
    #expect(expected.count == 60_000)
    #expect(try await Self.throughPipe(text) == expected)
    #expect(try await Self.throughPipe(storedGzip(text)) == expected)
  }

  @Test func otherContainersAreNamed() throws {
    let cases: [([UInt8], String, String)] = [
      ([0x50, 0x4B, 3, 4, 0, 0], "is a zip archive", "unzip"), ([0x28, 0xB5, 0x2F, 0xFD, 0, 0], "zstd", "zstd -dc"),
      ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz", "xz -dc"), (Array("BZh91A".utf8), "bzip2", "bzip2 -dc"),
      (Array("PAR1..".utf8), "Parquet", "CSV"), ([0xFF, 0xFE, 0x31, 0, 0x2C, 0], "UTF-16", "iconv"),
      ([0xFE, 0xFF, 0, 0x31, 0, 0x2C], "UTF-16", "iconv"),
    ]
    for (bytes, what, remedy) in cases {
      let error = try failure(bytes)
      #expect(error?.kind == .damaged)
      #expect(error?.problem.contains(what) == true)
      #expect(error?.remedy.contains(remedy) == true)
    }
  }

  @Test func aMissingFileAndAFolderAreErrors() throws {
    let missing = #expect(throws: ReadError.self) { try InteractionReader().read(path: "/nowhere/log.csv") }
    #expect(missing?.kind == .noInput)
    #expect(missing?.description.hasPrefix("/nowhere/log.csv: cannot be opened: No such file") == true)
    let folder = #expect(throws: ReadError.self) { try InteractionReader().read(path: "/") }
    #expect(folder?.description == "/: is a folder; name a file in it")
  }
}
