import LightmeterExperiments

/// A page of invented numbers with every kind of block, and hard cases for each chart.
enum PagesSample {
  static let longNames = [
    "Random", "Popularity", "MF", "RelMF", "UMF", "FixedMix", "JointOpt", "AlterOpt", "BiOpt2", "Biif",
    "MF with 1 % of random traffic added to training", "slice item means",
    "calibrated exposure, plain, chosen on the held-out part of the slice",
    "calibrated exposure, regressed, chosen on the held-out part of the slice", "oracle that knows the exposure",
  ]

  /// A repeatable number in [0, 1).
  static func noise(_ index: Int) -> Double {
    var state = UInt64(index) &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1
    state = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    state ^= state >> 27
    return Double(state >> 11) / 9_007_199_254_740_992
  }

  static func curves(_ count: Int, hasBands: Bool = true, gapAt gap: Int? = nil, points: Int = 40) -> LineChart {
    let series = (0..<count).map { index -> LineChart.Series in
      let x = (1...points).map(Double.init)
      var y = x.map {
        0.42 + 0.018 * Double(index) + 0.2 * $0 / ($0 + 6 + Double(index)) + 0.008 * noise(index * 97 + Int($0))
      }
      if let gap, index == 0 { y[gap] = .nan }
      let band = LineChart.Band(lower: y.map { $0 - 0.012 }, upper: y.map { $0 + 0.012 })
      return LineChart.Series(longNames[index % 15], x: x, y: y, band: hasBands ? band : nil)
    }
    return LineChart(
      title: "Learning curves", horizontal: ChartAxis("epoch"), vertical: ChartAxis("NDCG@5 on the test"),
      series: series, references: [.init("popularity prior", at: 0.5)],
      bandMeaning: "mean ± one standard deviation of five seeds")
  }

  static func intervals(_ names: [String], best: Int) -> IntervalChart {
    let rows = names.enumerated().map { index, name -> IntervalChart.Row in
      let value = 0.5 + 0.12 * noise(index) + (index == best ? 0.1 : 0)
      return .init(
        name, value, interval: (value - 0.015)...(value + 0.02),
        mark: index == best ? .best : index == best - 1 ? .tied : .plain)
    }
    return IntervalChart(
      title: "NDCG@5 of every method", axis: ChartAxis("NDCG@5"), rows: rows, reference: .init("naive MF", at: 0.557),
      intervalMeaning: "95 % by bootstrap over users")
  }

  static func deciles(_ count: Int) -> BarChart {
    BarChart(
      title: "Who gains, by popularity of the item", groupTitle: "popularity decile, rare to popular",
      groups: (1...10).map(String.init), axis: ChartAxis("gain in NDCG@5 over naive MF"),
      series: (0..<count).map { index in
        .init(
          longNames[14 - index],
          (0..<10).map { decile in
            let value = 0.06 * (1 - Double(decile) / 6) * noise(index * 11 + decile)
            return .init(decile == 4 && index == 1 ? .nan : value, interval: (value - 0.01)...(value + 0.01))
          })
      }, intervalMeaning: "95 % by bootstrap over users")
  }

  static func agreement(_ names: [String]) -> AgreementChart {
    AgreementChart(
      title: "Exposure learned against true", truth: ChartAxis("true exposure"), learned: ChartAxis("learned exposure"),
      panels: names.enumerated().map { index, name in
        var density = BinnedDensity(horizontal: 0...1, vertical: 0...1)
        for point in 0..<4000 {
          let truth = noise(point * 2 + 1) * noise(point * 2 + 5)
          density.add(
            truth, 0.1 * Double(index) + truth * (0.9 - 0.2 * Double(index)) + 0.12 * (noise(point + 9) - 0.5))
        }
        let means = density.columnMeans
        return .init(
          name, density: density, curve: .init("mean learned, given true", x: means.x, y: means.y),
          remark: "correlation 0.8\(index) (invented)")
      })
  }

  static func map(_ rows: Int, _ columns: Int) -> HeatMap {
    HeatMap(
      title: "Gain by activity and popularity", rows: (0..<rows).map { longNames[$0] },
      columns: (1...columns).map { "decile \($0)" }, columnTitle: "popularity decile, rare to popular",
      values: (0..<rows * columns).map { $0 == 5 ? .nan : 0.2 * (noise($0) - 0.4) },
      valueTitle: "gain in NDCG@5 over naive MF")
  }

  static let table = TableValue(
    columns: [.init("method", .leading), .init("NDCG@5"), .init("MAP@5"), .init("exposure correlation")],
    rows: longNames.enumerated().map { index, name in
      [
        .init(name, mark: index == 9 ? .best : .plain),
        .interval(
          0.5 + noise(index) / 10, (0.48 + noise(index) / 10)...(0.52 + noise(index) / 10), places: 3,
          mark: index == 9 ? .best : index == 8 ? .tied : .plain),
        .spread(0.4 + noise(index + 50) / 10, 0.006, places: 3),
        .number(index < 2 ? .nan : noise(index + 70), places: 2),
      ]
    })

  static let page = Page(
    title: "Invented numbers: a page that shows every kind of block",
    lead: "None of these numbers was measured. They exist so that the layout can be looked at: long names, gaps, ties, "
      + "two and fifteen methods, light and dark, wide and narrow.",
    sections: [
      .init(
        "Summary",
        [
          .paragraph("A paragraph with <script>alert(1)</script>, an ampersand & and \"quotes\" in it."),
          .note("In this invented world the exposure is known, so that learned exposure can be compared with it."),
          .list(["First point.", "Second point, somewhat longer, to see how the lines of a list break on a phone."]),
          .table(table, caption: "Invented results of fifteen methods, 95 % intervals over users.", isTall: true),
        ]),
      .init(
        "Curves",
        [
          .figure(curves(4, gapAt: 20), caption: "Four methods with bands and one gap."),
          .figure(curves(15, hasBands: false), caption: "Fifteen methods, one seed."),
          .figure(curves(1, points: 1), caption: "One method, one point."),
          .figure(
            LineChart(
              title: "Nothing was measured", horizontal: ChartAxis("epoch"), vertical: ChartAxis("loss"), series: []),
            caption: "An empty chart."),
          .figure(
            LineChart(
              title: "Gradient norm", horizontal: ChartAxis("step", scale: .logarithmic),
              vertical: ChartAxis("hypergradient norm", unit: "nats", scale: .logarithmic),
              series: [
                .init(
                  "Biif", x: (1...200).map(Double.init), y: (1...200).map { 20 / Double($0 * $0) + 1e-4 * noise($0) })
              ]), caption: "Logarithmic axes."),
        ]),
      .init(
        "Methods",
        [
          .figure(intervals(Array(longNames[0..<10]), best: 9), caption: "Ten methods with short names."),
          .figure(intervals(longNames, best: 13), caption: "Fifteen methods with long names."),
        ]),
      .init(
        "Groups",
        [
          .figure(deciles(2), caption: "Two methods by decile."),
          .figure(deciles(15), caption: "Fifteen methods by decile."),
          .figure(map(6, 10), caption: "A map with gains and losses."),
        ]),
      .init(
        "Exposure",
        [.figure(agreement(["Popularity prior", "Biif", "Oracle"]), caption: "Pairs of one invented world.")]),
      .init(
        "Where this comes from",
        [
          .card(
            "Protocol strict",
            [
              .init("cutoff", "5"), .init("candidates", "every item that the user has not seen"),
              .init("ties", "expected value"),
            ]),
          .provenance(
            .init(
              command: "lightmeter demo --world clean --seed 1 --seeds 5 --page /tmp/a-rather-long-path/demo.html",
              dataDigest: "sha256 3b7e1d0c9a8f4e2b6d5c1a0f9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d", version: "0.1.0",
              machine: "2 × Xeon, Debian 12", more: [.init("seeds", "1, 2, 3, 4, 5")])),
        ]),
    ])
}
