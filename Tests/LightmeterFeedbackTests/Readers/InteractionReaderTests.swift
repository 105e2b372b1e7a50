import LightmeterKernels
import Testing

@testable import LightmeterFeedback

@Suite struct InteractionReaderTests {
  @Test func quotingFollowsRFC4180() throws {
    let text = "user,item\n\"a,b\",\"say \"\"hi\"\"\"\n\"two\nlines\",x\n\"7\",y\n7,\"\"\"\"\nz,pl\"ain\n"
    let (log, report) = try readText(text)
    let ids = (0..<log.count).map { [log.users[Int(log.userColumn[$0])], log.items[Int(log.itemColumn[$0])]] }
    #expect(ids == [["a,b", "say \"hi\""], ["two\nlines", "x"], ["7", "y"], ["7", "\""], ["z", "pl\"ain"]])
    #expect(report.lines == 7)
    #expect(report.users == 4)
  }

  @Test func lineEndsByteOrderMarkAndBlankLinesDoNotMatter() throws {
    let plain = try readText("user,item,rating\n1,a,3\n2,b,4\n").interactions
    let other = try readText("\u{FEFF}\r\nuser,item,rating\r\n1,a,3\r\n\r\n2,b,4").interactions
    #expect(plain == other)
    #expect(try readText("\u{FEFF}user\titem\trating\n1\ta\t3\n2\tb\t4\n", name: "log.tsv").interactions == plain)
    let spaces = ReadOptions(format: TableFormat(delimiter: .space))
    #expect(try readText("  user item   rating \n1  a 3\n2 b 4  \n", spaces).interactions == plain)
    #expect(try readText("user::item::rating\n1::a::3\n2::b::4\n", name: "log.dat").interactions == plain)
    #expect(try readText("user::item\n1:2::a:\n2::b\n", name: "l").interactions.pairs == ["1:2 a:", "2 b"])
  }

  @Test func idsStayTheTextTheyAre() throws {
    let log = try readText("user,item\n007,1\n7,01\n7,1\n 7,1.0\n99999999999999999999,5\n").interactions
    #expect(log.pairs == ["007 1", "7 01", "7 1", " 7 1.0", "99999999999999999999 5"])
    #expect(log.users.count == 4)
  }

  @Test func everyColumnIsRead() throws {
    let text =
      "user,item,rating,weight,timestamp,shown,click,propensity,random\n"
      + "a,x,1.5,2,100,1,0,0.25,0\nb,y,-3,0,-7,0,1,1,True\n"
    let log = try readText(text).interactions
    #expect(log.ratings == [1.5, -3])
    #expect(log.weights == [2, 0])
    #expect(log.times == [100, -7])
    #expect(log.shown == [1, 0])
    #expect(log.clicks == [0, 1])
    #expect(log.propensities == [0.25, 1])
    #expect(log.random == [0, 1])
  }

  @Test(arguments: [
    ("a,x,1", "line 3: \"a,x,1\" has 3 fields where the first line has 8", "quote fields"),
    ("a,x,1,1,1,1,0.5,0,9", "line 3: \"a,x,1,1,1,1,0.5,0,9\" has 9 fields", "quote fields"),
    ("a,x,wow,1,1,1,0.5,0", "line 3, column 3 (rating): \"wow\" is not a finite number", "--columns"),
    ("a,x,1e60,1,1,1,0.5,0", "line 3, column 3 (rating): \"1e60\" is not a finite number", "--columns"),
    ("a,x,1,-1,1,1,0.5,0", "line 3, column 4 (weight): \"-1\" is a negative weight", "0 or more"),
    ("a,x,1,1,2020-01-01,1,0.5,0", "line 3, column 5 (timestamp): \"2020-01-01\" is not a time", "seconds"),
    ("a,x,1,1,1,2,0.5,0", "line 3, column 6 (shown): \"2\" is not 0 or 1", "write 0 or 1"),
    ("a,x,1,1,1,1,0,0", "line 3, column 7 (propensity): \"0\" is not a probability in (0, 1]", "probability"),
    ("a,x,1,1,1,1,1.5,0", "line 3, column 7 (propensity): \"1.5\" is not a probability", "probability"),
    ("a,x,1,1,1,1,x,0", "line 3, column 7 (propensity): \"x\" is not a finite number", "--columns"),
    ("a,x,1,1,1,1,0.5,no", "line 3, column 8 (click): \"no\" is not 0 or 1", "write 0 or 1"),
    (",x,1,1,1,1,0.5,0", "line 3, column 1 (user): \"\" is an empty id", "fill it in"),
    ("a,,1,1,1,1,0.5,0", "line 3, column 2 (item): \"\" is an empty id", "fill it in"),
    ("a,\"x,1,1,1,1,0.5,0", "line 3: \"a,\"x,1,1,1,1,0.5,0\" opens a quote that is not closed", "close it"),
    ("a,\"x\"y,1,1,1,1,0.5,0", "has text after a closing quote", "double quotes"),
    ("a,x\0,1,1,1,1,0.5,0", "line 3: \"a,x\\x00,1,1,1,1,0.5,0\" contains a NUL byte", "damaged"),
  ])
  func aBadLineIsOneSentence(line: String, problem: String, remedy: String) throws {
    let header = "user,item,rating,weight,timestamp,shown,propensity,click\n"
    let text = header + "u,i,1,1,1,1,1,1\n" + line + "\nv,j,1,1,1,1,1,1\n"
    let error = try failure(text)
    #expect(error?.kind == .badLine)
    #expect(error?.description.hasPrefix("log.csv, line 3") == true)
    #expect(error?.description.contains(problem) == true, "\(error?.description ?? "accepted")")
    #expect(error?.remedy.contains(remedy) == true)
    #expect(error?.remedy.contains("--on-bad-line skip") == true)
    let (log, report) = try readText(text, ReadOptions(onBadLine: .skip))
    #expect(log.pairs == ["u i", "v j"])
    #expect((report.skipped, report.lines, report.users, report.items) == (1, 4, 2, 2))
    #expect(report.skippedExamples == [try #require(error)])
    #expect(report.notes.contains("1 bad lines were left out of 4"))
  }

  @Test func idsThatAreNotUTF8AreRefused() throws {
    let bytes = Array("user,item\nu,i\nv,caf".utf8) + [0xE9] + Array("\nw,j\n".utf8)
    let error = try failure(bytes)
    #expect(error?.description.contains("log.csv, line 3, column 2 (item): \"caf\\xE9\" is not UTF-8") == true)
    #expect(error?.remedy.contains("iconv") == true)
    try withFile(bytes, name: "log.csv") { path in
      let log = try InteractionReader(options: ReadOptions(onBadLine: .skip)).read(path: path).interactions
      #expect(log.pairs == ["u i", "w j"])
      #expect(log.users.index(of: "v") == nil)
    }
  }

  @Test func aFileCutOffInTheMiddleIsAnErrorAndAMissingLastLineFeedIsNot() throws {
    #expect(try readText("user,item,rating\n1,a,3\n2,b,4").interactions.count == 2)
    let error = try failure("user,item,rating\n1,a,3\n2,b")
    #expect(
      error?.description == "log.csv, line 3: \"2,b\" has 2 fields where the first line has 3, and the file ends "
        + "without a line feed: it seems cut off; take it from its source again, or leave such lines out with "
        + "--on-bad-line skip")
    #expect(try failure("user,item\n1,a\n2,\"b")?.problem == "opens a quote that is not closed")
  }

  @Test func anOverlongLineIsCountedNotLost() throws {
    let long = String(repeating: "x", count: BlockBuffer.block * 3)
    let text = "user,item\n1,a\n\(long),b\n2,b\n"
    let error = try failure(text)
    #expect(error?.description.contains("log.csv, line 3: \"xxxxx") == true)
    #expect(error?.description.contains("begins a line of more than 1 MiB") == true)
    let (log, report) = try readText(text, ReadOptions(onBadLine: .skip))
    #expect(log.pairs == ["1 a", "2 b"])
    #expect((report.skipped, report.lines) == (1, 4))
    #expect(try failure(long)?.description.contains("log.csv, line 1: \"xxxxx") == true)
    let open = "user,item\n1,a\n3,\"open\n" + String(repeating: "2,b\n", count: 300_000)
    #expect(try failure(open)?.description.hasPrefix("log.csv, line 3: \"3,\"open\" opens a quote") == true)
    let rest = try readText(open, ReadOptions(onBadLine: .skip))
    #expect((rest.report.skipped, rest.report.rows) == (1, 300_001))
  }

  @Test func aLogFromWhichNothingCanBeRankedIsAnError() throws {
    let cases: [(String, ReadError.Kind, String)] = [
      ("", .empty, "is empty"), ("\n\r\n\n", .empty, "is empty"), ("\u{FEFF}", .empty, "is empty"),
      ("user,item\n", .empty, "holds a header and no rows"),
      ("user,item\n1,a\n1,b\n", .unrankable, "\"1\" is the only user, so nothing can be ranked"),
      ("user,item\n1,a\n2,a\n", .unrankable, "\"a\" is the only item, so nothing can be ranked"),
    ]
    for (text, kind, problem) in cases {
      let error = try failure(text)
      #expect(error?.kind == kind)
      #expect(error?.description.contains(problem) == true, "\(error?.description ?? "accepted")")
    }
    let skipped = try failure("user,item\n1\n,b\n", ReadOptions(onBadLine: .skip))
    #expect(skipped?.problem.contains("all 2 lines were left out, the first because line 2: \"1\" has 1 field") == true)
    #expect(try readText("user,item\n1,a\n", ReadOptions(requiresRankable: false)).interactions.count == 1)
    #expect(try failure("user,item\r1,a\r2,b\r")?.description.contains("carriage returns") == true)
  }

  @Test func aLogWithoutNegativesIsNoted() throws {
    #expect(try readText("user,item\n1,a\n2,b\n").report.notes.first?.contains("every row is a click") == true)
    #expect(try readText("user,item,click\n1,a,1\n2,b,1\n").report.notes.count == 1)
    #expect(try readText("user,item,click\n1,a,1\n2,b,0\n").report.notes.isEmpty)
    #expect(try readText("user,item,rating\n1,a,1\n2,b,1\n").report.notes.first?.contains("every rating is 1") == true)
  }

  @Test func aSecondFileContinuesTheTablesOfTheFirst() throws {
    let first = try readText("user,item\nu,i\nv,j\n").interactions
    try withFile(Array("user,item\nv,k\nw,i\n".utf8), name: "test.csv") { path in
      let second = try InteractionReader().read(path: path, users: first.users, items: first.items).interactions
      #expect(second.userColumn == [1, 2])
      #expect(second.itemColumn == [2, 0])
      #expect(second.users.count == 3)
    }
  }

  @Test func progressEndsAtTheSizeOfTheFile() throws {
    let text = "user,item\n" + String(repeating: "1,a\n2,b\n", count: 140_000)
    try withFile(Array(text.utf8), name: "log.csv") { path in
      var seen: [ReadProgress] = []
      let report = try InteractionReader().read(path: path) { seen.append($0) }.report
      #expect(seen.count >= 2)
      #expect(seen.last == ReadProgress(bytes: report.bytes, totalBytes: report.bytes, rows: 280_000))
      #expect(report.bytes == Int64(text.utf8.count))
    }
  }

  @Test func manyBlocksGiveWhatTheRowsWere() throws {
    let count = 100_000
    var generator = SeededGenerator(seed: 5, stream: .split)
    var text = Array("user,item,rating\n".utf8)
    var (userOf, itemOf): ([Int: Int32], [Int: Int32]) = ([:], [:])
    var (users, items, ratings): ([Int32], [Int32], [Float]) = ([], [], [])
    for _ in 0..<count {
      let (user, item, tenths) = (generator.below(2000), generator.below(3_000_000), generator.below(500))
      text += "u\(user),\(item),\(tenths / 10).\(tenths % 10)\n".utf8
      users.append(userOf[user, default: Int32(userOf.count)])
      items.append(itemOf[item, default: Int32(itemOf.count)])
      ratings.append(Float(Double(tenths) / 10))
      userOf[user] = users[users.count - 1]
      itemOf[item] = items[items.count - 1]
    }
    #expect(text.count > BlockBuffer.block)
    let log = try withFile(text, name: "log.csv") { try InteractionReader().read(path: $0).interactions }
    #expect(log.userColumn == users)
    #expect(log.itemColumn == items)
    #expect(log.ratings == ratings)
    #expect(itemOf.allSatisfy { log.items[Int($1)] == String($0) })
  }

  @Test func anyBytesAreReadOrRefused() throws {
    let alphabet: [UInt8] = Array("01,\"\n\r\t: .ae-".utf8) + [0, 0xC3, 0xA9, 0xFF, 0xEF, 0xBB, 0xBF, 0x1F, 0x8B]
    let byPosition = try ReadOptions.columns("user=1,item=2", header: false).format
    var generator = SeededGenerator(seed: 9, stream: .split)
    var accepted = 0
    for round in 0..<1000 {
      var bytes = Array(["", "user,item,rating\n1,a,3\n", "user::item\n1::a\n"][round % 3].utf8)
      for _ in 0..<generator.below(60) { bytes.append(alphabet[generator.below(alphabet.count)]) }
      let isHeaderless = round % 3 == 0
      let preset = isHeaderless && round % 2 == 0 ? DataPreset.allCases[round % DataPreset.allCases.count] : nil
      let options = ReadOptions(
        preset: preset, format: isHeaderless && preset == nil ? byPosition : TableFormat(), onBadLine: .skip,
        requiresRankable: false)
      do {
        let (log, report) = try readThroughPipe(bytes, options)
        let feeds = bytes.count { $0 == 10 }
        #expect(report.lines == (bytes.last == 10 ? feeds : feeds + 1), "\(bytes)")
        #expect(log.userColumn.allSatisfy { Int($0) < log.users.count })
        #expect(log.itemColumn.allSatisfy { Int($0) < log.items.count })
        if !isHeaderless { #expect(log.pairs.first == "1 a") }
        accepted += 1
      } catch let error as ReadError {
        #expect(error.description.hasPrefix("a pipe"))
        #expect(!error.remedy.isEmpty)
      }
    }
    #expect(accepted > 600)
  }
}
