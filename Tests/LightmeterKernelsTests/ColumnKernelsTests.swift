import Foundation
@testable import LightmeterKernels
import Testing

/// The kernels on columns of a batch against the formulas written out in Double.
@Suite struct ColumnKernelsTests {
  static let counts = [0, 1, 7, 16, 17, 50, 64]

  private func sigma(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// Logits within ±10, where the plain formulas in Double keep nine digits and more.
  private func logits<S: TrainingScalar>(_ count: Int, _ salt: Int) -> [S] {
    KernelDraws.normal(count, salt).map { S(max(-10, min(10, Double($0 as S) * 4))) }
  }

  private func shares<S: TrainingScalar>(_ count: Int, _ salt: Int) -> [S] {
    var generator = SeededGenerator(seed: 33, stream: .initialise, epoch: salt)
    return (0..<count).map { _ in S(0.02 + 0.96 * generator.uniform()) }
  }

  /// Relative to the size of the expected value: single precision loses up to four digits in 1 − m p.
  private func close<S: TrainingScalar>(_ got: S, _ expected: Double) -> Bool {
    abs(Double(got) - expected) <= (S.self == Float.self ? 2e-5 : 1e-11) * (1 + abs(expected))
  }

  @Test(arguments: counts) func sigmoidsAreSigmoids(count: Int) {
    sigmoids(count, Float.self)
    sigmoids(count, Double.self)
  }

  private func sigmoids<S: TrainingScalar>(_ count: Int, _: S.Type) {
    let input: [S] = logits(count, 1)
    let before: [S] = KernelDraws.normal(count + 1, 2)
    var out = before
    S.sigmoid(input, count: count, into: &out)
    for k in 0..<count {
      let expected = sigma(Double(input[k]))
      #expect(abs(Double(out[k]) / expected - 1) < (S.self == Float.self ? 1e-6 : 1e-14))
    }
    #expect(out[count] == before[count])
  }

  @Test func sigmoidsHoldInTheTails() {
    var (single, double): ([Float], [Double]) = ([0, 0, 0], [0, 0, 0])
    Float.sigmoid([-80, 0, 80], count: 3, into: &single)
    Double.sigmoid([-600, 0, 600], count: 3, into: &double)
    #expect(abs(Double(single[0]) / exp(-80) - 1) < 1e-5 && single[1] == 0.5 && single[2] == 1)
    #expect(abs(double[0] / exp(-600) - 1) < 1e-12 && double[1] == 0.5 && double[2] == 1)
  }

  @Test(arguments: counts) func lossTermsAreTheirFormulas(count: Int) {
    lossTerms(count, Float.self)
    lossTerms(count, Double.self)
  }

  private func lossTerms<S: TrainingScalar>(_ count: Int, _: S.Type) {
    let feedback = (0..<count).map { UInt8($0 % 3 == 0 ? 1 : 0) }
    let (scores, exposures): ([S], [S]) = (logits(count, 3), shares(count, 4))
    var (naive, inverse, low) = (LossColumns<S>(), LossColumns<S>(), LossColumns<S>())
    S.naiveTerms(feedback: feedback, logits: scores, into: &naive)
    S.inversePropensityTerms(feedback: feedback, logits: scores, exposures: exposures, into: &inverse)
    S.lowVarianceTerms(feedback: feedback, logits: scores, exposures: exposures, into: &low)
    for k in 0..<count {
      let (y, s, m) = (Double(feedback[k]), Double(scores[k]), Double(exposures[k]))
      let p = sigma(s)
      let softplus = log(1 + exp(s))
      expect(naive, k, [softplus - y * s, p - y, 0, 0, 0], "naive")
      let w = y / m
      expect(inverse, k, [softplus - w * s, p - w, w / m * s, w / m, -2 * w / (m * m) * s], "inverse")
      let rest = 1 - m * p
      let clicked = [-log(m * p), -(1 - p), -1 / m, 0, 1 / (m * m)]
      let declined = [
        -log(rest), m * p * (1 - p) / rest, p / rest, p * (1 - p) / (rest * rest), p * p / (rest * rest),
      ]
      expect(low, k, y == 1 ? clicked : declined, "low variance")
    }
  }

  private func expect<S: TrainingScalar>(_ got: LossColumns<S>, _ k: Int, _ wanted: [Double], _ name: String) {
    let columns = [got.loss, got.byLogit, got.byExposure, got.byLogitAndExposure, got.byExposureTwice]
    for (column, (values, value)) in zip(columns, wanted).enumerated() {
      #expect(close(values[k], value), "\(name), column \(column), pair \(k): \(values[k]) for \(value)")
    }
  }

  @Test(arguments: counts) func blendsAndTheirDerivativesAreTheirFormulas(count: Int) {
    blends(count, Float.self)
    blends(count, Double.self)
  }

  private func blends<S: TrainingScalar>(_ count: Int, _: S.Type) {
    let (affinities, gates, popularity): ([S], [S], [S]) = (logits(count, 5), logits(4, 6), shares(9, 7))
    let (slots, items) = (KernelDraws.indices(count, below: 4, 8), KernelDraws.indices(count, below: 9, 9))
    let (cotangents, alongGate, alongUser): ([S], [S], [S]) = (
      KernelDraws.normal(count, 10), KernelDraws.normal(count, 11), KernelDraws.normal(count, 12)
    )
    var forward = BlendColumns<S>()
    S.blend(
      affinities: affinities, gateLogits: gates, popularity: popularity, gateSlots: slots, items: items, into: &forward)
    var (byAffinity, byGate, slopes, users, seconds) = (
      S.zeros(count), S.zeros(count), S.zeros(count), S.zeros(count), S.zeros(count)
    )
    S.blendPullback(
      cotangents, of: forward, popularity: popularity, items: items, affinities: &byAffinity, gates: &byGate)
    S.blendSecond(
      cotangents, of: forward, popularity: popularity, items: items, alongGate: alongGate, alongUser: alongUser,
      slopes: &slopes, users: &users, gates: &seconds)
    for k in 0..<count {
      let (q, r) = (sigma(Double(affinities[k])), sigma(Double(gates[Int(slots[k])])))
      let (theta, c) = (Double(popularity[Int(items[k])]), Double(cotangents[k]))
      #expect(close(forward.affinity[k], q) && close(forward.gate[k], r))
      #expect(close(forward.exposure[k], r * q + (1 - r) * theta))
      let (q1, r1) = (q * (1 - q), r * (1 - r))
      #expect(close(byAffinity[k], c * r * q1) && close(byGate[k], c * (q - theta) * r1))
      let (va, ve) = (Double(alongGate[k]), Double(alongUser[k]))
      #expect(close(slopes[k], r1 * (q - theta) * va + r * q1 * ve))
      #expect(close(users[k], c * (r1 * q1 * va + r * q1 * (1 - 2 * q) * ve)))
      #expect(close(seconds[k], c * (r1 * (1 - 2 * r) * (q - theta) * va + r1 * q1 * ve)))
    }
  }

  @Test(arguments: counts) func gatedPowersAndTheirDerivativesAreTheirFormulas(count: Int) {
    gates(count, Float.self)
    gates(count, Double.self)
  }

  private func gates<S: TrainingScalar>(_ count: Int, _: S.Type) {
    var columns = GateColumns<S>()
    columns.reserve(count)
    (columns.mixing, columns.level, columns.exponent) = (shares(count, 16), shares(count, 17), shares(count, 18))
    columns.popularity = shares(count, 19)
    S.gatePowers(of: &columns, count: count)
    let cotangents: [S] = KernelDraws.normal(count, 20)
    var (byMixing, byLevel, byExponent) = (S.zeros(count), S.zeros(count), S.zeros(count))
    S.gateSlopes(
      cotangents, of: columns, mixing: &byMixing, level: &byLevel, exponent: &byExponent, count: count)
    for k in 0..<count {
      let (w, l, e) = (Double(columns.mixing[k]), Double(columns.level[k]), Double(columns.exponent[k]))
      let (popularity, c) = (Double(columns.popularity[k]), Double(cotangents[k]))
      let x = w * l + (1 - w) * popularity
      let m = pow(x, e)
      #expect(close(columns.exposure[k], m) && close(columns.logBase[k], log(x)))
      #expect(close(byMixing[k], c * e * m / x * (l - popularity) * w * (1 - w)))
      #expect(close(byLevel[k], c * e * m / x * w * l * (1 - l)))
      #expect(close(byExponent[k], c * m * log(x) * e * (1 - e)))
    }
  }

  @Test(arguments: counts) func productsAndSummariesAreLoops(count: Int) {
    products(count, Float.self)
    products(count, Double.self)
  }

  private func products<S: TrainingScalar>(_ count: Int, _: S.Type) {
    let (a, b): ([S], [S]) = (KernelDraws.normal(count + 1, 13), KernelDraws.normal(count + 1, 14))
    var (both, one): ([S], [S]) = ([], [])
    S.multiply(a, b, scale: -1.5, count: count, into: &both)
    S.multiply(a, nil, scale: 0.25, count: count, into: &one)
    for k in 0..<count {
      #expect(KernelDraws.close(both[k], -1.5 * Double(a[k]) * Double(b[k])))
      #expect(Double(one[k]) == 0.25 * Double(a[k]))
    }
    let summary = S.summarize(a, count: count)
    let wide = a.prefix(count).map { Double($0) }
    #expect(abs(summary.sum - wide.reduce(0, +)) < 1e-12)
    #expect(abs(summary.squares - wide.reduce(0) { $0 + $1 * $1 }) < 1e-12)
    #expect(summary.least == (wide.min() ?? 0) && summary.greatest == (wide.max() ?? 0))
    #expect(S.sum(a, count: count) == summary.sum, "one order of summing")
    #expect(S.summarize(a).sum != summary.sum, "without a count the whole column is summed")
  }

  @Test(arguments: [1, 7, 16, 17, 50, 64]) func clearedColumnsAreTheOnesAskedFor(width: Int) {
    let before: [Float] = KernelDraws.normal(5 * width, 15)
    for (count, columns) in [(0, 0..<width), (4, 0..<0), (4, width - 1..<width), (4, width / 3..<width / 2 + 1)] {
      var rows = before
      Float.clearColumns(&rows, count: count, stride: width, columns: columns)
      for k in rows.indices {
        let cleared = k / width < count && columns.contains(k % width)
        #expect(rows[k] == (cleared ? 0 : before[k]))
      }
    }
  }

  @Test func reusedColumnsGrowAreClearedAndConverted() {
    var column: [Float] = [1, 2, 3, 4]
    Float.reserve(&column, 3)
    #expect(column == [1, 2, 3, 4], "long enough stays as it is")
    Float.clear(&column, 2)
    #expect(column == [0, 0, 3, 4])
    Float.clear(&column, 9)
    #expect(column.count >= 9 && column.allSatisfy { $0 == 0 })
    var (single, double): ([Float], [Double]) = ([], [])
    Float.convert([0.5, -2], into: &single)
    Double.convert([0.5, -2], into: &double)
    #expect(single == [0.5, -2] && Array(double.prefix(2)) == [0.5, -2])
    #expect(Double.zeros(3) == [0, 0, 0] && Float.zeros(0).isEmpty)
  }

  /// With its head and the allocator's, 48 bytes, a long column fills pages of two megabytes; a short one is as long as asked.
  @Test(arguments: [262_144, 262_145, 524_276, 524_277, 3_000_000])
  func longColumnsFillLargePages(count: Int) {
    #expect(Float.roomy(count) >= count && (Float.roomy(count) * 4 + 48) % (1 << 21) == 0)
    let values = Float.zeros(count)
    #expect(values.count == count && values.allSatisfy { $0 == 0 })
    #expect(Double.roomy(count / 2) >= count / 2 && (Double.roomy(count / 2) * 8 + 48) % (1 << 21) == 0)
  }

  @Test func shortColumnsAreAsLongAsAsked() {
    #expect(Float.roomy(0) == 0 && Float.roomy(262_143) == 262_143 && Double.roomy(131_071) == 131_071)
  }
}
