// A model file with many string ids: IdentifierBenchmark FOLDER [COUNT]; writes FOLDER/identifiers.lightmeter, or reads the
// one that is there for COUNT 0, so that loading can be seen in a process of its own.
// Prints bytes per id beside the text, the time to build, write and load the table, and the time of a lookup.
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

let arguments = CommandLine.arguments
guard arguments.count > 1 else { fatalError("usage: IdentifierBenchmark FOLDER [COUNT]") }
let count = arguments.count > 2 ? Int(arguments[2]) ?? 0 : 10_000_000
let path = arguments[1] + "/identifiers.lightmeter"

/// CPU milliseconds and wall milliseconds of `body`.
func timed<R>(_ name: String, _ body: () throws -> R) rethrows -> R {
  let (start, wall) = (clock(), ContinuousClock().now)
  let result = try body()
  let cpu = Double(clock() - start) / Double(CLOCKS_PER_SEC) * 1e3
  let passed = wall.duration(to: ContinuousClock().now) / .milliseconds(1)
  print("\(name): \(Int(cpu)) ms of CPU time, \(Int(passed)) ms of wall time; peak \(ProcessUsage.peakBytes >> 20) MiB")
  return result
}

func name(_ id: Int) -> String { "user-\(id &* 2_654_435_761 & 0x7FFF_FFFF)" }

if count > 0 {
  let users = timed("build") {
    var users = IdentifierTable()
    for id in 0..<count { _ = users.intern(name(id)) }
    return users
  }
  let arrays = users.arrays()
  let bytes = 8 * arrays.bases.count + 4 * arrays.starts.count + 4 * arrays.slots.count
  print(
    "\(count) ids, \(Double(users.textBytes) / Double(count)) bytes of text and "
      + "\(Double(bytes) / Double(count)) bytes beside it per id")
  var items = IdentifierTable()
  _ = items.intern("item")
  let model = StoredModel(
    scorer: .random(RandomRanking(userCount: count, itemCount: 1, seed: 1)), exposure: nil, users: users, items: items,
    popularity: [1], seen: nil, manifest: "{}")
  try timed("write") { try model.write(to: path) }
}
for _ in 0..<3 {
  let users = try timed("load") { try StoredModel.read(path).users }
  precondition(users.isMapped)
  let lookups = 1_000_000
  var generator = SeededGenerator(seed: 1, stream: .world)
  let known = (0..<lookups).map { _ in name(generator.below(users.count)) }
  let unknown = (0..<lookups).map { "other-\($0)" }
  var found = 0
  timed("\(lookups) lookups of known ids") { for id in known where users.index(of: id) != nil { found += 1 } }
  timed("\(lookups) lookups of unknown ids") { for id in unknown where users.index(of: id) != nil { found += 1 } }
  precondition(found == lookups, "\(found) of \(lookups) ids were found")
  var bytes = 0
  timed("\(lookups) ids by index") { for _ in 0..<lookups { bytes += users[generator.below(users.count)].utf8.count } }
}
