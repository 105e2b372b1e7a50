import LightmeterFeedback
import LightmeterKernels
import TestSupport
import Testing

@testable import LightmeterExperiments

/// Rows that a log marks as random traffic.
@Suite struct RandomTrafficColumnTests {
  private func job(_ rows: String) throws -> TrainingJob {
    let folder = try TemporaryPlace()
    defer { folder.remove() }
    let file = try AtomicFile(folder.path + "/log.csv")
    try file.write(rows)
    try file.commit()
    return TrainingJob(log: try LoadedLog.load(LogRequest(path: folder.path + "/log.csv")))
  }

  @Test func markedRowsAreTheSlice() throws {
    let job = try job(
      """
      user,item,click,random
      a,x,1,0
      a,y,0,1
      b,x,1,1
      b,y,1,0
      a,z,0,0

      """)
    let slice = try #require(job.slice)
    #expect(slice.users == [0, 1] && slice.items == [1, 0] && slice.feedback == [0, 1])
    #expect(job.log.interactions.count == 3 && job.log.positives == [1, 1, 0])
    #expect(job.log.interactions.users.count == 2 && job.log.interactions.items.count == 3, "ids stay")
  }

  @Test func aLogThatMarksNoneHasNoSlice() throws {
    #expect(try job("user,item,click,random\na,x,1,0\nb,y,1,0\n").slice == nil)
    #expect(try job("user,item\na,x\nb,y\n").slice == nil)
  }
}
