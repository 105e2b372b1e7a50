/// Counts of points in a regular grid, gathered one point at a time in memory that does not grow.
public struct BinnedDensity: Sendable, Hashable {
  /// The range of the horizontal value; a point at its upper end counts in the last column.
  public let horizontal: ClosedRange<Double>
  /// The range of the vertical value.
  public let vertical: ClosedRange<Double>
  /// The number of columns.
  public let columnCount: Int
  /// The number of rows.
  public let rowCount: Int
  /// (rowCount × columnCount), row-major, the row of the smallest vertical values first.
  public private(set) var counts: [Int]
  /// Points that were NaN or outside either range; they are in no bin.
  public private(set) var outsideCount = 0
  /// (columnCount), the sums of the vertical values of the points counted in each column.
  private var columnSums: [Double]

  /// An empty grid.
  ///
  /// - Precondition: both ranges are finite and not empty; both counts are at least 1.
  public init(
    horizontal: ClosedRange<Double>, vertical: ClosedRange<Double>, columnCount: Int = 32, rowCount: Int = 32
  ) {
    for range in [horizontal, vertical] {
      precondition(
        range.lowerBound.isFinite && range.upperBound.isFinite && range.lowerBound < range.upperBound,
        "A density needs a finite range with a width, not \(range).")
    }
    precondition(columnCount > 0 && rowCount > 0, "A density needs bins, not \(columnCount) × \(rowCount).")
    self.horizontal = horizontal
    self.vertical = vertical
    self.columnCount = columnCount
    self.rowCount = rowCount
    counts = Array(repeating: 0, count: columnCount * rowCount)
    columnSums = Array(repeating: 0, count: columnCount)
  }

  /// Counts one point.
  public mutating func add(_ x: Double, _ y: Double) {
    guard horizontal.contains(x), vertical.contains(y) else {
      outsideCount += 1
      return
    }
    let column = Self.bin(x, horizontal, columnCount)
    counts[Self.bin(y, vertical, rowCount) * columnCount + column] += 1
    columnSums[column] += y
  }

  /// The points in all bins together.
  public var total: Int { counts.reduce(0, +) }

  /// For each column that has points, its middle and the mean vertical value: what was learned, given the truth.
  public var columnMeans: (x: [Double], y: [Double]) {
    let step = (horizontal.upperBound - horizontal.lowerBound) / Double(columnCount)
    var x: [Double] = []
    var y: [Double] = []
    for column in 0..<columnCount {
      var count = 0
      for row in 0..<rowCount { count += counts[row * columnCount + column] }
      guard count > 0 else { continue }
      x.append(horizontal.lowerBound + (Double(column) + 0.5) * step)
      y.append(columnSums[column] / Double(count))
    }
    return (x, y)
  }

  private static func bin(_ value: Double, _ range: ClosedRange<Double>, _ count: Int) -> Int {
    let part = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    return min(count - 1, max(0, Int(part * Double(count))))
  }
}
