// Reading speed of one log on one thread: ReaderBenchmark FILE [ROUNDS]; "-" reads standard input.
// Prints rows, distinct ids and MB/s of user CPU and wall time per round, then the most memory that the process held.
import LightmeterFeedback
import LightmeterKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// CPU seconds in user mode so far: what the reader does itself, whatever the system needs to hand out memory.
func userSeconds() -> Double {
  var usage = rusage()
  getrusage(0, &usage)
  return Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) * 1e-6
}

let arguments = CommandLine.arguments
guard arguments.count > 1 else { fatalError("usage: ReaderBenchmark FILE [ROUNDS]") }
for _ in 0..<(arguments.count > 2 ? Int(arguments[2]) ?? 1 : 1) {
  let start = userSeconds()
  let (log, report) = try InteractionReader(options: ReadOptions()).read(path: arguments[1])
  let spent = userSeconds() - start
  let megabytes = Double(report.textBytes) / 1e6
  print(
    "\(log.count) rows, \(log.users.count) users, \(log.items.count) items, \(Int(megabytes)) MB: user CPU \(spent) s, "
      + "\(Int(megabytes / spent)) MB/s of user CPU time, \(Int(megabytes / report.seconds)) MB/s of wall time")
}
print("peak memory \(ProcessUsage.peakBytes >> 20) MiB")
