#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
internal import LightmeterKernels
internal import LightmeterModels

/// A path that cannot be what the command takes, told before anything is read from it.
enum InputError: Error, CustomStringConvertible {
  case missing(String)
  case folder(String)
  case empty(String)
  case logForModel(String)
  case modelForLog(String)
  case overwritten(String)

  var description: String {
    switch self {
    case .missing(let path): "there is no file '\(path)'; check the path"
    case .folder(let path): "'\(path)' is a folder; name a file in it"
    case .empty(let path): "'\(path)' is empty; give a file that holds something"
    case .logForModel(let path):
      "'\(path)' is text, not a model file; train a model from it: lightmeter train \(CommandText.quoted(path)) -o MODEL"
    case .modelForLog(let path):
      "'\(path)' is a model file, not a log; give the log, or look into the model: lightmeter inspect "
        + CommandText.quoted(path)
    case .overwritten(let path):
      "'\(path)' is read by this command and would be overwritten by it; name another with -o"
    }
  }

  var isAbsence: Bool {
    switch self {
    case .missing, .folder: true
    case .empty, .logForModel, .modelForLog, .overwritten: false
    }
  }
}

/// Looks at a file before it is read as what the user says it is.
enum InputKind {
  /// Refuses what is missing, a folder or empty; a pipe or a device may hold anything.
  static func check(_ path: String) throws(InputError) {
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { throw .missing(path) }
    if isFolder { throw .folder(path) }
    if size(ofFile: path) == 0 { throw .empty(path) }
  }

  /// Refuses a model file where a log is wanted; "-" is not looked at.
  static func checkLog(_ path: String) throws(InputError) {
    if path == "-" { return }
    try check(path)
    guard size(ofFile: path) != nil, (try? ModelContainer.manifest(of: path)) != nil else { return }
    throw .modelForLog(path)
  }

  /// Refuses an output that is one of the inputs.
  static func check(output: String, isNone inputs: [String?]) throws(InputError) {
    func place(_ path: String) -> String { URL(filePath: path).standardizedFileURL.resolvingSymlinksInPath().path }
    if inputs.contains(where: { $0.map(place) == place(output) }) { throw .overwritten(output) }
  }

  /// The model at a path.
  static func model(_ path: String) throws -> StoredModel {
    try check(path)
    do { return try StoredModel.read(path) } catch ModelFileError.notAModel(_, let reason) {
      if size(ofFile: path) != nil, isText(path) { throw InputError.logForModel(path) }
      throw ModelFileError.notAModel(path: path, reason: reason)
    }
  }

  /// Whether the path is a file that may be read twice, not a pipe or a device.
  static func isFile(_ path: String) -> Bool { size(ofFile: path) != nil }

  /// The size of a regular file; nil for pipes and devices.
  private static func size(ofFile path: String) -> Int? {
    // A link's own attributes would be its length.
    let target = URL(filePath: path).resolvingSymlinksInPath().path
    guard let facts = try? FileManager.default.attributesOfItem(atPath: target),
      facts[.type] as? FileAttributeType == .typeRegular
    else { return nil }
    return (facts[.size] as? Int) ?? (facts[.size] as? UInt).map { Int($0) }
  }

  private static func isText(_ path: String) -> Bool {
    guard let file = try? MappedFile(path) else { return false }
    let start = file.array(of: UInt8.self, in: 0..<min(4096, file.count))
    return start.starts(with: [0x1F, 0x8B]) || !start.contains { $0 == 0 }
  }
}
