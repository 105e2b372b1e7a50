internal import Foundation
internal import LightmeterKernels
internal import Testing

/// Signals this thread, which the test library starts with all signals blocked.
private func send(_ number: Int32) {
  var set = sigset_t()
  sigemptyset(&set)
  sigaddset(&set, number)
  pthread_sigmask(SIG_UNBLOCK, &set, nil)
  raise(number)
}

// Each in a process of its own: signals belong to the whole process.
@Suite struct InterruptionTests {
  @Test(arguments: [SIGINT, SIGTERM]) func `the first signal sets the flag and the program goes on`(
    number: Int32
  ) async {
    await #expect(processExitsWith: .success) { [number] in
      signal(SIGINT, SIG_DFL)
      Interruption.install()
      Interruption.install()
      #expect(!Interruption.requested)
      send(number)
      #expect(Interruption.requested)
      #expect(Interruption.signal == number)
    }
  }

  @Test func `the second Ctrl-C ends the process with 130`() async {
    await #expect(processExitsWith: .exitCode(130)) {
      signal(SIGINT, SIG_DFL)
      Interruption.install()
      send(SIGINT)
      send(SIGINT)
    }
  }

  @Test func `a second polite kill ends the process with 143`() async {
    await #expect(processExitsWith: .exitCode(143)) {
      Interruption.install()
      send(SIGTERM)
      send(SIGTERM)
    }
  }

  @Test func `after removal the signal does what it did before`() async {
    await #expect(processExitsWith: .signal(SIGINT)) {
      signal(SIGINT, SIG_DFL)
      Interruption.install()
      send(SIGINT)
      Interruption.remove()
      #expect(!Interruption.requested)
      send(SIGINT)
    }
  }

  @Test func `a signal that was ignored stays ignored`() async {
    await #expect(processExitsWith: .success) {
      signal(SIGINT, SIG_IGN)
      Interruption.install()
      send(SIGINT)
      send(SIGINT)
      #expect(!Interruption.requested)
    }
  }
}
