public import LightmeterEvaluation
internal import LightmeterTraining

/// Every published number next to ours, with a verdict; generated from runs, never written by hand.
///
/// A cell is reproduced when the difference of the two means is within what their runs scatter:
///
///     |ours − published| ≤ t · √(sd² / runs + published sd² / 5),   t = 2.31 (95 %, eight degrees of freedom)
///
/// The interval over users stands beside it: where it is wide, agreement says little.
///
/// - Stability: experimental
public struct Ledger: Sendable {
  /// What became of a published number.
  public enum Verdict: String, Sendable, Codable {
    /// Within the scatter of the runs.
    case reproduced
    /// Outside of it.
    case notReproduced = "not reproduced"
    /// It cannot be tested here; the reason stands beside it.
    case notTestable = "not testable here"
  }

  /// A published number.
  public struct Entry: Sendable {
    /// The study that tests it.
    public var study = Reproduction.table1
    /// Table or section of the paper.
    public var place: String
    /// The paper's name of the method.
    public var method: String
    /// The metric.
    public var metric: String
    /// Published mean.
    public var published: Double
    /// Published standard deviation over five runs; nil where none is given.
    public var publishedDeviation: Double?
    /// Our row; nil without.
    public var row: String?
    /// Our mean over seeds.
    public var ours: Double?
    /// Our standard deviation over seeds.
    public var deviation: Double?
    /// 95 % interval of our mean over users.
    public var users: ConfidenceInterval?
    /// 95 % interval of ours minus published, over runs.
    public var difference: ClosedRange<Double>?
    /// The protocol.
    public var preset: String?
    /// The verdict.
    public var verdict: Verdict
    /// Why, where it is not plain from the numbers.
    public var reason: String
  }

  /// A sentence of the paper that the tables or figures are there to show.
  public struct Claim: Sendable {
    /// The study that tests it.
    public var study: Reproduction
    /// Where it stands.
    public var place: String
    /// What it says.
    public var text: String
    /// The verdict.
    public var verdict: Verdict
    /// The numbers behind it.
    public var evidence: String
  }

  /// The cells.
  public internal(set) var entries: [Entry] = []
  /// The claims.
  public internal(set) var claims: [Claim] = []
  let errata: [String]

  /// Two-sided 95 % point of Student's distribution with eight degrees of freedom, two means of five runs.
  static let studentPoint = 2.306

  /// What a study has to say: its finished rows, or why there are none.
  public enum Source: Sendable {
    /// The study was run.
    case done(StudyRunner)
    /// It was not, for this reason.
    case absent(String)
  }

  /// Makes the ledger from what was run.
  ///
  /// - Throws: ``StudyError`` for a store that cannot be read.
  public init(_ sources: [Reproduction: Source]) throws {
    errata = try Reproduction.errata()
    let published = PublishedTables()
    var read: [Reproduction: LedgerReading] = [:]
    for study in Reproduction.allCases { read[study] = try LedgerReading(study, sources[study]) }
    for table in [Reproduction.table1, .table2] {
      guard let cells = published.tables[table], let reading = read[table] else { continue }
      for method in PublishedTables.methods {
        entries += Ledger.cells(table, method, cells[method] ?? [:], reading)
      }
    }
    entries += Ledger.times(published, read[.times])
    for claim in LedgerClaim.all { claims += try claim.judge(read) }
  }

  /// The part of the ledger that one finished study fills.
  init(of study: Reproduction, _ results: [StudyResults], absentMethods: [String: String]) throws {
    errata = []
    let published = PublishedTables()
    let reading = try LedgerReading(results: results, absentMethods: absentMethods)
    if let cells = published.tables[study] {
      for method in PublishedTables.methods {
        entries += Ledger.cells(study, method, cells[method] ?? [:], reading)
      }
    }
    if study == .times { entries += Ledger.times(published, reading) }
    for claim in LedgerClaim.all where claim.study == study { claims += try claim.judge([study: reading]) }
  }

  private static func cells(
    _ table: Reproduction, _ method: String, _ cells: [String: PublishedTables.Cell], _ reading: LedgerReading
  ) -> [Entry] {
    let rows = reading.results.first.map { set in set.rows.indices.filter { ours(set.rows[$0].label, method) } } ?? []
    func entry(_ metric: String, _ cell: PublishedTables.Cell, _ reason: String) -> Entry {
      Entry(
        study: table, place: table == .table1 ? "Table 1 (Yahoo!R3)" : "Table 2 (Coat)", method: method, metric: metric,
        published: cell.mean, publishedDeviation: cell.sd, verdict: .notTestable, reason: reason)
    }
    guard let set = reading.results.first, !rows.isEmpty else {
      let reason = reading.reason(of: method)
      return PublishedTables.metrics.compactMap { metric in cells[metric].map { entry(metric, $0, reason) } }
    }
    return rows.flatMap { place in
      PublishedTables.metrics.compactMap { metric -> Entry? in
        guard let cell = cells[metric] else { return nil }
        var entry = entry(metric, cell, "the run gave no value")
        entry.row = set.rows[place].label
        guard let own = reading.cells[metric]?[place] else { return entry }
        entry.judge(own, against: cell)
        return entry
      }
    }
  }

  /// `Biif (N1)` stands for the published `Biif`.
  static func ours(_ label: String, _ published: String) -> Bool {
    label == published || label.hasPrefix("\(published) (")
  }

  private static func times(_ published: PublishedTables, _ reading: LedgerReading?) -> [Entry] {
    ["RelMF", "Biif"].compactMap { method in
      published.secondsPerEpoch[method].map { seconds in
        let own = reading?.results.compactMap { set in
          set.rows.first { ours($0.label, method) }.flatMap { row in
            row.secondsPerEpoch.map { "\(NumberText.fixed($0, places: 2)) s on \(set.dataset.description.label)" }
          }
        }.joined(separator: "; ")
        let measured = own.map { $0.isEmpty ? "not run yet" : "ours: \($0)" } ?? "not run yet"
        return Entry(
          study: .times, place: "Section 3.2", method: method, metric: "seconds per epoch", published: seconds,
          publishedDeviation: nil, verdict: .notTestable,
          reason: "measured by the authors on a GTX 1650, which is not here; \(measured)")
      }
    }
  }
}

extension Ledger.Entry {
  mutating func judge(_ own: StudyCell, against cell: PublishedTables.Cell) {
    ours = own.summary.mean
    deviation = own.summary.standardDeviation
    users = own.interval
    preset = own.averaged.card.preset
    guard let deviation else {
      reason = "one seed has no scatter to compare with"
      return
    }
    let variance =
      deviation * deviation / Double(own.summary.values.count) + cell.sd * cell.sd / Double(PublishedTables.runs)
    let half = Ledger.studentPoint * variance.squareRoot()
    let distance = own.summary.mean - cell.mean
    difference = distance - half...distance + half
    verdict = abs(distance) <= half ? .reproduced : .notReproduced
    let inUsers = own.interval.map { $0.low <= cell.mean && cell.mean <= $0.high } ?? false
    reason =
      verdict == .reproduced
      ? "within the scatter of the runs"
      : inUsers ? "beyond the scatter of the runs, within that of users" : "beyond both"
  }
}

/// What a study left for the ledger.
struct LedgerReading: Sendable {
  /// One per data set that was there.
  var results: [StudyResults] = []
  /// The first data set's cells of the paper's metrics.
  private(set) var cells: [String: [StudyCell?]] = [:]
  private var why = "not run yet"
  private var absentMethods: [String: String] = [:]

  init(_ study: Reproduction, _ source: Ledger.Source?) throws {
    why = "not run yet: `lightmeter reproduce \(study.rawValue)`"
    switch source {
    case nil: break
    case .absent(let reason): why = reason
    case .done(let runner):
      absentMethods = runner.study.absentMethods
      for dataset in runner.datasets {
        do { results.append(try StudyResults.read(runner, dataset, partial: true)) } catch StudyError.unfinished {
          why = "unfinished: `lightmeter reproduce \(study.rawValue)` goes on"
        }
      }
    }
    try readCells()
  }

  init(results: [StudyResults], absentMethods: [String: String] = [:]) throws {
    (self.results, self.absentMethods) = (results, absentMethods)
    try readCells()
  }

  private mutating func readCells() throws {
    guard let set = results.first else { return }
    for metric in set.metrics() where PublishedTables.metrics.contains(metric) { cells[metric] = try set.cells(metric) }
  }

  /// Why a published method has no row of ours.
  func reason(of method: String) -> String {
    results.isEmpty ? why : absentMethods[method] ?? "the study has no such row"
  }

  var absence: String { why }
}

extension StudyRow {
  /// Mean seconds of an epoch; nil for rows that do not train.
  var secondsPerEpoch: Double? {
    let epochs = records.flatMap(\.history).map(\.seconds)
    return epochs.isEmpty ? nil : epochs.reduce(0, +) / Double(epochs.count)
  }
}
