internal import LightmeterFeedback
internal import LightmeterTraining

/// Settings that make an epoch of a large log cheaper, and that its owner may not know of.
///
/// Each trains another model than the default does, so it is said, never done.
///
/// - Stability: experimental
public struct SpeedAdvice: Sendable, CustomStringConvertible {
  /// Tables with their moments from which rows are mostly fetched from memory, in bytes.
  public static let leastTables = 1 << 28

  /// What to add to the command: `--set key=value`.
  public let options: [String]
  private let tables: Int
  private let reasons: [String]

  /// Looks at a run.
  ///
  /// - Parameters:
  ///   - plan: what will be trained.
  ///   - given: settings that were chosen by hand: they are left alone.
  /// - Returns: nil where there is nothing to say.
  public init?(_ plan: Plan, forecast: MemoryForecast, given: Set<String>) {
    var found: [(option: String, reason: String)] = []
    func isOpen(_ key: String) -> Bool { !given.contains(key) && plan.entry.takes(key) }
    if isOpen("optimizer"), plan.pointwise.optimizer == .adam {
      found.append(("--set optimizer=lazyAdam", "moves only the rows of a batch"))
    }
    if isOpen("shuffle"), plan.pointwise.shuffle == .full, plan.stream != .all {
      found.append(("--set shuffle=blocks", "keeps the users' rows in the cache"))
    }
    guard forecast.trainedTables >= SpeedAdvice.leastTables, !found.isEmpty else { return nil }
    (options, reasons, tables) = (found.map(\.option), found.map(\.reason), forecast.trainedTables)
  }

  /// One sentence.
  public var description: String {
    let parts = zip(options, reasons).map { "\($0) \($1)" }
    return "speed: the tables and their moments, \(MemoryShortage.text(tables)), fit into no cache; "
      + parts.joined(separator: ", ") + " (another model: compare on your log)"
  }
}
