/// How a row of a chart of intervals stands out: by colour and by shape.
public enum IntervalMark: String, Sendable, Hashable, Codable {
  /// Not at all; beside a difference: it could be chance.
  case plain
  /// The best.
  case best
  /// Statistically tied with the best.
  case tied
  /// Higher than what it is compared with, beyond chance.
  case better
  /// Lower than what it is compared with, beyond chance.
  case worse

  /// The mark of a table's cell.
  public init(_ mark: TableValue.Mark) {
    self =
      switch mark {
      case .plain: .plain
      case .best: .best
      case .tied: .tied
      }
  }

  var paint: ChartPalette.Paint {
    switch self {
    case .plain: .muted
    case .best, .tied: .series(0)
    case .better: .gain
    case .worse: .loss
    }
  }

  var marker: ChartPalette.Marker {
    switch self {
    case .plain, .tied: .circle
    case .best: .diamond
    case .better: .triangle
    case .worse: .square
    }
  }

  private var swatch: LegendKey.Swatch { .mark(marker, paint, hollow: self == .plain) }

  /// The keys of the marks that occur; plain rows alone need none.
  static func keys(_ found: Set<IntervalMark>) -> [LegendKey] {
    let named: [(mark: IntervalMark, name: String)] = [
      (.best, "best"), (.tied, "tied with the best"), (.better, "higher beyond chance"),
      (.worse, "lower beyond chance"),
    ]
    var keys = named.filter { found.contains($0.mark) }.map { LegendKey(name: $0.name, swatch: $0.mark.swatch) }
    guard found.contains(.plain), !keys.isEmpty else { return keys }
    let isComparison = found.contains(.better) || found.contains(.worse)
    keys.append(LegendKey(name: isComparison ? "no difference shown" : "other", swatch: IntervalMark.plain.swatch))
    return keys
  }
}
