#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
internal import LightmeterKernels
internal import Synchronization

/// The log of what was shown, clicked and rated: append-only CSV files in one folder, which `lightmeter train` reads.
///
/// Files are numbered, `impressions-000001.csv`, and a new one is begun when the old one is full. A torn last line of a
/// crashed process is cut off on opening. A click is joined to the impression it belongs to, so that its line carries
/// the probability of having been shown; the last 10⁵ impressions are remembered for that, across restarts too as far
/// as the last file tells.
public final class FeedbackJournal: Sendable {
  /// What was wrong with the files that an earlier process left.
  public struct Repair: Sendable, Equatable {
    /// The file's name.
    public var file: String
    /// Bytes that were cut off.
    public var bytes: Int
  }

  private struct Pair: Hashable {
    var user: String
    var item: String
  }

  private struct State {
    var files: [FeedbackEntry.Kind: (number: Int, file: AppendFile)] = [:]
    // Two generations: when the younger one is full it becomes the older one, which is forgotten.
    var recent: [Pair: FeedbackEntry.Impression] = [:]
    var older: [Pair: FeedbackEntry.Impression] = [:]
    var lines: [FeedbackEntry.Kind: Int] = [:]
    var lastSync: ContinuousClock.Instant = .now
  }

  /// The folder.
  public let folder: String
  /// What opening repaired.
  public let repairs: [Repair]
  private let largest: Int
  private let sync: ServiceSettings.LogSync
  private let state: Mutex<State>
  private static let remembered = 50_000

  /// Opens the log, which may be empty or left by an earlier process.
  ///
  /// - Parameters:
  ///   - folder: made if missing.
  ///   - largest: bytes of a file beyond which a new one is begun.
  /// - Throws: `FileError`, `AppendFileError`.
  public init(folder: String, largest: Int = 64 << 20, sync: ServiceSettings.LogSync = .second) throws {
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw SettingError("the folder '\(folder)' of the feedback log cannot be made; choose another")
    }
    (self.folder, self.largest, self.sync) = (folder, largest, sync)
    var (opened, repairs) = (State(), [Repair]())
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
      // Taken for empty, it would be written to from its first file on again.
      throw SettingError("the folder '\(folder)' of the feedback log cannot be listed; allow the server to read it")
    }
    for kind in FeedbackEntry.Kind.allCases {
      let last = names.compactMap { Self.number(of: $0, kind) }.max() ?? 1
      let file = try AppendFile(Self.path(folder, kind, last), header: kind.header)
      if file.tornBytes > 0 { repairs.append(Repair(file: Self.name(kind, last), bytes: file.tornBytes)) }
      opened.files[kind] = (last, file)
      guard kind == .impressions else { continue }
      let tail = String(decoding: try file.lastRows(limit: 4 << 20), as: UTF8.self)
      for line in tail.split(separator: "\n") {
        if let shown = FeedbackEntry.impression(ofLine: line) { Self.remember(shown, in: &opened) }
      }
    }
    self.repairs = repairs
    let start = opened
    state = Mutex(start)
  }

  /// Writes entries, all of one kind in one piece.
  ///
  /// - Returns: lines written by kind.
  /// - Throws: `FileError`; kinds written before the failure stay written.
  @discardableResult
  public func record(_ entries: [FeedbackEntry]) throws -> [FeedbackEntry.Kind: Int] {
    try state.withLock { state in
      var written: [FeedbackEntry.Kind: Int] = [:]
      for kind in FeedbackEntry.Kind.allCases {
        let own = entries.filter { $0.kind == kind }
        if own.isEmpty { continue }
        var rows: [UInt8] = []
        for entry in own { rows += entry.line.utf8 }
        let file = try room(for: rows.count, kind, &state)
        try file.append(rows)
        if sync == .always { try file.synchronise() }
        written[kind] = own.count
        state.lines[kind, default: 0] += own.count
        for case .impression(let shown) in own { Self.remember(shown, in: &state) }
      }
      let now = ContinuousClock.now
      if sync == .second, now - state.lastSync > .seconds(1) {
        try Self.synchronise(&state)
        state.lastSync = now
      }
      return written
    }
  }

  /// The last remembered impression of a pair.
  public func impression(user: String, item: String) -> FeedbackEntry.Impression? {
    let pair = Pair(user: user, item: item)
    return state.withLock { $0.recent[pair] ?? $0.older[pair] }
  }

  /// Forces what was written to the disk; call it now and then and at the end.
  public func synchronise() throws {
    if sync == .never { return }
    try state.withLock { try Self.synchronise(&$0) }
  }

  /// Lines written by this process.
  public var lines: [FeedbackEntry.Kind: Int] { state.withLock { $0.lines } }

  /// The file that has room for `bytes` more.
  private func room(for bytes: Int, _ kind: FeedbackEntry.Kind, _ state: inout State) throws -> AppendFile {
    guard let (number, file) = state.files[kind] else { preconditionFailure("every kind has a file") }
    guard file.byteCount + bytes > largest, file.byteCount > kind.header.utf8.count else { return file }
    try file.synchronise()
    let next = try AppendFile(Self.path(folder, kind, number + 1), header: kind.header)
    state.files[kind] = (number + 1, next)
    return next
  }

  private static func synchronise(_ state: inout State) throws {
    for (_, entry) in state.files { try entry.file.synchronise() }
  }

  private static func remember(_ shown: FeedbackEntry.Impression, in state: inout State) {
    if state.recent.count >= remembered {
      state.older = state.recent
      state.recent = [:]
    }
    state.recent[Pair(user: shown.user, item: shown.item)] = shown
  }

  private static func name(_ kind: FeedbackEntry.Kind, _ number: Int) -> String {
    let digits = "\(number)"
    return "\(kind.rawValue)-\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits).csv"
  }

  private static func path(_ folder: String, _ kind: FeedbackEntry.Kind, _ number: Int) -> String {
    folder + "/" + name(kind, number)
  }

  private static func number(of file: String, _ kind: FeedbackEntry.Kind) -> Int? {
    guard file.hasPrefix(kind.rawValue + "-"), file.hasSuffix(".csv") else { return nil }
    return Int(file.dropFirst(kind.rawValue.count + 1).dropLast(4))
  }
}
