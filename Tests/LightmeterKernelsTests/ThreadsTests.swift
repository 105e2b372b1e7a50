import Foundation
import Testing

@testable import LightmeterKernels

/// The pool: every shard once, whoever asks and however many threads there are.
@Suite(.serialized) struct ThreadsTests {
  private func counts(shards: Int, _ run: (Int, (Int) -> Void) -> Void) -> [Int] {
    let total = Locked([Int](repeating: 0, count: shards))
    run(shards) { shard in total.withLock { $0[shard] += 1 } }
    return total.withLock { $0 }
  }

  @Test(arguments: [1, 2, 3, 8]) func everyShardRunsOnce(threads: Int) {
    #expect(Threads.use(threads) == threads)
    #expect(Threads.count == threads)
    for shards in [0, 1, 2, 7, 64] {
      #expect(counts(shards: shards) { Threads.run(shards: $0, $1) } == [Int](repeating: 1, count: shards))
    }
  }

  @Test func aJobInsideAShardRunsOnItsOwn() {
    Threads.use(3)
    let total = Locked(0)
    Threads.run(shards: 4) { _ in Threads.run(shards: 5) { _ in total.withLock { $0 += 1 } } }
    #expect(total.withLock { $0 } == 20)
  }

  @Test func callersDoNotDisturbEachOther() async {
    Threads.use(4)
    await withTaskGroup(of: [Int].self) { group in
      for _ in 0..<8 {
        group.addTask {
          var last: [Int] = []
          for _ in 0..<50 {
            last = self.counts(shards: 9) { Threads.run(shards: $0, $1) }
            #expect(last == [Int](repeating: 1, count: 9))
          }
          return last
        }
      }
    }
  }

  @Test func flushingDenormalsHoldsOnEveryThread() {
    Threads.use(4)
    let tiny = Float.leastNormalMagnitude
    let flushed = Locked(0)
    Denormals.flushed {
      Threads.run(shards: 64) { _ in
        let half = tiny / Float(2 + 0 * flushed.withLock { $0 })
        flushed.withLock { $0 += half == 0 ? 1 : 0 }
      }
    }
    #expect(flushed.withLock { $0 } == 64)
  }

  @Test(arguments: ["skewed", "one", "hidden", "none"])
  func aScatterCutByTargetsIsTheLoop(slots kind: String) {
    // Every eighth pair is what the cut looks at: in "hidden" those are all of row 0, in "none" without a row.
    let (count, width, targets) = (8192, 52, 300)
    var generator = SeededGenerator(seed: 3, stream: .world)
    let slots: [Int32] = (0..<count).map { k in
      let uniform = generator.uniform()
      let skewed = Int32(uniform * uniform * uniform * Double(targets))
      return switch kind {
      case "one": 0
      case "hidden": k % 8 == 0 ? 0 : skewed
      case "none": k % 8 == 0 ? -1 : skewed
      default: k % 5 == 0 ? -1 : skewed
      }
    }
    let rows: [Int32] = (0..<count).map { _ in Int32(generator.below(200)) }
    let source = (0..<200 * width).map { _ in Float(generator.normal()) }
    let coefficients = (0..<count).map { _ in Float(generator.normal()) }
    var expected = [Float](repeating: 0, count: targets * width)
    for k in 0..<count where slots[k] >= 0 {
      for c in 0..<width {
        expected[Int(slots[k]) * width + c] += coefficients[k] * source[Int(rows[k]) * width + c]
      }
    }
    for threads in [1, 2, 3, 8, 40] {
      Threads.use(threads)
      var target = [Float](repeating: 0, count: targets * width)
      Float.scatterRows(
        coefficients, RowsView(source, stride: width), rows, slots: slots, width: width, into: &target,
        targetStride: width)
      #expect(target == expected, "\(threads) threads")
    }
  }

  /// Slots in order of first appearance, as a batch numbers its rows: the first pair of a row writes it.
  @Test(arguments: [1, 40, 3000]) func anUnwrittenTargetIsWrittenByTheFirstPairs(targets: Int) {
    let (count, width, stride) = (4096, 50, 52)
    var generator = SeededGenerator(seed: 4, stream: .world)
    var (numbers, slots): ([Int: Int32], [Int32]) = ([:], [])
    for _ in 0..<count {
      let row = generator.below(targets)
      let slot = numbers[row] ?? Int32(numbers.count)
      numbers[row] = slot
      slots.append(slot)
    }
    let rows: [Int32] = (0..<count).map { _ in Int32(generator.below(200)) }
    let source = RowsView((0..<200 * width).map { _ in Float(generator.normal()) }, stride: width)
    let coefficients = (0..<count).map { _ in Float(generator.normal()) }
    for threads in [1, 2, 3, 8, 40] {
      Threads.use(threads)
      var expected = [Float](repeating: 0, count: numbers.count * stride)
      var target = [Float](repeating: .nan, count: numbers.count * stride)
      Float.scatterRows(
        coefficients, source, rows, slots: slots, width: width, into: &expected, targetStride: stride)
      Float.scatterRows(
        coefficients, source, rows, slots: slots, width: width, into: &target, targetStride: stride, unwritten: true)
      let wrong = target.indices.filter { target[$0] != expected[$0] }.count
      #expect(wrong == 0, "\(threads) threads")
    }
  }

  /// 40 users among 100 items, two draws a positive, 30 further pairs; short rows of positives and long ones.
  @Test(arguments: [1, 3, 9, 15, 16, 17, 40]) func pairsAreThoseOfThePermutationAndTheHash(perUser: Int) {
    let positives = 40 * perUser
    let users: [Int32] = (0..<positives).map { Int32($0 / perUser) }
    let items: [Int32] = users.indices.map { Int32(($0 / perUser) % 7 + ($0 % perUser) * (90 / perUser)) }
    let rows = PairDraws.Rows(offsets: (0...40).map { perUser * $0 }, items: items)
    let shown = PairDraws.Rows(offsets: (0...40).map { $0 }, items: (0..<40).map { Int32($0 % 50) })
    let draws = PairDraws(positives: rows, users: users, shown: shown, draws: 2, itemCount: 100)
    let order = KeyedPermutation(count: positives * 3 + 30, key: 77)
    let pairOrder = PairOrder(count: order.count, key: 77)
    var (places, foundUsers, foundItems, feedback): ([Int], [Int32], [Int32], [UInt8]) = ([], [], [], [])
    var (expected, found): ([[Int]], [[Int]]) = ([], [])
    for threads in [1, 3] {
      Threads.use(threads)
      found = []
      for first in stride(from: 0, to: order.count, by: 300) {
        draws.fill(
          range: first..<min(first + 300, order.count), order: pairOrder, drawKey: 5, places: &places,
          users: &foundUsers,
          items: &foundItems, feedback: &feedback)
        for k in places.indices {
          found.append([places[k], Int(foundUsers[k]), Int(foundItems[k]), Int(feedback[k])])
        }
      }
      expected = (0..<order.count).compactMap { position in
        let place = order(position)
        if place >= 3 * positives { return [place, -1, -1, 0] }
        if place < positives { return [place, Int(users[place]), Int(items[place]), 1] }
        let user = Int(users[(place - positives) / 2])
        let item = Int(SeededGenerator.hash(5, UInt64(place)).multipliedFullWidth(by: 100).high)
        let known = items[perUser * user..<perUser * (user + 1)].contains(Int32(item)) || user == item
        return known ? nil : [place, user, item, 0]
      }
      #expect(found == expected)
    }
    #expect(expected.count < order.count, "some draw is dropped")
  }
}

/// A lock that ThreadSanitizer knows; it takes the standard library's `Mutex`, which waits in the kernel by itself, for none.
final class Locked<Value>: @unchecked Sendable {
  private let lock = NSLock()
  private var value: Value

  init(_ value: Value) { self.value = value }

  func withLock<R>(_ body: (inout Value) -> R) -> R { lock.withLock { body(&value) } }
}
