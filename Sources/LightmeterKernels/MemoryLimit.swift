/// How much memory this process may hold.
///
/// - Stability: experimental
public enum MemoryLimit {
  /// Bytes: the smallest of what the system has left beside what this process holds, and the limits of its control
  /// groups; nil where the system tells neither.
  public static var current: Int? {
    #if os(Linux)
      limit(memoryInformation: text("/proc/meminfo"), status: text("/proc/self/status"), groups: groupLimits)
    #else
      SystemCalls.physicalMemory
    #endif
  }

  /// The smallest limit among the texts that Linux gives.
  ///
  /// - Parameters:
  ///   - memoryInformation: `/proc/meminfo`.
  ///   - status: `/proc/self/status`.
  ///   - groups: contents of `memory.max` or `memory.limit_in_bytes`, "max" for none.
  static func limit(memoryInformation: String, status: String, groups: [String]) -> Int? {
    var limits: [Int] = []
    if let available = kibibytes("MemAvailable:", in: memoryInformation) {
      limits.append(1024 * (available + (kibibytes("VmRSS:", in: status) ?? 0)))
    }
    for group in groups {
      let digits = group.prefix { $0.isNumber }
      if let bytes = Int(digits) { limits.append(bytes) }
    }
    return limits.min()
  }

  private static func kibibytes(_ name: String, in text: String) -> Int? {
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      return line.dropFirst(name.count).split { $0 == " " || $0 == "\t" }.first.flatMap { Int($0) }
    }
    return nil
  }

  /// Limits of this process's control group and of those above it, versions 2 and 1.
  private static var groupLimits: [String] {
    var contents: [String] = []
    for line in text("/proc/self/cgroup").split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isSecond = parts[1].isEmpty
      guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
      let root = isSecond ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
      let name = isSecond ? "memory.max" : "memory.limit_in_bytes"
      var path = parts[2]
      while true {
        contents.append(text(root + path + "/" + name))
        guard let slash = path.lastIndex(of: "/"), path.count > 1 else { break }
        path = path[..<slash]
      }
    }
    return contents
  }

  private static func text(_ path: String) -> String {
    guard let file = try? MappedFile(path) else { return "" }
    return String(decoding: file.array(of: UInt8.self, in: 0..<file.count), as: UTF8.self)
  }
}
