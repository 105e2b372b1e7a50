import Testing

@testable import LightmeterKernels

/// Several tables in one job: each comes out as it does alone, at any number of threads and of tables.
@Suite(.serialized) struct RowJobsTests {
  private let width = 52
  private let count = 900

  private func numbers(_ count: Int, _ salt: Int) -> [Float] { KernelDraws.normal(count, salt) }

  private func rows(_ count: Int, below: Int, _ salt: Int) -> [Int32] {
    KernelDraws.indices(count, below: below, salt)
  }

  // Up to more than one job takes at once.
  @Test(arguments: [1, 2, 3, 8], [0, 1, 2, 20]) func sumsAreThoseOfEachAlone(threads: Int, tables: Int) {
    Threads.use(threads)
    defer { Threads.use(1) }
    var sums: [RowSum<Float>] = []
    var expected: [[Float]] = []
    for table in 0..<tables {
      // Some too small to be shared.
      let pairs = table % 3 == 2 ? 5 : count
      let source = RowsView(numbers(40 * width, table), stride: width)
      let (from, slots) = (rows(pairs, below: 40, table), rows(pairs, below: 30, 50 + table))
      let (coefficients, target) = (numbers(pairs, 100 + table), numbers(30 * width, 200 + table))
      sums.append(
        RowSum(coefficients, source, from, slots: slots, width: width, into: target, targetStride: width))
      var alone = target
      Float.scatterRows(coefficients, source, from, slots: slots, width: width, into: &alone, targetStride: width)
      expected.append(alone)
    }
    Float.scatterRows(&sums)
    #expect(sums.map(\.target) == expected)
  }

  @Test(arguments: [1, 2, 3, 8]) func productsOfTwoPairsOfRowsAddUp(threads: Int) {
    Threads.use(threads)
    defer { Threads.use(1) }
    func table(_ salt: Int) -> RowsView<Float> { RowsView(numbers(40 * width, salt), stride: width) }
    let columns = (0..<3).map { _ in rows(count, below: 40, 7) } + [rows(count, below: 40, 8)]
    let first = RowDots<Float>.Rows(table(1), columns[0], table(2), columns[1])
    // Some pairs have no second row.
    let missing = KernelDraws.indices(count, below: 40, 9, missing: true)
    let second = RowDots<Float>.Rows(table(3), missing, table(4), columns[3])
    let out = [Float](repeating: 9, count: count)
    var dots = [
      RowDots(first, plus: second, width: width, offset: 0.5, into: out),
      RowDots(first, width: width, offset: 0, into: out),
    ]
    Float.dotRows(&dots)
    var (both, one) = (out, out)
    Float.dotRows(
      table(1), columns[0], table(2), columns[1], width: width, offset: 0, accumulate: false, into: &one)
    Float.dotRows(
      table(1), columns[0], table(2), columns[1], width: width, offset: 0.5, accumulate: false, into: &both)
    Float.dotRows(table(3), missing, table(4), columns[3], width: width, offset: 0, accumulate: true, into: &both)
    #expect(dots[0].out == both && dots[1].out == one && one != both)
  }

  /// A value that is made in parts, between which its thread takes shards of the caller's jobs.
  @Test(arguments: [2, 3]) func partsOfAnErrandAndShardsOfJobsAllRunOnce(threads: Int) {
    Threads.use(threads)
    defer { Threads.use(1) }
    let ahead = Ahead<Int, [Int]>([]) { order, value in
      let parts = Locked([Int](repeating: 0, count: 40))
      Threads.run(shards: 40) { part in parts.withLock { $0[part] += order } }
      value = parts.withLock { $0 }
    }
    var value: [Int] = []
    for order in 1...300 {
      ahead.begin(order)
      for _ in 0..<4 {
        let shards = Locked([Int](repeating: 0, count: 24))
        Threads.run(shards: 24) { shard in shards.withLock { $0[shard] += 1 } }
        #expect(shards.withLock { $0 } == [Int](repeating: 1, count: 24))
      }
      ahead.take(&value)
      #expect(value == [Int](repeating: order, count: 40))
    }
  }
}
