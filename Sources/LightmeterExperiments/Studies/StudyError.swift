/// What is wrong with a study, its data or its run store.
public enum StudyError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file cannot be parsed.
  case syntax(file: String, line: Int, reason: String)
  /// A mistake in a file, with the line of the key it is about.
  indirect case located(file: String, line: Int, StudyError)
  /// A key that studies do not have.
  case unknownKey(String, at: String, nearest: String)
  /// A key that must be there.
  case missingKey(String, at: String)
  /// A value that a key does not take.
  case badValue(at: String, value: String, allowed: String)
  /// A recipe that does not hold.
  case recipe(at: String, reason: String)
  /// A file that cannot be read.
  case file(path: String, reason: String)
  /// A folder that cannot be written to.
  case cannotWrite(path: String, reason: String)
  /// None of a study's optional data sets is there.
  case noData(folder: String, reasons: [String])
  /// Runs that a report needs and the store lacks.
  case unfinished(missing: Int, of: Int)
  /// A run was asked to stop.
  case interrupted(done: Int, of: Int)

  /// One sentence with the place and the way out.
  public var description: String {
    switch self {
    case .syntax(let file, let line, let reason): "\(file), line \(line): \(reason)"
    case .located(let file, let line, let error): "\(file), line \(line): \(error)"
    case .unknownKey(let key, let place, let nearest):
      "\(place) has no key '\(key)'; did you mean '\(nearest)'?"
    case .missingKey(let key, let place): "\(place) needs the key '\(key)'"
    case .badValue(let place, let value, let allowed): "\(place) is \(value), but takes \(allowed)"
    case .recipe(let place, let reason): "\(place): \(reason)"
    case .file(let path, let reason): "cannot read \(path): \(reason)"
    case .cannotWrite(let path, let reason): "cannot write \(path): \(reason)"
    case .noData(let folder, let reasons):
      "none of the study's data is below \(folder): \(reasons.joined(separator: "; ")); --data names the folder"
    case .unfinished(let missing, let total):
      "\(missing) of \(total) runs are not in the store yet: `lightmeter experiment run` makes them"
    case .interrupted(let done, let total):
      "stopped with \(done) of \(total) runs done; the same command goes on where it stopped"
    }
  }
}

extension StudyError {
  /// Path of the key that the mistake is about, as ``StudyYAML`` counts lines by; nil for mistakes outside of the file.
  var path: String? {
    switch self {
    case .unknownKey(let key, let place, _): place == "study" ? key : "\(place).\(key)"
    case .missingKey(_, let place), .badValue(let place, _, _), .recipe(let place, _): place == "study" ? "" : place
    case .syntax, .located, .file, .cannotWrite, .noData, .unfinished, .interrupted: nil
    }
  }

  /// The same mistake with the line of its key, or of the nearest key around it.
  func located(in file: String, _ lines: [String: Int]) -> StudyError {
    guard var path else { return self }
    while true {
      if let line = lines[path] { return .located(file: file, line: line, self) }
      guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else {
        return .located(file: file, line: lines[""] ?? 1, self)
      }
      path = String(path[..<cut])
    }
  }
}
