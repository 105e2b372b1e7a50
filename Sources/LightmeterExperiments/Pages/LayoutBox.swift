/// An upright rectangle of a drawing, in pixels, y downwards.
public struct LayoutBox: Sendable, Hashable {
  /// The left edge.
  public var minX: Double
  /// The upper edge.
  public var minY: Double
  /// The right edge.
  public var maxX: Double
  /// The lower edge.
  public var maxY: Double

  /// A rectangle by its edges.
  public init(minX: Double, minY: Double, maxX: Double, maxY: Double) {
    self.minX = minX
    self.minY = minY
    self.maxX = maxX
    self.maxY = maxY
  }

  /// Right edge minus left edge.
  public var width: Double { maxX - minX }

  /// Lower edge minus upper edge.
  public var height: Double { maxY - minY }

  /// Whether the two rectangles share an area; touching edges do not count.
  public func overlaps(_ other: LayoutBox) -> Bool {
    minX < other.maxX && other.minX < maxX && minY < other.maxY && other.minY < maxY
  }

  /// Whether the other rectangle lies wholly inside.
  public func contains(_ other: LayoutBox) -> Bool {
    other.minX >= minX && other.maxX <= maxX && other.minY >= minY && other.maxY <= maxY
  }
}

/// A text of a drawing and the room kept for it.
public struct PlacedLabel: Sendable, Hashable {
  /// The text as drawn, shortened if need be.
  public let text: String
  /// The room kept for it.
  public let box: LayoutBox
}
