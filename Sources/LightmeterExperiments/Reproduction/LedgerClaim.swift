internal import LightmeterEvaluation

/// A sentence of the paper as a comparison of rows.
struct LedgerClaim: Sendable {
  let place: String
  let text: String
  let study: Reproduction
  /// The metric; nil for the exposure's correlation with the truth at the last epoch.
  let metric: String?
  /// The row that is said to be higher.
  let winner: String
  /// The rows that it is said to be higher than; empty: every other published method.
  let rivals: [String]
  /// The data set; nil: each of the study's.
  var data: String?

  static let all: [LedgerClaim] = [
    LedgerClaim(
      place: "Section 3.2, Table 1", text: "Biif is best on Yahoo!R3", study: .table1, metric: "DCG@3", winner: "Biif",
      rivals: []),
    LedgerClaim(
      place: "Section 3.2, Table 2", text: "Biif is best on Coat", study: .table2, metric: "DCG@3", winner: "Biif",
      rivals: []),
    LedgerClaim(
      place: "Section 3.2",
      text: "the low-variance estimator (UMF) is better than inverse propensity (RelMF) on Yahoo!R3",
      study: .table1, metric: "DCG@3", winner: "UMF", rivals: ["RelMF"]),
    LedgerClaim(
      place: "Section 3.2", text: "the low-variance estimator (UMF) is better than inverse propensity (RelMF) on Coat",
      study: .table2, metric: "DCG@3", winner: "UMF", rivals: ["RelMF"]),
    LedgerClaim(
      place: "control of this project",
      text: "learning the exposure (Biif) is better than not learning it (FixedMix) on Yahoo!R3",
      study: .table1, metric: "DCG@3", winner: "Biif", rivals: ["FixedMix"]),
    LedgerClaim(
      place: "control of this project",
      text: "learning the exposure (Biif) is better than not learning it (FixedMix) on Coat",
      study: .table2, metric: "DCG@3", winner: "Biif", rivals: ["FixedMix"]),
    LedgerClaim(
      place: "Section 3.3, Figure 1", text: "Biif is better than JointOpt, AlterOpt and BiOpt2", study: .figure1,
      metric: "DCG@3", winner: "Biif", rivals: ["JointOpt", "AlterOpt", "BiOpt2"]),
    LedgerClaim(
      place: "Section 4, Figure 2", text: "Biif's exposure is closer to the truth than JointOpt's at the end",
      study: .figure2, metric: nil, winner: "Biif", rivals: ["JointOpt"]),
    LedgerClaim(
      place: "control of this project", text: "Biif's exposure is closer to the truth than popularity at the end",
      study: .figure2, metric: nil, winner: "Biif", rivals: ["UMF"]),
    LedgerClaim(
      place: "Section 4, Figure 3", text: "Biif is better than every method but CJMF", study: .figure3, metric: "DCG@3",
      winner: "Biif", rivals: ["RelMF", "ExpoMF", "AD", "CEB", "BPR", "UMF"]),
  ]

  /// One verdict per data set.
  func judge(_ read: [Reproduction: LedgerReading]) throws -> [Ledger.Claim] {
    guard let reading = read[study], !reading.results.isEmpty else {
      return [
        Ledger.Claim(
          study: study, place: place, text: text, verdict: .notTestable, evidence: read[study]?.absence ?? "not run yet"
        )
      ]
    }
    return try reading.results.map { set in
      let several = reading.results.count > 1 ? " (\(set.dataset.description.label))" : ""
      let (verdict, evidence) = try metric.map { try compare(set, $0) } ?? correlations(set)
      return Ledger.Claim(
        study: study, place: place, text: text + several, verdict: verdict, evidence: evidence)
    }
  }

  private func isRival(_ label: String) -> Bool {
    let names = rivals.isEmpty ? PublishedTables.methods.filter { $0 != winner } : rivals
    return names.contains { Ledger.ours(label, $0) }
  }

  /// Significantly above every rival, paired over users, Holm over the rivals.
  private func compare(_ set: StudyResults, _ metric: String) throws -> (Ledger.Verdict, String) {
    let cells = try set.cells(metric)
    let winners = set.rows.indices.filter { Ledger.ours(set.rows[$0].label, winner) && cells[$0] != nil }
    let others = set.rows.indices.filter { isRival(set.rows[$0].label) && cells[$0] != nil }
    func mean(_ place: Int) -> Double { cells[place]?.summary.mean ?? -.infinity }
    guard let best = winners.max(by: { mean($0) < mean($1) }), let top = cells[best], !others.isEmpty else {
      return (.notTestable, "the study has no row for \(winner) or for its rivals")
    }
    var found: [(label: String, paired: PairedComparison)] = []
    for place in others {
      if let cell = cells[place] {
        found.append((set.rows[place].label, try PairedComparison(from: cell.averaged, to: top.averaged)))
      }
    }
    let corrected = Power.holm(found.map(\.paired.probability))
    let closest = found.indices.min { found[$0].paired.difference.mean < found[$1].paired.difference.mean } ?? 0
    let holds = found.indices.allSatisfy { found[$0].paired.difference.mean > 0 && corrected[$0] < 0.05 }
    let paired = found[closest].paired
    func three(_ value: Double) -> String { NumberText.fixed(value, places: 3) }
    let isOpen = !holds && paired.difference.contains(0)
    let remarks =
      (isOpen ? "; undecided, the interval holds 0" : "")
      + (winners.count > 1 ? "; of \(winners.count) readings the higher on the test, which favours the claim" : "")
    return (
      holds ? .reproduced : .notReproduced,
      "\(set.rows[best].label) \(metric) \(three(top.summary.mean)); against its closest rival, \(found[closest].label), "
        + "\(three(paired.difference.mean)) [\(three(paired.difference.low)), \(three(paired.difference.high))], p "
        + "\(NumberText.fixed(corrected[closest], places: 4)) (Holm over \(found.count)); these users could show "
        + three(paired.minimumDetectable) + remarks
    )
  }

  /// Higher mean correlation at the end, in every run.
  private func correlations(_ set: StudyResults) -> (Ledger.Verdict, String) {
    func values(_ label: String) -> [(seed: UInt64, value: Double)] {
      let records = set.rows.first { Ledger.ours($0.label, label) }?.records ?? []
      return records.compactMap { run in run.exposure?.correlation.map { (run.seed, $0) } }
        .sorted { $0.seed < $1.seed }
    }
    let (own, other) = (values(winner), rivals.first.map { values($0) } ?? [])
    guard let rival = rivals.first, !own.isEmpty, !other.isEmpty else {
      return (.notTestable, "a row has no correlation")
    }
    guard own.map(\.seed) == other.map(\.seed) else {
      return (.notTestable, "\(winner) and \(rival) have correlations of different seeds")
    }
    let differences = zip(own, other).map { $0.value - $1.value }
    return (
      differences.allSatisfy { $0 > 0 } ? .reproduced : .notReproduced,
      "\(winner) \(RunSummary(own.map(\.value))), \(rival) \(RunSummary(other.map(\.value))), higher in "
        + "\(differences.count { $0 > 0 }) of \(differences.count) runs"
    )
  }
}
