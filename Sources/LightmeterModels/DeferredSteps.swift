internal import LightmeterKernels

/// What k steps of dense Adam without gradient do to a row, as one step.
///
/// With λ the decay, r = rate / (√v + ε/δ̄) of an element at the start and y = r m, a step at time t is linear in (w, y):
///
///     y ← β₁ y + (1 − β₁) z w;   w ← w − h_t y;   z = λ r,   h_t = 1 / ((1 − β₁ᵗ) δ_t),   δ_t = β₂^(j/2) / √(1 − β₂ᵗ)
///
/// at its j-th missed step: only z differs between elements, everything else is a function of the step numbers. The product
/// of k such steps is therefore a polynomial in z, kept to its third power. Two things are not exact and stay second order:
/// ε against √v, whose weight ε/δ̄ is the mean of ε/δ_t over the momentum; and the decay's own part of v, averaged over the
/// gap. The kernel replays rows step by step where z k or (λw)²/v is not small.
struct DeferredSteps<S: TrainingScalar>: Sendable {
  /// The most steps that a row waits.
  static var longest: Int { 32 }
  /// z k up to which three powers of z are enough: the fourth is z⁴k⁴/24 of w.
  private static var mostDecay: Double { 0.15 }

  /// Coefficients by missed steps, as the kernel reads them.
  private(set) var forms: [S]
  private var gaps: [Gap] = []
  private var now = -1

  init() {
    forms = S.zeros((Self.longest + 1) * S.settleFormLength)
  }

  /// Extends every gap that is open by step `step`, and opens the one that begins before it.
  mutating func advance(to step: Int) {
    // A resumed or a first run has no open gap: its rows are all done up to the step before.
    if now != step - 1 { gaps = [] }
    now = step
    if gaps.count == Self.longest { gaps.removeFirst() }
    gaps.append(Gap())
    let time = Double(step)
    let correction1 = 1 - Self.power(0.9, time)
    let correction2 = 1 - Self.power(0.999, time)
    for index in gaps.indices {
      gaps[index].take(correction1: correction1, correction2: correction2)
      write(gaps[index], missed: gaps.count - index)
    }
  }

  private static func power(_ base: Double, _ exponent: Double) -> Double {
    Portable.exp(exponent * Portable.log(base))
  }

  private mutating func write(_ gap: Gap, missed: Int) {
    let form = gap.form(
      mostDecay: Self.mostDecay / Double(missed), epsilon: Double(AdamSettings<S>(rate: 1).epsilon))
    for (place, value) in form.enumerated() { forms[missed * S.settleFormLength + place] = S(value) }
  }
}

/// The product of the steps of one gap.
private struct Gap: Sendable {
  /// A polynomial in z up to its third power.
  typealias Powers = SIMD4<Double>
  private var (wByW, wByY) = (Powers(1, 0, 0, 0), Powers.zero)
  private var (yByW, yByY) = (Powers.zero, Powers(1, 0, 0, 0))
  private var steps = 0.0
  private var (momentum, weights, inverseDelta) = (1.0, 0.0, 0.0)
  private var (decayed, growth) = (1.0, 0.0)

  private static func shifted(_ p: Powers) -> Powers { Powers(0, p[0], p[1], p[2]) }

  mutating func take(correction1: Double, correction2: Double) {
    steps += 1
    decayed *= 0.999
    let delta = (decayed / correction2).squareRoot()
    let h = 1 / (correction1 * delta)
    yByW = 0.9 * yByW + 0.1 * Self.shifted(wByW)
    yByY = 0.9 * yByY + 0.1 * Self.shifted(wByY)
    wByW -= h * yByW
    wByY -= h * yByY
    momentum *= 0.9
    weights += h * momentum
    inverseDelta += h * momentum / delta
    growth += 1 / decayed - 1
  }

  /// In the kernel's order.
  func form(mostDecay: Double, epsilon: Double) -> [Double] {
    [
      wByW[1], wByW[2], wByW[3], wByY[0], wByY[1], wByY[2], yByW[1], yByW[2], yByW[3], yByY[0], yByY[1], yByY[2],
      mostDecay * mostDecay, epsilon * inverseDelta / weights, growth / steps, decayed,
    ]
  }
}
