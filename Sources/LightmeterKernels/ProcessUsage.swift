#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What this process has used so far.
///
/// - Stability: experimental
public enum ProcessUsage {
  /// The most memory that the process has held at once, bytes; of the whole process, all threads.
  public static var peakBytes: Int {
    var usage = rusage()
    // RUSAGE_SELF, which every system spells in a type of its own.
    guard getrusage(0, &usage) == 0 else { return 0 }
    #if canImport(Darwin)
      return usage.ru_maxrss
    #else
      return usage.ru_maxrss * 1024
    #endif
  }

  /// The processor's name where the system tells it, and how many cores are online.
  public static var machine: String {
    let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
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
    guard let file = fopen("/proc/cpuinfo", "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 512)
    while fgets(&line, 512, file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix("model name"), let colon = text.firstIndex(of: ":") else { continue }
      let name = text[text.index(after: colon)...]
      return String(name.split(whereSeparator: { $0 == " " || $0 == "\n" }).joined(separator: " "))
    }
    return nil
  }
}
