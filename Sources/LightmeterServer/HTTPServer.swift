#if Server
  internal import Hummingbird
  internal import HummingbirdCore
  internal import HummingbirdTLS
  internal import LightmeterFeedback
  internal import LightmeterKernels
  internal import LightmeterModels
  internal import LightmeterService
  internal import Logging
  internal import NIOCore
  internal import NIOSSL
  internal import ServiceLifecycle
  internal import Synchronization
  internal import UnixSignals

  /// Puts sockets, signals and the service together.
  enum HTTPServer {
    static func run(arguments: [String], environment: [String: String]) async throws {
      let settings = try ServiceSettings(arguments: arguments, environment: environment)
      let keys = try AccessKeys(file: settings.keys, environment: environment)
      let tls = try tlsConfiguration(settings)
      HostProcess.raiseOpenFileLimit()
      Threads.use(settings.threads ?? min(Threads.processors, 256))
      var logger = Logger(label: "lightmeter-serve", factory: { StreamLogHandler.standardError(label: $0) })
      logger.logLevel = .info
      let clock = ContinuousClock()
      let begin = clock.now
      let slot = try ModelSlot(path: settings.model, name: settings.name)
      let journal = try settings.feedbackLog.map {
        try FeedbackJournal(folder: $0, largest: settings.feedbackLogBytes, sync: settings.feedbackLogSync)
      }
      for repair in journal?.repairs ?? [] {
        logger.warning("\(repair.file): cut off \(repair.bytes) bytes of a torn last line")
      }
      let service = RecommendationService(settings: settings, slot: slot, journal: journal, keys: keys)
      try service.checkAddress()
      let model = slot.current.model
      logger.info(
        """
        \(settings.name) (\(slot.current.digest)): \(model.users.count) users, \(model.items.count) items, \
        loaded in \(Int((clock.now - begin) / .milliseconds(1))) ms\(keys.isEmpty ? "; no keys are asked for" : "")
        """)
      let listening = Listening()
      let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
          services: try services(service, tls, logger, listening), gracefulShutdownSignals: [.sigterm, .sigint],
          logger: quiet(logger)
        ).limited(to: settings.drainSeconds))
      var problem: (any Error)?
      do { try await group.run() } catch is CancellationError {
        // Only the end of the time for draining cancels: what is left is cut off.
        logger.warning("ended before all requests were answered")
      } catch {
        problem = listening.began ? ServingProblem(cause: error) : beforeListening(error, settings)
      }
      try journal?.synchronise()
      if let problem { throw problem }
      logger.info("ended")
    }

    private static func services(
      _ service: RecommendationService, _ tls: TLSConfiguration?, _ logger: Logger, _ listening: Listening
    ) throws -> [any Service] {
      let settings = service.settings
      let http = HTTPServerBuilder.http1(
        configuration: .init(
          idleTimeout: .seconds(Int64(settings.idleSeconds)),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)))
      let server = try tls.map { try HTTPServerBuilder.tls(http, tlsConfiguration: $0) } ?? http
      let application = Application(
        responder: ServiceResponder(service: service), server: server,
        configuration: ApplicationConfiguration(
          address: .hostname(settings.host, port: settings.port), serverName: "lightmeter", backlog: 1024,
          availableConnectionsDelegate: .maximum(settings.mostConnections, logger: quiet(logger))),
        onServerRunning: { channel in
          listening.begin()
          let scheme = settings.certificate == nil ? "http" : "https"
          logger.info("listening on \(scheme)://\(settings.host):\(channel.localAddress?.port ?? settings.port)")
        }, logger: quiet(logger))
      // The last ends first: the log says that the server ends before it waits for what runs.
      return [
        ReloadOnSignal(slot: service.slot, logger: logger), JournalSync(journal: service.journal, logger: logger),
        application, ModelWatch(service: service, logger: logger),
      ]
    }

    /// Sockets' own errors are about the address; others say themselves what they are about.
    private static func beforeListening(_ error: any Error, _ settings: ServiceSettings) -> any Error {
      guard error is IOError || error is SocketAddressError || error is SocketAddressError.UnknownHost else {
        return error
      }
      return AddressProblem(host: settings.host, port: settings.port, cause: error)
    }

    /// The certificate and its key; nil where the server speaks plain HTTP.
    private static func tlsConfiguration(_ settings: ServiceSettings) throws -> TLSConfiguration? {
      guard let certificate = settings.certificate, let key = settings.privateKey else { return nil }
      // A file that is missing or may not be read says so itself.
      for path in [certificate, key] { _ = try MappedFile(path) }
      guard let chain = try? NIOSSLCertificate.fromPEMFile(certificate), !chain.isEmpty else {
        throw TLSProblem(description: "--tls-certificate: there is no PEM certificate in '\(certificate)'")
      }
      guard let secret = try? NIOSSLPrivateKey(file: key, format: .pem) else {
        throw TLSProblem(description: "--tls-key: there is no PEM private key without a passphrase in '\(key)'")
      }
      var tls = TLSConfiguration.makeServerConfiguration(
        certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(secret))
      tls.minimumTLSVersion = .tlsv12
      do { _ = try NIOSSLContext(configuration: tls) } catch {
        throw TLSProblem(description: "the key in '\(key)' is not that of the first certificate in '\(certificate)'")
      }
      return tls
    }

    /// The libraries' own loggers tell only what is wrong.
    private static func quiet(_ logger: Logger) -> Logger {
      var quiet = logger
      quiet.logLevel = .warning
      return quiet
    }
  }

  /// Whether the server came so far as to listen.
  private final class Listening: Sendable {
    private let flag = Atomic<Bool>(false)
    var began: Bool { flag.load(ordering: .relaxed) }
    func begin() { flag.store(true, ordering: .relaxed) }
  }

  /// An address that cannot be listened on.
  struct AddressProblem: Error, CustomStringConvertible {
    let host: String
    let port: Int
    let cause: any Error
    var description: String {
      "\(host):\(port) cannot be listened on: the port is taken, or the address is not this machine's; choose another "
        + "--port or --host (\(cause))"
    }
  }

  /// What ended the server while it was serving and nobody had asked it to end.
  struct ServingProblem: Error, CustomStringConvertible {
    let cause: any Error
    var description: String { "serving ended by itself; start it again (\(cause))" }
  }

  /// A certificate or a key that cannot be used, in one sentence.
  struct TLSProblem: Error, CustomStringConvertible {
    let description: String
  }

  extension ServiceGroupConfiguration {
    /// With an end to draining.
    fileprivate func limited(to seconds: Int) -> ServiceGroupConfiguration {
      var limited = self
      limited.maximumGracefulShutdownDuration = .seconds(seconds)
      return limited
    }
  }
#endif
