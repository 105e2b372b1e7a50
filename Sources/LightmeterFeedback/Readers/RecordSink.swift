internal import LightmeterKernels

/// Why a record was not taken.
enum RecordFault: Int32 {
  case fieldCount, nul, emptyIdentifier, notUTF8, notNumber, notWhole, notFlag, propensityRange, negativeWeight
  case notRating, unclosedQuote, textAfterQuote, overlong
}

/// What became of a record: taken, or a fault and the field where it was seen.
struct Verdict {
  var fault: RecordFault?
  var field: Int32

  static let taken = Verdict(fault: nil, field: -1)
  static func bad(_ fault: RecordFault, _ field: Int = -1) -> Verdict { Verdict(fault: fault, field: Int32(field)) }
}

/// Where records go.
protocol RecordSink {
  /// Fields that a record must have.
  var fieldCount: Int { get }
  /// Rows taken so far.
  var rowCount: Int { get }
  /// What a field is read as, for messages.
  func role(ofField field: Int) -> ColumnRole?
  /// Takes a record of `fieldCount` fields whole, or leaves no trace of it.
  mutating func take(_ base: UnsafePointer<UInt8>, _ fields: UnsafeMutablePointer<FieldSpan>) -> Verdict
  /// Takes the records of a run up to the first with a fault, which leaves no trace.
  ///
  /// - Returns: how many were taken.
  mutating func take(_ run: DelimitedRun, of base: UnsafePointer<UInt8>) -> Int
  /// Hears of a line that was left out before it came here.
  mutating func passOver()
  /// Makes room for about this many rows.
  mutating func reserve(_ rows: Int)
  /// The log, once.
  mutating func finish() -> Interactions
}

/// An identifier table with a shortcut for small integers.
struct IdentifierColumn {
  private(set) var table: IdentifierTable
  /// Index by value of a plain small integer, −1 where unknown: 4 bytes per value up to 2²⁴.
  private var direct: [Int32] = []

  static let unknown: Int32 = -1
  static let empty: Int32 = -2
  static let notText: Int32 = -3

  init(_ table: IdentifierTable) { self.table = table }

  /// The index of a field's id, `unknown`, or why it is none.
  @inline(__always)
  mutating func find(_ base: UnsafePointer<UInt8>, _ field: FieldSpan) -> Int32 {
    if field.integer >= 0 && field.integer < direct.count {
      let found = direct[field.integer]
      if found >= 0 { return found }
    }
    return findText(base, field)
  }

  /// The indices of the ids in a column of a run, `unknown` where they are not known yet.
  func find(_ run: DelimitedRun, column: Int, into found: UnsafeMutablePointer<Int32>) {
    direct.withUnsafeBufferPointer { direct in
      table.withArrays { run.find(column: column, in: $0, direct: direct, into: found) }
    }
  }

  private mutating func findText(_ base: UnsafePointer<UInt8>, _ field: FieldSpan) -> Int32 {
    if field.integer == FieldSpan.escaped {
      return IdentifierColumn.text(base, field).withUnsafeBufferPointer { lookUp($0) }
    }
    let bytes = IdentifierColumn.buffer(base, field)
    let found = lookUp(bytes)
    if found >= 0 { remember(field, found) }
    return found
  }

  private mutating func lookUp(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
    if bytes.isEmpty { return IdentifierColumn.empty }
    let found = table.find(bytes: bytes)
    if found >= 0 { return found }
    return isUTF8(bytes) ? IdentifierColumn.unknown : IdentifierColumn.notText
  }

  /// Adds the id that `find` called unknown.
  mutating func add(_ base: UnsafePointer<UInt8>, _ field: FieldSpan) -> Int32 {
    if field.integer == FieldSpan.escaped {
      return IdentifierColumn.text(base, field).withUnsafeBufferPointer { table.intern(bytes: $0) }
    }
    let new = table.add(bytes: IdentifierColumn.buffer(base, field))
    remember(field, new)
    return new
  }

  private mutating func remember(_ field: FieldSpan, _ index: Int32) {
    let value = field.integer
    // Values far above the number of ids stay with the hash index, so that the shortcut costs no more than it saves.
    guard value >= 0, value < 1 << 24, value < 64 * (table.count + 1024) else { return }
    if value >= direct.count {
      direct.append(contentsOf: repeatElement(-1, count: max(value + 1, 2 * direct.count) - direct.count))
    }
    direct[value] = index
  }

  @inline(__always)
  private static func buffer(_ base: UnsafePointer<UInt8>, _ field: FieldSpan) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base + Int(field.start), count: Int(field.end &- field.start))
  }

  private static func text(_ base: UnsafePointer<UInt8>, _ field: FieldSpan) -> [UInt8] {
    unescaped(buffer(base, field))
  }
}
