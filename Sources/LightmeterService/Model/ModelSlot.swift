#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
internal import LightmeterModels
internal import Synchronization

/// The model that is served now, and how it is exchanged for a newer file.
///
/// A new file is read aside while the old model answers, and takes its place in one step. A bad file changes nothing: the
/// old model stays, and the reason is kept.
public final class ModelSlot: Sendable {
  /// What became of a look at the file.
  public enum Outcome: Sendable, Equatable {
    /// Another model is served now.
    case replaced(digest: String)
    /// The file holds the model that is served.
    case unchanged
    /// The file is bad: one sentence, without folders.
    case refused(String)
  }

  /// What happened to the file since the start.
  struct Status: Sendable {
    var loaded: Int
    var reloads = 0
    var failures = 0
    var lastFailure: String?
    var lastFailureTime: Int?
  }

  private struct Identity: Equatable {
    var inode: UInt64
    var size: UInt64
    var modified: Date
  }

  private struct State {
    var model: ServedModel
    var status: Status
    var identity: Identity?
  }

  private let path: String
  private let name: String
  private let state: Mutex<State>
  // One load at a time, so that an old file never takes the place of a newer one.
  private let loading = Mutex(())

  /// Loads the model file.
  ///
  /// - Throws: `ModelFileError`.
  public init(path: String, name: String) throws {
    (self.path, self.name) = (path, name)
    let identity = Self.identity(of: path)
    let model = try ServedModel(path: path, name: name)
    state = Mutex(State(model: model, status: Status(loaded: Self.now), identity: identity))
  }

  /// A model in memory, which has no file to look at.
  public init(_ model: ServedModel) {
    (path, name) = ("", model.name)
    state = Mutex(State(model: model, status: Status(loaded: Self.now), identity: nil))
  }

  /// The model that is served; hold it for one request.
  public var current: ServedModel { state.withLock { $0.model } }

  var status: Status { state.withLock { $0.status } }

  /// Reads the file again and serves it if it is good.
  public func reload() -> Outcome {
    loading.withLock { _ in
      let identity = Self.identity(of: path)
      do {
        let model = try ServedModel(path: path, name: name)
        return state.withLock { state in
          state.identity = identity
          state.status.lastFailure = nil
          if model.digest == state.model.digest { return .unchanged }
          state.model = model
          state.status.reloads += 1
          state.status.loaded = Self.now
          return .replaced(digest: model.digest)
        }
      } catch {
        let reason = Self.withoutFolder("\(error)", path)
        state.withLock { state in
          state.identity = identity
          state.status.failures += 1
          (state.status.lastFailure, state.status.lastFailureTime) = (reason, Self.now)
        }
        return .refused(reason)
      }
    }
  }

  /// Reloads where the path leads to another file than at the last look; nil where it does not.
  public func reloadIfReplaced() -> Outcome? {
    let found = Self.identity(of: path)
    // A file that is missing for a moment is about to be replaced.
    guard let found, found != state.withLock({ $0.identity }) else { return nil }
    return reload()
  }

  static var now: Int { Int(Date().timeIntervalSince1970) }

  private static func withoutFolder(_ text: String, _ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return text }
    let folder = String(path[...slash])
    return text.split(separator: folder, omittingEmptySubsequences: false).joined()
  }

  private static func identity(of path: String) -> Identity? {
    let target = URL(filePath: path).resolvingSymlinksInPath().path
    guard let facts = try? FileManager.default.attributesOfItem(atPath: target) else { return nil }
    func number(_ key: FileAttributeKey) -> UInt64 {
      (facts[key] as? UInt64) ?? (facts[key] as? Int).map { UInt64($0) } ?? (facts[key] as? UInt).map { UInt64($0) }
        ?? 0
    }
    return Identity(
      inode: number(.systemFileNumber), size: number(.size),
      modified: facts[.modificationDate] as? Date ?? Date(timeIntervalSince1970: 0))
  }
}
