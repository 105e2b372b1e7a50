extension Reading: CustomStringConvertible {
  /// The reading as plain text, at most 100 columns wide where the advice allows, ending in the advice.
  public var description: String {
    var lines = profileLines
    if let traffic { lines += trafficLines(traffic) } else { lines += unknownLines }
    lines += ["", sentence]
    return lines.joined(separator: "\n")
  }

  private var profileLines: [String] {
    let support = profile.support.map { "\(percent($0.share)) have ≥ \($0.clicks)" }.joined(separator: ", ")
    return [
      "\(grouped(profile.clicks)) clicks of \(grouped(profile.userCount)) users on \(grouped(profile.itemCount)) items",
      "",
      "                     mean   least  10 %  25 %  50 %  75 %  90 %  99 %  most   Gini  top 1 % have",
      row("clicks per item", profile.itemClicks),
      row("clicks per user", profile.userClicks),
      "",
      "Support: of the items \(support) clicks.",
      "Inverse propensity weights (1/√popularity): largest \(fixed(profile.largestWeight, 1)); "
        + "\(grouped(profile.clicks)) clicks count as \(grouped(Int(profile.effectiveClicks.rounded())));",
      "  the heaviest 1 % of the clicks carry \(percent(profile.topPercentWeightShare)) of the weight.",
    ]
  }

  private func row(_ name: String, _ counts: CountDistribution) -> String {
    let quantiles = counts.quantiles.map { left("\($0)", 6) }.joined()
    return "\(name)  \(left(fixed(counts.mean, 1), 8))  \(quantiles)\(left(fixed(counts.gini, 2), 7))"
      + left(percent(counts.topPercentShare), 10)
  }

  private func trafficLines(_ traffic: TrafficReading) -> [String] {
    let kind = traffic.source == .random ? "randomly shown" : "shown"
    var lines = [
      "",
      "\(grouped(traffic.pairs)) \(kind) pairs, \(grouped(traffic.clicks)) clicked",
      "  β₁  share of popularity that is relevance   \(text(traffic.popularity, 2))",
      "      (deserved popularity would give about     \(fixed(traffic.deservedPopularity, 2)))",
      "  β₂  the same for users' activity            \(text(traffic.activity, 2))",
      "  spread of log exposure over clicks          \(fixed(traffic.logExposureSpread, 2))"
        + "  (0: nothing to correct; 0.7: a factor of two)",
    ]
    if let headroom = traffic.headroom, let popularity = traffic.popularityAUC {
      lines += [
        "  AUC of popularity on these pairs            \(fixed(popularity, 3))",
        "  headroom: gain of calibrated item relevance \(text(headroom, 3))",
      ]
    } else {
      lines.append("  headroom                                    unknown: too few clicks to fit on one half")
    }
    if traffic.source == .impressions {
      lines.append("  The system chose these pairs: click rates given shown are not those of random traffic.")
    }
    return lines
  }

  private var unknownLines: [String] {
    [
      "",
      "From clicks alone nobody can know: whether a popular item is liked or only shown, how likely an unclicked pair",
      "was seen, and hence whether any correction helps. Impressions or a week of 1 % random traffic tell.",
    ]
  }

  private func text(_ interval: TrafficReading.Interval, _ digits: Int) -> String {
    "\(fixed(interval.value, digits))  [\(fixed(interval.low, digits)), \(fixed(interval.high, digits))]"
  }

  private func left(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

/// A number with a fixed count of decimals, rounded to nearest.
func fixed(_ value: Double, _ digits: Int) -> String {
  guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
  var scale = 1
  for _ in 0..<digits { scale *= 10 }
  let whole = Int((abs(value) * Double(scale)).rounded())
  let sign = value < 0 && whole > 0 ? "−" : ""
  guard digits > 0 else { return "\(sign)\(whole)" }
  let fraction = String(whole % scale)
  return "\(sign)\(whole / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
}

func signed(_ value: Double, _ digits: Int) -> String { (value >= 0 ? "+" : "") + fixed(value, digits) }

func percent(_ share: Double) -> String { fixed(100 * share, share > 0 && share < 0.1 ? 1 : 0) + " %" }

/// 1234567 as 1,234,567.
func grouped(_ value: Int) -> String {
  var digits = Array(String(abs(value)))
  var position = digits.count - 3
  while position > 0 {
    digits.insert(",", at: position)
    position -= 3
  }
  return (value < 0 ? "−" : "") + String(digits)
}
