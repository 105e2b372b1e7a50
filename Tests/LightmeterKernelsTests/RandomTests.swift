import Foundation
import Testing

@testable import LightmeterKernels

/// Seeded draws, permutations, portable functions and the tails of the stable ones.
@Suite struct RandomTests {
  @Test func sameKeySameDrawsAndOtherKeysOtherDraws() {
    func draws(_ seed: UInt64, _ stream: RandomStream, _ epoch: Int = 0, _ shard: Int = 0) -> [UInt64] {
      var generator = SeededGenerator(seed: seed, stream: stream, epoch: epoch, shard: shard)
      return (0..<8).map { _ in generator.next() }
    }
    #expect(draws(1, .split) == draws(1, .split))
    var keyed = RandomStream.allCases.map { draws(1, $0) }
    keyed += [draws(2, .split), draws(1, .split, 1), draws(1, .split, 0, 1), draws(0, .split)]
    #expect(Set(keyed.flatMap { $0 }).count == 8 * keyed.count)
  }

  @Test func uniformDrawsFillTheirBinsEvenly() {
    // χ² with 63 degrees of freedom: P(χ² > 128) < 3e-6.
    var generator = SeededGenerator(seed: 5, stream: .world)
    var bins = [Int](repeating: 0, count: 64)
    let draws = 32_000
    for _ in 0..<draws {
      let value = generator.uniform()
      #expect(value >= 0 && value < 1)
      bins[Int(value * 64)] += 1
    }
    let expected = Double(draws) / 64
    let chiSquare = bins.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    #expect(chiSquare < 128)
    #expect(chiSquare > 25, "too even to be random: P(χ² < 25) < 1e-5")
  }

  @Test func normalDrawsHaveTheNormalMoments() {
    // Five standard errors each (1, √2, √15, √96 over √n): a right generator fails once in 400,000 seeds.
    var generator = SeededGenerator(seed: 7, stream: .initialise)
    let n = 20_000
    var sums = [0.0, 0, 0, 0]
    for _ in 0..<n {
      let x = generator.normal()
      for power in 0..<4 { sums[power] += pow(x, Double(power + 1)) }
    }
    for (power, (mean, spread)) in [(0.0, 1.0), (1, 2), (0, 15), (3, 96)].enumerated() {
      #expect(abs(sums[power] / Double(n) - mean) < 5 * (spread / Double(n)).squareRoot(), "moment \(power + 1)")
    }
  }

  @Test(arguments: [0, 1, 2, 3, 5, 16, 17, 63, 64, 65, 257, 1000]) func keyedPermutationIsAPermutation(count: Int) {
    let images = (0..<count).map { KeyedPermutation(count: count, key: 11)($0) }
    #expect(images.sorted() == Array(0..<count))
    if count > 60 {
      #expect(images != Array(0..<count))
      #expect(images != (0..<count).map { KeyedPermutation(count: count, key: 12)($0) })
    }
  }

  @Test func shufflesKeepTheirMembers() {
    var generator = SeededGenerator(seed: 1, stream: .shuffle)
    var values = Array(0..<100)
    generator.shuffle(&values)
    #expect(values != Array(0..<100) && values.sorted() == Array(0..<100))
    let below = (0..<500).map { _ in generator.below(7) }
    #expect(Set(below) == Set(0..<7))
  }

  @Test func everyOrderOfAShuffleIsEquallyLikely() {
    // χ² with 23 degrees of freedom: outside [3, 75] less than once in a million seeds; the seed is fixed.
    var generator = SeededGenerator(seed: 4, stream: .shuffle)
    var counts: [[Int]: Int] = [:]
    for _ in 0..<12_000 {
      var values = [0, 1, 2, 3]
      generator.shuffle(&values)
      counts[values, default: 0] += 1
    }
    #expect(counts.count == 24)
    let statistic = counts.values.reduce(0.0) { $0 + (Double($1) - 500) * (Double($1) - 500) / 500 }
    #expect(statistic < 75 && statistic > 3, "χ² = \(statistic)")
  }

  @Test func portableFunctionsAgreeWithTheLibrary() {
    for step in -7000...7000 {
      let x = Double(step) / 10
      #expect(abs(Portable.exp(x) / exp(x) - 1) < 1e-15, "exp \(x)")
    }
    for step in 1...4000 {
      let x = pow(10, Double(step - 2000) / 10)
      #expect(abs(Portable.log(x) - log(x)) <= 4e-16 * abs(log(x)), "log \(x)")
      let turn = Double(step - 1) / 4000
      #expect(abs(Portable.cosineOfTurn(turn) - cos(2 * .pi * turn)) < 1e-15, "turn \(turn)")
    }
    #expect(Portable.exp(-800) == 0 && Portable.exp(800) == .infinity && Portable.log(0) == -.infinity)
    #expect(Portable.log(-1).isNaN && Portable.exp(.nan).isNaN && Portable.log(1) == 0 && Portable.exp(0) == 1)
  }

  @Test func stableFunctionsHoldInTheTails() {
    #expect(Stable.sigmoid(-800.0) == 0 && Stable.sigmoid(800.0) == 1)
    #expect(abs(Stable.sigmoid(-40.0) / exp(-40.0) - 1) < 1e-14)
    #expect(Stable.softplus(800.0) == 800 && abs(Stable.softplus(-40.0) / exp(-40.0) - 1) < 1e-14)
    #expect(Stable.softplus(Double.infinity) == .infinity && Stable.softplus(-Double.infinity) == 0)
    #expect(Stable.logSigmoid(-800.0) == -800)
    #expect(abs(Stable.logAddExp(1000.0, 1000.0) - 1000 - log(2)) < 1e-12)
    #expect(Stable.logAddExp(-Double.infinity, -.infinity) == -.infinity)
    #expect(abs(Stable.logit(Stable.sigmoid(-20.0)) + 20) < 1e-12)
    #expect(abs(Stable.oneMinusProduct(exposure: 1.0, logit: 40) / exp(-40) - 1) < 1e-14)
  }

  @Test func denormalsAreFlushedInsideAndKeptOutside() {
    func halved() -> Float {
      var value = Float.leastNormalMagnitude
      withUnsafeMutablePointer(to: &value) { $0.pointee *= Float(CommandLine.arguments.isEmpty ? 1 : 0.5) }
      return value
    }
    #expect(halved() > 0)
    #expect(Denormals.flushed { halved().bitPattern } == 0)
    #expect(halved() > 0)
  }
}
