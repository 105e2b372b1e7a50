import Testing

@testable import LightmeterFeedback

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite struct TableLayoutTests {
  @Test func knownHeadersAreReadWithoutFlags() throws {
    let (log, report) = try readText("Rating,userId,ITEM\n4,u,i\n3,v,j\n")
    #expect(log.pairs == ["u i", "v j"])
    #expect(log.ratings == [4, 3])
    #expect(report.reading == "comma, header: user = userId, item = ITEM, rating = Rating")
  }

  @Test func columnsByNameAndByPosition() throws {
    let text = "who,what,stars\nu,i,4\nv,j,3\n"
    #expect(try readText(text, .columns("user=who,item=what,rating=stars")).interactions.ratings == [4, 3])
    #expect(try readText(text, .columns("user=1,item=2", header: true)).interactions.pairs == ["u i", "v j"])
    let headerless = try readText("4,u,i\n3,v,j\n", .columns("user=2,item=3,rating=1")).interactions
    #expect(headerless.pairs == ["u i", "v j"])
    #expect(try readText("1,2\n3,4\n", .columns("user=2,item=1")).interactions.pairs == ["2 1", "4 3"])
  }

  @Test(arguments: [
    ("a,b\t1\n", "log.dat", "can be split by comma or by tab", "--delimiter comma, tab, double-colon or space"),
    ("abc\n", "log.csv", "has no comma, tab, :: or space between fields", "--delimiter"),
    ("1,2\n", "log.csv", "user,item or item,user", "--columns user=1,item=2"),
    ("1,2,3\n", "log.csv", "user,item,rating or user,item,timestamp", "--columns user=1,item=2,rating=3"),
    (
      "AB,B0,5.0,12\n", "log.csv",
      "user,item,rating,timestamp (Amazon 2014, MovieLens) or item,user,rating,timestamp (Amazon 2018)",
      "--preset amazon-2014, --preset amazon-2018"
    ),
    ("1,2,3,4,5\n", "log.csv", "its 5 columns in many orders", "--columns"),
    ("who,what\nu,i\n", "log.csv", "can be a header with names not known here, or the first row", "--no-header"),
    ("user,what\nu,i\n", "log.csv", "can be a header with names not known here, or the first row", "user=user"),
    (
      "user,asin,parent_asin\nu,i,j\n", "log.csv", "names two columns that can be the item, asin or parent_asin",
      "--columns item=asin"
    ),
    ("user,item,item\nu,i,j\n", "log.csv", "names two columns that can be the item, item or item", "--columns item=2"),
    ("user;item\nu;i\n", "log.csv", "has no comma, tab, :: or space between fields", "tr ';'"),
  ])
  func twoReadingsAreRefused(text: String, name: String, problem: String, remedy: String) throws {
    let error = try failure(text, name: name)
    #expect(error?.kind == .unsettled)
    #expect(error?.line == 1)
    #expect(error?.description.contains("\(name), line 1: \"") == true)
    #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
    #expect(error?.remedy.contains(remedy) == true, "\(error?.remedy ?? "")")
  }

  @Test func aPositionSettlesANameThatStandsTwice() throws {
    let log = try readText("user,item,item\nu,i,j\nv,k,i\n", .columns("item=3")).interactions
    #expect(log.items[0] == "j" && log.items[1] == "i" && log.users[1] == "v")
  }

  @Test func aHeaderFlagSettlesAFirstLineOfWords() throws {
    let text = "u,i\nv,j\n"
    let columns = "user=1,item=2"
    let error = try failure(text, .columns(columns))
    #expect(error?.description.contains("can be a header or the first row; say which with --header") == true)
    #expect(try readText(text, .columns(columns, header: false)).interactions.count == 2)
    let alone = ReadOptions(
      format: try ReadOptions.columns(columns, header: true).format, requiresRankable: false)
    #expect(try readText(text, alone).interactions.pairs == ["v j"])
  }

  @Test func columnsThatDoNotFitAreRefused() throws {
    let cases: [(String, Bool?, String)] = [
      ("user=who,item=2", nil, "\"who\" is no column of the header user,item"),
      ("user=1,item=3", nil, "\"3\" is asked for as the item column, but the line has 2 fields"),
      ("user=1,item=1", nil, "\"1\" is the column of both user and item"),
      ("user=user,item=2", false, "\"user\" names a column, but the file is read without a header"),
    ]
    for (columns, header, problem) in cases {
      let error = try failure("user,item\n1,2\n", .columns(columns, header: header))
      #expect(error?.kind == .options)
      #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
      #expect(error?.remedy.contains("--columns") == true)
    }
    let twice = try failure("User,uSer,item\n1,2,3\n", .columns("user=user"))
    #expect(twice?.description.contains("names 2 columns of the header") == true)
  }

  @Test func theColumnsFlagIsParsed() throws {
    #expect(
      try TableFormat.columns(parsing: "user=uid,item=3,click=is click")
        == [.user: .name("uid"), .item: .position(3), .click: .name("is click")])
    for text in ["", "user", "user=", "person=1", "user=1,user=2", "user=1,"] {
      let error = #expect(throws: ReadError.self) { try TableFormat.columns(parsing: text) }
      #expect(error?.description.contains("is not role=column") == true)
      #expect(error?.remedy.contains("propensity") == true)
    }
  }

  @Test func formatsRoundTripThroughJSON() throws {
    let format = TableFormat(
      delimiter: .doubleColon, header: false, columns: [.user: .position(2), .item: .name("x")])
    let data = try JSONEncoder().encode(format)
    #expect(try JSONDecoder().decode(TableFormat.self, from: data) == format)
    #expect(String(decoding: data, as: UTF8.self).contains("\"user\":\"2\""))
  }
}
