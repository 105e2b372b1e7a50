/// What the operating system refused to do with a file: the operation, the path and its error number.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was being done.
  public enum Operation: String, Sendable {
    /// Opening or reading.
    case read
    /// Creating the file or its temporary sibling.
    case create
    /// Writing or flushing.
    case write
    /// Putting the finished file in the old one's place.
    case replace
  }
  /// What was being done.
  public let operation: Operation
  /// The path as the caller gave it.
  public let path: String
  /// The system's `errno`.
  public let code: Int32

  /// An error of `operation` on `path` with the system's number.
  public init(_ operation: Operation, path: String, code: Int32) {
    (self.operation, self.path, self.code) = (operation, path, code)
  }

  /// Whether the path, or the folder it should be in, does not exist.
  public var isNotFound: Bool { code == SystemError.noEntry || code == SystemError.notAFolder }

  /// The system's words for the number.
  public var reason: String { SystemCalls.message(of: code) }

  /// One sentence with the path, the system's text and the way out where there is one.
  public var description: String {
    "Cannot \(operation.rawValue) '\(path)': \(reason)\(remedy)."
  }

  private var remedy: String {
    switch (operation, code) {
    case (.read, SystemError.noEntry): "; check the path"
    case (_, SystemError.noEntry), (_, SystemError.notAFolder): "; make the folder first"
    case (_, SystemError.isAFolder): "; give a file's path, not a folder's"
    case (.read, SystemError.noAccess), (.read, SystemError.notPermitted): "; ask for permission to read it"
    case (_, SystemError.noAccess), (_, SystemError.notPermitted), (_, SystemError.readOnly):
      "; choose a place that you may write to"
    case (_, SystemError.noSpace), (_, SystemError.quota): "; free some space or choose another disk"
    case (_, SystemError.tooBig): "; raise the limit on file size (ulimit -f) or choose another disk"
    default: ""
    }
  }
}
