import Testing

@testable import LightmeterKernels

/// Initial values of tables: more rows than one generator draws.
@Suite(.serialized) struct NormalRowsTests {
  private static let (rows, stride, width) = (10_000, 8, 6)

  private func drawn<S: TrainingScalar>(_: S.Type, seed: UInt64, salt: Int) -> [S] {
    var values = [S](repeating: 7, count: Self.rows * Self.stride)
    S.drawRows(&values, stride: Self.stride, width: Self.width, deviation: 0.5, seed: seed, salt: salt)
    return values
  }

  @Test(arguments: [2, 3, 8]) func theBytesAreTheSameAtAnyThreadCount(threads: Int) {
    defer { Threads.use(1) }
    Threads.use(1)
    let (alone, others) = (drawn(Float.self, seed: 3, salt: 1), drawn(Float.self, seed: 3, salt: 2))
    Threads.use(threads)
    #expect(drawn(Float.self, seed: 3, salt: 1) == alone)
    #expect(alone != others && drawn(Float.self, seed: 4, salt: 1) != alone)
  }

  @Test func columnsBesideTheFactorsStayAndNoRowIsDrawnTwice() {
    let values = drawn(Double.self, seed: 3, salt: 0)
    // Models of the same seed are those of every release: 4,096 rows a generator.
    var second = SeededGenerator(seed: 3, stream: .initialise, epoch: 0, shard: 1)
    #expect(values[4096 * Self.stride] == 0.5 * second.normal())
    let firsts = Set((0..<Self.rows).map { values[$0 * Self.stride] })
    #expect(firsts.count == Self.rows)
    let (rows, width, stride) = (Self.rows, Self.width, Self.stride)
    #expect((0..<rows).allSatisfy { row in (width..<stride).allSatisfy { values[row * stride + $0] == 7 } })
    // 60,000 draws: the mean within 5 of its standard errors, the mean square within 5 of its own.
    let own = (0..<rows).flatMap { row in values[row * stride..<row * stride + width] }
    let count = Double(own.count)
    #expect(abs(own.reduce(0, +) / count) < 5 * 0.5 / count.squareRoot())
    #expect(abs(own.reduce(0) { $0 + $1 * $1 } / count - 0.25) < 5 * 0.25 * (2 / count).squareRoot())
  }
}
