internal import CLightmeterKernels

// Dot products, sums into rows and steps of rows, for several tables in one job of all threads: between two jobs everybody waits for the
// slowest, and a table that is always at the same end of a job stays near the thread that takes its shards from there.

/// Something that a C kernel does to the arrays of one value.
protocol RowJob {
  associatedtype Call
  /// Lends the arrays to `body` as the kernel reads them.
  mutating func withCall(_ body: (Call) -> Void)
}

/// Lends the arrays of all jobs at once.
func withCalls<Job: RowJob>(_ jobs: inout [Job], _ body: ([Job.Call]) -> Void) {
  var calls: [Job.Call] = []
  calls.reserveCapacity(jobs.count)
  jobs.withUnsafeMutableBufferPointer { jobs in
    func lend(_ index: Int) {
      if index == jobs.count { return body(calls) }
      jobs[index].withCall {
        calls.append($0)
        lend(index + 1)
      }
    }
    lend(0)
  }
}

/// Dot products of rows: `out[k] = offset + left[leftRows[k]] · right[rightRows[k]]`.
public struct RowDots<S: TrainingScalar>: RowJob {
  /// Rows of two tables, a pair for every product.
  public struct Rows: Sendable {
    let (left, right): (RowsView<S>, RowsView<S>)
    let (leftRows, rightRows): ([Int32], [Int32])
    /// - Parameters:
    ///   - leftRows: as many as `rightRows` at least; below 0 where a pair has no row.
    public init(_ left: RowsView<S>, _ leftRows: [Int32], _ right: RowsView<S>, _ rightRows: [Int32]) {
      precondition(leftRows.count >= rightRows.count, "index lengths differ")
      (self.left, self.leftRows, self.right, self.rightRows) = (left, leftRows, right, rightRows)
    }
  }

  /// What is written.
  public var out: [S]
  private let first: Rows
  private let second: Rows?
  private let width: Int
  private let offset: S
  private let accumulates: Bool

  /// - Parameters:
  ///   - second: as many rows, whose products are added; nil for none.
  ///   - out: a value a pair at least; added to where `accumulates` is set.
  public init(_ first: Rows, plus second: Rows? = nil, width: Int, offset: S, accumulates: Bool = false, into out: [S])
  {
    precondition(
      out.count >= first.rightRows.count && second?.rightRows.count ?? first.rightRows.count == first.rightRows.count,
      "index and output lengths differ")
    (self.first, self.second, self.width, self.offset, self.out) = (first, second, width, offset, out)
    self.accumulates = accumulates
  }

  mutating func withCall(_ body: (lm_dots) -> Void) {
    let (first, second) = (first, second)
    let (count, width, offset, accumulates) = (first.rightRows.count, width, Double(offset), accumulates)
    Self.lend(first) { left, right, leftRows, rightRows in
      var call = lm_dots()
      (call.left, call.right, call.leftRow, call.rightRow) = (left, right, leftRows, rightRows)
      (call.leftStride, call.rightStride) = (first.left.stride, first.right.stride)
      (call.count, call.width, call.offset, call.accumulate) = (count, width, offset, accumulates ? 1 : 0)
      out.withUnsafeMutableBufferPointer { out in
        call.out = UnsafeMutableRawPointer(out.baseAddress)
        guard let second else { return body(call) }
        Self.lend(second) { left, right, leftRows, rightRows in
          (call.left2, call.right2, call.leftRow2, call.rightRow2) = (left, right, leftRows, rightRows)
          (call.leftStride2, call.rightStride2) = (second.left.stride, second.right.stride)
          body(call)
        }
      }
    }
  }

  private static func lend(
    _ rows: Rows,
    _ body: (UnsafeRawPointer?, UnsafeRawPointer?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Void
  ) {
    rows.left.values.withUnsafeBufferPointer { left in
      rows.right.values.withUnsafeBufferPointer { right in
        rows.leftRows.withUnsafeBufferPointer { leftRows in
          rows.rightRows.withUnsafeBufferPointer { rightRows in
            body(
              UnsafeRawPointer(left.baseAddress), UnsafeRawPointer(right.baseAddress), leftRows.baseAddress,
              rightRows.baseAddress)
          }
        }
      }
    }
  }
}

/// A sum into few rows: `coefficients[k]` times row `rows[k]` of `source`, added to row `slots[k]` of `target`.
public struct RowSum<S: TrainingScalar>: RowJob {
  /// What is added to; rows `targetStride` apart.
  public var target: [S]
  private let targetStride: Int
  private let coefficients: [S]
  private let source: RowsView<S>
  private let (rows, slots): ([Int32], [Int32])
  private let width: Int
  private let unwritten: Bool
  private let cleared: Int?

  /// - Parameters:
  ///   - slots: one a row at least; below 0 where a pair has no row.
  ///   - unwritten: whether the rows hold nothing yet. Slots are in order of first appearance then, and none is left out: the
  ///     first pair of a row writes it, with zeros beyond `width`.
  ///   - cleared: a column that is 0 afterwards in every row that has a pair, below `width`; nil for none.
  public init(
    _ coefficients: [S], _ source: RowsView<S>, _ rows: [Int32], slots: [Int32], width: Int, into target: [S],
    targetStride: Int, unwritten: Bool = false, cleared: Int? = nil
  ) {
    precondition((0..<width).contains(cleared ?? 0) || width == 0, "column \(cleared ?? 0) is not one of \(width)")
    precondition(slots.count >= rows.count && coefficients.count >= rows.count, "index and coefficient lengths differ")
    (self.coefficients, self.source, self.rows, self.slots) = (coefficients, source, rows, slots)
    (self.width, self.target, self.targetStride) = (width, target, targetStride)
    (self.unwritten, self.cleared) = (unwritten, cleared)
  }

  mutating func withCall(_ body: (lm_scatter) -> Void) {
    coefficients.withUnsafeBufferPointer { coefficients in
      rows.withUnsafeBufferPointer { rows in
        slots.withUnsafeBufferPointer { slots in
          source.values.withUnsafeBufferPointer { values in
            target.withUnsafeMutableBufferPointer { target in
              body(
                lm_scatter(
                  target: target.baseAddress, source: values.baseAddress, coefficient: coefficients.baseAddress,
                  slot: slots.baseAddress, row: rows.baseAddress, count: rows.count, targetStride: targetStride,
                  sourceStride: source.stride, width: width, unwritten: unwritten ? 1 : 0, cleared: cleared ?? -1))
            }
          }
        }
      }
    }
  }
}

/// One Adam step on some rows of a table, each at its own step count t: `steps[row]` goes up by one.
public struct RowSteps<S: TrainingScalar>: RowJob {
  /// The table; rows `stride` apart.
  public var table: [S]
  /// Its moments.
  public var moments: AdamMoments<S>
  /// The step count of every row.
  public var steps: [Int32]
  private let (gradient, decay): ([S], [S])
  private let rows: [Int32]

  /// - Parameters:
  ///   - gradient: a row for each of `rows`, in their order.
  ///   - decay: of each column; a row is as long.
  public init(
    _ table: [S], _ moments: AdamMoments<S>, steps: [Int32], gradient: [S], rows: [Int32], decay: [S]
  ) {
    precondition(decay.count % 4 == 0, "a row is a multiple of four values")
    precondition(moments.values.count == 2 * table.count, "every value has two moments")
    precondition(
      steps.count * decay.count == table.count && gradient.count >= rows.count * decay.count,
      "every row has a step count, and every given one a gradient")
    (self.table, self.moments, self.steps) = (table, moments, steps)
    (self.gradient, self.rows, self.decay) = (gradient, rows, decay)
  }

  mutating func withCall(_ body: (lm_adam_table) -> Void) {
    gradient.withUnsafeBufferPointer { gradient in
      rows.withUnsafeBufferPointer { rows in
        decay.withUnsafeBufferPointer { decay in
          table.withUnsafeMutableBufferPointer { table in
            moments.values.withUnsafeMutableBufferPointer { moments in
              steps.withUnsafeMutableBufferPointer { steps in
                body(
                  lm_adam_table(
                    table: table.baseAddress, moments: moments.baseAddress, gradient: gradient.baseAddress,
                    decay: decay.baseAddress, steps: steps.baseAddress, row: rows.baseAddress, count: rows.count,
                    stride: decay.count))
              }
            }
          }
        }
      }
    }
  }
}

extension TrainingScalar {
  /// Makes all products, whose columns are different arrays.
  @_specialize(where Self == Float)
  public static func dotRows(_ dots: inout [RowDots<Self>]) {
    withCalls(&dots) { lm_dot_rows(kernels.table, $0, $0.count) }
  }

  /// The same for one column; see ``RowDots``.
  @_specialize(where Self == Float)
  public static func dotRows(
    _ left: RowsView<Self>, _ leftRows: [Int32], _ right: RowsView<Self>, _ rightRows: [Int32], width: Int,
    offset: Self, accumulate: Bool, into out: inout [Self]
  ) {
    var dots = RowDots(
      RowDots.Rows(left, leftRows, right, rightRows), width: width, offset: offset, accumulates: accumulate, into: out)
    // One holder at a time: a second one would have the array copied.
    out = []
    dots.withCall { call in withUnsafePointer(to: call) { lm_dot_rows(kernels.table, $0, 1) } }
    out = dots.out
  }

  /// Adds up all sums, whose targets are different arrays.
  @_specialize(where Self == Float)
  public static func scatterRows(_ sums: inout [RowSum<Self>]) {
    withCalls(&sums) { lm_scatter_rows(kernels.table, $0, $0.count) }
  }

  /// The same for one; see ``RowSum``.
  @_specialize(where Self == Float)
  public static func scatterRows(
    _ coefficients: [Self], _ source: RowsView<Self>, _ rows: [Int32], slots: [Int32], width: Int,
    into target: inout [Self], targetStride: Int, unwritten: Bool = false, cleared: Int? = nil
  ) {
    var sum = RowSum(
      coefficients, source, rows, slots: slots, width: width, into: target, targetStride: targetStride,
      unwritten: unwritten, cleared: cleared)
    // One holder at a time: a second one would have the array copied.
    target = []
    sum.withCall { call in withUnsafePointer(to: call) { lm_scatter_rows(kernels.table, $0, 1) } }
    target = sum.target
  }

  /// Takes all steps, whose tables are different arrays.
  ///
  /// - Parameter corrections: 1 − β₁ᵗ and 1 − β₂ᵗ by t; the last entries serve every later step.
  @_specialize(where Self == Float)
  public static func adamRows(
    _ steps: inout [RowSteps<Self>], corrections: (first: [Self], second: [Self]), settings: AdamSettings<Self>
  ) {
    precondition(
      corrections.first.count == corrections.second.count && corrections.first.count < 1 << 31,
      "the two corrections have one length, below 2³¹")
    withCalls(&steps) {
      lm_adam_rows(
        kernels.table, $0, $0.count, corrections.first, corrections.second, corrections.first.count,
        Double(settings.rate), Double(settings.beta1), Double(settings.beta2), Double(settings.epsilon))
    }
  }

  /// The same for one table; see ``RowSteps``.
  @_specialize(where Self == Float)
  public static func adamRows(
    _ table: inout [Self], _ moments: inout AdamMoments<Self>, steps: inout [Int32], gradient: [Self], rows: [Int32],
    corrections: (first: [Self], second: [Self]), decay: [Self], settings: AdamSettings<Self>
  ) {
    var one = [RowSteps(table, moments, steps: steps, gradient: gradient, rows: rows, decay: decay)]
    (table, moments, steps) = ([], AdamMoments(values: []), [])
    adamRows(&one, corrections: corrections, settings: settings)
    (table, moments, steps) = (one[0].table, one[0].moments, one[0].steps)
  }
}
