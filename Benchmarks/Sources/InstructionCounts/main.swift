// Runs one piece of work N times and nothing else, for callgrind and perf: `InstructionCounts CASE N`. The cost of one
// repetition is the difference between two runs with different N; start-up and set-up cancel out. CASE is
//   METHOD-adam, METHOD-lazyAdam   a training step on the standard case; N counts in 64s, a run's progress quantum
//   sampling                       a batch of the training stream
//   waiting                        a step of dense Adam whose idle rows wait
//   evaluation                     a full ranking of 128 users × 2,000 items
//   top                            top-10 lists of 128 users × 2,000 items
import Lightmeter
import StandardCase

/// Stops a run after a number of batches.
final class BatchLimit: TrainingObserver {
  let batches: Int
  init(_ batches: Int) { self.batches = batches }
  func observe(_ event: TrainingEvent) -> TrainingDecision {
    guard case .progress(let epoch, _, let batch, let perEpoch) = event else { return .proceed }
    return (epoch - 1) * perEpoch + batch >= batches ? .stop : .proceed
  }
}

func train(_ name: String, batches: Int) throws {
  let parts = name.split(separator: "-").map(String.init)
  let recipe = Recipe(parts[0], ["optimizer": .text(parts[1]), "epochs": .number(1000)])
  _ = try? recipe.validated().fit(StandardCase.data(), seed: 1, observer: BatchLimit(batches))
}

func sample(batches: Int) {
  let sampler = BatchSampler(data: StandardCase.data(), batchSize: StandardCase.batchSize, seed: 1)
  var batch = PairBatch()
  for index in 0..<batches { sampler.fill(&batch, epoch: 0, index: index % sampler.batchCount) }
}

func wait(steps: Int) {
  var tables = [Table<Float>(name: "t", rows: 8_000, factorWidth: StandardCase.dimension)]
  tables[0].randomize(deviation: 0.1, seed: 1, salt: 0)
  let settings = OptimizerSettings(learningRate: 1e-3, weightDecay: 1e-6, biasDecay: 0)
  var adam = Adam<Float>(settings, for: tables, deferAfter: 0)
  var gradient = RowGradient<Float>()
  for step in 0..<steps {
    gradient.reset(rows: (0..<500).map { Int32(($0 * 16 + step * 7) % 8_000) }, stride: tables[0].stride)
    gradient.values = [Float](repeating: 1e-5, count: gradient.rows.count * gradient.stride)
    adam.settle(&tables, rows: [gradient.rows])
    adam.step(&tables, along: [gradient])
  }
}

func model(users: Int, items: Int) -> FactorModel {
  var tables = [("u", users), ("i", items)].map { Table<Float>(name: $0.0, rows: $0.1, factorWidth: 64) }
  for side in 0..<2 { tables[side].randomize(deviation: 0.1, seed: 1, salt: side) }
  return FactorModel(users: tables[0], items: tables[1], intercept: 0)
}

func history(users: Int, items: Int, each: Int) -> FeedbackMatrix {
  let pairs = (0..<users * each).map { k in (Int32(k / each), Int32((k * 37) % items)) }
  return FeedbackMatrix(userCount: users, itemCount: items, users: pairs.map(\.0), items: pairs.map(\.1))
}

func identifiers(_ count: Int) -> IdentifierTable {
  var table = IdentifierTable()
  for index in 0..<count { _ = table.intern("\(index)") }
  return table
}

func evaluate(times: Int) throws {
  let (users, items) = (128, 2_000)
  let test = CatalogueTest(
    relevant: history(users: users, items: items, each: 20), seen: history(users: users, items: items, each: 30))
  let scorer = model(users: users, items: items)
  for _ in 0..<times { _ = try RankingEvaluator().evaluate(scorer, on: test) }
}

func recommend(times: Int) throws {
  let (users, items) = (128, 2_000)
  let stored = StoredModel(
    scorer: .factors(model(users: users, items: items)), exposure: nil,
    users: identifiers(users), items: identifiers(items), popularity: [Float](repeating: 0, count: items),
    seen: history(users: users, items: items, each: 30), manifest: "{}")
  for _ in 0..<times { try Recommender(stored).recommendForAll(count: 10, excluding: []) { _, _ in } }
}

let arguments = CommandLine.arguments
guard arguments.count == 3, let times = Int(arguments[2]) else { fatalError("usage: InstructionCounts CASE N") }
switch arguments[1] {
case "sampling": sample(batches: times)
case "waiting": wait(steps: times)
case "evaluation": try evaluate(times: times)
case "top": try recommend(times: times)
default: try train(arguments[1], batches: times)
}
