internal import LightmeterKernels
internal import LightmeterObjectives

/// The objective of one row: pairs with the other side's rows as features, weights, known exposures and a ridge.
///
///     F(x) = Σ_k weight_k ℓ(feedback_k, offset_k + z_k · x, exposure_k) + ½ Σ_c ridge_c x_c²
struct FoldInProblem: Sendable {
  var rows: DenseRows
  var offsets: [Double]
  var feedback: [UInt8]
  var weights: [Double]
  var exposures: [Double]
  var ridge: [Double]
  var estimator: any Estimator

  /// A point with value, gradient and, where asked for, the curvature ∂²ℓ/∂s² of every pair, weighted.
  struct Point: Sendable {
    var x: [Double]
    var value = 0.0
    var gradient: [Double] = []
    var logits: [Double] = []
    /// The largest absolute derivative.
    var slope: Double { gradient.reduce(0) { max($0, abs($1)) } }
  }

  /// Value and gradient at x.
  func point(at x: [Double]) -> Point {
    var point = Point(x: x)
    rows.products(with: x, into: &point.logits)
    for k in 0..<rows.count { point.logits[k] += offsets[k] }
    var terms = LossColumns<Double>()
    estimator.evaluate(feedback: feedback, logits: point.logits, exposures: exposures, into: &terms)
    var cotangents = weights
    for k in 0..<rows.count {
      // A pair of weight 0 may have an infinite loss: a click on what exposure 0 says was never shown.
      guard weights[k] != 0 else { continue }
      point.value += weights[k] * terms.loss[k]
      cotangents[k] = weights[k] * terms.byLogit[k]
    }
    point.gradient = zip(ridge, x).map { $0 * $1 }
    for (c, value) in x.enumerated() { point.value += 0.5 * ridge[c] * value * value }
    rows.addWeighted(cotangents, to: &point.gradient)
    return point
  }

  /// Weighted ∂²ℓ/∂s² of every pair by central differences of the derivative.
  private func curvatures(_ point: Point) -> [Double] {
    let step = 1e-4
    var (above, below) = (LossColumns<Double>(), LossColumns<Double>())
    estimator.evaluate(
      feedback: feedback, logits: point.logits.map { $0 + step }, exposures: exposures, into: &above)
    estimator.evaluate(
      feedback: feedback, logits: point.logits.map { $0 - step }, exposures: exposures, into: &below)
    return weights.indices.map { k in
      weights[k] == 0 ? 0 : weights[k] * (above.byLogit[k] - below.byLogit[k]) / (2 * step)
    }
  }

  /// The Cholesky factor of the Hessian at a point, to single precision; where it is not positive definite, of the
  /// Hessian without the pairs whose loss is concave there.
  private func hessian(at point: Point) -> SymmetricSystem? {
    let order = ridge.count
    let curvatures = curvatures(point)
    func factored(_ curvatures: [Double]) -> SymmetricSystem? {
      var matrix = [Double](repeating: 0, count: order * order)
      rows.addNearlyWeightedSquares(curvatures, to: &matrix)
      for c in 0..<order { matrix[c * order + c] += ridge[c] }
      return SymmetricSystem(factoring: matrix, order: order)
    }
    return factored(curvatures) ?? factored(curvatures.map { max($0, 0) })
  }

  /// Minimises by Newton's method with step halving, from `start`. A Hessian serves as long as steps along it shrink the
  /// derivative to a fifth.
  ///
  /// - Returns: the last point and the steps taken. Ends where the derivative is 1e-9 of what it was at the start (at
  ///   least 1), where rounding hides any further descent, or after `limit` steps.
  func minimized(from start: [Double], limit: Int = 100) -> (point: Point, steps: Int) {
    var current = point(at: start)
    let goal = 1e-9 * max(current.slope, 1)
    var system: SymmetricSystem?
    for step in 0..<limit {
      if current.slope <= goal { return (current, step) }
      if system == nil { system = hessian(at: current) }
      // Without a Hessian, all curvature having underflowed far out, the gradient itself is the way back.
      let way = system?.solve(current.gradient.map { -$0 }) ?? current.gradient.map { -$0 }
      guard let next = lowered(current, along: way) else { return (current, step) }
      if next.slope > 0.2 * current.slope { system = nil }
      current = next
    }
    return (current, limit)
  }

  /// The first point along a direction, halving from the full step, that lowers the value enough; nil where none does.
  private func lowered(_ current: Point, along way: [Double]) -> Point? {
    let descent = zip(way, current.gradient).reduce(0) { $0 + $1.0 * $1.1 }
    // Within the rounding of the value a step is judged by the derivative that it leaves.
    if -descent <= 1e-13 * max(1, abs(current.value)) {
      let next = point(at: zip(current.x, way).map { $0 + $1 })
      return next.slope < current.slope ? next : nil
    }
    var length = 1.0
    while length > 1e-9 {
      let next = point(at: zip(current.x, way).map { $0 + length * $1 })
      if next.value <= current.value + 1e-4 * length * descent { return next }
      length /= 2
    }
    return nil
  }
}
