internal import LightmeterKernels

/// Cuts runs of plain lines with the vector scanner and gives them to a sink; whatever is not plain, or has a fault, is
/// left where it stands for the careful ``RecordScanner``.
struct RunScanner {
  private let run: DelimitedRun
  /// Lines that pass to the careful scanner before the next try, and how many will after the next failure: a file
  /// without plain lines then costs one failed try in 64 lines.
  private var skip = 0
  private var nextSkip = 1

  /// Fields held at once.
  private static let fieldsAtOnce = 1536

  /// Nil where lines of the layout are cut another way.
  init?(_ layout: TableLayout) {
    guard layout.delimiter == .comma || layout.delimiter == .tab else { return nil }
    run = DelimitedRun(
      delimiter: layout.delimiter == .comma ? 44 : 9, quoting: layout.quoting, width: layout.fieldCount,
      most: max(1, RunScanner.fieldsAtOnce / layout.fieldCount))
  }

  /// Moves plain lines into the sink until a line that is not, or the end of the range.
  mutating func take(
    _ base: UnsafePointer<UInt8>, _ range: Range<Int>, into sink: inout some RecordSink
  ) -> (records: Int, next: Int) {
    var (records, p) = (0, range.lowerBound)
    if skip > 0 {
      skip -= 1
      return (0, p)
    }
    while p < range.upperBound {
      run.scan(base, p..<range.upperBound)
      let taken = run.records == 0 ? 0 : sink.take(run, of: base)
      records += taken
      p = run.start(of: taken)
      if taken < run.most && p < range.upperBound {
        nextSkip = records > 0 ? 1 : min(2 * nextSkip, 64)
        skip = nextSkip - 1
        break
      }
    }
    return (records, p)
  }
}
