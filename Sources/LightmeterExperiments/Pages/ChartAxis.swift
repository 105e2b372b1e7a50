internal import LightmeterKernels

/// What an axis of a chart measures and how.
public struct ChartAxis: Sendable, Hashable {
  /// Equal steps or equal ratios.
  public enum Scale: Sendable, Hashable {
    /// Equal distances stand for equal differences.
    case linear
    /// Equal distances stand for equal ratios; values at or below 0 cannot be drawn and are counted in a note.
    case logarithmic
  }

  /// The quantity, `NDCG@5`.
  public var label: String
  /// Its unit, `s`, written in brackets behind the label; nil for pure numbers.
  public var unit: String?
  /// The scale.
  public var scale: Scale
  /// Values that the axis must reach even if the data do not, for example 0 and 1 for a probability.
  public var reaches: [Double]
  /// Whether only whole numbers have a meaning, as for epochs; then no tick stands between them.
  public var isWhole: Bool

  /// An axis.
  public init(
    _ label: String, unit: String? = nil, scale: Scale = .linear, reaches: [Double] = [], isWhole: Bool = false
  ) {
    self.label = label
    self.unit = unit
    self.scale = scale
    self.reaches = reaches
    self.isWhole = isWhole
  }

  /// Label and unit as drawn.
  var title: String { unit.map { "\(label) (\($0))" } ?? label }

  /// Whether a value has a place on this axis.
  func shows(_ value: Double) -> Bool { value.isFinite && (scale == .linear || value > 0) }
}

/// An axis with its range settled: turns values into positions.
struct AxisRange: Sendable {
  let axis: ChartAxis
  let lower: Double
  let upper: Double
  /// The only value there is; nil if there are several.
  private let single: Double?

  /// The range of the drawable values and of what the axis must reach, widened by `padding` on each side but not past
  /// a bound that the axis reaches by request; nil if nothing is drawable.
  init?(_ axis: ChartAxis, values: some Sequence<Double>, padding: Double = 0.04) {
    var least = Double.infinity
    var most = -Double.infinity
    for value in values where axis.shows(value) {
      least = min(least, value)
      most = max(most, value)
    }
    guard least <= most else { return nil }
    let required = axis.reaches.filter(axis.shows)
    let floor = required.min().map { $0 <= least } ?? false
    let ceiling = required.max().map { $0 >= most } ?? false
    least = min(least, required.min() ?? least)
    most = max(most, required.max() ?? most)
    self.axis = axis
    single = most > least ? nil : least
    if axis.scale == .logarithmic {
      let ratio = most > least ? Portable.exp(Portable.log(most / least) * padding) : 2
      lower = floor && most > least ? least : least / ratio
      upper = ceiling && most > least ? most : most * ratio
    } else {
      let room = most > least ? (most - least) * padding : max(most.magnitude * 0.1, 0.5)
      lower = floor && most > least ? least : least - room
      upper = ceiling && most > least ? most : most + room
    }
  }

  /// The position along the axis, 0 at the lower end, 1 at the upper; nil if the value has no place.
  func fraction(_ value: Double) -> Double? {
    guard axis.shows(value) else { return nil }
    let part =
      axis.scale == .linear
      ? (value - lower) / (upper - lower)
      : (AxisTicks.log10(value) - AxisTicks.log10(lower)) / (AxisTicks.log10(upper) - AxisTicks.log10(lower))
    return part.isFinite ? min(max(part, 0), 1) : nil
  }

  /// Whether a drawable value lies outside of the range by more than rounding.
  func isBeyond(_ value: Double) -> Bool {
    guard axis.shows(value) else { return false }
    let slack = (upper - lower) * 1e-9
    return value < lower - slack || value > upper + slack
  }

  /// About `count` ticks; one if there is a single value.
  func ticks(_ count: Int) -> AxisTicks {
    if let single { return AxisTicks(values: [single], labels: [NumberText.short(single)]) }
    let most = axis.isWhole ? min(count, Int((upper - lower).rounded(.up))) : count
    return axis.scale == .linear
      ? AxisTicks.linear(from: lower, to: upper, count: max(1, most))
      : AxisTicks.logarithmic(from: lower, to: upper, count: max(1, count))
  }
}
