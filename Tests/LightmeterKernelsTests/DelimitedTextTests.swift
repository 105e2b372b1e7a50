import Testing

@testable import LightmeterKernels

@Suite struct DelimitedTextTests {
  /// Runs over random text with few kinds of bytes, so that everything that matters to the scanner is frequent.
  private static func text(_ generator: inout SeededGenerator, lines: Int) -> [UInt8] {
    var text: [UInt8] = []
    for _ in 0..<lines {
      for field in 0..<(generator.below(12) == 0 ? 1 + generator.below(4) : 3) {
        if field > 0 { text.append(44) }
        for _ in 0..<generator.below(1 + generator.below(24)) {
          let kinds: [UInt8] = [48, 48, 49, 57, 55, 53, 50, 45, 97, 0xC3]
          text.append(generator.below(400) == 0 ? [0, 13, 34][generator.below(3)] : kinds[generator.below(10)])
        }
      }
      text += generator.below(9) == 0 ? [13, 10] : [10]
    }
    return text
  }

  private struct Field: Equatable {
    var start: Int32
    var end: Int32
    var value: Int
  }

  /// All records of the run from `from` on.
  private static func records(_ run: DelimitedRun, _ base: UnsafePointer<UInt8>, _ range: Range<Int>) -> [[Field]] {
    run.scan(base, range)
    return (0..<run.records).map { record in
      var fields = [Field](repeating: Field(start: 0, end: 0, value: 0), count: run.width)
      fields.withUnsafeMutableBytes { run.fields(of: record, into: $0.baseAddress!) }
      return fields
    }
  }

  /// What the documentation of ``DelimitedRun`` says, byte by byte.
  private static func expected(_ text: ArraySlice<UInt8>, quoting: Bool) -> [[Field]] {
    var records: [[Field]] = []
    for line in text.split(separator: 10, omittingEmptySubsequences: false).dropLast() {
      var line = line
      if line.last == 13 { line.removeLast() }
      let fields = line.split(separator: 44, omittingEmptySubsequences: false)
      if line.isEmpty || fields.count != 3 || line.contains(0) || line.contains(13) || quoting && line.contains(34) {
        break
      }
      records.append(
        fields.map { field in
          let digits = field.allSatisfy { $0 >= 48 && $0 <= 57 } && !field.isEmpty && field.count <= 18
          let plain = digits && (field.count == 1 || field.first != 48)
          return Field(
            start: Int32(field.startIndex), end: Int32(field.endIndex),
            value: plain ? field.reduce(0) { $0 * 10 + Int($1 - 48) } : -1)
        })
    }
    return records
  }

  @Test(arguments: DelimitedRun.machineIsWide ? [false, true] : [false])
  func runsAreWhatALoopOverTheBytesFinds(wide: Bool) {
    var generator = SeededGenerator(seed: 5, stream: .split)
    for round in 0..<60 {
      let text = Self.text(&generator, lines: 40)
      let memory = text + [UInt8](repeating: 10, count: DelimitedRun.margin)
      let run = DelimitedRun(delimiter: 44, quoting: round % 2 == 0, width: 3, most: 100, wide: wide)
      let starts = [0] + text.indices.filter { text[$0] == 10 }.map { $0 + 1 }
      memory.withUnsafeBufferPointer { buffer in
        for start in starts.dropLast() {
          let expected = Self.expected(text[start...], quoting: round % 2 == 0)
          let found = Self.records(run, buffer.baseAddress!, start..<text.count)
          #expect(found == expected, "round \(round), from \(start)")
          #expect(
            run.start(of: run.records)
              == (expected.last.map { text[Int($0[2].end)...].firstIndex(of: 10)! + 1 } ?? start))
        }
      }
    }
  }

  @Test func aRunStopsAtItsCapacity() {
    let text = Array(String(repeating: "1,22,3\n", count: 50).utf8) + [UInt8](repeating: 0, count: DelimitedRun.margin)
    let run = DelimitedRun(delimiter: 44, quoting: true, width: 3, most: 7)
    var numbers = [Float](repeating: 0, count: 7)
    text.withUnsafeBufferPointer { buffer in
      run.scan(buffer.baseAddress!, 7..<350)
      numbers.withUnsafeMutableBufferPointer { run.numbers(column: 1, into: $0.baseAddress!) }
    }
    #expect(run.records == 7 && run.start(of: 7) == 56 && run.start(of: 0) == 7)
    #expect(numbers == [Float](repeating: 22, count: 7))
  }
}
