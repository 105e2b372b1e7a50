/// The outline of a shape in SVG's path language, from absolute coordinates.
struct PathData {
  private(set) var text = ""

  init() {}

  /// The four sides of a rectangle.
  init(_ box: LayoutBox) { add(box) }

  mutating func add(_ box: LayoutBox) {
    polygon([(box.minX, box.minY), (box.maxX, box.minY), (box.maxX, box.maxY), (box.minX, box.maxY)])
  }

  mutating func move(_ x: Double, _ y: Double) { append("M", x, y) }

  mutating func line(_ x: Double, _ y: Double) { append("L", x, y) }

  mutating func close() { text += "Z" }

  mutating func polyline(_ points: [(x: Double, y: Double)]) {
    for (index, point) in points.enumerated() { append(index == 0 ? "M" : "L", point.x, point.y) }
  }

  mutating func polygon(_ points: [(x: Double, y: Double)]) {
    guard !points.isEmpty else { return }
    polyline(points)
    close()
  }

  mutating func circle(_ x: Double, _ y: Double, radius: Double) {
    let r = NumberText.coordinate(radius)
    let across = NumberText.coordinate(2 * radius)
    append("M", x - radius, y)
    text += "a\(r) \(r) 0 1 0 \(across) 0a\(r) \(r) 0 1 0 -\(across) 0Z"
  }

  private mutating func append(_ command: String, _ x: Double, _ y: Double) {
    text += command
    // A tenth of a pixel cannot be seen, and half of a page's bytes are coordinates.
    text += NumberText.coordinate(x, places: 1)
    text += " "
    text += NumberText.coordinate(y, places: 1)
  }
}
