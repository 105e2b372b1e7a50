import LightmeterKernels
import Testing

/// Draws, and the bound that kernels of a precision are held to, relative to the size of what was summed.
enum KernelDraws {
  /// Widths with and without tails of the 16- and 4-lane loops.
  static let widths = [1, 7, 16, 17, 32, 36, 50, 52, 64, 68]
  /// Batch lengths: none, one, some below and some above the prefetch distance.
  static let counts = [0, 1, 5, 23]

  static func normal<S: TrainingScalar>(_ count: Int, _ salt: Int, as: S.Type = S.self) -> [S] {
    var generator = SeededGenerator(seed: 31, stream: .initialise, epoch: salt)
    return (0..<count).map { _ in S(generator.normal()) }
  }

  static func indices(_ count: Int, below bound: Int, _ salt: Int, missing: Bool = false) -> [Int32] {
    var generator = SeededGenerator(seed: 32, stream: .initialise, epoch: salt)
    return (0..<count).map { k in missing && k % 4 == 3 ? -1 : Int32(generator.below(bound)) }
  }

  /// Sums of at most 64 products: 64 half-ulps of the summed magnitudes, with room.
  static func tolerance<S: TrainingScalar>(_: S.Type) -> Double { S.self == Float.self ? 5e-6 : 1e-14 }

  /// Whether `got` is `expected` up to the precision's rounding, with the size of the terms as scale.
  static func close<S: TrainingScalar>(_ got: S, _ expected: Double, scale: Double = 1) -> Bool {
    abs(Double(got) - expected) <= tolerance(S.self) * max(scale, abs(expected))
  }
}

/// The kernels on rows of tables against plain loops in Double, with strides longer than rows, tails and empty batches.
@Suite struct VectorKernelsTests {
  /// A table of 9 rows with three columns more than its width.
  private struct Rows<S: TrainingScalar> {
    let values: [S]
    let stride: Int
    init(_ width: Int, _ salt: Int) {
      stride = width + 3
      values = KernelDraws.normal(9 * (width + 3), salt)
    }
    var view: RowsView<S> { RowsView(values, stride: stride) }
    func row(_ index: Int32, _ width: Int) -> [Double] {
      (0..<width).map { Double(values[Int(index) * stride + $0]) }
    }
  }

  private func dot(_ a: [Double], _ b: [Double]) -> (value: Double, scale: Double) {
    zip(a, b).reduce((0, 0)) { ($0.0 + $1.0 * $1.1, $0.1 + abs($1.0 * $1.1)) }
  }

  @Test(arguments: KernelDraws.widths) func dotRowsIsTheSumOfProducts(width: Int) {
    dotRows(width, Float.self)
    dotRows(width, Double.self)
  }

  private func dotRows<S: TrainingScalar>(_ width: Int, _: S.Type) {
    let (left, right) = (Rows<S>(width, 1), Rows<S>(width, 2))
    for count in KernelDraws.counts {
      // Pairs go four at a time where none of the four lacks its row.
      for (accumulate, missing) in [(false, true), (true, true), (false, false), (true, false)] {
        let leftRows = KernelDraws.indices(count, below: 9, 3, missing: missing)
        let rightRows = KernelDraws.indices(count, below: 9, 4)
        let before: [S] = KernelDraws.normal(count + 2, 5)
        var out = before
        S.dotRows(
          left.view, leftRows, right.view, rightRows, width: width, offset: -0.75, accumulate: accumulate, into: &out)
        for k in 0..<count {
          let base = accumulate ? Double(before[k]) : -0.75
          let (value, scale) =
            leftRows[k] < 0 ? (0, 0) : dot(left.row(leftRows[k], width), right.row(rightRows[k], width))
          #expect(KernelDraws.close(out[k], base + value, scale: scale + abs(base)), "width \(width), pair \(k)")
        }
        #expect(out[count...] == before[count...], "nothing is written beyond the batch")
      }
    }
  }

  @Test(arguments: KernelDraws.widths) func packedRowsGiveTheScoresOfAnyBlock(width: Int) {
    packedRows(width, Float.self)
    packedRows(width, Double.self)
  }

  private func packedRows<S: TrainingScalar>(_ width: Int, _: S.Type) {
    let left = Rows<S>(width, 6)
    let rightStride = width + 2
    let rightValues: [S] = KernelDraws.normal(70 * rightStride, 7)
    let right = RowsView(rightValues, stride: rightStride)
    let packed = PackedRows(right, count: 70, width: width)
    let users: [Int32] = [5, 0, 8, 3, 3, 7, 1, 2, 4, 6, 0]
    for range in [0..<70, 2..<2, 3..<8, 15..<33, 69..<70, 16..<64] {
      for count in [0, 1, 3, 11] {
        let rows = Array(users[..<count])
        let before: [S] = KernelDraws.normal(count * range.count + 1, 8)
        var out = before
        packed.scores(left.view, rows: rows, range: range, offset: 0.5, into: &out)
        var single: [S] = []
        for (place, user) in rows.enumerated() {
          S.rowScores(left.view, row: Int(user), right, range: range, width: width, offset: 0.5, into: &single)
          for (k, item) in range.enumerated() {
            let row = Array(rightValues[item * rightStride..<item * rightStride + width])
            let (value, scale) = dot(left.row(user, width), row.map { Double($0) })
            #expect(KernelDraws.close(out[place * range.count + k], 0.5 + value, scale: scale), "item \(item)")
            #expect(out[place * range.count + k] == single[k], "a pair has the same bits alone and in a block")
          }
        }
        #expect(out[count * range.count] == before[count * range.count])
      }
    }
  }

  @Test(arguments: [0, 1, 15, 16, 40]) func placesAboveFindsEveryScoreAtLeastTheBar(count: Int) {
    var scores: [Float] = KernelDraws.normal(count + 3, 31)
    if count > 20 { (scores[9], scores[20]) = (.nan, 0.25) }
    var places: [Int32] = []
    for bar in [-Float.infinity, 0, 0.25, .infinity] {
      let found = Float.placesAbove(bar, in: scores, range: 3..<count + 3, into: &places)
      #expect(places[..<found].map { Int($0) } == (0..<count).filter { scores[3 + $0] >= bar })
    }
  }

  @Test(arguments: KernelDraws.widths) func scatterRowsAddsScaledRows(width: Int) {
    scatterRows(width, Float.self)
    scatterRows(width, Double.self)
  }

  private func scatterRows<S: TrainingScalar>(_ width: Int, _: S.Type) {
    let source = Rows<S>(width, 9)
    let targetStride = width + 1
    for count in KernelDraws.counts {
      let rows = KernelDraws.indices(count, below: 9, 10)
      // Four slots for up to 23 pairs: repeats add up; some pairs have none.
      let slots = KernelDraws.indices(count, below: 4, 11, missing: true)
      let coefficients: [S] = KernelDraws.normal(count, 12)
      let before: [S] = KernelDraws.normal(4 * targetStride, 13)
      var target = before
      var expected = before.map { Double($0) }
      S.scatterRows(
        coefficients, source.view, rows, slots: slots, width: width, into: &target, targetStride: targetStride)
      for k in 0..<count where slots[k] >= 0 {
        for (column, value) in source.row(rows[k], width).enumerated() {
          expected[Int(slots[k]) * targetStride + column] += Double(coefficients[k]) * value
        }
      }
      for k in target.indices { #expect(KernelDraws.close(target[k], expected[k], scale: 10), "width \(width)") }
      for slot in 0..<4 {
        #expect(target[slot * targetStride + width] == before[slot * targetStride + width], "padding stays")
      }
      for cleared in 0..<width {
        var other = before
        S.scatterRows(
          coefficients, source.view, rows, slots: slots, width: width, into: &other, targetStride: targetStride,
          cleared: cleared)
        for k in other.indices {
          let (slot, column) = k.quotientAndRemainder(dividingBy: targetStride)
          let isCleared = column == cleared && slots[..<count].contains(Int32(slot))
          #expect(other[k] == (isCleared ? 0 : target[k]), "column \(cleared) of \(width)")
        }
      }
    }
  }

  @Test(arguments: KernelDraws.widths) func displacedRowsComeBackToTheBit(width: Int) {
    displace(width, Float.self)
    displace(width, Double.self)
  }

  private func displace<S: TrainingScalar>(_ stride: Int, _: S.Type) {
    let before: [S] = KernelDraws.normal(9 * stride, 14)
    for rows: [Int32] in [[], [4], [8, 0, 3, 5]] {
      let step: [S] = KernelDraws.normal(rows.count * stride, 15)
      var (table, saved): ([S], [S]) = (before, [])
      let slots = rows.indices.reversed().map { Int32($0) }
      S.displace(&table, rows: rows, stride: stride, by: step, slots: slots, scale: -0.3, saved: &saved)
      var expected = before.map { Double($0) }
      for (slot, row) in zip(slots.map { Int($0) }, rows) {
        for column in 0..<stride {
          expected[Int(row) * stride + column] += Double(S(-0.3)) * Double(step[slot * stride + column])
        }
      }
      for k in table.indices { #expect(KernelDraws.close(table[k], expected[k]), "stride \(stride)") }
      #expect(rows.isEmpty == (table == before))
      S.restore(&table, rows: rows, stride: stride, from: saved)
      #expect(table == before)
    }
  }

  @Test(arguments: KernelDraws.widths) func adamStepsAreTheFormula(width: Int) {
    adam(width, Float.self)
    adam(width, Double.self)
  }

  private func sideBySide<S>(_ firsts: [S], _ seconds: [S], stride: Int) -> AdamMoments<S> {
    var moments = AdamMoments<S>(values: [])
    for start in Swift.stride(from: 0, to: firsts.count, by: stride) {
      moments.values += firsts[start..<start + stride]
      moments.values += seconds[start..<start + stride]
    }
    return moments
  }

  /// One step from given moments, on chosen rows and on all rows.
  private func adam<S: TrainingScalar>(_ width: Int, _: S.Type) {
    let stride = (width + 3) / 4 * 4
    let start: [S] = KernelDraws.normal(6 * stride, 16)
    let firsts: [S] = KernelDraws.normal(6 * stride, 17).map { $0 / 10 }
    let seconds: [S] = KernelDraws.normal(6 * stride, 18).map { $0 * $0 / 20 + S(0.01) }
    let moments = sideBySide(firsts, seconds, stride: stride)
    /// The first and the second moment of the value at place `k` of the table.
    func both(_ moments: AdamMoments<S>, _ k: Int) -> (m: S, v: S) {
      let place = k / stride * 2 * stride + k % stride
      return (moments.values[place], moments.values[place + stride])
    }
    let decay: [S] = (0..<stride).map { S(Double($0 % 3) * 0.1) }
    let settings = AdamSettings<S>(rate: 0.05)
    for rows: [Int32] in [[], [3], [5, 0, 2]] {
      let gradient: [S] = KernelDraws.normal(rows.count * stride, 19)
      let corrections = rows.indices.map { (first: 0.1 + 0.2 * Double($0), second: 0.01 + 0.1 * Double($0)) }
      var (table, after) = (start, moments)
      // Row of slot k is at step k, and goes to k + 1.
      var steps = [Int32](repeating: 7, count: 6)
      for (slot, row) in rows.enumerated() { steps[Int(row)] = Int32(slot) }
      S.adamRows(
        &table, &after, steps: &steps, gradient: gradient, rows: rows,
        corrections: ([1] + corrections.map { S($0.first) }, [1] + corrections.map { S($0.second) }), decay: decay,
        settings: settings)
      for row in 0..<6 {
        #expect(steps[row] == rows.firstIndex(of: Int32(row)).map { Int32($0 + 1) } ?? 7)
      }
      var (wholeTable, wholeAfter) = (start, moments)
      var slots = [Int32](repeating: -1, count: 6)
      for (slot, row) in rows.enumerated() { slots[Int(row)] = Int32(slot) }
      S.adamAll(
        &wholeTable, &wholeAfter, gradient: gradient, slotOfRow: slots, stride: stride,
        corrections: (S(0.3), S(0.2)), decay: decay, settings: settings)
      for k in start.indices {
        let (row, column) = k.quotientAndRemainder(dividingBy: stride)
        let slot = rows.firstIndex(of: Int32(row))
        let g = slot.map { Double(gradient[$0 * stride + column]) } ?? 0
        func expected(_ first: Double, _ second: Double) -> (w: Double, m: Double, v: Double) {
          let full = g + Double(decay[column]) * Double(start[k])
          let m = 0.9 * Double(firsts[k]) + 0.1 * full
          let v = 0.999 * Double(seconds[k]) + 0.001 * full * full
          return (Double(start[k]) - 0.05 * (m / first) / ((v / second).squareRoot() + 1e-8), m, v)
        }
        let all = expected(0.3, 0.2)
        #expect(KernelDraws.close(wholeTable[k], all.w) && KernelDraws.close(both(wholeAfter, k).m, all.m))
        #expect(KernelDraws.close(both(wholeAfter, k).v, all.v))
        guard let slot else {
          #expect(table[k] == start[k] && both(after, k) == (firsts[k], seconds[k]))
          continue
        }
        let one = expected(corrections[slot].first, corrections[slot].second)
        #expect(KernelDraws.close(table[k], one.w) && KernelDraws.close(both(after, k).m, one.m))
        #expect(KernelDraws.close(both(after, k).v, one.v))
      }
    }
  }
}
