public import LightmeterKernels
public import RealModule

/// What an estimator gives for one pair: the loss and the derivatives that training needs.
public struct LossTerms<T: Real & Sendable>: Sendable {
  /// Loss, nats.
  public var loss: T
  /// ∂loss/∂logit.
  public var byLogit: T
  /// ∂loss/∂exposure.
  public var byExposure: T
  /// ∂²loss/∂logit∂exposure, what bi-level training needs.
  public var byLogitAndExposure: T
  /// ∂²loss/∂exposure².
  public var byExposureTwice: T
  /// Bundles the terms.
  public init(loss: T, byLogit: T, byExposure: T = 0, byLogitAndExposure: T = 0, byExposureTwice: T = 0) {
    self.loss = loss
    self.byLogit = byLogit
    self.byExposure = byExposure
    self.byLogitAndExposure = byLogitAndExposure
    self.byExposureTwice = byExposureTwice
  }
}

/// A loss of one pair as a function of feedback, logit and exposure: all that tells one pointwise method from another.
///
/// The equation is ``terms(clicked:logit:exposure:)``, written once and generic. Training calls the batch form, whose
/// default loops over it; the estimators here override it with a kernel that the tests hold against the equation.
///
/// - Stability: stable
public protocol Estimator: Sendable {
  /// Whether the loss depends on exposure at all.
  var usesExposure: Bool { get }
  /// The feedback whose mixed derivative ∂²loss/∂logit∂exposure can differ from 0, all by default. Pairs of any other have no
  /// part in a hypergradient: bi-level training leaves them out of it.
  var mixedFeedback: FeedbackKinds { get }
  /// The equation.
  ///
  /// - Precondition: `exposure` in [0, 1], and above 0 where `clicked`.
  func terms<T: Real & Sendable>(clicked: Bool, logit: T, exposure: T) -> LossTerms<T>
  /// The equation over a batch.
  ///
  /// - Shapes: `feedback` (batch), the other columns at least as long; `out` grown if needed and overwritten.
  func evaluate<S: TrainingScalar>(
    feedback: [UInt8], logits: [S], exposures: [S], into out: inout LossColumns<S>)
}

extension Estimator {
  /// All.
  public var mixedFeedback: FeedbackKinds { .all }

  /// The equation over a batch, pair by pair.
  @inlinable
  public func evaluate<S: TrainingScalar>(
    feedback: [UInt8], logits: [S], exposures: [S], into out: inout LossColumns<S>
  ) { evaluatePairs(feedback: feedback, logits: logits, exposures: exposures, into: &out) }

  /// The default over a batch, for estimators that only say for which precisions it is to be compiled.
  @inlinable
  func evaluatePairs<S: TrainingScalar>(
    feedback: [UInt8], logits: [S], exposures: [S], into out: inout LossColumns<S>
  ) {
    out.reserve(feedback.count)
    for k in feedback.indices {
      let terms = terms(clicked: feedback[k] != 0, logit: logits[k], exposure: exposures[k])
      out.loss[k] = terms.loss
      out.byLogit[k] = terms.byLogit
      out.byExposure[k] = terms.byExposure
      out.byLogitAndExposure[k] = terms.byLogitAndExposure
      out.byExposureTwice[k] = terms.byExposureTwice
    }
  }
}
