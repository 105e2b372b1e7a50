/// Colours, dashes and markers of charts.
///
/// Hues are Okabe and Ito's, which stay apart under the common colour-vision deficiencies. Orange, sky blue, purple and
/// yellow are darkened on light pages and blue lightened on dark ones, so that each has a contrast of about 3 to 1 or
/// more with its page. Dash and marker repeat with other periods than colour, so 15 series differ without any colour, and
/// 40 with it.
enum ChartPalette {
  /// What a part of a chart is painted with.
  enum Paint: Hashable {
    case series(Int)
    case ink
    case muted
    case grid
    case axis
    case paper
    case gain
    case loss

    /// The class that a style sheet overrides.
    var name: String {
      switch self {
      case .series(let index): "\(index % ChartPalette.series.count)"
      case .ink: "ink"
      case .muted: "muted"
      case .grid: "grid"
      case .axis: "axis"
      case .paper: "paper"
      case .gain: "gain"
      case .loss: "loss"
      }
    }

    /// The colour on a light page, for viewers that read no style sheet.
    var light: String { ChartPalette.colours(self).light }
  }

  enum Marker: CaseIterable {
    case circle, square, triangle, diamond, cross
  }

  static let series: [(light: String, dark: String)] = [
    ("#0072B2", "#4AA8E0"), ("#D55E00", "#F0803C"), ("#009E73", "#2FC79A"), ("#B8609A", "#DE9CC3"),
    ("#BD8200", "#E69F00"), ("#3390C4", "#8CCBF0"), ("#857B00", "#F0E442"), ("#555555", "#B5B5B5"),
  ]

  static func colours(_ paint: Paint) -> (light: String, dark: String) {
    switch paint {
    case .series(let index): series[index % series.count]
    case .ink: ("#1B1F24", "#E6E8EA")
    case .muted: ("#59616B", "#A6AEB8")
    case .grid: ("#E4E7EB", "#2B3138")
    case .axis: ("#7A828C", "#7F8791")
    case .paper: ("#FFFFFF", "#14171B")
    case .gain: ("#0072B2", "#0F7FC0")
    case .loss: ("#D55E00", "#C25A10")
    }
  }

  static func dash(_ index: Int) -> String? {
    [nil, "7 3", "2 3", "9 3 2 3"][(index + index / series.count) % 4]
  }

  /// The dash of a horizontal reference line, unlike that of any series.
  static func ruleDash(_ index: Int) -> String { ["12 4", "5 4", "14 3 4 3", "2 2"][index % 4] }

  static func marker(_ index: Int) -> Marker { Marker.allCases[index % Marker.allCases.count] }

  private static var all: [Paint] {
    series.indices.map(Paint.series) + [.ink, .muted, .grid, .axis, .paper, .gain, .loss]
  }

  /// The custom properties of one colour scheme, `--lm-0:#0072B2;…`.
  static func properties(dark: Bool) -> String {
    all.map { "--lm-\($0.name):\(dark ? colours($0).dark : colours($0).light);" }.joined()
  }

  /// Rules by which fills and strokes of a chart follow the custom properties.
  static let rules: String =
    all.map { paint in
      let value = "var(--lm-\(paint.name),\(paint.light))"
      return ".lm-f-\(paint.name){fill:\(value)}.lm-s-\(paint.name){stroke:\(value)}\n"
    }.joined() + ".lm-h{fill:none;pointer-events:all}\n"
}
