import LightmeterKernels
import Testing

@testable import LightmeterObjectives

/// The three estimators: derivatives, identities between them, kernels, unbiasedness (METHODS §5, §18).
@Suite struct EstimatorTests {
  static let estimators: [any Estimator] = [Naive(), InversePropensity(), LowVariance()]

  /// What an estimator leaves out of a hypergradient has exactly no part in it, and what it leaves in has one.
  @Test(arguments: [true, false]) func onlyMixedFeedbackHasAMixedDerivative(clicked: Bool) {
    let all: [any Estimator] = EstimatorTests.estimators + [InversePropensity(clip: 0.1)]
    for estimator in all {
      let isMixed = estimator.mixedFeedback.contains(clicked ? .clicks : .others)
      for logit in [-8.0, -0.3, 0, 1.7, 12] {
        for exposure in [0.02, 0.4, 1] {
          let mixed = estimator.terms(clicked: clicked, logit: logit, exposure: exposure).byLogitAndExposure
          if !isMixed { #expect(mixed == 0, "\(estimator)") }
        }
      }
      let mixed = estimator.terms(clicked: clicked, logit: 0.5, exposure: 0.6).byLogitAndExposure
      if estimator.usesExposure { #expect((mixed != 0) == isMixed, "\(estimator)") }
    }
  }
  static let logits: [Double] = [-40, -12, -6, -2, -0.5, 0, 0.3, 1, 4, 9, 40]
  static let exposures: [Double] = [1e-3, 0.02, 0.3, 0.5, 0.9, 0.999, 1]

  private func close(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool {
    abs(a - b) <= tolerance * max(1, abs(a), abs(b))
  }

  @Test(arguments: 0..<3) func derivativesMatchCentralDifferences(index: Int) {
    let estimator = EstimatorTests.estimators[index]
    for clicked in [false, true] {
      for s in EstimatorTests.logits {
        for m in EstimatorTests.exposures where m < 1 {
          func at(_ s: Double, _ m: Double) -> LossTerms<Double> {
            estimator.terms(clicked: clicked, logit: s, exposure: m)
          }
          let terms = at(s, m)
          // The loss curves on the scale of 1 − m p in m, and of 1 in s.
          let h = 1e-5 * min(m, 1 - m * Stable.sigmoid(s))
          let k = 1e-5
          let byLogit = (at(s + k, m).loss - at(s - k, m).loss) / (2 * k)
          let byExposure = (at(s, m + h).loss - at(s, m - h).loss) / (2 * h)
          let mixed = (at(s, m + h).byLogit - at(s, m - h).byLogit) / (2 * h)
          let twice = (at(s, m + h).byExposure - at(s, m - h).byExposure) / (2 * h)
          let place: Comment = "clicked \(clicked), s \(s), m \(m)"
          // Rounding of the differenced values over the step, and the truncation of the difference.
          let noise = 1e-15 * (abs(terms.loss) + 1)
          #expect(abs(terms.byLogit - byLogit) <= 1e-8 * max(1, abs(byLogit)) + noise / k, place)
          #expect(abs(terms.byExposure - byExposure) <= 1e-7 * max(1, abs(byExposure)) + noise / h, place)
          #expect(
            abs(terms.byLogitAndExposure - mixed) <= 1e-7 * max(1, abs(mixed)) + 1e-15 * abs(terms.byLogit) / h, place)
          #expect(close(terms.byExposureTwice, twice, 1e-6), place)
        }
      }
    }
  }

  @Test func withFullExposureAllAgreeWithNaive() {
    for clicked in [false, true] {
      for s in EstimatorTests.logits {
        let naive = Naive().terms(clicked: clicked, logit: s, exposure: 1.0)
        for estimator in EstimatorTests.estimators {
          let terms = estimator.terms(clicked: clicked, logit: s, exposure: 1.0)
          #expect(close(terms.loss, naive.loss, 1e-14) && close(terms.byLogit, naive.byLogit, 1e-14), "s \(s)")
        }
      }
    }
  }

  @Test func unclickedInversePropensityIgnoresExposure() {
    for s in EstimatorTests.logits {
      let terms = EstimatorTests.exposures.map { InversePropensity().terms(clicked: false, logit: s, exposure: $0) }
      #expect(terms.allSatisfy { $0.loss == terms[0].loss && $0.byLogit == terms[0].byLogit && $0.byExposure == 0 })
    }
  }

  @Test func mixedDerivativeOfClicksIsExactlyZero() {
    for s in EstimatorTests.logits {
      for m in EstimatorTests.exposures {
        #expect(LowVariance().terms(clicked: true, logit: s, exposure: m).byLogitAndExposure == 0)
      }
    }
  }

  @Test func stableFormEqualsThePlainOneWhereThatHolds() {
    for step in -60...60 {
      let s = Double(step) / 10
      for m in EstimatorTests.exposures {
        let plain = -Portable.log(1 - m * Portable.sigmoid(s))
        #expect(abs(LowVariance().terms(clicked: false, logit: s, exposure: m).loss - plain) < 1e-12, "s \(s), m \(m)")
      }
    }
  }

  @Test func largeLogitsStayFiniteInSinglePrecision() {
    #expect(LowVariance().terms(clicked: false, logit: Float(40), exposure: 1).loss == 40)
    var out = LossColumns<Float>()
    LowVariance().evaluate(feedback: [0, 0], logits: [40, -40], exposures: [1, 1], into: &out)
    #expect(abs(out.loss[0] - 40) < 1e-5)
    #expect(out.loss[1] >= 0 && out.loss[1] < 1e-15)
  }

  @Test func gradientEqualsThatOfExpectationMaximisation() {
    // With q = P(relevant | no click) the gradient is p − q: soft labels in place of zeros (METHODS §5.3).
    for s in EstimatorTests.logits where abs(s) < 20 {
      for m in EstimatorTests.exposures {
        let p = Stable.sigmoid(s)
        let posterior = (1 - m) * p / Stable.oneMinusProduct(exposure: m, logit: s)
        let terms = LowVariance().terms(clicked: false, logit: s, exposure: m)
        #expect(abs(terms.byLogit - (p - posterior)) < 1e-12, "s \(s), m \(m)")
      }
    }
  }

  @Test(arguments: 0..<4) func kernelsMatchTheEquation(index: Int) {
    let estimator = (EstimatorTests.estimators + [InversePropensity(clip: 0.1)])[index]
    let (logits, exposures) = (EstimatorTests.logits, EstimatorTests.exposures)
    expectBatchesAreTheEquation(of: estimator, logits: logits, exposures: exposures, tolerance: 1e-12 as Double)
    // Float: the kernels' exponential and logarithm are good to a few units in the last place (2⁻²⁴), and the second
    // derivatives square a quotient of them, hence 40 of those.
    expectBatchesAreTheEquation(of: estimator, logits: logits, exposures: exposures, tolerance: 40 * 0x1p-24 as Float)
  }

  @Test func clippingBoundsTheWeightAndItsDerivative() {
    let clipped = InversePropensity(clip: 0.1).terms(clicked: true, logit: 2.0, exposure: 0.01)
    let atClip = InversePropensity().terms(clicked: true, logit: 2.0, exposure: 0.1)
    #expect(abs(clipped.loss - atClip.loss) < 1e-12)
    #expect(clipped.byExposure == 0 && clipped.byLogitAndExposure == 0 && clipped.byExposureTwice == 0)
    let above = InversePropensity(clip: 0.1).terms(clicked: true, logit: 2.0, exposure: 0.2)
    #expect(above.byExposure == InversePropensity().terms(clicked: true, logit: 2.0, exposure: 0.2).byExposure)
  }
}
