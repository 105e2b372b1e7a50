internal import LightmeterKernels

/// Rows of a delimited table into columns.
struct TableSink: RecordSink {
  let fieldCount: Int
  private let layout: TableLayout
  private let user, item, rating, weight, time, shown, click, propensity, random: Int
  private var userIDs: IdentifierColumn
  private var itemIDs: IdentifierColumn
  private var userColumn: [Int32] = []
  private var itemColumn: [Int32] = []
  private var ratings: [Float] = []
  private var weights: [Float] = []
  private var times: [Int64] = []
  private var shownFlags: [UInt8] = []
  private var clicks: [UInt8] = []
  private var propensities: [Float] = []
  private var randomFlags: [UInt8] = []
  /// What the kernels say of the rows of a run.
  private let columns = RunColumns()
  /// Whether any column beyond user, item and rating is read.
  private let readsMore: Bool

  init(_ layout: TableLayout, users: IdentifierTable, items: IdentifierTable) {
    self.layout = layout
    fieldCount = layout.fieldCount
    func position(_ role: ColumnRole) -> Int { layout.positions[role] ?? -1 }
    user = position(.user)
    item = position(.item)
    rating = position(.rating)
    weight = position(.weight)
    time = position(.timestamp)
    shown = position(.shown)
    click = position(.click)
    propensity = position(.propensity)
    random = position(.random)
    readsMore = weight >= 0 || time >= 0 || shown >= 0 || click >= 0 || propensity >= 0 || random >= 0
    userIDs = IdentifierColumn(users)
    itemIDs = IdentifierColumn(items)
  }

  var rowCount: Int { userColumn.count }

  func role(ofField field: Int) -> ColumnRole? { layout.positions.first { $0.value == field }?.key }

  mutating func passOver() {}

  mutating func reserve(_ rows: Int) {
    userColumn.reserveCapacity(rows)
    itemColumn.reserveCapacity(rows)
    if rating >= 0 { ratings.reserveCapacity(rows) }
    if weight >= 0 { weights.reserveCapacity(rows) }
    if time >= 0 { times.reserveCapacity(rows) }
    if shown >= 0 { shownFlags.reserveCapacity(rows) }
    if click >= 0 { clicks.reserveCapacity(rows) }
    if propensity >= 0 { propensities.reserveCapacity(rows) }
    if random >= 0 { randomFlags.reserveCapacity(rows) }
  }

  mutating func take(_ base: UnsafePointer<UInt8>, _ fields: UnsafeMutablePointer<FieldSpan>) -> Verdict {
    take(base, fields, knownUser: -1, knownItem: -1)
  }

  @inline(__always)
  private mutating func take(
    _ base: UnsafePointer<UInt8>, _ fields: UnsafeMutablePointer<FieldSpan>, knownUser: Int32, knownItem: Int32
  ) -> Verdict {
    var ratingValue: Float = 0
    if rating >= 0 {
      let field = fields[rating]
      if field.integer >= 0 {
        ratingValue = Float(field.integer)
      } else if let value = number(base, field) {
        ratingValue = value
      } else {
        return .bad(.notNumber, rating)
      }
    }
    var users = knownUser >= 0 ? knownUser : userIDs.find(base, fields[user])
    if users < IdentifierColumn.unknown { return identifierFault(users, user) }
    var items = knownItem >= 0 ? knownItem : itemIDs.find(base, fields[item])
    if items < IdentifierColumn.unknown { return identifierFault(items, item) }
    if readsMore {
      let verdict = takeMore(base, fields)
      if verdict.fault != nil { return verdict }
    }
    if users < 0 { users = userIDs.add(base, fields[user]) }
    if items < 0 { items = itemIDs.add(base, fields[item]) }
    userColumn.append(users)
    itemColumn.append(items)
    if rating >= 0 { ratings.append(ratingValue) }
    return .taken
  }

  mutating func take(_ run: DelimitedRun, of base: UnsafePointer<UInt8>) -> Int {
    let columns = self.columns
    columns.ensure(run.most, run.width)
    userIDs.find(run, column: user, into: columns.users)
    itemIDs.find(run, column: item, into: columns.items)
    if rating >= 0 { run.numbers(column: rating, into: columns.numbers) }
    var row = 0
    while row < run.records {
      let end = readsMore ? row : columns.settledEnd(from: row, to: run.records, rated: rating >= 0)
      userColumn.append(contentsOf: UnsafeBufferPointer(start: columns.users + row, count: end - row))
      itemColumn.append(contentsOf: UnsafeBufferPointer(start: columns.items + row, count: end - row))
      if rating >= 0 { ratings.append(contentsOf: UnsafeBufferPointer(start: columns.numbers + row, count: end - row)) }
      guard end < run.records else { break }
      run.fields(of: end, into: columns.fields)
      let verdict = take(base, columns.fields, knownUser: columns.users[end], knownItem: columns.items[end])
      if verdict.fault != nil { return end }
      row = end + 1
    }
    return run.records
  }

  private func identifierFault(_ code: Int32, _ field: Int) -> Verdict {
    .bad(code == IdentifierColumn.empty ? .emptyIdentifier : .notUTF8, field)
  }

  private func number(_ base: UnsafePointer<UInt8>, _ field: FieldSpan) -> Float? {
    guard let value = NumberParsing.decimal(base, Int(field.start), Int(field.end)) else { return nil }
    let single = Float(value)
    return single.isFinite ? single : nil
  }

  private func flag(_ base: UnsafePointer<UInt8>, _ field: FieldSpan) -> UInt8? {
    NumberParsing.flag(base, Int(field.start), Int(field.end))
  }

  /// Reads the rarer columns: all of them checked before the first is added.
  private mutating func takeMore(
    _ base: UnsafePointer<UInt8>, _ fields: UnsafeMutablePointer<FieldSpan>
  ) -> Verdict {
    var (weightValue, propensityValue): (Float, Float) = (1, 1)
    var timeValue: Int64 = 0
    var (shownValue, clickValue, randomValue): (UInt8, UInt8, UInt8) = (0, 0, 0)
    if weight >= 0 {
      guard let value = number(base, fields[weight]) else { return .bad(.notNumber, weight) }
      guard value >= 0 else { return .bad(.negativeWeight, weight) }
      weightValue = value
    }
    if time >= 0 {
      let field = fields[time]
      guard let value = NumberParsing.whole(base, Int(field.start), Int(field.end)) else {
        return .bad(.notWhole, time)
      }
      timeValue = value
    }
    if shown >= 0 {
      guard let value = flag(base, fields[shown]) else { return .bad(.notFlag, shown) }
      shownValue = value
    }
    if click >= 0 {
      guard let value = flag(base, fields[click]) else { return .bad(.notFlag, click) }
      clickValue = value
    }
    if propensity >= 0 {
      guard let value = number(base, fields[propensity]) else { return .bad(.notNumber, propensity) }
      guard value > 0 && value <= 1 else { return .bad(.propensityRange, propensity) }
      propensityValue = value
    }
    if random >= 0 {
      guard let value = flag(base, fields[random]) else { return .bad(.notFlag, random) }
      randomValue = value
    }
    if weight >= 0 { weights.append(weightValue) }
    if time >= 0 { times.append(timeValue) }
    if shown >= 0 { shownFlags.append(shownValue) }
    if click >= 0 { clicks.append(clickValue) }
    if propensity >= 0 { propensities.append(propensityValue) }
    if random >= 0 { randomFlags.append(randomValue) }
    return .taken
  }

  mutating func finish() -> Interactions {
    var log = Interactions()
    log.users = userIDs.table
    log.items = itemIDs.table
    log.userColumn = userColumn
    log.itemColumn = itemColumn
    if rating >= 0 { log.ratings = ratings }
    if weight >= 0 { log.weights = weights }
    if time >= 0 { log.times = times }
    if shown >= 0 { log.shown = shownFlags }
    if click >= 0 { log.clicks = clicks }
    if propensity >= 0 { log.propensities = propensities }
    if random >= 0 { log.random = randomFlags }
    return log
  }
}

/// Scratch columns of one run of rows.
private final class RunColumns {
  private(set) var users = UnsafeMutablePointer<Int32>.allocate(capacity: 0)
  private(set) var items = UnsafeMutablePointer<Int32>.allocate(capacity: 0)
  private(set) var numbers = UnsafeMutablePointer<Float>.allocate(capacity: 0)
  private(set) var fields = UnsafeMutablePointer<FieldSpan>.allocate(capacity: 0)
  private var capacity = 0

  func ensure(_ rows: Int, _ width: Int) {
    guard rows > capacity else { return }
    release()
    capacity = rows
    users = .allocate(capacity: rows)
    items = .allocate(capacity: rows)
    numbers = .allocate(capacity: rows)
    fields = .allocate(capacity: width)
  }

  deinit { release() }

  /// The first row from `row` on of which not all is at hand; NaN is no rating.
  func settledEnd(from row: Int, to end: Int, rated: Bool) -> Int {
    var row = row
    while row < end && (users[row] | items[row]) >= 0 && (!rated || numbers[row] >= 0) { row += 1 }
    return row
  }

  private func release() {
    users.deallocate()
    items.deallocate()
    numbers.deallocate()
    fields.deallocate()
  }
}
