import LightmeterEvaluation
import LightmeterKernels
import Testing

@Suite("Bootstrap over users")
struct BootstrapTests {
  @Test("intervals cover the true mean about as often as they say")
  func coverage() throws {
    // 200 samples of 60 uniform draws; coverage of a 90 % interval is binomial, sd √(.9·.1/200) = .021, and the
    // percentile interval at n = 60 is short by about .01. Four sd around .89: fails by chance below 1e-4.
    var covered = 0
    for sample in 0..<200 {
      var generator = SeededGenerator(seed: UInt64(sample), stream: .world)
      let values = (0..<60).map { _ in generator.uniform() }
      let interval = try #require(
        Bootstrap(seed: UInt64(sample), resamples: 200, level: 0.9).interval(ofMean: values))
      if interval.contains(0.5) { covered += 1 }
    }
    #expect(abs(Double(covered) / 200 - 0.89) < 0.085)
  }

  @Test("the width agrees with the normal interval, for few users and for more than are resampled singly")
  func width() throws {
    for count in [400, 25_000] {
      var generator = SeededGenerator(seed: 3, stream: .world)
      let values = (0..<count).map { _ in generator.normal() }
      let interval = try #require(Bootstrap(seed: 1, resamples: 400).interval(ofMean: values))
      let want = 2 * 1.96 / Double(count).squareRoot()
      // The 2.5 % points of 400 resamples have a relative sd of about 6 % each.
      #expect(abs((interval.high - interval.low) / want - 1) < 0.25)
      #expect(interval.low < interval.mean && interval.mean < interval.high)
    }
  }

  @Test("the same seed gives the same interval, another seed another, one value none")
  func seeds() {
    let values = (0..<50).map { Double(($0 * 37) % 50) }
    let interval = Bootstrap(seed: 5).interval(ofMean: values)
    #expect(interval == Bootstrap(seed: 5).interval(ofMean: values))
    #expect(interval != Bootstrap(seed: 6).interval(ofMean: values))
    #expect(Bootstrap().interval(ofMean: [1]) == nil)
    #expect(Bootstrap().interval(ofMean: [2, 2, 2])?.low == 2)
  }

  @Test("flipping signs finds a clear difference, and under no difference its p-values are uniform")
  func signFlips() throws {
    let clear = try #require(Bootstrap().signFlipProbability((0..<40).map { 1 + Double($0 % 3) }))
    #expect(near(clear, 1.0 / 2001))
    // 400 tests at the 10 % level: binomial sd .015; four sd.
    var rejected = 0
    for sample in 0..<400 {
      var generator = SeededGenerator(seed: UInt64(sample), stream: .world)
      let values = (0..<25).map { _ in generator.normal() }
      let probability = try #require(Bootstrap(seed: UInt64(sample), resamples: 199).signFlipProbability(values))
      if probability <= 0.1 { rejected += 1 }
    }
    #expect(abs(Double(rejected) / 400 - 0.1) < 0.06)
  }
}
