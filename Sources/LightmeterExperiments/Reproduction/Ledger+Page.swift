internal import LightmeterEvaluation
internal import LightmeterKernels

extension Ledger {
  /// The ledger as one self-contained page.
  ///
  /// - Parameter command: the exact command line.
  public func page(command: String) -> Page {
    Page(
      title: "Ledger of the Biif paper", lead: "Every published number next to the one that was measured here.",
      sections: [
        Page.Section("Claims and cells", blocks()), Page.Section("Errata of the paper", [.list(errata)]),
        Page.Section(
          "Where it comes from",
          [
            .provenance(
              Page.Provenance(
                command: command, dataDigest: "in the report of each study", version: lightmeterVersion,
                machine: ProcessUsage.machine))
          ]),
      ])
  }

  /// Claims, pictures and cells; what a study's own page shows of them.
  func blocks() -> [Page.Block] {
    var blocks: [Page.Block] = []
    if !entries.isEmpty { blocks.append(.paragraph(sentence)) }
    if !claims.isEmpty { blocks.append(.table(claimTable, caption: "What the paper says, and what was found here.")) }
    for study in Reproduction.allCases {
      if let chart = chart(study) {
        blocks.append(
          .figure(
            chart,
            caption: "Dots: means measured here, with 95 % intervals over users. Crosses: the published means."))
      }
    }
    if !entries.isEmpty {
      blocks.append(.table(cellTable, caption: "Every published number.", isTall: entries.count > 20))
    }
    return blocks
  }

  /// Ours beside the published means, one chart a metric; nil where nothing was measured.
  private func chart(_ study: Reproduction) -> IntervalGrid? {
    let own = entries.filter { $0.study == study && $0.ours != nil }
    let metrics = PublishedTables.metrics.filter { metric in own.contains { $0.metric == metric } }
    guard !metrics.isEmpty else { return nil }
    return IntervalGrid(
      title: "Measured here and published: \(own[0].place)",
      charts: metrics.map { metric in
        IntervalChart(
          title: metric, axis: ChartAxis(metric),
          rows: own.filter { $0.metric == metric }.map { entry in
            IntervalChart.Row(
              entry.row ?? entry.method, entry.ours ?? .nan, interval: entry.users.map { $0.low...$0.high },
              other: entry.published)
          }, intervalMeaning: StudyCharts.usersMeaning)
      })
  }
}
