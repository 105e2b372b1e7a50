extension TrainingScalar {
  /// Draws the leading columns of every row from N(0, deviation²).
  ///
  /// Rows are drawn in fixed blocks with a generator each, so the same seed gives the same bytes at any thread count.
  ///
  /// - Parameters:
  ///   - values: rows, `stride` apart; columns from `width` on stay as they are.
  ///   - salt: tells tables of one seed apart.
  @_specialize(where Self == Float)
  public static func drawRows(
    _ values: inout [Self], stride: Int, width: Int, deviation: Self, seed: UInt64, salt: Int
  ) {
    precondition(width <= stride, "a row of \(stride) values has no \(width) columns")
    let (rows, block) = (values.count / stride, 4096)
    values.withUnsafeMutableBufferPointer { values in
      guard let first = values.baseAddress else { return }
      Threads.run(shards: (rows + block - 1) / block) { shard in
        var generator = SeededGenerator(seed: seed, stream: .initialise, epoch: salt, shard: shard)
        for row in shard * block..<min((shard + 1) * block, rows) {
          for column in 0..<width { first[row * stride + column] = deviation * Self(generator.normal()) }
        }
      }
    }
  }
}
