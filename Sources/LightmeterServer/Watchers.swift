#if Server
  internal import LightmeterService
  internal import Logging
  internal import ServiceLifecycle
  internal import UnixSignals

  /// Looks now and then whether the model file is another one, and says "not ready" when the server begins to end.
  struct ModelWatch: Service {
    let service: RecommendationService
    let logger: Logger

    func run() async throws {
      let seconds = service.settings.watchSeconds
      await withGracefulShutdownHandler {
        await cancelWhenGracefulShutdown {
          while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(seconds == 0 ? 3600 : seconds))
            if seconds == 0 || Task.isCancelled { continue }
            if let outcome = service.slot.reloadIfReplaced() { tell(outcome, logger) }
          }
        }
      } onGracefulShutdown: {
        logger.info("ending: running requests are answered, new ones are not taken")
        service.beginDraining()
      }
    }
  }

  /// Loads the model file again on SIGHUP.
  struct ReloadOnSignal: Service {
    let slot: ModelSlot
    let logger: Logger

    func run() async throws {
      let signals = await UnixSignalsSequence(trapping: .sighup)
      for await _ in signals.cancelOnGracefulShutdown() { tell(slot.reload(), logger) }
    }
  }

  /// Forces the feedback log to the disk once a second.
  struct JournalSync: Service {
    let journal: FeedbackJournal?
    let logger: Logger

    func run() async throws {
      await cancelWhenGracefulShutdown {
        while !Task.isCancelled {
          try? await Task.sleep(for: .seconds(1))
          do { try journal?.synchronise() } catch { logger.error("the feedback log: \(error)") }
        }
      }
    }
  }

  private func tell(_ outcome: ModelSlot.Outcome, _ logger: Logger) {
    switch outcome {
    case .replaced(let digest): logger.info("serving another model: \(digest)")
    case .unchanged: logger.info("the model file was read again: the same model")
    case .refused(let reason): logger.error("the new model file is refused, the old model stays: \(reason)")
    }
  }
#endif
