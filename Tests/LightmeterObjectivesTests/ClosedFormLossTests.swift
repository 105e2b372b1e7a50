import LightmeterKernels
import Testing

@testable import LightmeterObjectives

/// The losses of methods that training solves in closed form or by full gradients, as fold-in minimises them.
@Suite struct ClosedFormLossTests {
  static let losses: [any Estimator] = [
    ConfidenceLogistic(confidence: 7.5, extra: 0), ConfidenceLogistic(confidence: 3, extra: 1),
    LatentExposureLoss(precision: 1.7),
  ]

  @Test(arguments: 0..<3) func derivativesMatchCentralDifferences(index: Int) {
    let loss = Self.losses[index]
    for clicked in [false, true] {
      for s in [-6.0, -1.5, -0.2, 0.4, 1, 3] {
        for m in [0.03, 0.4, 0.9] {
          func at(_ s: Double, _ m: Double) -> LossTerms<Double> { loss.terms(clicked: clicked, logit: s, exposure: m) }
          let (terms, h) = (at(s, m), 1e-6)
          let place: Comment = "clicked \(clicked), s \(s), m \(m)"
          func agree(_ a: Double, _ b: Double) -> Bool { abs(a - b) < 1e-6 * max(1, abs(a)) }
          #expect(agree(terms.byLogit, (at(s + h, m).loss - at(s - h, m).loss) / (2 * h)), place)
          #expect(agree(terms.byExposure, (at(s, m + h).loss - at(s, m - h).loss) / (2 * h)), place)
          #expect(agree(terms.byLogitAndExposure, (at(s, m + h).byLogit - at(s, m - h).byLogit) / (2 * h)), place)
          #expect(agree(terms.byExposureTwice, (at(s, m + h).byExposure - at(s, m - h).byExposure) / (2 * h)), place)
        }
      }
    }
  }

  @Test(arguments: 0..<3) func theBatchIsTheEquationOfEachPair(index: Int) {
    let loss = Self.losses[index]
    let logits = (0..<40).map { 0.37 * Double($0) - 7 }
    let exposures = (0..<40).map { 0.02 + 0.024 * Double($0) }
    let feedback = (0..<40).map { UInt8($0 % 3 == 0 ? 1 : 0) }
    // What an earlier batch left behind.
    var out = LossColumns<Double>()
    out.byExposure = [Double](repeating: 9, count: 50)
    loss.evaluate(feedback: feedback, logits: logits, exposures: exposures, into: &out)
    for k in 0..<40 {
      let terms = loss.terms(clicked: feedback[k] == 1, logit: logits[k], exposure: exposures[k])
      for (found, expected) in [
        (out.loss[k], terms.loss), (out.byLogit[k], terms.byLogit), (out.byExposure[k], terms.byExposure),
        (out.byLogitAndExposure[k], terms.byLogitAndExposure), (out.byExposureTwice[k], terms.byExposureTwice),
      ] { #expect(abs(found - expected) < 1e-12 * max(1, abs(expected)), "pair \(k)") }
    }
  }

  @Test func clicksOfWeightOneAreNaive() {
    for (clicked, s) in [(true, -3.0), (false, 2.0), (true, 20.0)] {
      let naive = Naive().terms(clicked: clicked, logit: s, exposure: 1.0)
      let same = ConfidenceLogistic(confidence: 1, extra: 0).terms(clicked: clicked, logit: s, exposure: 1.0)
      #expect(abs(naive.loss - same.loss) < 1e-14 && abs(naive.byLogit - same.byLogit) < 1e-14)
    }
  }

  /// A pair that was almost surely not shown says almost nothing.
  @Test func unseenPairsHaveNoPull() {
    let loss = LatentExposureLoss(precision: 1)
    #expect(abs(loss.terms(clicked: false, logit: 2, exposure: 1e-9).byLogit) < 1e-8)
    #expect(loss.terms(clicked: false, logit: 2, exposure: 0.999).byLogit > 1)
  }
}
