internal import LightmeterKernels

/// A matrix of ratings, one line per user and one column per item, 0 where there is none.
///
/// Every row and column gets an id, rated or not: the zero-based row and column number as text.
struct MatrixSink: RecordSink {
  let fieldCount: Int
  private var log = Interactions()
  private var itemOfColumn: [Int32] = []
  private var ratings: [Float] = []
  private var line = 0

  init(columns: Int, users: IdentifierTable, items: IdentifierTable) {
    fieldCount = columns
    log.users = users
    log.items = items
    for column in 0..<columns { itemOfColumn.append(log.items.intern(String(column))) }
  }

  var rowCount: Int { ratings.count }

  func role(ofField field: Int) -> ColumnRole? { field < 0 ? nil : .rating }

  mutating func reserve(_ rows: Int) {}

  mutating func passOver() { _ = nextUser() }

  /// Every line has its user, taken or left out, so that the users after a skipped line keep their numbers.
  private mutating func nextUser() -> Int32 {
    line += 1
    return log.users.intern(String(line - 1))
  }

  mutating func take(_ base: UnsafePointer<UInt8>, _ fields: UnsafeMutablePointer<FieldSpan>) -> Verdict {
    let known = ratings.count
    let user = nextUser()
    for column in 0..<fieldCount {
      let field = fields[column]
      let value = NumberParsing.decimal(base, Int(field.start), Int(field.end))
      guard let value, value >= 0 else {
        ratings.removeLast(ratings.count - known)
        log.userColumn.removeLast(log.userColumn.count - known)
        log.itemColumn.removeLast(log.itemColumn.count - known)
        return .bad(.notRating, column)
      }
      if value > 0 {
        log.userColumn.append(user)
        log.itemColumn.append(itemOfColumn[column])
        ratings.append(Float(value))
      }
    }
    return .taken
  }

  mutating func take(_ run: DelimitedRun, of base: UnsafePointer<UInt8>) -> Int { 0 }

  mutating func finish() -> Interactions {
    log.ratings = ratings
    return log
  }
}
