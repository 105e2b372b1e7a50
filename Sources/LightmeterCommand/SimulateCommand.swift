internal import ArgumentParser
internal import LightmeterExperiments
internal import LightmeterKernels
#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// `lightmeter simulate`: a world with known exposure and known relevance, as files.
struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate", abstract: "Write a simulated world as files: clicks, impressions, random traffic, truth.",
    discussion: """
      lightmeter simulate -o world
      lightmeter simulate -o world --world entangled --users 5000 --items 2000 --impressions --random-share 0.01
      lightmeter simulate -o big --users 1000000 --items 100000 --mean-exposure 0.001 --seed 7

      logit relevance = c + appeal + personal part; logit exposure = c' + skew · promotion + activity + personal part, \
      where promotion correlates with appeal as --correlation says. Every click is an impression too, with or without --impressions.
      """)

  @Option(name: [.short, .long], help: "The folder to write into; made if missing.") var output: String
  @Option(help: "independent, entangled or adversarial.") var world = WorldPreset.independent
  @Option(parsing: .unconditional, help: "Number of users.") var users: Int?
  @Option(parsing: .unconditional, help: "Number of items.") var items: Int?
  @Option(parsing: .unconditional, help: "Rank of the personal parts.") var rank: Int?
  @Option(parsing: .unconditional, help: "Mean probability of relevance.") var meanRelevance: Double?
  @Option(parsing: .unconditional, help: "Mean probability of exposure.") var meanExposure: Double?
  @Option(parsing: .unconditional, help: "How much promotion differs between items.") var skew: Double?
  @Option(parsing: .unconditional, help: "How much activity differs between users.") var activitySpread: Double?
  @Option(parsing: .unconditional, help: "Correlation of promotion with appeal, from -1 to 1.") var correlation: Double?
  @Option(parsing: .unconditional, help: "Size of the personal part of relevance.") var personalRelevance: Double?
  @Option(parsing: .unconditional, help: "Size of the personal part of exposure.") var personalExposure: Double?
  @Option(parsing: .unconditional, help: "The world's seed.") var seed: UInt64 = 1
  @Flag(help: "Write impressions.csv: everything that was seen, clicked or not.") var impressions = false
  @Option(parsing: .unconditional, help: "Write random.csv with this share of all pairs.") var randomShare: Double?
  @Option(parsing: .unconditional, help: "Write random.csv with this many pairs.") var randomPairs: Int?
  @Flag(help: "Write truth.csv: relevance and exposure of every pair, at most 100 million.") var truth = false
  @Flag(help: "Replace files of these names that are there.") var overwrite = false
  @OptionGroup var threads: ThreadOptions
  @Option(help: "text or json.") var format = OutputFormat.text

  private var parameters: CleanWorldParameters {
    var parameters = world.parameters
    parameters.seed = seed
    if let users { parameters.userCount = users }
    if let items { parameters.itemCount = items }
    if let rank { parameters.rank = rank }
    if let meanRelevance { parameters.meanRelevance = meanRelevance }
    if let meanExposure { parameters.meanExposure = meanExposure }
    if let skew { parameters.skew = skew }
    if let activitySpread { parameters.activitySpread = activitySpread }
    if let correlation { parameters.correlation = correlation }
    if let personalRelevance { parameters.personalRelevance = personalRelevance }
    if let personalExposure { parameters.personalExposure = personalExposure }
    return parameters
  }

  func validate() throws {
    guard randomShare.map({ $0 >= 0 && $0 <= 1 }) ?? true else {
      throw ValidationError("--random-share \(randomShare ?? 0): from 0 to 1")
    }
    guard randomShare == nil || randomPairs == nil else {
      throw ValidationError("take --random-share or --random-pairs")
    }
  }

  private struct Report: Encodable {
    var parameters: CleanWorldParameters
    var files: [String: WorldFiles.Written]
    var drawnBySkips: Bool
  }

  func run() async throws {
    try await ExitStatus.guarding {
      Interruption.install()
      threads.apply()
      let parameters = try parameters.validated()
      let clean = try CleanWorld(parameters)
      let cells = Double(parameters.userCount) * Double(parameters.itemCount)
      // Cell by cell up to 10⁸ cells; beyond, the exact sampler that skips what cannot be clicked.
      let skipping = cells > 1e8
      if truth && skipping {
        throw ValidationError(
          "--truth would write \(Int(cells)) pairs; take at most 100 million, or leave it out")
      }
      do { try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true) } catch {
        Terminal.note("lightmeter: \(output): the folder cannot be made; choose another with -o")
        throw ExitCode(ExitStatus.cannotWrite)
      }
      try refuseExisting()
      let files = WorldFiles(clean, skipping: skipping)
      let total = Double(parameters.userCount)
      var report = Report(parameters: parameters, files: [:], drawnBySkips: skipping)
      report.files["clicks.csv"] = try files.writeClicks(
        to: output + "/clicks.csv", progress: progress("clicks", total))
      if impressions {
        report.files["impressions.csv"] = try files.writeImpressions(
          to: output + "/impressions.csv", progress: progress("impressions", total))
      }
      if let count = randomPairs ?? randomShare.map({ Int(($0 * cells).rounded()) }) {
        report.files["random.csv"] = try files.writeRandomTraffic(count: count, to: output + "/random.csv")
      }
      if truth {
        report.files["truth.csv"] = try files.writeTruth(to: output + "/truth.csv", progress: progress("truth", total))
      }
      if format == .json { return try Terminal.emit(json: report) }
      describe(report)
    }
  }

  /// Whoever keeps a log of these names in the folder should not lose it.
  private func refuseExisting() throws {
    let names = [
      "clicks.csv", impressions ? "impressions.csv" : nil, truth ? "truth.csv" : nil,
      randomPairs != nil || randomShare != nil ? "random.csv" : nil,
    ]
    let existing = names.compactMap { $0 }.first { FileManager.default.fileExists(atPath: output + "/" + $0) }
    guard let existing, !overwrite else { return }
    Terminal.note(
      "lightmeter: \(output)/\(existing) is there already; name another folder with -o, or replace it with --overwrite")
    throw ExitCode(ExitStatus.cannotWrite)
  }

  private func progress(_ title: String, _ total: Double) -> (Int, Int) throws -> Void {
    let line = ProgressLine("writing \(title)", unit: "users")
    return { users, rows in
      line.show(Double(users), of: total, detail: "\(rows) rows")
      if Double(users) == total { line.finish() }
      if Interruption.requested { throw ExitCode(ExitStatus.interrupted) }
    }
  }

  private func describe(_ report: Report) {
    let p = report.parameters
    Terminal.emit(
      "a world of \(p.userCount) users and \(p.itemCount) items: mean relevance \(p.meanRelevance), mean exposure "
        + "\(p.meanExposure), correlation \(p.correlation), seed \(p.seed)"
        + (report.drawnBySkips ? "; drawn by skips, the same in distribution as cell by cell" : ""))
    for (name, written) in report.files.sorted(by: { $0.key < $1.key }) {
      Terminal.emit("  \(output)/\(name): \(written.rows) rows, \(written.bytes) bytes")
    }
    Terminal.emit("next: lightmeter train \(output)/clicks.csv -o model.lightmeter")
    if report.files["random.csv"] != nil {
      Terminal.emit("      lightmeter reading \(output)/clicks.csv --random \(output)/random.csv")
    }
  }
}
