import LightmeterKernels
import Testing

@testable import LightmeterObjectives

/// What the estimators promise in expectation over clicks y ~ Bernoulli(m γ).
@Suite struct UnbiasednessTests {
  @Test func inversePropensityLossIsTheCrossEntropyOfRelevanceInTheMean() {
    // 20,000 draws, five standard errors: a right estimator fails once in 1.7 million seeds.
    let (m, relevance, s) = (0.25, 0.4, 0.7)
    let wanted = Stable.softplus(s) - relevance * s
    var generator = SeededGenerator(seed: 3, stream: .world)
    var (sum, squares) = (0.0, 0.0)
    let draws = 20_000
    for _ in 0..<draws {
      let loss = InversePropensity().terms(clicked: generator.uniform() < m * relevance, logit: s, exposure: m).loss
      sum += loss
      squares += loss * loss
    }
    let mean = sum / Double(draws)
    let error = ((squares / Double(draws) - mean * mean) / Double(draws)).squareRoot()
    #expect(abs(mean - wanted) < 5 * error)
    #expect(error < 0.02, "the test must be able to tell")
  }

  @Test func bothDebiasedLossesAreLeastAtTheTrueRelevance() {
    for m in [0.05, 0.3, 0.9] {
      for relevance in [0.1, 0.5, 0.8] {
        let s = Stable.logit(relevance)
        for estimator in [InversePropensity(), LowVariance()] as [any Estimator] {
          func mean(_ value: (LossTerms<Double>) -> Double, _ s: Double) -> Double {
            m * relevance * value(estimator.terms(clicked: true, logit: s, exposure: m))
              + (1 - m * relevance) * value(estimator.terms(clicked: false, logit: s, exposure: m))
          }
          #expect(abs(mean({ $0.byLogit }, s)) < 1e-14, "m \(m), relevance \(relevance)")
          #expect(mean({ $0.loss }, s - 0.3) > mean({ $0.loss }, s))
          #expect(mean({ $0.loss }, s + 0.3) > mean({ $0.loss }, s))
        }
      }
    }
  }

  @Test func varianceFormulasMatchEnumeration() {
    for m in [0.01, 0.3, 0.99, 1] {
      for relevance in [0.05, 0.5, 0.95] {
        let p = 0.35
        let s = Stable.logit(p)
        func variance(_ estimator: any Estimator) -> Double {
          let click = m * relevance
          let a = estimator.terms(clicked: true, logit: s, exposure: m).byLogit
          let b = estimator.terms(clicked: false, logit: s, exposure: m).byLogit
          return click * (1 - click) * (a - b) * (a - b)
        }
        let inverse = GradientVariance.inversePropensity(exposure: m, relevance: relevance)
        let low = GradientVariance.lowVariance(exposure: m, relevance: relevance, predicted: p)
        #expect(abs(inverse / variance(InversePropensity()) - 1) < 1e-10)
        #expect(abs(low / variance(LowVariance()) - 1) < 1e-10)
        #expect(low <= inverse * (1 + 1e-12))
      }
    }
  }
}
