import LightmeterKernels
import TestSupport
import Testing

@testable import LightmeterObjectives

/// CEB's objective: reference values, derivatives, and its identities with the other estimators (METHODS §13.1, §18.1–2).
@Suite struct WeightedRiskTests {
  private static let weightings = WeightedRisk.Weighting.allCases
  private static let logits: [Double] = [-40, -12, -4, -0.7, 0, 0.3, 2, 9]
  private static let exposures: [Double] = [0.02, 0.3, 0.5, 0.9, 0.999]

  private func risk(_ weighting: WeightedRisk.Weighting, detached: Bool = false) -> WeightedRisk {
    WeightedRisk(weighting: weighting, likelihoodWeight: 0, riskWeight: 1, detachesWeights: detached, clip: 0)
  }

  @Test func lossesAndGradientsAreTheReferenceValues() {
    let golden = Golden.load("methods")["ceb"]
    let names: [(String, WeightedRisk)] = [
      ("Rw", risk(.inverse)), ("Rw-detachedWeights", risk(.inverse, detached: true)),
      ("RPU", risk(.positiveUnlabeled)), ("RPU-detachedWeights", risk(.positiveUnlabeled, detached: true)),
      ("RAP", risk(.addedPositive)), ("RAP-detachedWeights", risk(.addedPositive, detached: true)),
      ("NLL", WeightedRisk(likelihoodWeight: 1, riskWeight: 0)),
    ]
    let (logits, exposures) = (golden["score"].doubles, golden["exposure"].doubles)
    for (name, estimator) in names {
      let wanted = golden["risks"][name]
      for k in logits.indices {
        let terms = estimator.terms(clicked: golden["label"][k].double == 1, logit: logits[k], exposure: exposures[k])
        #expect(abs(terms.loss - wanted["loss"][k].double) < 1e-12, "\(name) \(k)")
        #expect(abs(terms.byLogit - wanted["dScore"][k].double) < 1e-12, "\(name) \(k)")
        #expect(abs(terms.byExposure - wanted["dExposure"][k].double) < 1e-11, "\(name) \(k)")
      }
    }
  }

  @Test(arguments: weightings) func derivativesMatchCentralDifferences(weighting: WeightedRisk.Weighting) {
    let estimator = WeightedRisk(weighting: weighting, likelihoodWeight: 2, riskWeight: 3, clip: 0.25)
    for clicked in [false, true] {
      for s in Self.logits where abs(s) < 20 {
        for m in Self.exposures {
          func at(_ s: Double, _ m: Double) -> LossTerms<Double> {
            estimator.terms(clicked: clicked, logit: s, exposure: m)
          }
          let terms = at(s, m)
          // As in EstimatorTests: the loss curves on the scale of 1 − m p in m, and of 1 in s.
          let h = 1e-5 * min(m, 1 - m * Stable.sigmoid(s))
          let noise = 1e-14 * (abs(terms.loss) + abs(s) / m + 1)
          func check(_ slope: KeyPath<LossTerms<Double>, Double>, _ value: Double, byLogit: Bool, _ got: Double) {
            let k = byLogit ? 1e-5 : h
            let (up, down) = byLogit ? (at(s + k, m), at(s - k, m)) : (at(s, m + k), at(s, m - k))
            let wanted = (up[keyPath: slope] - down[keyPath: slope]) / (2 * k)
            #expect(
              abs(got - wanted) <= 1e-7 * max(1, abs(wanted)) + noise * max(1, abs(value)) / k,
              "clicked \(clicked), s \(s), m \(m)")
          }
          check(\.loss, 1, byLogit: true, terms.byLogit)
          check(\.loss, 1, byLogit: false, terms.byExposure)
          check(\.byLogit, terms.byLogit, byLogit: false, terms.byLogitAndExposure)
          check(\.byExposure, terms.byExposure, byLogit: false, terms.byExposureTwice)
        }
      }
    }
  }

  @Test(arguments: weightings) func fullExposureIsTheCrossEntropy(weighting: WeightedRisk.Weighting) {
    for s in Self.logits + [40] {
      for clicked in [false, true] {
        let naive = Naive().terms(clicked: clicked, logit: s, exposure: 1.0)
        let terms = risk(weighting).terms(clicked: clicked, logit: s, exposure: 1.0)
        #expect(abs(terms.loss - naive.loss) < 1e-13 * max(1, abs(s)) && abs(terms.byLogit - naive.byLogit) < 1e-13)
      }
    }
  }

  @Test func positiveUnlabeledIsInversePropensityAndDetachedAddedPositiveHasTheGradientOfLowVariance() {
    for s in Self.logits {
      for m in Self.exposures {
        for clicked in [false, true] {
          let inverse = InversePropensity().terms(clicked: clicked, logit: s, exposure: m)
          let unlabeled = risk(.positiveUnlabeled).terms(clicked: clicked, logit: s, exposure: m)
          #expect(abs(unlabeled.loss - inverse.loss) <= 1e-13 * max(1, abs(inverse.loss)))
          #expect(abs(unlabeled.byLogit - inverse.byLogit) <= 1e-13 * max(1, abs(inverse.byLogit)))
          #expect(abs(unlabeled.byExposure - inverse.byExposure) <= 1e-13 * max(1, abs(inverse.byExposure)))
          let likelihood = LowVariance().terms(clicked: clicked, logit: s, exposure: m)
          let added = risk(.addedPositive, detached: true).terms(clicked: clicked, logit: s, exposure: m)
          #expect(abs(added.byLogit - likelihood.byLogit) < 1e-13, "s \(s), m \(m)")
        }
      }
    }
  }

  @Test(arguments: weightings) func meanOverClicksIsTheCrossEntropyAgainstRelevance(weighting: WeightedRisk.Weighting) {
    // At the true p and m, by enumeration of the click, whose probability is m p.
    for s in [-3, -0.5, 0.2, 1.5] {
      for m in Self.exposures {
        let p = Stable.sigmoid(s)
        let estimator = risk(weighting)
        let mean =
          m * p * estimator.terms(clicked: true, logit: s, exposure: m).loss
          + (1 - m * p) * estimator.terms(clicked: false, logit: s, exposure: m).loss
        #expect(abs(mean - (p * Stable.softplus(-s) + (1 - p) * Stable.softplus(s))) < 1e-13, "s \(s), m \(m)")
      }
    }
  }

  @Test(arguments: weightings) func batchesAreTheEquation(weighting: WeightedRisk.Weighting) {
    for detached in [false, true] {
      let estimator = WeightedRisk(weighting: weighting, likelihoodWeight: 1.5, detachesWeights: detached)
      check(estimator, tolerance: 1e-12 as Double)
      // As in EstimatorTests, times three: the second derivatives of the risk are products of three such quotients.
      check(estimator, tolerance: 120 * 0x1p-24 as Float)
    }
  }

  private func check<S: TrainingScalar>(_ estimator: WeightedRisk, tolerance: S) {
    // The likelihood and the risk may cancel: the error is relative to their size, of which |s| is a bound.
    expectBatchesAreTheEquation(
      of: estimator, logits: Self.logits + [40], exposures: Self.exposures + [1e-3, 1], tolerance: tolerance,
      scale: { abs($0) })
  }
}
