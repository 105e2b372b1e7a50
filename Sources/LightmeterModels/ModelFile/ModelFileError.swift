/// Why a model file was refused.
public enum ModelFileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// There is no file at the path.
  case notFound(path: String)
  /// The system would not let it be read.
  case unreadable(path: String, reason: String)
  /// It is some other kind of file.
  case notAModel(path: String, reason: String)
  /// It ends before its header says it does.
  case truncated(path: String, bytes: Int, expected: Int)
  /// Its header contradicts itself.
  case malformed(path: String, reason: String)
  /// A part (a tensor's name, or "manifest") no longer has the checksum it was written with.
  case altered(path: String, part: String)
  /// A later Lightmeter wrote it.
  case newerVersion(path: String, found: Int, supported: Int)
  /// A tensor that the model needs is not there.
  case missingTensor(path: String, tensor: String)
  /// A tensor is of another type or shape than the model needs.
  case unexpectedTensor(path: String, tensor: String, found: String, expected: String)

  /// Whether there was no such file.
  public var isNotFound: Bool {
    if case .notFound = self { return true }
    return false
  }

  /// One sentence with the path, what is wrong and the way out.
  public var description: String {
    switch self {
    case .notFound(let path):
      "There is no model file '\(path)'; check the path or train a model first."
    case .unreadable(_, let reason):
      reason
    case .notAModel(let path, let reason):
      "'\(path)' is not a Lightmeter model file: \(reason)."
    case .truncated(let path, let bytes, let expected):
      "'\(path)' is cut off: it has \(bytes) bytes of at least \(expected); copy it again or train again."
    case .malformed(let path, let reason):
      "'\(path)' has a damaged header: \(reason); copy it again or train again."
    case .altered(let path, let part):
      "'\(path)' was altered after it was written: '\(part)' does not have its checksum; copy it again or train again."
    case .newerVersion(let path, let found, let supported):
      "'\(path)' has format version \(found), this Lightmeter reads up to \(supported); update Lightmeter."
    case .missingTensor(let path, let tensor):
      "'\(path)' lacks the tensor '\(tensor)'; it was written for another purpose."
    case .unexpectedTensor(let path, let tensor, let found, let expected):
      "'\(path)' holds the tensor '\(tensor)' as \(found) where \(expected) is needed."
    }
  }
}
