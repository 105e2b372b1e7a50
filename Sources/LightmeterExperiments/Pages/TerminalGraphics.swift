/// Small pictures made of characters, for a terminal.
public enum TerminalGraphics {
  /// A curve of eight heights, `▁▂▅█`, at most `width` characters; a value that is NaN or infinite is a space.
  ///
  /// Longer curves are sampled at equal distances, their first and last value included. A flat curve is drawn low.
  public static func sparkline(_ values: [Double], width: Int = 24) -> String {
    precondition(width >= 2, "A sparkline needs at least 2 characters, not \(width).")
    let finite = values.filter(\.isFinite)
    guard let least = finite.min(), let most = finite.max() else { return "" }
    let count = min(values.count, width)
    let heights = Array("▁▂▃▄▅▆▇█")
    return String(
      (0..<count).map { index -> Character in
        let value = values[count == 1 ? 0 : index * (values.count - 1) / (count - 1)]
        guard value.isFinite else { return " " }
        guard most > least else { return heights[0] }
        return heights[Int(((value - least) / (most - least) * 7).rounded())]
      })
  }

  /// A value in its interval on a line of `width` characters that stands for `range`, `  ├──●──┤   `.
  ///
  /// - Precondition: `range` has a width.
  public static func interval(
    _ value: Double, _ interval: ClosedRange<Double>?, in range: ClosedRange<Double>, width: Int = 32
  ) -> String {
    precondition(width >= 3, "An interval needs at least 3 characters, not \(width).")
    precondition(range.lowerBound < range.upperBound, "An interval needs a range with a width, not \(range).")
    guard value.isFinite else { return String(repeating: " ", count: width) }
    func column(_ value: Double) -> Int {
      let part = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
      return Int((min(max(part.isNaN ? 0 : part, 0), 1) * Double(width - 1)).rounded())
    }
    var line = Array(repeating: Character(" "), count: width)
    if let interval {
      let low = column(interval.lowerBound)
      let high = column(interval.upperBound)
      for index in low...high { line[index] = "─" }
      line[low] = "├"
      line[high] = "┤"
    }
    line[column(value)] = "●"
    return String(line)
  }
}
