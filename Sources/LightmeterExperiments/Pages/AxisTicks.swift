internal import LightmeterKernels

/// Tick values of 1, 2 or 5 times a power of ten, and their texts.
public struct AxisTicks: Sendable, Equatable {
  /// Where the ticks stand, ascending.
  public let values: [Double]
  /// What is written at them, with as many decimals as the step needs.
  public let labels: [String]

  /// Ticks of a linear axis, at most `count` + 1 of them.
  ///
  /// - Precondition: finite ends, `lower` < `upper`, `count` ≥ 1.
  /// - Numerics: each tick is a whole multiple of the step, scaled once by a power of ten, so 0.3 is 0.3 and not
  ///   0.30000000000000004.
  public static func linear(from lower: Double, to upper: Double, count: Int) -> AxisTicks {
    precondition(lower.isFinite && upper.isFinite && lower < upper, "Bad axis range \(lower) to \(upper).")
    precondition(count >= 1, "An axis needs at least one interval, not \(count).")
    let raw = (upper - lower) / Double(count)
    var exponent = decade(of: raw)
    var multiple = [1.0, 2, 5, 10].first { scaled($0, exponent) >= raw * (1 - 1e-9) } ?? 10
    if multiple == 10 {
      multiple = 1
      exponent += 1
    }
    let step = scaled(multiple, exponent)
    let first = (lower / step - 1e-9).rounded(.up)
    let last = (upper / step + 1e-9).rounded(.down)
    var values: [Double] = []
    for index in 0...(count + 1) where first + Double(index) <= last {
      values.append(scaled((first + Double(index)) * multiple, exponent))
    }
    return AxisTicks(values: values, labels: linearLabels(values, exponent: exponent))
  }

  /// Ticks of a logarithmic axis: whole decades, thinned to at most `count` + 1, or 1-2-5 within short ranges.
  ///
  /// - Precondition: 0 < `lower` < `upper`, both finite; `count` ≥ 1.
  public static func logarithmic(from lower: Double, to upper: Double, count: Int) -> AxisTicks {
    precondition(lower > 0 && lower < upper && upper.isFinite, "Bad logarithmic range \(lower) to \(upper).")
    precondition(count >= 1, "An axis needs at least one interval, not \(count).")
    let lowest = decade(of: lower)
    let highest = decade(of: upper)
    let span = highest - lowest
    let multiples: [Double] = span <= 2 && count >= 4 ? [1, 2, 5] : [1]
    let stride = max(1, (span + count - 1) / count)
    var values: [Double] = []
    var labels: [String] = []
    for exponent in lowest...highest where exponent % stride == 0 {
      for multiple in multiples {
        let value = scaled(multiple, exponent)
        guard value >= lower * (1 - 1e-9), value <= upper * (1 + 1e-9) else { continue }
        values.append(value)
        labels.append(logarithmicLabel(multiple, exponent))
      }
    }
    return values.count >= 2
      ? AxisTicks(values: values, labels: labels) : linear(from: lower, to: upper, count: min(count, 3))
  }

  /// The decimal logarithm, the same on every machine.
  static func log10(_ value: Double) -> Double { Portable.log(value) / 2.302585092994046 }

  /// The whole power of ten at or below a positive number.
  private static func decade(of value: Double) -> Int {
    var exponent = Int(log10(value).rounded(.down))
    if scaled(1, exponent) > value * (1 + 1e-12) { exponent -= 1 }
    if scaled(1, exponent + 1) <= value * (1 + 1e-12) { exponent += 1 }
    return exponent
  }

  private static func scaled(_ value: Double, _ exponent: Int) -> Double {
    exponent < 0 ? value / NumberText.powerOfTen(-exponent) : value * NumberText.powerOfTen(exponent)
  }

  private static func linearLabels(_ values: [Double], exponent: Int) -> [String] {
    let largest = values.map(\.magnitude).max() ?? 0
    if largest >= 1e15 || exponent < -6 {
      let power = decade(of: max(largest, scaled(1, exponent)))
      return values.map { value in
        value == 0
          ? "0" : minus(NumberText.fixed(scaled(value, -power), places: power - exponent)) + "e" + minus(String(power))
      }
    }
    let (shift, suffix) = suffix(for: largest)
    let places = max(0, shift - exponent)
    return values.map { value in
      value == 0 ? "0" : minus(NumberText.fixed(value / NumberText.powerOfTen(shift), places: places) + suffix)
    }
  }

  private static func logarithmicLabel(_ multiple: Double, _ exponent: Int) -> String {
    if exponent < -4 || exponent >= 15 { return "\(Int(multiple))e\(minus(String(exponent)))" }
    let value = scaled(multiple, exponent)
    let (shift, suffix) = suffix(for: value)
    return NumberText.fixed(value / NumberText.powerOfTen(shift), places: max(0, shift - exponent)) + suffix
  }

  private static func suffix(for largest: Double) -> (shift: Int, text: String) {
    if largest >= 1e9 { return (9, "G") }
    if largest >= 1e6 { return (6, "M") }
    return largest >= 1e4 ? (3, "k") : (0, "")
  }

  private static func minus(_ text: String) -> String {
    text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }
}
