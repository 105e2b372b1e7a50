internal import CLightmeterKernels

/// The threads that share the work of a training step.
///
/// They change speed, never a result: work is cut so that every number is computed by one thread in one order. One for the
/// whole process; a second caller at the same moment runs alone.
public enum Threads {
  /// Processors that this process may use.
  public static var processors: Int { Int(lm_processors()) }

  /// How many there are, the calling one among them; 1 until ``use(_:)``.
  public static var count: Int { Int(lm_threads()) }

  /// Starts or ends threads.
  ///
  /// - Returns: how many there are now; fewer than asked for where the system refuses more.
  /// - Precondition: `count` is in 1 … 256; not called from inside ``run(shards:_:)``.
  @discardableResult
  public static func use(_ count: Int) -> Int {
    precondition((1...256).contains(count), "\(count) threads are impossible; 1 to 256 are")
    return Int(lm_use_threads(Int32(count)))
  }

  /// Calls `body` for every shard and returns when all are done.
  ///
  /// - Parameters:
  ///   - body: called from several threads at once; shards must not write to the same memory.
  public static func run(shards: Int, _ body: (_ shard: Int) -> Void) {
    withoutActuallyEscaping(body) { escaping in
      var call: (Int) -> Void = escaping
      withUnsafeMutablePointer(to: &call) { pointer in
        lm_parallel(
          Int32(shards),
          { context, shard in context?.assumingMemoryBound(to: ((Int) -> Void).self).pointee(Int(shard)) }, pointer)
      }
    }
  }

  /// What `body` gives for every shard, in the order of the shards.
  ///
  /// - Parameters:
  ///   - body: called from several threads at once.
  public static func map<T>(shards: Int, _ body: (_ shard: Int) -> T) -> [T] {
    [T](unsafeUninitializedCapacity: shards) { results, count in
      let first = results.baseAddress
      run(shards: shards) { shard in first.map { ($0 + shard).initialize(to: body(shard)) } }
      count = shards
    }
  }
}
