/// A few thousand rows in double precision, close together: what small dense solves read.
///
/// - Shapes: values (count × width), row-major, without padding.
public struct DenseRows: Sendable {
  /// Number of rows.
  public let count: Int
  /// Columns of a row.
  public let width: Int
  /// The values.
  public private(set) var values: [Double]

  /// Copies columns of table rows.
  ///
  /// - Parameters:
  ///   - rows: which rows, in this order; repeats allowed.
  ///   - columns: which columns, in this order.
  public init(_ table: RowsView<Float>, rows: [Int32], columns: [Int]) {
    let (stride, tableRows) = (table.stride, table.stride > 0 ? table.values.count / table.stride : 0)
    precondition(columns.allSatisfy { $0 >= 0 && $0 < stride }, "a column is outside the rows of \(stride) values")
    precondition(rows.allSatisfy { $0 >= 0 && Int($0) < tableRows }, "a row is outside the table of \(tableRows)")
    (count, width) = (rows.count, columns.count)
    let width = columns.count
    values = [Double](unsafeUninitializedCapacity: rows.count * width) { out, initialized in
      table.values.withUnsafeBufferPointer { source in
        for (k, row) in rows.enumerated() {
          for (c, column) in columns.enumerated() { out[k * width + c] = Double(source[Int(row) * stride + column]) }
        }
      }
      initialized = rows.count * width
    }
  }

  /// Subtracts another set of rows, row by row.
  public mutating func subtract(_ other: DenseRows) {
    precondition(other.values.count == values.count, "\(other.count) rows of \(other.width) from \(count) of \(width)")
    for k in values.indices { values[k] -= other.values[k] }
  }

  /// Writes `out[k] = row k · x`.
  public func products(with x: [Double], into out: inout [Double]) {
    precondition(x.count == width, "a vector of \(x.count) numbers for rows of \(width)")
    Double.reserve(&out, count)
    let (count, width) = (count, width)
    values.withUnsafeBufferPointer { rows in
      x.withUnsafeBufferPointer { x in
        out.withUnsafeMutableBufferPointer { out in
          for k in 0..<count {
            // Four sums, so that the additions do not wait for each other.
            var sums = SIMD4<Double>.zero
            var c = 0
            while c + 4 <= width {
              let base = k * width + c
              let row = SIMD4(rows[base], rows[base + 1], rows[base + 2], rows[base + 3])
              sums += row * SIMD4(x[c], x[c + 1], x[c + 2], x[c + 3])
              c += 4
            }
            var sum = (sums[0] + sums[2]) + (sums[1] + sums[3])
            while c < width {
              sum += rows[k * width + c] * x[c]
              c += 1
            }
            out[k] = sum
          }
        }
      }
    }
  }

  /// Adds `Σ coefficients[k] · row k` to `sum`.
  public func addWeighted(_ coefficients: [Double], to sum: inout [Double]) {
    precondition(coefficients.count >= count && sum.count == width, "as many coefficients as rows, as wide a sum")
    let (count, width) = (count, width)
    values.withUnsafeBufferPointer { rows in
      coefficients.withUnsafeBufferPointer { coefficients in
        sum.withUnsafeMutableBufferPointer { sum in
          // Four rows at a time, so that the sum is read and written a quarter as often.
          for first in stride(from: 0, to: count - count % 4, by: 4) {
            let (p, q, r, s) = (first * width, (first + 1) * width, (first + 2) * width, (first + 3) * width)
            let (u, v) = (coefficients[first], coefficients[first + 1])
            let (w, x) = (coefficients[first + 2], coefficients[first + 3])
            var c = 0
            while c + 4 <= width {
              let own = SIMD4(sum[c], sum[c + 1], sum[c + 2], sum[c + 3])
              let one = u * SIMD4(rows[p + c], rows[p + c + 1], rows[p + c + 2], rows[p + c + 3])
              let two = v * SIMD4(rows[q + c], rows[q + c + 1], rows[q + c + 2], rows[q + c + 3])
              let three = w * SIMD4(rows[r + c], rows[r + c + 1], rows[r + c + 2], rows[r + c + 3])
              let four = x * SIMD4(rows[s + c], rows[s + c + 1], rows[s + c + 2], rows[s + c + 3])
              let next = own + ((one + two) + (three + four))
              (sum[c], sum[c + 1], sum[c + 2], sum[c + 3]) = (next[0], next[1], next[2], next[3])
              c += 4
            }
            while c < width {
              sum[c] += (u * rows[p + c] + v * rows[q + c]) + (w * rows[r + c] + x * rows[s + c])
              c += 1
            }
          }
          for k in count - count % 4..<count {
            for c in 0..<width { sum[c] += coefficients[k] * rows[k * width + c] }
          }
        }
      }
    }
  }

  /// Adds `Σ coefficients[k] · row k · row kᵀ` to the upper triangle of a square matrix, nearly: the products are summed
  /// in single precision by the batch kernels, on all threads.
  ///
  /// For the Hessian of a Newton step, which decides how fast the steps end, never where.
  ///
  /// - Shapes: matrix (width × width), row-major.
  /// - Numerics: relative error about 1e-5 of the largest entries; the same bits at any thread count.
  /// - Complexity: O(count · width²) time; O(16,384 · width) memory.
  public func addNearlyWeightedSquares(_ coefficients: [Double], to matrix: inout [Double]) {
    precondition(coefficients.count >= count && matrix.count == width * width, "a matrix of another order")
    let chunk = 16_384
    for first in stride(from: 0, to: count, by: chunk) {
      let range = first..<min(first + chunk, count)
      for sign in [1.0, -1.0] {
        let chosen = range.filter { sign * coefficients[$0] > 0 }
        guard !chosen.isEmpty else { continue }
        let gram = GramMatrix(of: scaled(chosen, by: coefficients), count: chosen.count, width: width)
        for a in 0..<width {
          for b in a..<width { matrix[a * width + b] += sign * Double(gram[a, b]) }
        }
      }
    }
  }

  /// Rows times the square roots of their coefficients, in single precision.
  private func scaled(_ chosen: [Int], by coefficients: [Double]) -> RowsView<Float> {
    let (width, stride) = (width, (width + 3) / 4 * 4)
    let scaled = [Float](unsafeUninitializedCapacity: chosen.count * stride) { out, initialized in
      values.withUnsafeBufferPointer { rows in
        for (place, k) in chosen.enumerated() {
          let scale = abs(coefficients[k]).squareRoot()
          for c in 0..<width { out[place * stride + c] = Float(scale * rows[k * width + c]) }
          for c in width..<stride { out[place * stride + c] = 0 }
        }
      }
      initialized = chosen.count * stride
    }
    return RowsView(scaled, stride: stride)
  }

  /// Adds `Σ coefficients[k] · row k · row kᵀ` to the upper triangle of a square matrix.
  ///
  /// - Shapes: matrix (width × width), row-major.
  /// - Complexity: O(count · width²).
  public func addWeightedSquares(_ coefficients: [Double], to matrix: inout [Double]) {
    precondition(coefficients.count >= count && matrix.count == width * width, "a matrix of another order")
    let (count, width) = (count, width)
    values.withUnsafeBufferPointer { rows in
      coefficients.withUnsafeBufferPointer { coefficients in
        matrix.withUnsafeMutableBufferPointer { matrix in
          // Four rows at a time, so that the matrix is read and written a quarter as often.
          for first in stride(from: 0, to: count - count % 4, by: 4) {
            let (p, q, r, s) = (first * width, (first + 1) * width, (first + 2) * width, (first + 3) * width)
            for a in 0..<width {
              let (u, v) = (coefficients[first] * rows[p + a], coefficients[first + 1] * rows[q + a])
              let (w, x) = (coefficients[first + 2] * rows[r + a], coefficients[first + 3] * rows[s + a])
              for b in a..<width {
                matrix[a * width + b] += (u * rows[p + b] + v * rows[q + b]) + (w * rows[r + b] + x * rows[s + b])
              }
            }
          }
          for k in count - count % 4..<count {
            let row = k * width
            for a in 0..<width {
              let scaled = coefficients[k] * rows[row + a]
              for b in a..<width { matrix[a * width + b] += scaled * rows[row + b] }
            }
          }
        }
      }
    }
  }
}

/// A symmetric positive definite matrix in double precision, factored by Cholesky.
public struct SymmetricSystem: Sendable {
  private let order: Int
  /// U of UᵀU = matrix, row-major; what is below the diagonal means nothing.
  private let factor: [Double]

  /// Factors a matrix.
  ///
  /// - Parameters:
  ///   - matrix: order × order, row-major; only the upper triangle is read.
  /// - Returns: nil where the matrix is not positive definite.
  /// - Complexity: O(order³).
  public init?(factoring matrix: [Double], order: Int) {
    precondition(matrix.count == order * order, "\(matrix.count) numbers are no matrix of order \(order)")
    var factor = matrix
    // Row by row of U, so that the inner loops walk along rows.
    let isDefinite = factor.withUnsafeMutableBufferPointer { u -> Bool in
      for k in 0..<order {
        guard u[k * order + k] > 0, u[k * order + k].isFinite else { return false }
        let pivot = u[k * order + k].squareRoot()
        for b in k..<order { u[k * order + b] /= pivot }
        for a in k + 1..<max(order, k + 1) {
          let scale = u[k * order + a]
          for b in a..<order { u[a * order + b] -= scale * u[k * order + b] }
        }
      }
      return true
    }
    guard isDefinite else { return nil }
    (self.order, self.factor) = (order, factor)
  }

  /// The solution of `matrix · x = right`.
  ///
  /// - Complexity: O(order²).
  public func solve(_ right: [Double]) -> [Double] {
    precondition(right.count == order, "\(right.count) numbers on the right of a system of \(order)")
    var x = right
    for k in 0..<order {
      x[k] /= factor[k * order + k]
      for b in k + 1..<max(order, k + 1) { x[b] -= factor[k * order + b] * x[k] }
    }
    for k in stride(from: order - 1, through: 0, by: -1) {
      for b in k + 1..<max(order, k + 1) { x[k] -= factor[k * order + b] * x[b] }
      x[k] /= factor[k * order + k]
    }
    return x
  }
}
