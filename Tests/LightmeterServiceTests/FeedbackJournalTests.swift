import Foundation
import LightmeterFeedback
import LightmeterKernels
import TestSupport
import Testing

@testable import LightmeterService

@Suite struct FeedbackJournalTests {
  private func shown(_ user: String, _ item: String, clicked: Bool = false, _ probability: Double = 0.5)
    -> FeedbackEntry
  {
    .impression(
      FeedbackEntry.Impression(
        user: user, item: item, clicked: clicked, probability: probability, rank: 1, timestamp: 1_700_000_000))
  }

  private func text(_ path: String) throws -> String { String(decoding: try bytes(at: path), as: UTF8.self) }

  @Test func whatIsLoggedIsReadBackByTheReaderOfTrainingLogs() throws {
    try withTemporaryFolder { folder in
      let journal = try FeedbackJournal(folder: folder + "/log")
      let ids = ["plain", "with,comma", "with \"quotes\"", " space ", "naïve 🙂", "'", "semi;colon"]
      try journal.record(
        ids.map { shown($0, "i1", 0.125) } + [shown("plain", "i1", clicked: true, 0.125), shown("plain", "i,2", 1)])
      let (log, report) = try InteractionReader().read(path: folder + "/log/impressions-000001.csv")
      #expect((0..<log.users.count).map { log.users[$0] } == ids)
      #expect(log.items[1] == "i,2")
      #expect(log.shown == [1, 1, 1, 1, 1, 1, 1, 1, 1])
      #expect(log.clicks == [0, 0, 0, 0, 0, 0, 0, 1, 0])
      #expect(log.propensities == [0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 1])
      #expect(log.times == Array(repeating: 1_700_000_000, count: 9))
      #expect(report.skipped == 0)
      // As `train` does it: a pair that was shown and clicked is one positive row with its propensity.
      let distinct = try log.deduplicated(.anyPositive, positives: PositiveRule.clickColumn.apply(to: log))
      #expect(distinct.duplicates == 1 && distinct.positives.filter { $0 == 1 }.count == 1)
    }
  }

  @Test func smallProbabilitiesAndRatingsKeepTheirValue() throws {
    try withTemporaryFolder { folder in
      let journal = try FeedbackJournal(folder: folder)
      try journal.record([
        shown("u", "i", 1e-7), shown("v", "j", 1), .rating(user: "u", item: "i", rating: -2.5, timestamp: 3),
        .rating(user: "v", item: "j", rating: 4, timestamp: 4), .click(user: "u", item: "i", timestamp: 5),
        .click(user: "v", item: "j", timestamp: 6),
      ])
      let impressions = try InteractionReader().read(path: folder + "/impressions-000001.csv").interactions
      #expect(impressions.propensities == [1e-7, 1])
      #expect(try InteractionReader().read(path: folder + "/ratings-000001.csv").interactions.ratings == [-2.5, 4])
      let clicks = try InteractionReader().read(path: folder + "/clicks-000001.csv").interactions
      #expect(clicks.clicks == [1, 1] && clicks.shown == nil && clicks.propensities == nil)
    }
  }

  @Test func aTornLastLineIsCutOffAndTheRestGoesOn() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/impressions-000001.csv"
      do { try FeedbackJournal(folder: folder).record([shown("u", "i"), shown("v", "j")]) }
      let whole = try text(path)
      let torn = try AtomicFile(path)
      try torn.write(whole + "w,k,1,0,0.")
      try torn.commit()
      let journal = try FeedbackJournal(folder: folder)
      #expect(journal.repairs == [FeedbackJournal.Repair(file: "impressions-000001.csv", bytes: 10)])
      try journal.record([shown("x", "l")])
      #expect(try text(path) == whole + "x,l,1,0,0.5,1,1700000000\n")
      #expect(journal.impression(user: "v", item: "j")?.probability == 0.5, "remembered across the restart")
      #expect(journal.impression(user: "w", item: "k") == nil)
    }
  }

  @Test func aFullFileIsFollowedByTheNextAndKeepsItsHeader() throws {
    try withTemporaryFolder { folder in
      let journal = try FeedbackJournal(folder: folder, largest: 120)
      for k in 0..<6 { try journal.record([shown("user\(k)", "item\(k)")]) }
      let files = try names(in: folder).filter { $0.hasPrefix("impressions") }
      #expect(files.count == 3)
      var rows = 0
      for file in files {
        let content = try text(folder + "/" + file)
        #expect(content.hasPrefix(FeedbackEntry.Kind.impressions.header) && content.utf8.count <= 120)
        rows += content.split(separator: "\n").count - 1
      }
      #expect(rows == 6)
      withExtendedLifetime(journal) {}
    }
  }

  @Test func aLogBelongsToOneProcessAndToItsOwnKind() throws {
    try withTemporaryFolder { folder in
      let journal = try FeedbackJournal(folder: folder)
      #expect(throws: AppendFileError.inUse(path: folder + "/impressions-000001.csv")) {
        try FeedbackJournal(folder: folder)
      }
      withExtendedLifetime(journal) {}
    }
    try withTemporaryFolder { folder in
      let other = try AtomicFile(folder + "/clicks-000001.csv")
      try other.write("a,b\n1,2\n")
      try other.commit()
      #expect(throws: AppendFileError.notALog(path: folder + "/clicks-000001.csv")) {
        try FeedbackJournal(folder: folder)
      }
    }
  }

  @Test(.enabled(if: getuid() != 0, "root may list every folder")) func aFolderThatCannotBeListedIsNotTakenForEmpty()
    throws
  {
    try withTemporaryFolder { folder in
      do { try FeedbackJournal(folder: folder).record([shown("u", "i")]) }
      try FileManager.default.setAttributes([.posixPermissions: 0o300], ofItemAtPath: folder)
      defer { try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder) }
      #expect { try FeedbackJournal(folder: folder) } throws: {
        "\($0)".contains("cannot be listed; allow the server to read it")
      }
    }
  }
}
