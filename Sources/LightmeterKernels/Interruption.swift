internal import CLightmeterKernels

/// Ctrl-C and the polite kill, as a flag that long loops poll.
///
/// After ``install()`` the first SIGINT or SIGTERM sets ``requested`` and nothing else, so a loop can write its last
/// good state and leave. A second signal ends the process at once with status 128 + signal: 130 for Ctrl-C. A signal
/// that the process was started to ignore (`nohup`) stays ignored. System calls go on after the first signal, so a
/// read that waits for a silent pipe ends only with the second.
public enum Interruption {
  /// Begins to catch SIGINT and SIGTERM, for the whole process; calling it again changes nothing.
  public static func install() { lm_interruption_install() }

  /// Puts back what ``install()`` replaced and clears the flag.
  public static func remove() { lm_interruption_remove() }

  /// Whether a signal has come since ``install()``; one load, from any thread.
  public static var requested: Bool { lm_interruption_signal() != 0 }

  /// The number of the signal that came first, or nil.
  public static var signal: Int32? {
    let number = lm_interruption_signal()
    return number == 0 ? nil : number
  }
}
