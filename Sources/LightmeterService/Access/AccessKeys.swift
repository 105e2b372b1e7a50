internal import LightmeterKernels

/// Who may ask and who may write: a set of keys, compared in constant time.
///
/// A server without keys lets everybody do everything; one with keys asks for them on all routes but the health checks,
/// the page and the OpenAPI document.
public struct AccessKeys: Sendable {
  /// What a key allows.
  public enum Level: Int, Sendable, Comparable {
    /// Nothing.
    case none
    /// Questions.
    case read
    /// Questions and feedback.
    case write

    /// Less allowed is less.
    public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
  }

  private var keys: [(key: [UInt8], level: Level)] = []
  private static let shortest = 16

  /// Whether there is none.
  public var isEmpty: Bool { keys.isEmpty }
  /// Number of keys.
  var count: Int { keys.count }

  /// No keys.
  public init() {}

  /// Keys of a file, of `LIGHTMETER_READ_KEYS` and of `LIGHTMETER_WRITE_KEYS`.
  ///
  /// - Parameters:
  ///   - file: a path, or nil.
  /// - Throws: ``SettingError`` for a file without keys, for other lines, and for keys of less than 16 characters; it
  ///   names the line, never the key.
  public init(
    file: String?, environment: [String: String], text: (String) throws -> String = SettingsFile.text
  ) throws {
    if let file {
      for (number, line) in try text(file).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        let line = SettingsFile.trimmed(line)
        if line.isEmpty || line.hasPrefix("#") { continue }
        let parts = line.split { $0 == " " || $0 == "\t" }
        guard parts.count == 2, let level = ["read": Level.read, "write": .write][parts[0]] else {
          throw SettingError("\(file), line \(number + 1): write 'read KEY' or 'write KEY'")
        }
        try add(String(parts[1]), level, "\(file), line \(number + 1)")
      }
      guard !isEmpty else {
        throw SettingError("\(file): there is no key in it; write 'read KEY' or 'write KEY' lines")
      }
    }
    for (name, level) in [("LIGHTMETER_READ_KEYS", Level.read), ("LIGHTMETER_WRITE_KEYS", .write)] {
      for key in (environment[name] ?? "").split(separator: ",") { try add(String(key), level, name) }
    }
  }

  private mutating func add(_ key: String, _ level: Level, _ place: String) throws {
    guard key.utf8.count >= Self.shortest else {
      throw SettingError(
        "\(place): a key has at least \(Self.shortest) characters, such as `openssl rand -hex 16` gives")
    }
    guard key.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
      throw SettingError("\(place): a key has letters, digits and signs of ASCII only")
    }
    keys.append((Array(key.utf8), level))
  }

  /// What the keys in the header fields allow; everything where the server has none. Of two keys the weaker one counts.
  ///
  /// - Complexity: the same for every key of one length, right or wrong.
  public func level(headers: [String: String]) -> Level { grant(headers: headers).level }

  /// What is allowed and to which key, from 1; 0 where the server has none or none was right.
  func grant(headers: [String: String]) -> (level: Level, key: Int) {
    guard !isEmpty else { return (.write, 0) }
    return Self.given(in: headers).map { grant(of: Array($0.utf8)) }.min { $0.level < $1.level } ?? (.none, 0)
  }

  private func grant(of given: [UInt8]) -> (level: Level, key: Int) {
    var best = 0
    for (place, entry) in keys.enumerated() {
      // No early end: the time tells nothing of how many characters were right.
      let value = Self.equal(given, entry.key) ? entry.level.rawValue << 32 | place + 1 : 0
      best = max(best, value)
    }
    return (Level(rawValue: best >> 32) ?? .none, best & 0xFFFF_FFFF)
  }

  private static func given(in headers: [String: String]) -> [String] {
    var keys: [String] = []
    if let key = headers["x-api-key"] { keys.append(key) }
    if let field = headers["authorization"] {
      // Credentials of another kind are no key.
      keys.append(field.lowercased().hasPrefix("bearer ") ? SettingsFile.trimmed(field.dropFirst(7)) : "")
    }
    return keys
  }

  private static func equal(_ given: [UInt8], _ key: [UInt8]) -> Bool {
    var difference = UInt(bitPattern: given.count ^ key.count)
    for k in given.indices { difference |= UInt(given[k] ^ key[k % key.count]) }
    return difference == 0
  }
}
