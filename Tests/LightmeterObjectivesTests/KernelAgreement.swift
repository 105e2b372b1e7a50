import LightmeterKernels
import Testing

@testable import LightmeterObjectives

/// Holds what an estimator makes of a batch against its equation, pair by pair.
///
/// - Parameters:
///   - scale: what the error of a pair is relative to, beside 1 and the value itself: a function of its logit.
func expectBatchesAreTheEquation<S: TrainingScalar>(
  of estimator: any Estimator, logits: [Double], exposures: [Double], tolerance: S, scale: (S) -> S = { _ in 1 }
) {
  var (feedback, s, m): ([UInt8], [S], [S]) = ([], [], [])
  for y in [0, 1] as [UInt8] {
    for logit in logits {
      for exposure in exposures {
        feedback.append(y)
        s.append(S(logit))
        m.append(S(exposure))
      }
    }
  }
  var out = LossColumns<S>()
  estimator.evaluate(feedback: feedback, logits: s, exposures: m, into: &out)
  for k in feedback.indices {
    let terms = estimator.terms(clicked: feedback[k] != 0, logit: s[k], exposure: m[k])
    let pairs = [
      (out.loss[k], terms.loss), (out.byLogit[k], terms.byLogit), (out.byExposure[k], terms.byExposure),
      (out.byLogitAndExposure[k], terms.byLogitAndExposure), (out.byExposureTwice[k], terms.byExposureTwice),
    ]
    for (column, (got, wanted)) in pairs.enumerated() {
      #expect(
        got.isFinite && abs(got - wanted) <= tolerance * max(1, abs(wanted), scale(s[k])),
        "column \(column), y \(feedback[k]), s \(s[k]), m \(m[k])")
    }
  }
}
