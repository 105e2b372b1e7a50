import LightmeterKernels
import Testing

@Suite struct DenseRowsTests {
  private static let table: [Float] = [1, 2, 3, 0, -1, 0.5, 4, 0, 2, -2, 1, 0]
  private let rows = DenseRows(RowsView(table, stride: 4), rows: [2, 0, 2], columns: [0, 2])

  @Test func columnsOfChosenRowsAreCopied() {
    #expect(rows.values == [2, 1, 1, 3, 2, 1])
    var difference = rows
    difference.subtract(DenseRows(RowsView(Self.table, stride: 4), rows: [0, 0, 0], columns: [0, 2]))
    #expect(difference.values == [1, -2, 0, 0, 1, -2])
  }

  @Test func productsAndSumsAreThoseOfTheirDefinition() {
    var products: [Double] = []
    rows.products(with: [10, 1], into: &products)
    #expect(products.prefix(3) == [21, 13, 21])
    var sum = [0.5, 0]
    rows.addWeighted([1, 2, 0], to: &sum)
    #expect(sum == [4.5, 7])
    var matrix = [Double](repeating: 0, count: 4)
    rows.addWeightedSquares([1, 2, 0], to: &matrix)
    #expect(matrix == [6, 8, 0, 19], "the upper triangle")
  }

  /// More rows than the block of four, by the definition.
  @Test func manyRowsAddUpLikeOneByOne() {
    let values = (0..<36).map { Float($0 % 7) - 3 }
    let all = DenseRows(RowsView(values, stride: 4), rows: Array(0..<9), columns: [0, 1, 3])
    let weights = (0..<9).map { 0.5 * Double($0) - 1 }
    var matrix = [Double](repeating: 0, count: 9)
    all.addWeightedSquares(weights, to: &matrix)
    var sum = [0.25, 0, 0]
    all.addWeighted(weights, to: &sum)
    for a in 0..<3 {
      let total = (0..<9).reduce(a == 0 ? 0.25 : 0) { $0 + weights[$1] * all.values[3 * $1 + a] }
      #expect(abs(sum[a] - total) < 1e-12)
      for b in a..<3 {
        let expected = (0..<9).reduce(0) { $0 + weights[$1] * all.values[3 * $1 + a] * all.values[3 * $1 + b] }
        #expect(abs(matrix[3 * a + b] - expected) < 1e-12)
      }
    }
  }

  /// More rows than the chunk, weights of both signs and none.
  @Test func nearSumsAreNearTheExactOnes() {
    let count = 20_000
    let values = (0..<count * 4).map { Float(($0 * 7919) % 1000) / 500 - 1 }
    let all = DenseRows(RowsView(values, stride: 4), rows: Array(0..<Int32(count)), columns: [0, 1, 3])
    let weights = (0..<count).map { Double($0 % 5) - 1 }
    var (near, exact) = ([Double](repeating: 1, count: 9), [Double](repeating: 1, count: 9))
    all.addNearlyWeightedSquares(weights, to: &near)
    all.addWeightedSquares(weights, to: &exact)
    let largest = exact.reduce(0) { max($0, abs($1)) }
    for a in 0..<3 {
      for b in 0..<3 { #expect(abs(near[3 * a + b] - exact[3 * a + b]) < 1e-5 * largest, "\(a), \(b)") }
    }
    #expect(near != exact, "else single precision would not have been used")
  }

  /// Blocks of four rows by four columns, and what is left of both.
  @Test func wideSumsOfManyRowsAreTheirDefinition() {
    let values = (0..<132).map { Float($0 % 11) - 4 }
    let wide = DenseRows(RowsView(values, stride: 12), rows: Array(0..<11), columns: Array(0..<10))
    let weights = (0..<11).map { Double($0 % 4) - 1.5 }
    var sum = [Double](repeating: 2, count: 10)
    wide.addWeighted(weights, to: &sum)
    for c in 0..<10 {
      let expected = (0..<11).reduce(2.0) { $0 + weights[$1] * wide.values[10 * $1 + c] }
      #expect(abs(sum[c] - expected) < 1e-12, "column \(c)")
    }
  }

  /// Wider than a vector of four and not a multiple of it.
  @Test func wideRowsHaveTheirTail() {
    let values = (0..<24).map { Float($0) }
    let wide = DenseRows(RowsView(values, stride: 12), rows: [0, 1], columns: Array(0..<11))
    var products: [Double] = []
    wide.products(with: [Double](repeating: 1, count: 11), into: &products)
    #expect(products.prefix(2) == [55, 187])
  }

  @Test func aDefiniteSystemIsSolvedAndAnIndefiniteOneIsRefused() throws {
    let matrix: [Double] = [4, 2, 1, 0, 5, 3, 0, 0, 6]
    let x = try #require(SymmetricSystem(factoring: matrix, order: 3)).solve([11, 21, 25])
    for (found, expected) in zip(x, [1.0, 2, 3]) { #expect(abs(found - expected) < 1e-12) }
    #expect(SymmetricSystem(factoring: [1, 2, 0, 1], order: 2) == nil)
    #expect(try #require(SymmetricSystem(factoring: [], order: 0)).solve([]) == [])
  }
}
