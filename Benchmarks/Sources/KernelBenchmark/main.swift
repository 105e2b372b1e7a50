// Every kernel on one core: operations, bytes, measured time and the fraction of what the core can do at most, which is
// measured in the same run. Prints a Markdown table. Rows are 64 numbers (256 bytes); "hot" tables fit into a core's second
// cache, "cold" ones do not fit into any.
import CCeilings
import Lightmeter

let level = KernelLevel.current?.rawValue ?? "baseline"
let width = 64
// A cold run goes through more rows than any cache holds.
let hotPairs = 4_096
let coldPairs = 1 << 19
let clock = ContinuousClock()

/// Nanoseconds per unit: the least of rounds that last about 10 ms each.
func nanoseconds(units: Int, _ body: () -> Void) -> Double {
  body()
  var repeats = 1
  var least = Double.infinity
  for round in 0..<12 {
    let start = clock.now
    for _ in 0..<repeats { body() }
    let elapsed = (clock.now - start) / .nanoseconds(1)
    if round == 0 { repeats = max(1, Int(1e7 / elapsed)) } else { least = min(least, elapsed / Double(repeats)) }
  }
  return least / Double(units)
}

var sink: Float = 0
var shuffler = SeededGenerator(seed: 9, stream: .world)

// Ceilings, in operations or bytes per nanosecond.
let rounds = 100_000
let arithmetic = 512 / nanoseconds(units: rounds) { sink += ceiling_arithmetic(level, rounds) }
let roots = 128 / nanoseconds(units: rounds / 10) { sink += ceiling_roots(level, rounds / 10) }
@MainActor func copyRate(_ count: Int) -> Double {
  let from = [Float](repeating: 1, count: count)
  var to = from
  return 8 / nanoseconds(units: count) { ceiling_copy(level, &to, from, count) }
}
let hotCopy = copyRate(1 << 16)
let sharedCopy = copyRate(1 << 20)
let coldCopy = copyRate(1 << 25)

func randomRows(_ count: Int, below rows: Int) -> [Int32] {
  var generator = SeededGenerator(seed: 1, stream: .world)
  return (0..<count).map { _ in Int32(generator.below(rows)) }
}
@MainActor func rowRate(_ rows: Int, pairs: Int) -> Double {
  let table = [Float](repeating: 1, count: rows * width)
  let order = randomRows(pairs, below: rows)
  return Double(width * 4) / nanoseconds(units: pairs) { sink += ceiling_rows(level, table, order, pairs, width) }
}
let hotRows = rowRate(1_000, pairs: hotPairs)
let coldRows = rowRate(1_000_000, pairs: coldPairs)

struct Entry {
  let name: String
  let unit: String
  let operations: Double
  let bytes: Double
  let time: Double
  /// Least time by arithmetic, by roots and divisions, by memory; the greatest of them binds.
  let bounds: [(String, Double)]
}
var entries: [Entry] = []

@MainActor func add(
  _ name: String, per unit: String, units: Int, operations: Double, roots rootCount: Double = 0, bytes: Double,
  memory: (String, Double), _ body: () -> Void
) {
  let time = nanoseconds(units: units, body)
  entries.append(
    Entry(
      name: name, unit: unit, operations: operations + rootCount, bytes: bytes, time: time,
      bounds: [
        ("arithmetic", operations / arithmetic), ("roots and divisions", rootCount / roots),
        (memory.0, bytes / memory.1),
      ]))
}

func table(_ rows: Int) -> [Float] {
  var table = Table<Float>(name: "t", rows: rows, factorWidth: width)
  table.randomize(deviation: 0.1, seed: 1, salt: 0)
  return table.values
}

for (label, rows, memory) in [
  ("hot", 1_000, ("second cache", hotRows)), ("cold", 1_000_000, ("random rows of memory", coldRows)),
] {
  let pairs = label == "hot" ? hotPairs : coldPairs
  let left = RowsView(table(rows), stride: width)
  let right = RowsView(table(1_000), stride: width)
  let (users, items) = (randomRows(pairs, below: rows), randomRows(pairs, below: 1_000))
  var out = [Float](repeating: 0, count: pairs)
  add(
    "dot products, \(label)", per: "pair", units: pairs, operations: 128, bytes: label == "hot" ? 512 : 256,
    memory: memory
  ) {
    Float.dotRows(left, users, right, items, width: width, offset: 0, accumulate: false, into: &out)
  }
  var target = [Float](repeating: 0, count: 1_000 * width)
  let coefficients = [Float](repeating: 1e-6, count: pairs)
  add(
    "scatter rows, \(label)", per: "pair", units: pairs, operations: 128, bytes: label == "hot" ? 768 : 256,
    memory: memory
  ) {
    Float.scatterRows(coefficients, left, users, slots: items, width: width, into: &target, targetStride: width)
  }
  var moments = AdamMoments<Float>(count: rows * width)
  var steps = [Int32](repeating: 0, count: rows)
  var parameters = left.values
  let gradient = [Float](repeating: 1e-4, count: pairs * width)
  let corrections = ([Float](repeating: 0.5, count: 8), [Float](repeating: 0.5, count: 8))
  let distinct = Array(Set(users)).sorted().shuffled(using: &shuffler)
  add(
    "LazyAdam, \(label)", per: "row", units: distinct.count, operations: 9 * 64, roots: 128, bytes: 7 * 256,
    memory: memory
  ) {
    Float.adamRows(
      &parameters, &moments, steps: &steps, gradient: gradient, rows: distinct, corrections: corrections,
      decay: [Float](repeating: 1e-5, count: width), settings: AdamSettings(rate: 1e-6))
  }
}

do {
  let rows = 16_000
  var parameters = table(rows)
  var moments = AdamMoments<Float>(count: rows * width)
  add(
    "dense Adam, 16,000 rows", per: "row", units: rows, operations: 9 * 64, roots: 128, bytes: 6 * 256,
    memory: ("third cache", sharedCopy)
  ) {
    Denormals.flushed {
      Float.adamAll(
        &parameters, &moments, gradient: [], slotOfRow: [Int32](repeating: -1, count: rows), stride: width,
        corrections: (0.5, 0.5), decay: [Float](repeating: 1e-5, count: width), settings: AdamSettings(rate: 1e-6))
    }
  }
}

do {
  let pairs = hotPairs
  var generator = SeededGenerator(seed: 2, stream: .world)
  let logits = (0..<pairs).map { _ in Float(generator.normal()) }
  let exposures = (0..<pairs).map { _ in Float(generator.uniform()) }
  let feedback = (0..<pairs).map { UInt8($0 % 2) }
  var columns = LossColumns<Float>()
  add(
    "cross-entropy", per: "pair", units: pairs, operations: 45, roots: 1, bytes: 13, memory: ("second cache", hotCopy)
  ) {
    Float.naiveTerms(feedback: feedback, logits: logits, into: &columns)
  }
  add(
    "low-variance terms", per: "pair", units: pairs, operations: 95, roots: 3, bytes: 29,
    memory: ("second cache", hotCopy)
  ) {
    Float.lowVarianceTerms(feedback: feedback, logits: logits, exposures: exposures, into: &columns)
  }
  let items = RowsView(table(20_000), stride: width)
  let packed = PackedRows(items, count: 20_000, width: width)
  let users = RowsView(table(64), stride: width)
  var scores: [Float] = []
  let members = (0..<64).map { Int32($0) }
  add(
    "scores, 64 users × 2,048 items", per: "score", units: 64 * 2_048, operations: 128, bytes: 8,
    memory: ("second cache", hotCopy)
  ) {
    packed.scores(users, rows: members, range: 4_096..<6_144, offset: 0, into: &scores)
  }
  var places: [Int32] = []
  add("places above a bar", per: "score", units: 2_048, operations: 1, bytes: 4, memory: ("second cache", hotCopy)) {
    sink += Float(Float.placesAbove(10, in: scores, range: 0..<2_048, into: &places))
  }
}

func fixed(_ value: Double, _ places: Int) -> String { NumberText.fixed(value, places: places) }
print(
  "Level \(level), one core. Ceilings: \(fixed(arithmetic, 1)) Gop/s multiply and add, \(fixed(roots, 2)) Gop/s roots and"
)
print(
  "divisions, \(fixed(hotCopy, 1)) GB/s in order in the second cache, \(fixed(sharedCopy, 1)) in the third, \(fixed(coldCopy, 1)) from memory,"
)
print("random rows of 256 bytes \(fixed(hotRows, 1)) GB/s hot, \(fixed(coldRows, 1)) GB/s cold.")
print("")
print("| kernel | per | operations | bytes | ns | bound by | least ns | fraction |")
print("|---|---|---|---|---|---|---|---|")
for entry in entries {
  let (name, least) = entry.bounds.max { $0.1 < $1.1 } ?? ("", 0)
  print(
    "| \(entry.name) | \(entry.unit) | \(fixed(entry.operations, 0)) | \(fixed(entry.bytes, 0)) | \(fixed(entry.time, 2)) | "
      + "\(name) | \(fixed(least, 2)) | \(fixed(100 * least / entry.time, 0)) % |")
}
if sink == 0.123 { print(sink) }
