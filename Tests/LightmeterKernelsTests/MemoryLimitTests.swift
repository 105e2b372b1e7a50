import Testing

@testable import LightmeterKernels

@Suite struct MemoryLimitTests {
  private let information = "MemTotal:  24000000 kB\nMemFree:  1 kB\nMemAvailable:  2000 kB\n"

  @Test func whatTheSystemHasLeftCountsWhatTheProcessHolds() {
    let limit = MemoryLimit.limit(memoryInformation: information, status: "VmPeak: 9 kB\nVmRSS:\t 500 kB\n", groups: [])
    #expect(limit == 2500 * 1024)
  }

  @Test func theSmallestLimitOfTheControlGroupsCounts() {
    let groups = ["max\n", "1000000\n", "9223372036854771712\n", ""]
    #expect(MemoryLimit.limit(memoryInformation: information, status: "", groups: groups) == 1_000_000)
    #expect(MemoryLimit.limit(memoryInformation: "", status: "", groups: ["max\n"]) == nil)
  }

  @Test func thisSystemTellsALimit() throws {
    #expect(try #require(MemoryLimit.current) > 1 << 20)
  }
}
