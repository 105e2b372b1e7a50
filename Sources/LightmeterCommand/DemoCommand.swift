internal import ArgumentParser
internal import LightmeterExperiments
internal import LightmeterKernels
internal import Synchronization

/// `lightmeter demo`: everything once, in a world where the truth is known.
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Train and compare the methods in a simulated world; under a minute.",
    discussion: """
      The world's parameters are fixed; no setting is chosen by the result. --world entangled shows the case where
      what is shown is what is liked, and naive MF is hard to beat.

      lightmeter demo
      lightmeter demo --world entangled --no-page
      lightmeter demo --seed 7 --format json > demo.json
      """)

  @Option(
    help: "How exposure and relevance go together: \(WorldPreset.allCases.map(\.rawValue).joined(separator: ", ")).")
  var world = "independent"
  @Option(parsing: .unconditional, help: "Decides the world, the draw and the starts of training.") var seed: UInt64 = 1
  @Option(help: "Where the page with the pictures goes.") var page = "lightmeter-demo.html"
  @Flag(help: "Write no page.") var noPage = false
  @Option(help: "text for people, json for machines.") var format = OutputFormat.text

  func validate() throws {
    guard WorldPreset(rawValue: world) != nil else {
      let names = WorldPreset.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--world \(world): there are the worlds \(names)")
    }
  }

  func run() async throws { try await ExitStatus.guarding { try await perform() } }

  private func perform() async throws {
    Interruption.install()
    let demo = Demo(world: WorldPreset(rawValue: world) ?? .independent, seed: seed)
    let progress = DemoProgress()
    // Opened first: a place that cannot be written should be known before the training.
    let file = noPage ? nil : try LightmeterKernels.AtomicFile(page)
    let result: DemoResult
    do {
      result = try await demo.run { progress.show($0) }
    } catch {
      progress.clear()
      guard Interruption.requested else { throw error }
      Terminal.note("\(DemoError.interrupted)")
      throw ExitCode(130)
    }
    progress.clear()
    if let file {
      let command = "lightmeter demo --world \(world) --seed \(seed) --page \(page)"
      try file.write(result.page(command: command, version: lightmeterVersion).html())
      try file.commit()
    }
    switch format {
    case .text: printText(result)
    case .json: try Terminal.emit(json: DemoExport(result))
    }
  }

  private func printText(_ result: DemoResult) {
    Terminal.emit(Terminal.wrapped(result.facts, indent: 0) + "\n")
    Terminal.emit(result.table.plain())
    Terminal.emit(Terminal.wrapped(result.legend, indent: 0) + "\n")
    for sentence in result.sentences { Terminal.emit(Terminal.wrapped(sentence, bullet: "• ")) }
    Terminal.emit("\nWhat the numbers mean")
    for line in "\(result.card)".split(separator: "\n") { Terminal.emit(Terminal.wrapped(String(line), bullet: "  ")) }
    if !noPage { Terminal.emit("\nPictures: \(page)") }
    Terminal.emit("\nGo on with your own log:")
    for step in result.nextSteps { Terminal.emit("  \(step)") }
  }
}

/// The result with its sentences, for machines.
private struct DemoExport: Encodable {
  let result: DemoResult
  let sentences: [String]

  init(_ result: DemoResult) { (self.result, sentences) = (result, result.sentences) }
}

/// Progress on standard error: one line redrawn on a terminal, plain lines in a log.
final class DemoProgress: Sendable {
  private let isTerminal = Terminal.isInteractive
  private let running = Mutex<[String: String]>([:])

  func show(_ event: Demo.Event) {
    switch event {
    case .world(let facts): if !isTerminal { Terminal.note(facts) }
    case .epoch(let method, let epoch, let epochs, let done, let total):
      guard isTerminal else { return }
      running.withLock { running in
        running[method] = "\(method) \(epoch)/\(epochs)"
        let text = "[\(done)/\(total)] " + running.values.sorted().joined(separator: ", ")
        Terminal.redraw(text)
      }
    case .finished(let method, let score, let seconds, let done, let total):
      running.withLock { running in running[method] = nil }
      guard !isTerminal else { return }
      Terminal.note(
        "[\(done)/\(total)] \(method): NDCG@20 \(NumberText.fixed(score, places: 3)), "
          + "\(NumberText.fixed(seconds, places: 1)) s")
    }
  }

  func clear() { if isTerminal { Terminal.redraw("") } }
}
