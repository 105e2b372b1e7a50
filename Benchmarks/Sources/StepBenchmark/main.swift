// Milliseconds per training step of each strategy on a simulated log of Yahoo!R3's size: 15,400 × 1,000, 125,000
// positives, sampled(5), 6,000 validation pairs, d 50, batch 1024. Prints one line per case: name, optimizer, median and
// least of several rounds, interleaved so that a noisy machine hits all alike.
import Lightmeter
import StandardCase

let data = StandardCase.data()

struct Case {
  let recipe: Recipe
  var times: [Double] = []
}
let steps = 200
var cases = ["mf", "relmf", "umf", "jointopt", "biopt2", "biif"].flatMap { name in
  ["adam", "lazyAdam"].map { Case(recipe: Recipe(name, ["optimizer": .text($0), "epochs": .number(1)])) }
}

/// Stops an epoch after some batches: the sampler's quantum is 64 batches of 1024.
final class Stopwatch: TrainingObserver {
  func observe(_ event: TrainingEvent) -> TrainingDecision {
    guard case .progress(_, _, let batch, _) = event else { return .proceed }
    return batch >= steps ? .stop : .proceed
  }
}

let clock = ContinuousClock()
for _ in 0..<5 {
  for index in cases.indices {
    let plan = try cases[index].recipe.validated()
    let start = clock.now
    // Construction (initial draws) is timed apart and taken off.
    _ = try? plan.fit(data, seed: 1, observer: Immediate())
    let setUp = clock.now - start
    let running = clock.now
    _ = try? plan.fit(data, seed: 1, observer: Stopwatch())
    let total = clock.now - running - setUp
    cases[index].times.append(total / .milliseconds(1) / Double(256 - 64))
  }
}
final class Immediate: TrainingObserver {
  func observe(_ event: TrainingEvent) -> TrainingDecision { .stop }
}
for entry in cases {
  let sorted = entry.times.sorted()
  print("\(entry.recipe) least \(sorted[0]) median \(sorted[sorted.count / 2]) ms/step")
}
