import LightmeterEvaluation
import LightmeterFeedback
import LightmeterKernels
import TestSupport
import Testing

@Suite("Exposure quality")
struct ExposureQualityTests {
  private func correlation(_ a: [Double], _ b: [Double]) -> Double? { ExposureQuality.pearsonCorrelation(a, b) }

  @Test("the reference correlations are reproduced")
  func reference() {
    let golden = Golden.load("metrics")["pcc"]
    let (truth, estimate) = (golden["true"].matrix, golden["estimated"].matrix)
    for (user, want) in golden["perUser"].doubles.enumerated() {
      #expect(near(correlation(truth[user], estimate[user]), want))
    }
    let quality = ExposureQuality(
      of: TableScorer(estimate), against: TableScorer(truth), userCount: truth.count, itemCount: truth[0].count)
    // The tables are single precision.
    #expect(near(quality.correlation, golden["mean"].double, 1e-6))
    #expect(quality.constantUsers == 0 && quality.pairs == truth.count * truth[0].count)
  }

  @Test("correlation is 1 with itself and any rising line, −1 with its negative, and Eq. (20) on random data")
  func identities() throws {
    var generator = SeededGenerator(seed: 2, stream: .world)
    let m = (0..<50).map { _ in generator.uniform() }
    let e = (0..<50).map { _ in generator.uniform() }
    #expect(near(correlation(m, m), 1, 1e-14))
    #expect(near(correlation(m.map { 2 * $0 + 3 }, m), 1, 1e-14))
    #expect(near(correlation(m.map { -$0 }, m), -1, 1e-14))
    func sum(_ f: (Int) -> Double) -> Double { (0..<50).reduce(0) { $0 + f($1) } }
    let top = 50 * sum { m[$0] * e[$0] } - sum { m[$0] } * sum { e[$0] }
    let bottom =
      (50 * sum { m[$0] * m[$0] } - sum { m[$0] } * sum { m[$0] }).squareRoot()
      * (50 * sum { e[$0] * e[$0] } - sum { e[$0] } * sum { e[$0] }).squareRoot()
    #expect(near(correlation(m, e), top / bottom, 1e-10))
    #expect(near(correlation(m.map { 0.001 + 1e-9 * $0 }, m), 1, 1e-6))
  }

  @Test("a constant row is skipped and counted")
  func constantRows() {
    #expect(correlation([0.1, 0.1, 0.1], [1, 2, 3]) == nil)
    let truth = TableScorer([[0.1, 0.2, 0.4], [0.3, 0.1, 0.2]])
    let estimate = TableScorer([[0.1, 0.1, 0.1], [0.6, 0.2, 0.4]])
    let quality = ExposureQuality(of: estimate, against: truth, userCount: 2, itemCount: 3)
    #expect(quality.constantUsers == 1 && quality.perUser.count == 1)
    #expect(near(quality.correlation, 1, 1e-6))
  }

  @Test("errors see the scale that the correlation cannot, and the bins show where")
  func errors() {
    let truth = TableScorer([[0.25, 0.75]])
    let estimate = TableScorer([[0.125, 0.375]])
    let quality = ExposureQuality(of: estimate, against: truth, userCount: 1, itemCount: 2)
    #expect(near(quality.correlation, 1, 1e-12))
    #expect(near(quality.rootMeanSquaredError, ((0.125 * 0.125 + 0.375 * 0.375) / 2).squareRoot()))
    let loss = { (m: Double, e: Double) in -m * Portable.log(e) - (1 - m) * Portable.log(1 - e) }
    #expect(near(quality.logLoss, (loss(0.25, 0.125) + loss(0.75, 0.375)) / 2))
    #expect(quality.calibration.map(\.pairs) == [1, 1])
    #expect(quality.calibration.map(\.low) == [0.1, 0.3])
    #expect(quality.calibration.map(\.meanTruth) == [0.25, 0.75])
    #expect(quality.calibration.map(\.meanEstimate) == [0.125, 0.375])
  }

  @Test("an estimate of 0 or 1 has a finite loss and falls into the end bins")
  func ends() {
    let quality = ExposureQuality(
      of: TableScorer([[0, 1]]), against: TableScorer([[0.5, 0.5]]), userCount: 1, itemCount: 2)
    #expect(quality.logLoss.isFinite && quality.logLoss > 6)
    #expect(quality.calibration.map(\.low) == [0, 0.9])
  }

  @Test("a sample of users or pairs estimates the full figures, the same for the same seed")
  func sampled() throws {
    let sample = Sample(users: 60, items: 80, levels: 500, seed: 6)
    let truth = TableScorer(userCount: 60, itemCount: 80) { user, item in
      0.0005 * sample.scorer.values[user * 80 + item] + 0.0002 * Float((user * item) % 500)
    }
    let estimate = TableScorer(userCount: 60, itemCount: 80) { user, item in
      0.002 * sample.scorer.values[user * 80 + item]
    }
    func quality(_ sample: PairSample) -> ExposureQuality {
      ExposureQuality(of: estimate, against: truth, userCount: 60, itemCount: 80, on: sample)
    }
    let full = quality(.all)
    #expect(quality(.users(60, seed: 1)) == full)
    let part = quality(.pairs(users: 30, itemsPerUser: 40, seed: 1))
    #expect(part.pairs == 1200)
    #expect(part == quality(.pairs(users: 30, itemsPerUser: 40, seed: 1)))
    #expect(part != quality(.pairs(users: 30, itemsPerUser: 40, seed: 2)))
    #expect(near(part.correlation, full.correlation, 0.05))
    #expect(near(part.rootMeanSquaredError, full.rootMeanSquaredError, 0.05))
  }
}
