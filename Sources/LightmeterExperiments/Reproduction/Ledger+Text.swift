internal import LightmeterEvaluation
internal import LightmeterKernels

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension Ledger {
  /// The ledger for people.
  ///
  /// - Parameter command: the exact command line.
  public func markdown(command: String) -> String {
    var text = "# Ledger of the Biif paper\n\nMade by\n\n```\n\(command)\n```\n\n\(sentence)\n\n## Claims\n\n"
    text += claimTable.markdown() + "\n## Cells\n\n" + cellTable.markdown() + "\n## Errata of the paper\n\n"
    for (place, erratum) in errata.enumerated() { text += "\(place + 1). \(erratum)\n" }
    return text
  }

  /// How many of each verdict, and what a verdict means.
  var sentence: String {
    func count(_ verdict: Verdict) -> Int { entries.count { $0.verdict == verdict } }
    return "\(entries.count) comparisons with published numbers: \(count(.reproduced)) reproduced, "
      + "\(count(.notReproduced)) not reproduced, \(count(.notTestable)) not testable here. A number counts as reproduced "
      + "when the two means differ by no more than their runs scatter (95 %); the interval over users says how much such "
      + "an agreement is worth. Settings are chosen by SNIPS on held-out clicks, never on the test."
  }

  var claimTable: TableValue {
    TableValue(
      columns: ["place", "claim", "verdict", "evidence"].map { TableValue.Column($0, .leading) },
      rows: claims.map { claim in
        [claim.place, claim.text, claim.verdict.rawValue, claim.evidence].map { TableValue.Cell($0) }
      })
  }

  var cellTable: TableValue {
    TableValue(
      columns: [
        TableValue.Column("place", .leading), TableValue.Column("method", .leading),
        TableValue.Column("metric", .leading),
        TableValue.Column("published"), TableValue.Column("ours"), TableValue.Column("ours, users 95 %"),
        TableValue.Column("difference, runs 95 %"), TableValue.Column("protocol", .leading),
        TableValue.Column("verdict", .leading), TableValue.Column("why", .leading),
      ],
      rows: entries.map { entry in
        [
          TableValue.Cell(entry.place), TableValue.Cell(entry.row ?? entry.method), TableValue.Cell(entry.metric),
          Ledger.spread(entry.published, entry.publishedDeviation), Ledger.spread(entry.ours, entry.deviation),
          entry.users.map { .interval($0.mean, $0.low...$0.high, places: 3) } ?? "–",
          entry.difference.map { range in
            .interval((range.lowerBound + range.upperBound) / 2, range, places: 3)
          } ?? "–",
          TableValue.Cell(entry.preset ?? "–"), TableValue.Cell(entry.verdict.rawValue), TableValue.Cell(entry.reason),
        ]
      })
  }

  private static func spread(_ mean: Double?, _ deviation: Double?) -> TableValue.Cell {
    guard let mean else { return TableValue.Cell(NumberText.absent) }
    return deviation.map { .spread(mean, $0, places: 3) } ?? .number(mean, places: 3)
  }

  /// One line per number, all digits.
  public var csv: String {
    TableValue(
      columns: [
        "place", "method", "row", "metric", "protocol", "published", "published_sd", "ours", "sd", "users_low",
        "users_high",
        "difference_low", "difference_high", "verdict", "why",
      ].map { TableValue.Column($0) },
      rows: entries.map { entry in
        [
          TableValue.Cell(entry.place), TableValue.Cell(entry.method), TableValue.Cell(entry.row ?? ""),
          TableValue.Cell(entry.metric), TableValue.Cell(entry.preset ?? ""), .exact(entry.published),
          .exact(entry.publishedDeviation), .exact(entry.ours), .exact(entry.deviation), .exact(entry.users?.low),
          .exact(entry.users?.high), .exact(entry.difference?.lowerBound), .exact(entry.difference?.upperBound),
          TableValue.Cell(entry.verdict.rawValue), TableValue.Cell(entry.reason),
        ]
      }
    ).csv()
  }

  /// Writes `ledger.md`, `ledger.csv` and `ledger.html` into a folder, each whole or not at all.
  ///
  /// - Returns: the paths.
  public func write(to folder: String, command: String) throws -> [String] {
    try [
      ("md", markdown(command: command)), ("csv", csv), ("html", page(command: command).html()),
    ].map { kind, text in
      let path = "\(folder)/ledger.\(kind)"
      let file = try AtomicFile(path)
      try file.write(text)
      try file.commit()
      return path
    }
  }
}

/// Section 3.2's time per epoch as a table of every method.
public struct EpochTimes: Sendable {
  /// For people.
  public let markdown: String

  /// Reads the runs of ``Reproduction/times``.
  public init(_ runner: StudyRunner) throws {
    let published = PublishedTables().secondsPerEpoch
    var text =
      "# Seconds per epoch\n\nMean of the epochs of one run, on one thread of \(ProcessUsage.machine); runs that share "
    text += "the machine with others are slower. Published: on Yahoo! R3, GTX 1650.\n\n"
    for dataset in runner.datasets {
      let results = try StudyResults.read(runner, dataset, partial: true)
      let reference = results.rows.first { $0.label == "RelMF" }?.secondsPerEpoch
      let table = TableValue(
        columns: [TableValue.Column("method", .leading)]
          + ["s per epoch", "over RelMF", "published", "published over RelMF"].map { TableValue.Column($0) },
        rows: results.rows.map { row in
          let (own, theirs) = (row.secondsPerEpoch, published[row.label])
          func ratio(_ value: Double?, _ base: Double?) -> TableValue.Cell {
            guard let value, let base, base > 0 else { return TableValue.Cell(NumberText.absent) }
            return .number(value / base, places: 2)
          }
          return [
            TableValue.Cell(row.label), own.map { .number($0, places: 3) } ?? "–", ratio(own, reference),
            theirs.map { .number($0, places: 2) } ?? "–", ratio(theirs, published["RelMF"]),
          ]
        })
      text += "## \(dataset.description.label)\n\n\(dataset.facts).\n\n\(table.markdown())\n"
    }
    markdown = text
  }

  /// Writes `epoch-times.md` into a folder, whole or not at all.
  public func write(to folder: String) throws -> String {
    let path = "\(folder)/epoch-times.md"
    let file = try AtomicFile(path)
    try file.write(markdown)
    try file.commit()
    return path
  }
}
