import LightmeterKernels
import Testing

@Suite struct ProcessUsageTests {
  @Test func peakMemoryGrowsWithWhatIsHeld() {
    let before = ProcessUsage.peakBytes
    #expect(before > 1 << 20, "a process holds more than a megabyte, not \(before) bytes")
    // More than the process has held so far, every page touched.
    let held = [UInt8](repeating: 1, count: before + 1 << 24)
    #expect(ProcessUsage.peakBytes >= held.count && held[held.count - 1] == 1)
  }

  @Test func theMachineIsNamedWithItsCores() {
    #expect(ProcessUsage.machine.contains("core") && !ProcessUsage.machine.hasPrefix(","))
  }
}
