import Testing

@testable import LightmeterFeedback

@Suite struct DataPresetTests {
  static func read(_ text: String, _ preset: DataPreset) throws -> Interactions {
    try readText(text, name: "file.txt", ReadOptions(preset: preset)).interactions
  }

  @Test func coatIsAMatrixWithEveryRowAndColumn() throws {
    let (log, report) = try readText("0 4 0 \r\n0 0 0 \r\n5 0 1 \r\n", name: "train.ascii", ReadOptions(preset: .coat))
    #expect(log.pairs == ["0 1", "2 0", "2 2"])
    #expect(log.ratings == [4, 5, 1])
    #expect((report.users, report.items, report.rows, report.lines) == (3, 3, 3, 3))
    let short = try failure("0 4 0\n0 4\n", ReadOptions(preset: .coat))
    #expect(short?.description.contains("log.csv, line 2: \"0 4\" has 2 fields where the first line has 3") == true)
    let letter = try failure("0 4 0\n0 x 0\n", ReadOptions(preset: .coat))
    #expect(letter?.description.contains("log.csv, line 2, column 2 (rating): \"x\" is not a rating") == true)
    #expect(try failure("word\n", ReadOptions(preset: .coat))?.remedy == "check --preset coat")
  }

  @Test func aSkippedCoatLineKeepsTheNumbersOfTheOthers() throws {
    let options = ReadOptions(preset: .coat, onBadLine: .skip)
    let (log, report) = try readText("0 4 0\n1 x 0\n1 2\n5 0 1\n", options)
    #expect(log.pairs == ["0 1", "3 0", "3 2"])
    #expect(report.skipped == 2)
    #expect(report.users == 4)
  }

  @Test func yahooKeepsRawOneBasedIds() throws {
    let log = try Self.read("1\t14\t5\n1\t35\t1\n15400\t1000\t2\n", .yahooR3)
    #expect(log.pairs == ["1 14", "1 35", "15400 1000"])
    #expect(log.ratings == [5, 1, 2])
  }

  @Test func movieLensInItsThreeForms() throws {
    let old = try Self.read("196\t242\t3\t881250949\n186\t302\t3\t891717742\n", .movieLens100K)
    #expect(old.pairs == ["196 242", "186 302"])
    #expect(old.times == [881_250_949, 891_717_742])
    let million = try Self.read("1::1193::5::978300760\n2::661::3::978302109\n", .movieLens1M)
    #expect(million.pairs == ["1 1193", "2 661"])
    #expect(million.ratings == [5, 3])
    let csv = try Self.read(
      "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n7,1029,3.0,1260759179\n", .movieLensCSV)
    #expect(csv.pairs == ["1 31", "7 1029"])
    #expect(csv.ratings == [2.5, 3])
  }

  @Test func amazonColumnOrdersFollowTheYear() throws {
    let first = try Self.read("A1,B1,5.0,1400000000\nA2,B2,1.0,1400000001\n", .amazon2014)
    let second = try Self.read("B1,A1,5.0,1400000000\nB2,A2,1.0,1400000001\n", .amazon2018)
    let third = try Self.read(
      "user_id,parent_asin,rating,timestamp\nA1,B1,5.0,1400000000\nA2,B2,1.0,1400000001\n", .amazon2023)
    #expect(first.pairs == ["A1 B1", "A2 B2"])
    #expect(first == second)
    #expect(first == third)
  }

  @Test func kuaiRecIsReadByItsHeader() throws {
    let header = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n"
    let log = try Self.read(header + "0,3649,13838,10867,2020-07-05,,,2.5\n1,9598,1,2,,,,0.5\n", .kuaiRec)
    #expect(log.pairs == ["0 3649", "1 9598"])
    #expect(log.ratings == [2.5, 0.5])
    #expect(DataPreset.kuaiRec.positiveRule(for: log) == .ratingAtLeast(2))
    let pairs = try Self.read("user_id,video_id\n0,0\n0,1\n1,1\n", .kuaiRec)
    #expect(pairs.count == 3)
    #expect(DataPreset.kuaiRec.positiveRule(for: pairs) == .everyRow)
  }

  @Test func recBoleTypesAreLeftOff() throws {
    let text = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\ta\t3.0\t8.81e8\n2\tb\t1\t874724710.5\n"
    let (log, report) = try readText(text, name: "ml.inter", ReadOptions(preset: .recBole))
    #expect(log.pairs == ["1 a", "2 b"])
    #expect(log.times == [881_000_000, 874_724_710])
    #expect(report.reading == "tab, header: user = user_id, item = item_id, rating = rating, timestamp = timestamp")
    let labels = try Self.read("user_id:token\titem_id:token\tlabel:float\n1\ta\t1.0\n2\tb\t0.0\n", .recBole)
    #expect(labels.clicks == [1, 0])
  }

  @Test func aPresetOnTheWrongFileSaysSo() throws {
    let wrong = try failure("1,31,2.5,12\n", ReadOptions(preset: .movieLensCSV))
    #expect(wrong?.kind == .unsettled)
    #expect(wrong?.description.contains("check that the file is movielens-csv") == true)
    let tab = try failure("1,31,2.5,12\n", ReadOptions(preset: .movieLens100K))
    #expect(tab?.description.contains("has no tab between fields") == true)
    let header = try failure("user_id,parent_asin,rating,timestamp\nA,B,1,2\n", ReadOptions(preset: .amazon2014))
    #expect(
      header?.description.contains("log.csv, line 1, column 3 (rating): \"rating\" is not a finite number") == true)
    #expect(try failure("1\t2\n1\t3\n", ReadOptions(preset: .yahooR3))?.kind == .options)
  }

  @Test func everyPresetHasASummaryAndATextForm() {
    for preset in DataPreset.allCases {
      #expect(!preset.summary.isEmpty)
      #expect(DataPreset(rawValue: preset.rawValue) == preset)
    }
  }
}
