internal import CLightmeterKernels

/// A run of plain lines of delimited text: the positions of its separators, found 64 bytes at a time.
///
/// Owns the positions; the text is the caller's, at the same address as when it was scanned.
public final class DelimitedRun {
  /// Bytes that must be readable behind the last byte of the text.
  public static let margin = 80

  /// Fields of a record.
  public let width: Int
  /// Most records of a run.
  public let most: Int
  /// Records found last.
  public private(set) var records = 0
  private let delimiter: UInt8
  private let quoting: Bool
  private let wide: Int32
  private let memory: UnsafeMutablePointer<UInt32>
  private var base: UnsafePointer<UInt8>
  private var plain: Int32 = 0
  private var from = 0

  private var ends: UnsafeMutablePointer<UInt32> { memory + 1 }

  /// Room for `most` records of `width` fields.
  public convenience init(delimiter: UInt8, quoting: Bool, width: Int, most: Int) {
    self.init(delimiter: delimiter, quoting: quoting, width: width, most: most, wide: Self.machineIsWide)
  }

  /// Whether this machine has wide vectors and is not told to leave them.
  static var machineIsWide: Bool { lm_scan_is_wide() != 0 }

  init(delimiter: UInt8, quoting: Bool, width: Int, most: Int, wide: Bool) {
    (self.delimiter, self.quoting, self.width, self.most) = (delimiter, quoting, width, most)
    self.wide = wide ? 1 : 0
    memory = .allocate(capacity: 1 + most * width + 64 + 8)
    base = UnsafePointer(UnsafeMutableRawPointer(memory).assumingMemoryBound(to: UInt8.self))
  }

  deinit { memory.deallocate() }

  /// Scans up to the first line that is not plain: another number of fields, no text, a NUL byte, a carriage return that
  /// ends no line, or a double quote where quotes count.
  ///
  /// - Parameters:
  ///   - base: the text, with ``margin`` behind it.
  ///   - range: from the start of a line to just behind a line feed; below 2³¹.
  public func scan(_ base: UnsafePointer<UInt8>, _ range: Range<Int>) {
    self.base = base
    from = range.lowerBound
    records = lm_scan_run(
      base, range.lowerBound, range.upperBound, delimiter, quoting ? 1 : 0, width, most, wide, ends, &plain)
  }

  /// Where the first line feed of a range stands, or nil.
  public static func lineFeed(in base: UnsafePointer<UInt8>, _ range: Range<Int>) -> Int? {
    SystemCalls.position(of: 10, in: base, range)
  }

  /// Where a record starts; `records` gives where the first line stands that was not taken.
  public func start(of record: Int) -> Int { record == 0 ? from : Int(ends[record * width - 1]) + 1 }

  /// Writes the fields of a record as {first byte: Int32, one past the last: Int32, value: Int}, 16 bytes each; the value
  /// is that of a plain integer without leading zeros of at most 18 digits, else −1.
  public func fields(of record: Int, into fields: UnsafeMutableRawPointer) {
    lm_run_fields(base, ends, width, record, fields.assumingMemoryBound(to: lm_field.self))
  }

  /// The plain integers of a column as Float, NaN where there is none.
  public func numbers(column: Int, into numbers: UnsafeMutablePointer<Float>) {
    lm_run_numbers(base, ends, width, column, records, plain, numbers)
  }

  /// The indices of the ids in a column, −1 where unknown.
  ///
  /// - Parameter direct: the index of the id that is a plain integer, by its value, or −1.
  public func find(
    column: Int, in table: IdentifierArrays, direct: UnsafeBufferPointer<Int32>,
    into found: UnsafeMutablePointer<Int32>
  ) {
    var table = table.table
    var nothing: Int32 = -1
    withUnsafePointer(to: &nothing) { nothing in
      lm_run_find(
        &table, base, ends, width, column, records, plain, direct.baseAddress ?? nothing, direct.count, found)
    }
  }
}

/// Whether bytes are well-formed UTF-8.
public func isWellFormedUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
  bytes.isEmpty || lm_is_utf8(bytes.baseAddress!, bytes.count) != 0
}
