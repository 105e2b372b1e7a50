// Reading speed of one log on one thread: ReaderBenchmark FILE [ROUNDS]; "-" reads standard input.
// Prints rows, distinct ids and MB/s of CPU and wall time per round, then the most memory that the process held.
import LightmeterFeedback
import LightmeterKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

let arguments = CommandLine.arguments
guard arguments.count > 1 else { fatalError("usage: ReaderBenchmark FILE [ROUNDS]") }
for _ in 0..<(arguments.count > 2 ? Int(arguments[2]) ?? 1 : 1) {
  let start = clock()
  let (log, report) = try InteractionReader(options: ReadOptions()).read(path: arguments[1])
  let spent = Double(clock() - start) / Double(CLOCKS_PER_SEC)
  let megabytes = Double(report.textBytes) / 1e6
  print(
    "\(log.count) rows, \(log.users.count) users, \(log.items.count) items, \(Int(megabytes)) MB: CPU \(spent) s, "
      + "\(Int(megabytes / spent)) MB/s of CPU time, \(Int(megabytes / report.seconds)) MB/s of wall time")
}
print("peak memory \(ProcessUsage.peakBytes >> 20) MiB")
