internal import LightmeterEvaluation
internal import LightmeterKernels

extension DemoResult {
  /// The demo as one self-contained page.
  ///
  /// - Parameters:
  ///   - command: the command line that makes it again.
  ///   - version: of Lightmeter.
  public func page(command: String, version: String) -> Page {
    Page(
      title: "Lightmeter demo: the \(world.rawValue) world", lead: sentences.prefix(2).joined(separator: " "),
      sections: [
        Page.Section(
          "What came out",
          [
            .figure(scores, caption: "How well unclicked items are ranked by their true relevance."),
            .table(table, caption: "All methods. \(legend) Differences are paired by user."), .list(sentences),
            .heading("Go on with your own log"), .command(nextSteps.joined(separator: "\n")),
          ]),
        Page.Section(
          "Learning curves",
          [.figure(curves, caption: "After each epoch, on a fixed part of the users; nothing is chosen by it.")]),
        Page.Section("Exposure learned against true", exposureBlocks),
        Page.Section(
          "Who gains",
          [
            .figure(
              gains,
              caption: "The part of NDCG@20 that items of each tenth of popularity earn; the parts of a method add up "
                + "to its NDCG@20.")
          ]),
        Page.Section(
          "Protocol and provenance",
          [
            .paragraph(facts), .card("Protocol", card.facts),
            .table(
              recipes,
              caption:
                "What was trained, with every setting; fixed beforehand. On the impression log an epoch has fewer pairs: "
                + "the batch is smaller by that factor (as many steps), the decay larger (the same prior)."),
            .provenance(
              Page.Provenance(
                command: command, dataDigest: digest, version: version, machine: ProcessUsage.machine,
                more: [
                  Page.Fact("Seed", "\(seed)"), Page.Fact("Wall time", "\(NumberText.fixed(seconds, places: 1)) s"),
                ])),
          ]),
      ])
  }

  private var scores: IntervalChart {
    IntervalChart(
      title: "NDCG@20 by method", axis: ChartAxis("NDCG@20"),
      rows: rows.map { IntervalChart.Row($0.method, $0.ndcg.mean, interval: $0.ndcg.low...$0.ndcg.high) },
      reference: row("mf").map { LineChart.Reference("naive MF", at: $0.ndcg.mean) },
      intervalMeaning: "95 %, bootstrap over users")
  }

  private var curves: LineChart {
    LineChart(
      title: "NDCG@20 while training", horizontal: ChartAxis("epoch", isWhole: true), vertical: ChartAxis("NDCG@20"),
      series: shown(["mf", "relmf", "biif", "calibrated", "biif-slice", "mf-impressions", "oracle"])
        .filter { !$0.curve.isEmpty }
        .map { row in
          LineChart.Series(row.method, x: row.curve.indices.map { Double($0 + 1) }, y: row.curve)
        })
  }

  private var exposureBlocks: [Page.Block] {
    let panels = shown(["umf", "fixedmix", "biif", "biif-slice", "calibrated"]).compactMap { row in
      row.agreement.map { density in
        let means = density.columnMeans
        return AgreementChart.Panel(
          row.method, density: density, curve: LineChart.Series("mean learned", x: means.x, y: means.y),
          remark: row.exposureCorrelation.map { "correlation \(NumberText.fixed($0, places: 2))" })
      }
    }
    let chart = AgreementChart(
      title: "Exposure: learned against true", truth: ChartAxis("true exposure", reaches: [0, 1]),
      learned: ChartAxis("learned exposure", reaches: [0, 1]), panels: panels)
    return [
      .figure(
        chart,
        caption:
          "Each panel counts pairs of a fixed part of the users; the line is the mean that was learned where the "
          + "truth is so. Popularity is UMF's exposure.")
    ]
  }

  private var gains: BarChart {
    BarChart(
      title: "NDCG@20 by popularity of the items", groupTitle: "tenth of the items, rare to popular",
      groups: (1...10).map(String.init), axis: ChartAxis("part of NDCG@20"),
      series: shown(["mf", "biif", "calibrated", "mf-impressions", "oracle"]).map { row in
        BarChart.Series(row.method, row.deciles.contribution.map { BarChart.Bar($0) })
      })
  }

  private func shown(_ keys: [String]) -> [Row] { keys.compactMap { row($0) } }

  private var recipes: TableValue {
    TableValue(
      columns: [.init("method", .leading), .init("learns from", .leading), .init("recipe", .leading), .init("s")],
      rows: rows.map {
        [.init($0.method), .init($0.learnsFrom.text), .init($0.recipe), .number($0.seconds, places: 1)]
      })
  }
}
