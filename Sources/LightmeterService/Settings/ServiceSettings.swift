internal import LightmeterKernels

/// How the server runs. Each value comes from the flags, else the environment, else the file, else its default.
public struct ServiceSettings: Sendable, Equatable {
  /// When logged rows are forced to the disk.
  public enum LogSync: String, Sendable, CaseIterable {
    /// Before a request is answered.
    case always
    /// Once a second at most.
    case second
    /// When the system likes.
    case never
  }

  /// The model file.
  public var model: String
  /// The model's name in answers.
  public var name: String
  /// Where to listen.
  public var host = "127.0.0.1"
  /// Port; 0 for a free one.
  public var port = 8000
  /// File of keys, or nil.
  public var keys: String?
  /// Whether to listen beyond loopback without keys.
  public var allowsOpen = false
  /// Certificate chain and private key, both or none.
  public var certificate: String?
  /// The private key's file.
  public var privateKey: String?
  /// Folder of the feedback log, or nil.
  public var feedbackLog: String?
  /// Bytes of a log file.
  public var feedbackLogBytes = 64 << 20
  /// When logged rows are forced to the disk.
  public var feedbackLogSync = LogSync.second
  /// Seconds between looks at the model file; 0 for none.
  public var watchSeconds = 2
  /// Threads, or nil for all.
  public var threads: Int?
  /// Largest body, bytes.
  public var largestBody = 1 << 20
  /// Most items of a list.
  public var mostItems = 1000
  /// Most users or events of a request.
  public var largestBatch = 1000
  /// Most requests at once.
  public var mostRequests = 1024
  /// Most requests of a key a minute, or nil for any number.
  public var mostPerMinute: Int?
  /// Requests that a key may save up, or nil for those of a minute.
  public var burst: Int?
  /// Most connections at once.
  public var mostConnections = 10_000
  /// Seconds for a body to arrive.
  public var bodySeconds = 10
  /// Seconds after which an idle connection is closed.
  public var idleSeconds = 60
  /// Seconds that running requests get at the end.
  public var drainSeconds = 10

  /// The defaults for a model file.
  public init(model: String) {
    self.model = model
    name = Self.stem(model)
  }

  /// Whether the address can be reached from this machine only.
  public var isLoopback: Bool { Self.isLoopback(host) }

  /// Whether a name is one of this machine's own: localhost, ::1, or four numbers of which the first is 127.
  static func isLoopback(_ host: String) -> Bool {
    if ["localhost", "::1", "[::1]"].contains(host.lowercased()) { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// Settles every setting.
  ///
  /// - Parameters:
  ///   - arguments: the command line behind the program's name: one model file and flags.
  ///   - environment: the process's variables.
  ///   - file: reads the file named by `config`.
  /// - Throws: ``SettingError`` that names the setting, where it was set, its value and what it takes.
  public init(
    arguments: [String], environment: [String: String], file: (String) throws -> String = SettingsFile.text
  ) throws {
    let (paths, flags) = try SettingsFile.parsed(arguments: arguments)
    guard paths.count == 1 else {
      throw SettingError(
        paths.isEmpty
          ? "name a model file: lightmeter-serve MODEL [--port 8000]" : "name one model file, not \(paths.count)")
    }
    self.init(model: paths[0])
    var layers: [(source: String, values: [Setting: String])] = [
      ("--", flags), ("LIGHTMETER_", SettingsFile.parsed(environment: environment)),
    ]
    if let config = layers.lazy.compactMap({ $0.values[.config] }).first {
      layers.append((config, try SettingsFile.parsed(text: try file(config), path: config)))
    }
    for setting in Setting.allCases {
      guard let layer = layers.first(where: { $0.values[setting] != nil }), let value = layer.values[setting] else {
        continue
      }
      let place =
        switch layer.source {
        case "--": "--\(setting.rawValue)"
        case "LIGHTMETER_": setting.environmentName
        default: "'\(setting.rawValue)' in \(layer.source)"
        }
      try set(setting, value, place)
    }
    guard (certificate == nil) == (privateKey == nil) else {
      throw SettingError("--tls-certificate and --tls-key belong together; give both or none")
    }
    guard burst == nil || mostPerMinute != nil else {
      throw SettingError("--max-burst belongs to --max-rate; give both or the rate alone")
    }
  }

  private mutating func set(_ setting: Setting, _ value: String, _ place: String) throws {
    func whole(_ range: ClosedRange<Int>) throws -> Int {
      guard let number = Int(value), range.contains(number) else {
        throw SettingError(
          "\(place) is '\(value)'; it must be a whole number from \(range.lowerBound) to \(range.upperBound)")
      }
      return number
    }
    guard !value.isEmpty else { throw SettingError("\(place) is empty") }
    switch setting {
    case .host: host = value
    case .port: port = try whole(0...65_535)
    case .name:
      guard value.utf8.allSatisfy({ $0 > 32 && $0 != 127 && $0 != 47 }) else {
        throw SettingError("\(place) is '\(value)'; a name has no spaces and no slashes")
      }
      name = value
    case .config: break
    case .keys: keys = value
    case .allowOpen:
      guard let flag = ["true": true, "false": false][value] else {
        throw SettingError("\(place) is '\(value)'; it must be true or false")
      }
      allowsOpen = flag
    case .tlsCertificate: certificate = value
    case .tlsKey: privateKey = value
    case .feedbackLog: feedbackLog = value
    case .feedbackLogSize: feedbackLogBytes = try whole(1...65_536) << 20
    case .feedbackLogSync:
      guard let sync = LogSync(rawValue: value) else {
        throw SettingError("\(place) is '\(value)'; it must be always, second or never")
      }
      feedbackLogSync = sync
    case .watch: watchSeconds = try whole(0...86_400)
    case .threads: threads = try whole(1...256)
    case .maxBody: largestBody = try whole(1024...1 << 30)
    case .maxItems: mostItems = try whole(1...100_000)
    case .maxBatch: largestBatch = try whole(1...100_000)
    case .maxRequests: mostRequests = try whole(1...1_000_000)
    case .maxRate: mostPerMinute = try whole(1...10_000_000)
    case .maxBurst: burst = try whole(1...10_000_000)
    case .maxConnections: mostConnections = try whole(1...1_000_000)
    case .bodyTimeout: bodySeconds = try whole(1...3600)
    case .idleTimeout: idleSeconds = try whole(1...86_400)
    case .drainTimeout: drainSeconds = try whole(0...3600)
    }
  }

  private static func stem(_ path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    let stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
    let clean = String(stem.map { $0.isWhitespace ? "_" : $0 })
    return clean.isEmpty ? "model" : clean
  }

  /// The help of the program: every setting with its default.
  public static var help: String {
    let rows = Setting.allCases.map { setting in
      ("  --\(setting.rawValue) \(setting.placeholder)", setting.help, setting.standard)
    }
    let width = rows.map(\.0.count).max() ?? 0
    let lines = rows.map { name, help, standard in
      name + String(repeating: " ", count: width - name.count + 2) + help
        + (standard.map { $0 == "false" ? "" : " (default: \($0))" } ?? "")
    }
    return """
      lightmeter-serve MODEL [settings]: answers from a model file over HTTP.

      \(lines.joined(separator: "\n"))

      Each is also a variable (--max-body: LIGHTMETER_MAX_BODY) and a line of the file of --config (max-body = 65536);
      flags win over variables, variables over the file. Keys may also come in the variables LIGHTMETER_READ_KEYS and
      LIGHTMETER_WRITE_KEYS, separated by commas. SIGHUP loads the model file anew, SIGTERM ends after running requests.

      """
  }
}
