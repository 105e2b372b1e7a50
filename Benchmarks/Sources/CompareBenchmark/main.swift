// Lightmeter's side of Benchmarks/compare.
//
//   CompareBenchmark export FOLDER USERS   write data, starting tables and results for the reference programs
//   CompareBenchmark about                 print the instruction-set level of the kernels
//   CompareBenchmark serve USERS THREADS   answer on standard output what standard input asks, line by line:
//     prepare CASE        "ok" once the case is built and warm
//     run CASE AMOUNT     milliseconds per step, per pass over all users for `topten`, per sweep for `als-…`
//
// CASE is mf, relmf, umf or biif (dense Adam), one of these with "-lazy" (LazyAdam), topten, als-exact or als-cg.
// USERS is for topten.
import Foundation
import Lightmeter
import StandardCase

func fail(_ message: String) -> Never {
  FileHandle.standardError.write(Data((message + "\n").utf8))
  exit(1)
}

/// The cases asked for so far.
final class Server {
  private lazy var data = StandardCase.data()
  private var steps: [String: StepCase<Float>] = [:]
  private var topTen: TopTenCase?
  private var sweeps: [String: AlsCase] = [:]
  private let userCount: Int

  init(userCount: Int) { self.userCount = userCount }

  func prepare(_ name: String) throws {
    if name == "topten" {
      topTen = TopTenCase(userCount: userCount)
      _ = try TopTenCase(userCount: 100).run()
      return
    }
    if let als = AlsCase(name) {
      sweeps[name] = als
      _ = try als.run(1)
      return
    }
    guard let built = StepCase<Float>(name, data: data) else { fail("there is no case '\(name)'") }
    steps[name] = built
    _ = try milliseconds(name, amount: 20)
  }

  func milliseconds(_ name: String, amount: Int) throws -> Double {
    if let als = sweeps[name] { return 1000 * (try als.run(amount)) }
    let clock = ContinuousClock()
    let start = clock.now
    if let topTen, name == "topten" {
      for _ in 0..<amount { _ = try topTen.run() }
    } else if let run = steps[name] {
      Denormals.flushed { for _ in 0..<amount { run.step() } }
    } else {
      fail("the case '\(name)' was not prepared")
    }
    return (clock.now - start) / .milliseconds(1) / Double(amount)
  }
}

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.count == 3, arguments[0] == "export", let users = Int(arguments[2]) {
  let folder = try NumpyFolder(arguments[1])
  try StepExport(folder: folder, data: StandardCase.data()).write()
  try TopTenCase(userCount: users).export(to: folder)
  try AlsCase.export(to: folder)
} else if arguments == ["about"] {
  print(KernelLevel.current?.rawValue ?? "unknown")
} else if arguments.count == 3, arguments[0] == "serve", let users = Int(arguments[1]), let threads = Int(arguments[2])
{
  guard Threads.use(threads) == threads else { fail("the system refuses \(threads) threads") }
  let server = Server(userCount: users)
  while let line = readLine() {
    let words = line.split(separator: " ").map(String.init)
    if words.count == 2, words[0] == "prepare" {
      try server.prepare(words[1])
      print("ok")
    } else if words.count == 3, words[0] == "run", let amount = Int(words[2]) {
      print(try server.milliseconds(words[1], amount: amount))
    } else {
      fail("cannot read '\(line)'")
    }
    fflush(nil)
  }
} else {
  fail("usage: CompareBenchmark export FOLDER USERS | about | serve USERS THREADS")
}
