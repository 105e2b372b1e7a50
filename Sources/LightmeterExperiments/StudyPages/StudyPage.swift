internal import LightmeterEvaluation
internal import LightmeterKernels
internal import LightmeterTraining

/// A study's report as one self-contained page.
struct StudyPage: Sendable {
  let study: Study
  let parts: [StudyPart]
  let absent: [(label: String, reason: String)]
  let command: String
  /// The paper's numbers beside the study's; nil for studies of one's own.
  var ledger: Ledger?

  private var tables: StudyTables { StudyTables(study: study) }
  private var summary: StudySummary { StudySummary(study: study) }

  private var charts: StudyCharts {
    let (study, entries) = (study, ledger?.entries ?? [])
    return StudyCharts(study: study) { label, metric in
      if let entry = entries.first(where: { $0.row == label && $0.metric == metric }) { return entry.published }
      return study.report.reference?.values.first { Ledger.ours(label, $0.key) }?.value[metric]?.first
    }
  }

  func page() throws -> Page {
    var sections = [inShort]
    for part in parts { sections.append(Page.Section(part.label, try blocks(part))) }
    if let ledger { sections.append(Page.Section("Against the paper", ledger.blocks())) }
    sections.append(Page.Section("What it cost", StudyCostSection(study: study).blocks(parts)))
    sections.append(origin)
    return Page(title: study.name, lead: lead, sections: sections, stamps: summary.stamps(parts))
  }

  private var lead: String {
    let rows = parts.map(\.results.rows.count).max() ?? 0
    let seeds = Set(parts.map(\.results.seeds.count)).sorted().map { "\($0)" }.joined(separator: " or ")
    let size =
      "\(rows) methods on \(parts.count == 1 ? "one data set" : "\(parts.count) data sets"), "
      + (seeds == "1" ? "one seed." : "\(seeds) seeds each.")
    return study.summary.isEmpty ? size : "\(study.summary) \(size)"
  }

  private var inShort: Page.Section {
    var blocks: [Page.Block] = summary.failures(parts).map { .warning($0) }
    for part in parts {
      if parts.count > 1 { blocks.append(.heading(part.label)) }
      blocks.append(.list(summary.points(part)))
    }
    if parts.count > 1, let metric = parts[0].metrics.first?.name {
      blocks.append(
        .figure(
          charts.overview(parts, metric),
          caption: "\(metric) on every data set. Tied: not distinguishable from the best by users (paired, Holm, 5 %).")
      )
      if let control = parts[0].results.controls.first {
        blocks.append(
          .figure(
            charts.overview(parts, metric, from: control),
            caption: "Paired differences from \(control). Beyond chance: p < 5 % after Holm's correction; the "
              + "intervals are not corrected."))
      }
    }
    blocks.append(.heading("What is not shown"))
    blocks.append(.list(summary.limits(parts, absent: absent)))
    return Page.Section("In short", blocks)
  }

  private func blocks(_ part: StudyPart) throws -> [Page.Block] {
    let (results, metrics) = (part.results, part.metrics)
    var blocks: [Page.Block] = [.paragraph("\(results.dataset.facts).")]
    func add(_ table: StudyTable?, isTall: Bool = false) {
      guard let table else { return }
      blocks.append(.table(table.table, caption: table.caption.replacing("`", with: ""), isTall: isTall))
    }
    add(tables.main(results, metrics))
    // A single metric on several data sets stands side by side at the head of the page.
    if metrics.count > (parts.count == 1 ? 0 : 1) { blocks += figures(part) }
    for metric in metrics where tables.isPaired(metric.name) {
      for control in results.controls { add(tables.differences(results, metric, control)) }
    }
    add(try tables.lastEpoch(results, metrics.map(\.name)))
    add(tables.reference(results, metrics))
    blocks += [.heading("While training")] + StudyCurves(study: study).blocks(part)
    add(tables.exposure(results))
    add(tables.trace(results))
    blocks += [.heading("Who gains")] + StudyGroups(study: study).blocks(part)
    blocks.append(.heading("Protocol and choices"))
    if let card = results.rows.lazy.compactMap({ $0.records.first?.results.first?.protocolCard }).last {
      blocks.append(.card("Protocol of \(part.label)", card.facts))
    }
    add(tables.protocols(results))
    add(tables.choices(results))
    return blocks
  }

  /// Values, and differences from each control.
  private func figures(_ part: StudyPart) -> [Page.Block] {
    var blocks: [Page.Block] = [
      .figure(
        charts.values(part),
        caption: "Means over seeds, intervals over users. Tied: not distinguishable from the best (paired, Holm, 5 %).")
    ]
    for control in part.results.controls where part.metrics.contains(where: { tables.isPaired($0.name) }) {
      blocks.append(
        .figure(
          charts.differences(part, from: control),
          caption: "Paired differences from \(control), user by user. Beyond chance: p < 5 % after Holm's correction; "
            + "the intervals are not corrected."))
    }
    return blocks
  }

  private var origin: Page.Section {
    let digests = parts.map { "\($0.label): \($0.results.dataset.digest)" }
    var more = [
      Page.Fact("Seeds", (parts.first?.results.seeds ?? study.seeds).map { "\($0)" }.joined(separator: ", ")),
      Page.Fact("Controls", study.controls.joined(separator: ", ")),
      Page.Fact("Tuning", study.tuningSentence),
    ]
    if study.chosenOnTest { more.append(Page.Fact("Chosen on the test", "yes")) }
    return Page.Section(
      "Where it comes from",
      [
        .paragraph(
          "The same study on the same data gives the same numbers, bit for bit; only times and memory differ."),
        .provenance(
          Page.Provenance(
            command: command, dataDigest: digests.joined(separator: "; "), version: lightmeterVersion,
            machine: ProcessUsage.machine, more: more)),
      ])
  }
}
