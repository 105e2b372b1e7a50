import LightmeterExperiments
import Testing

@Suite struct PagesTextTests {
  @Test func linearTicksAreOneTwoFive() {
    #expect(AxisTicks.linear(from: 0, to: 1, count: 5).labels == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    #expect(AxisTicks.linear(from: 0, to: 1, count: 5).values == [0, 0.2, 0.4, 0.6, 0.8, 1])
    #expect(AxisTicks.linear(from: -0.03, to: 0.07, count: 4).labels == ["0", "0.05"])
    #expect(AxisTicks.linear(from: -3, to: 3, count: 6).labels == ["−3", "−2", "−1", "0", "1", "2", "3"])
    #expect(AxisTicks.linear(from: 0, to: 45_000, count: 5).labels == ["0", "10k", "20k", "30k", "40k"])
    #expect(AxisTicks.linear(from: 2016, to: 2020, count: 4).labels == ["2016", "2017", "2018", "2019", "2020"])
    #expect(AxisTicks.linear(from: 0.5712, to: 0.5718, count: 3).labels == ["0.5712", "0.5714", "0.5716", "0.5718"])
  }

  @Test func logarithmicTicksAreDecadesOrOneTwoFive() {
    #expect(
      AxisTicks.logarithmic(from: 1, to: 1e6, count: 6).labels == ["1", "10", "100", "1000", "10k", "100k", "1M"])
    #expect(
      AxisTicks.logarithmic(from: 0.01, to: 0.5, count: 6).labels == ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5"])
    #expect(AxisTicks.logarithmic(from: 1e-9, to: 1, count: 3).labels == ["1e−9", "1e−6", "0.001", "1"])
    #expect(AxisTicks.logarithmic(from: 3, to: 4, count: 4).values.count >= 2)
  }

  @Test func ticksStayInsideAndAscendOnAnyRange() {
    for exponent in [-12, -3, 0, 4, 15] {
      for start in [-7.3, -1, 0, 0.001, 2.5, 1000] {
        let unit = Double(exponent < 0 ? 1 : 0) == 1 ? 1 / power(-exponent) : power(exponent)
        let lower = start * unit
        let upper = lower + 3.7 * unit
        for count in 1...9 {
          let ticks = AxisTicks.linear(from: lower, to: upper, count: count)
          #expect(ticks.values.count <= count + 1)
          #expect(ticks.values.count == ticks.labels.count)
          #expect(zip(ticks.values, ticks.values.dropFirst()).allSatisfy { $0 < $1 })
          #expect(ticks.values.allSatisfy { $0 >= lower - 1e-8 * unit && $0 <= upper + 1e-8 * unit })
          #expect(Set(ticks.labels).count == ticks.labels.count, "\(lower) to \(upper): \(ticks.labels)")
        }
      }
    }
  }

  private func power(_ exponent: Int) -> Double { (0..<exponent).reduce(1) { value, _ in value * 10 } }

  @Test func numbersAreRoundedAndNeverSayNaN() {
    #expect(NumberText.fixed(0.57749, places: 3) == "0.577")
    #expect(NumberText.fixed(-0.0004, places: 3) == "0.000")
    #expect(NumberText.fixed(-1.25, places: 1) == "-1.3")
    #expect(NumberText.fixed(12, places: 0) == "12")
    #expect(NumberText.fixed(0.05, places: 3) == "0.050")
    #expect(NumberText.fixed(.nan, places: 3) == "–")
    #expect(NumberText.fixed(-.infinity, places: 3) == "–")
    #expect(NumberText.short(0.000123456) == "0.0001235")
    #expect(NumberText.short(1234.5678) == "1235")
    #expect(NumberText.short(12.3456) == "12.35")
    #expect(NumberText.short(3.2e-9) == "3.2e-9")
    #expect(NumberText.exact(0.1) == "0.1")
    #expect(NumberText.exact(3) == "3")
    #expect(NumberText.exact(.nan) == "")
    #expect(NumberText.grouped(-1_234_567) == "-1,234,567")
    #expect(NumberText.grouped(123) == "123")
  }

  @Test func terminalPicturesHaveTheirWidth() {
    #expect(TerminalGraphics.sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█")
    #expect(TerminalGraphics.sparkline([1, .nan, 3]) == "▁ █")
    #expect(TerminalGraphics.sparkline([2, 2]) == "▁▁")
    #expect(TerminalGraphics.sparkline([.nan]) == "")
    #expect(TerminalGraphics.sparkline((0..<1000).map(Double.init), width: 20).count == 20)
    #expect(TerminalGraphics.interval(0.5, 0.25...0.75, in: 0...1, width: 9) == "  ├─●─┤  ")
    #expect(TerminalGraphics.interval(2, nil, in: 0...1, width: 5) == "    ●")
    #expect(TerminalGraphics.interval(.nan, nil, in: 0...1, width: 5) == "     ")
  }
}
