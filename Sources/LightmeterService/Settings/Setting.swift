/// What can be set, with its name: `--port 8000`, `LIGHTMETER_PORT=8000` or `port = 8000` in the file.
public enum Setting: String, CaseIterable, Sendable {
  case host, port, name, config
  case keys
  case allowOpen = "allow-open"
  case tlsCertificate = "tls-certificate"
  case tlsKey = "tls-key"
  case feedbackLog = "feedback-log"
  case feedbackLogSize = "feedback-log-size"
  case feedbackLogSync = "feedback-log-sync"
  case watch
  case threads
  case maxBody = "max-body"
  case maxItems = "max-items"
  case maxBatch = "max-batch"
  case maxRequests = "max-requests"
  case maxRate = "max-rate"
  case maxBurst = "max-burst"
  case maxConnections = "max-connections"
  case bodyTimeout = "body-timeout"
  case idleTimeout = "idle-timeout"
  case drainTimeout = "drain-timeout"

  /// The environment's name for it.
  public var environmentName: String {
    "LIGHTMETER_" + String(rawValue.map { $0 == "-" ? "_" : Character($0.uppercased()) })
  }

  /// Whether the flag stands alone.
  var isSwitch: Bool { self == .allowOpen }

  /// What it takes, for the help.
  var placeholder: String {
    switch self {
    case .host: "ADDRESS"
    case .name: "NAME"
    case .config, .keys, .tlsCertificate, .tlsKey: "FILE"
    case .feedbackLog: "FOLDER"
    case .feedbackLogSync: "always|second|never"
    case .watch, .bodyTimeout, .idleTimeout, .drainTimeout: "SECONDS"
    case .maxBody: "BYTES"
    case .feedbackLogSize: "MIB"
    case .allowOpen: ""
    case .port, .threads, .maxItems, .maxBatch, .maxRequests, .maxRate, .maxBurst, .maxConnections: "N"
    }
  }

  /// The value where nothing sets it; nil where there is none.
  var standard: String? {
    switch self {
    case .host: "127.0.0.1"
    case .port: "8000"
    case .allowOpen: "false"
    case .feedbackLogSize: "64"
    case .feedbackLogSync: "second"
    case .watch: "2"
    case .maxBody: "1048576"
    case .maxItems: "1000"
    case .maxBatch: "1000"
    case .maxRequests: "1024"
    case .maxConnections: "10000"
    case .bodyTimeout: "10"
    case .idleTimeout: "60"
    case .drainTimeout: "10"
    case .name, .config, .keys, .tlsCertificate, .tlsKey, .feedbackLog, .threads, .maxRate, .maxBurst: nil
    }
  }

  /// One line of help.
  var help: String {
    switch self {
    case .host: "Where to listen; others than loopback need keys or --allow-open."
    case .port: "Port; 0 takes a free one and says which."
    case .name: "The model's name in answers; the file's name if not given."
    case .config: "A file of 'name = value' lines; flags and environment win over it."
    case .keys: "A file of 'read KEY' and 'write KEY' lines."
    case .allowOpen: "Listen beyond loopback without keys."
    case .tlsCertificate: "Certificate chain, PEM; with --tls-key the server speaks HTTPS."
    case .tlsKey: "The certificate's private key, PEM."
    case .feedbackLog: "Where impressions, clicks and ratings are logged; not at all if not given."
    case .feedbackLogSize: "A log file goes on in a new one beyond this size."
    case .feedbackLogSync: "When logged rows are forced to the disk."
    case .watch: "How often to look whether the model file is another one; 0 never does (SIGHUP still works)."
    case .threads: "Threads that share a batch; all processors if not given."
    case .maxBody: "Largest body of a request."
    case .maxItems: "Most items of a list."
    case .maxBatch: "Most users, events or impressions of a request."
    case .maxRequests: "Most requests at once; more are answered 503."
    case .maxRate: "Most requests of a key a minute; more are answered 429; any number if not given."
    case .maxBurst: "Requests of --max-rate that a key may save up; those of a minute if not given."
    case .maxConnections: "Most connections at once; more wait to be accepted."
    case .bodyTimeout: "Time for a body to arrive."
    case .idleTimeout: "Time after which an idle connection is closed."
    case .drainTimeout: "Time that running requests get on SIGTERM."
    }
  }
}

/// A setting that cannot be.
public struct SettingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence.
  public var description: String

  init(_ description: String) { self.description = description }
}
