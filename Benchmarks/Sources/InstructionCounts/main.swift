// Runs one piece of work N times and nothing else, for callgrind and perf: `InstructionCounts CASE N [THREADS]`. The cost
// of one repetition is the difference between two runs with different N; start-up and set-up cancel out.
// The steps are those of a log of Yahoo!R3's size: 15,400 × 1,000, 125,000 positives, sampled(5), 6,000 validation pairs,
// d 50, batches of 1024.
import Lightmeter

/// The simulated log that every case works on.
func simulatedData() -> TrainingData {
  let (users, items, positives, validationPairs) = (15_400, 1_000, 125_000, 6_000)
  var generator = SeededGenerator(seed: 1, stream: .world)
  var (userColumn, itemColumn): ([Int32], [Int32]) = ([], [])
  for _ in 0..<positives {
    userColumn.append(Int32(generator.below(users)))
    itemColumn.append(Int32(generator.uniform() * generator.uniform() * Double(items)))
  }
  let matrix = FeedbackMatrix(userCount: users, itemCount: items, users: userColumn, items: itemColumn)
  var validation = PairBatch()
  for pair in 0..<validationPairs {
    validation.append(user: Int32(pair / 2), item: Int32(generator.below(60)), feedback: UInt8(pair % 2))
  }
  return TrainingData(
    positives: matrix, validation: validation, popularity: Popularity.exposure(of: matrix),
    stream: .sampled(negativesPerPositive: 5))
}

/// Stops a run after a number of batches, counted in the quanta in which a run reports progress (64 batches).
final class BatchLimit: TrainingObserver {
  let batches: Int
  init(_ batches: Int) { self.batches = batches }
  func observe(_ event: TrainingEvent) -> TrainingDecision {
    guard case .progress(let epoch, _, let batch, let perEpoch) = event else { return .proceed }
    return (epoch - 1) * perEpoch + batch >= batches ? .stop : .proceed
  }
}

func run(_ work: String, times: Int) throws {
  let data = simulatedData()
  switch work {
  case "sampling":
    let sampler = BatchSampler(data: data, batchSize: 1024, seed: 1)
    var batch = PairBatch()
    for index in 0..<times { sampler.fill(&batch, epoch: 0, index: index % sampler.batchCount) }
  default:
    let parts = work.split(separator: "-").map(String.init)
    let recipe = Recipe(parts[0], ["optimizer": .text(parts[1]), "epochs": .number(1000)])
    _ = try? recipe.validated().fit(data, seed: 1, observer: BatchLimit(times))
  }
}

let arguments = CommandLine.arguments
guard arguments.count >= 3, let times = Int(arguments[2]) else {
  fatalError("usage: InstructionCounts CASE TIMES, CASE one of sampling, METHOD-adam, METHOD-lazyAdam")
}
try run(arguments[1], times: times)
