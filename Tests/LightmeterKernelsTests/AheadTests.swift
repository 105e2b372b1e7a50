import Foundation
import Testing

@testable import LightmeterKernels

/// Values made ahead: each from its own order, once, whoever makes it.
@Suite(.serialized) struct AheadTests {
  /// Made of its order and of what stood there before, so that storage which two values share would show.
  private func squares(_ made: Locked<[Int]>) -> Ahead<Int, [Int]> {
    Ahead([]) { order, value in
      made.withLock { $0.append(order) }
      value.append(order)
      value[value.count - 1] *= order
    }
  }

  private func keepBusy(_ time: Duration) {
    let start = ContinuousClock().now
    while ContinuousClock().now - start < time {}
  }

  @Test(arguments: [1, 2, 3, 8]) func valuesComeInTheirOrder(threads: Int) {
    Threads.use(threads)
    let made = Locked<[Int]>([])
    let ahead = squares(made)
    var (value, other) = ([Int](), [[Int](), [Int]()])
    for order in 0..<400 {
      ahead.begin(order)
      // Jobs of the caller go on beside it, and end.
      let total = Locked(0)
      Threads.run(shards: 5) { shard in total.withLock { $0 += shard } }
      #expect(total.withLock { $0 } == 10)
      ahead.take(&value)
      other[order % 2].append(order * order)
      #expect(value == other[order % 2])
    }
    #expect(made.withLock { $0 } == Array(0..<400))
  }

  @Test func anotherThreadMakesItWhileTheCallerIsBusy() {
    Threads.use(2)
    let own = ObjectIdentifier(Thread.current)
    let ahead = Ahead<Int, ObjectIdentifier>(own) { _, maker in maker = ObjectIdentifier(Thread.current) }
    var maker = own
    // A thread may lose its core for a while: one turn of many is enough.
    var turns = 0
    repeat {
      turns += 1
      ahead.begin(turns)
      keepBusy(.milliseconds(2))
      ahead.take(&maker)
    } while maker == own && turns < 500
    #expect(maker != own)
  }

  @Test func severalAtOnceDoNotDisturbEachOther() async {
    Threads.use(3)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<6 {
        group.addTask {
          let ahead = self.squares(Locked([]))
          var value: [Int] = []
          for order in 0..<200 {
            ahead.begin(order)
            Threads.run(shards: 3) { _ in }
            ahead.take(&value)
            #expect(value.last == order * order)
          }
        }
      }
    }
  }

  @Test(arguments: [1, 2]) func whatNobodyTakesEndsBeforeItsMaker(threads: Int) {
    Threads.use(threads)
    for _ in 0..<200 {
      let made = Locked<[Int]>([])
      var ahead: Ahead<Int, [Int]>? = squares(made)
      ahead?.begin(7)
      ahead = nil
      #expect(made.withLock { $0 } == [7])
    }
  }

  @Test func threadsMayComeAndGoMeanwhile() {
    let ahead = squares(Locked([]))
    var value: [Int] = []
    for order in 0..<50 {
      ahead.begin(order)
      Threads.use(1 + order % 3)
      ahead.take(&value)
      #expect(value.last == order * order)
    }
  }

  /// In the mode of arithmetic of whoever began it, and with jobs of its own.
  @Test func itRunsInTheCallersMode() {
    Threads.use(2)
    let tiny = Float.leastNormalMagnitude
    let ahead = Ahead<Float, [Bool]>([]) { half, value in
      let sum = Locked(0)
      Threads.run(shards: 16) { shard in sum.withLock { $0 += shard } }
      value = [tiny * half == 0, sum.withLock { $0 } == 120]
    }
    var value: [Bool] = []
    Denormals.flushed {
      for _ in 0..<100 {
        ahead.begin(0.5)
        keepBusy(.microseconds(200))
        ahead.take(&value)
        #expect(value == [true, true])
      }
    }
    ahead.begin(0.5)
    ahead.take(&value)
    #expect(value == [false, true])
  }
}
