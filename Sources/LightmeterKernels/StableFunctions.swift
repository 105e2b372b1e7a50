public import RealModule

/// Logistic functions that stay exact in the tails, generic so that one source serves training and gradient checks.
public enum Stable {
  /// 1 / (1 + exp(−x)), by two branches so that neither end overflows.
  @inlinable
  public static func sigmoid<T: Real>(_ x: T) -> T {
    if x < 0 {
      let e = T.exp(x)
      return e / (1 + e)
    }
    return 1 / (1 + T.exp(-x))
  }

  /// log(1 + exp(x)): −log(1 − σ(x)).
  @inlinable
  public static func softplus<T: Real>(_ x: T) -> T {
    if x == .infinity { return x }
    return max(x, 0) + T.log(onePlus: T.exp(-abs(x)))
  }

  /// log σ(x), never the log of a sigmoid.
  @inlinable
  public static func logSigmoid<T: Real>(_ x: T) -> T { -softplus(-x) }

  /// log(exp(a) + exp(b)).
  @inlinable
  public static func logAddExp<T: Real>(_ a: T, _ b: T) -> T {
    let high = max(a, b)
    if high == -.infinity { return high }
    return high + T.log(onePlus: T.exp(-abs(a - b)))
  }

  /// log(p / (1 − p)) for p in (0, 1).
  @inlinable
  public static func logit<T: Real>(_ p: T) -> T { T.log(p) - T.log(onePlus: -p) }

  /// 1 − m σ(s) without cancellation: σ(−s) + (1 − m) σ(s).
  @inlinable
  public static func oneMinusProduct<T: Real>(exposure m: T, logit s: T) -> T {
    sigmoid(-s) + (1 - m) * sigmoid(s)
  }
}

/// Elementary functions in `Double` whose bits do not depend on the machine's C library.
///
/// glibc chooses other code with and without fused multiply-add, so the last bits of its `exp` and `log` differ between
/// machines. Whatever must hold its bytes (initial parameters, simulated worlds) uses these: plain adds, multiplications
/// and divisions in a fixed order; relative error below 4e-16 for `exp`, 3e-16 for `log`.
public enum Portable {
  /// e to the power of x; 0 below −708, infinity above 709.
  public static func exp(_ x: Double) -> Double {
    if x.isNaN { return x }
    if x < -708 { return 0 }
    if x > 709 { return .infinity }
    let n = (x * 1.4426950408889634).rounded()
    let r = (x - n * 0.693145751953125) - n * 1.4286068203094173e-06
    var sum = 1.0
    var k = 14.0
    while k > 0 {
      sum = 1 + sum * r / k
      k -= 1
    }
    return sum * Double(sign: .plus, exponent: Int(n), significand: 1)
  }

  /// Natural logarithm; −infinity at 0, NaN below.
  public static func log(_ x: Double) -> Double {
    if x.isNaN || x < 0 { return .nan }
    if x == 0 { return -.infinity }
    if x == .infinity { return x }
    var exponent = Double(x.exponent)
    var f = x.significand
    if f > 1.4142135623730951 {
      f *= 0.5
      exponent += 1
    }
    // log f = 2 atanh(t), t = (f − 1) / (f + 1), |t| < 0.172.
    let t = (f - 1) / (f + 1)
    let square = t * t
    var sum = 0.0
    var k = 23.0
    while k > 1 {
      sum = (sum + 1 / k) * square
      k -= 2
    }
    return exponent * 0.693147180369123816490 + (2 * t * (1 + sum) + exponent * 1.90821492927058770002e-10)
  }

  /// 1 / (1 + exp(−x)).
  public static func sigmoid(_ x: Double) -> Double {
    if x < 0 {
      let e = exp(x)
      return e / (1 + e)
    }
    return 1 / (1 + exp(-x))
  }

  // (−1)ᵏ/(2k + 1)! and (−1)ᵏ/(2k)!, highest power first: enough for a sixteenth of a turn and more.
  private static let sineSeries: InlineArray<10, Double> = [
    -8.22063524662433e-18,
    2.8114572543455206e-15,
    -7.647163731819816e-13,
    1.6059043836821613e-10,
    -2.505210838544172e-08,
    2.7557319223985893e-06,
    -0.0001984126984126984,
    0.008333333333333333,
    -0.16666666666666666,
    1.0,
  ]
  private static let cosineSeries: InlineArray<10, Double> = [
    -1.5619206968586225e-16,
    4.779477332387385e-14,
    -1.1470745597729725e-11,
    2.08767569878681e-09,
    -2.755731922398589e-07,
    2.48015873015873e-05,
    -0.001388888888888889,
    0.041666666666666664,
    -0.5,
    1.0,
  ]

  /// cos(2πx) for x in [0, 1), for normal draws.
  public static func cosineOfTurn(_ x: Double) -> Double {
    // Fold to the first eighth of a turn, where the series needs few terms.
    let folded = abs(x - x.rounded())  // [0, ½]
    let negative = folded > 0.25
    let quarter = negative ? 0.5 - folded : folded  // [0, ¼]
    let useSine = quarter > 0.125
    let angle = (useSine ? 0.25 - quarter : quarter) * 6.283185307179586
    let square = angle * angle
    var sum = 0.0
    let series = useSine ? sineSeries : cosineSeries
    for k in series.indices { sum = sum * square + series[k] }
    let value = useSine ? sum * angle : sum
    return negative ? -value : value
  }
}
