/// What this process has used so far.
///
/// - Stability: experimental
public enum ProcessUsage {
  /// The most memory that the process has held at once, bytes; of the whole process, all threads.
  public static var peakBytes: Int { SystemCalls.peakBytes }

  /// The number of this process.
  public static var processNumber: Int32 { SystemCalls.processNumber }

  /// Whether a process of that number runs on this machine.
  public static func isRunning(_ process: Int32) -> Bool { process > 0 && SystemCalls.isRunning(process) }

  /// The processor's name where the system tells it, and how many cores are online.
  public static var machine: String {
    let cores = SystemCalls.coreCount
    return "\(processorName ?? architecture), \(cores) core\(cores == 1 ? "" : "s")"
  }

  private static var architecture: String {
    #if arch(x86_64)
      "x86-64"
    #elseif arch(arm64)
      "arm64"
    #else
      "unknown processor"
    #endif
  }

  private static var processorName: String? {
    guard let file = try? MappedFile("/proc/cpuinfo") else { return nil }
    let text = String(decoding: file.array(of: UInt8.self, in: 0..<file.count), as: UTF8.self)
    for line in text.split(separator: "\n") where line.hasPrefix("model name") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      return line[line.index(after: colon)...].split(separator: " ").joined(separator: " ")
    }
    return nil
  }
}
