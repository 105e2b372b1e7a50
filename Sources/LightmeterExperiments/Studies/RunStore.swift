internal import LightmeterKernels

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A folder with one file per finished run, named by what the run was made from; what is in it is never computed again.
///
/// A record appears whole or not at all, so a study can be killed at any moment. Several studies may share a store.
///
/// - Stability: experimental
public struct RunStore: Sendable {
  /// The folder.
  public let folder: String

  /// Opens a folder, making it if needed.
  ///
  /// - Throws: ``StudyError``.
  public init(folder: String) throws {
    self.folder = folder
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw StudyError.cannotWrite(
        path: folder, reason: "the folder for runs cannot be made; name another with --store")
    }
  }

  // JSON has no words for numbers that are not finite; a run that diverges may leave some.
  private static let (infinity, minusInfinity, nan) = ("inf", "-inf", "nan")

  private func path(_ key: String) -> String { "\(folder)/\(key).json" }

  /// Whether the run is done.
  public func contains(_ key: String) -> Bool { FileManager.default.fileExists(atPath: path(key)) }

  /// The record of a run; nil if it is not done.
  ///
  /// - Throws: ``StudyError`` for a record that cannot be read.
  public func record(_ key: String) throws -> RunRecord? {
    guard contains(key) else { return nil }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: RunStore.infinity, negativeInfinity: RunStore.minusInfinity, nan: RunStore.nan)
    do {
      return try decoder.decode(RunRecord.self, from: Data(contentsOf: URL(fileURLWithPath: path(key))))
    } catch { throw StudyError.file(path: path(key), reason: "it is no run record; remove it and run again") }
  }

  // MARK: - Runs in progress

  private func mark(_ key: String) -> String { "\(folder)/\(key).running" }

  /// Says that this process works on a run.
  func begin(_ key: String) throws {
    let file = try LightmeterKernels.AtomicFile(mark(key))
    try file.write(Array("\(ProcessUsage.processNumber)".utf8))
    try file.commit()
  }

  /// Takes that back.
  func end(_ key: String) { try? FileManager.default.removeItem(atPath: mark(key)) }

  /// Whether a process that still runs on this machine works on the run; a mark that a kill left behind does not count.
  func isRunning(_ key: String) -> Bool {
    guard let bytes = try? Data(contentsOf: URL(fileURLWithPath: mark(key))),
      let process = Int32(String(decoding: bytes, as: UTF8.self))
    else { return false }
    return ProcessUsage.isRunning(process)
  }

  /// Removes the marks of processes that are gone. A kill between a run's record and its mark leaves one that no later run
  /// of the same key would take away.
  func clearMarks() {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasSuffix(".running") {
      let key = String(name.dropLast(".running".count))
      if !isRunning(key) { end(key) }
    }
  }

  func save(_ record: RunRecord) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: RunStore.infinity, negativeInfinity: RunStore.minusInfinity, nan: RunStore.nan)
    let file = try LightmeterKernels.AtomicFile(path(record.key))
    try file.write([UInt8](try encoder.encode(record)))
    try file.commit()
  }
}
