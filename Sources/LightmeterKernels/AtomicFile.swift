/// A file that appears complete or not at all.
///
/// Bytes go through a buffer to a temporary sibling (`.lightmeter-PID-N.partial` in the same folder). ``commit()``
/// flushes, fsyncs, renames it over `path` and fsyncs the folder, so a reader sees the old file or the new one, also
/// after a power cut. Without a commit the sibling is removed when the object goes and the old file stays as it was.
///
///     let file = try AtomicFile("scores.csv")
///     try file.write("user,item,score\n")
///     try file.commit()
///
/// A link is followed and its target replaced; an existing file keeps its permissions. A device or pipe (`/dev/stdout`)
/// cannot be replaced and is written directly. One thread at a time.
///
/// - Throws: ``FileError`` with the path and the system's reason. After a failed write every later call fails alike.
public final class AtomicFile {
  /// The path as given.
  public let path: String
  /// Bytes written so far, buffered ones included.
  public private(set) var byteCount = 0

  private let destination: String
  private var temporary: String?
  private var descriptor: Int32
  private var buffer: [UInt8] = []
  private let capacity: Int
  private var failure: FileError?

  /// Opens the temporary sibling of `path`; the folder must exist.
  ///
  /// - Parameters:
  ///   - path: where the file shall appear.
  ///   - capacity: bytes gathered before the system is asked to write.
  public init(_ path: String, capacity: Int = 1 << 16) throws {
    precondition(capacity > 0, "AtomicFile: capacity must be positive, got \(capacity)")
    self.path = path
    self.capacity = capacity
    let facts = SystemCalls.facts(of: path)
    if facts?.kind == .folder { throw FileError(.create, path: path, code: SystemError.isAFolder) }
    if facts?.kind == .other {
      (destination, temporary) = (path, nil)
      descriptor = SystemCalls.openToWrite(path)
      guard descriptor >= 0 else { throw FileError(.write, path: path, code: SystemCalls.error) }
      return
    }
    destination = facts == nil ? path : SystemCalls.resolved(path) ?? path
    let sibling = try Self.openSibling(of: destination, askedFor: path)
    (descriptor, temporary) = (sibling.descriptor, sibling.name)
    if let facts { SystemCalls.setPermissions(descriptor, facts.permissions) }
  }

  deinit {
    if descriptor >= 0 { SystemCalls.close(descriptor) }
    if let temporary { SystemCalls.remove(temporary) }
  }

  /// Appends `text` in UTF-8.
  public func write(_ text: String) throws {
    try check()
    byteCount += text.utf8.count
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= capacity { try flush() }
  }

  /// Appends one byte.
  public func write(byte: UInt8) throws {
    try check()
    byteCount += 1
    buffer.append(byte)
    if buffer.count >= capacity { try flush() }
  }

  /// Appends the memory of `values`, in the machine's byte order; arrays longer than the buffer are not copied.
  public func write<T: BitwiseCopyable>(_ values: [T]) throws {
    try check()
    try values.withUnsafeBytes { bytes in
      byteCount += bytes.count
      if bytes.count < capacity {
        buffer.append(contentsOf: bytes)
        if buffer.count >= capacity { try flush() }
      } else {
        try flush()
        try writeThrough(bytes)
      }
    }
  }

  /// Makes the file durable and puts it in its place; afterwards nothing can be written.
  public func commit() throws {
    try check()
    try flush()
    guard let temporary else {
      try closeDescriptor()
      return
    }
    guard SystemCalls.synchronise(descriptor) == 0 else { throw fail(.write) }
    try closeDescriptor()
    guard SystemCalls.rename(temporary, to: destination) == 0 else { throw fail(.replace) }
    self.temporary = nil
    try synchroniseFolder()
  }

  private func check() throws {
    if let failure { throw failure }
    precondition(descriptor >= 0, "AtomicFile: '\(path)' was committed already")
  }

  private func fail(_ operation: FileError.Operation) -> FileError {
    let error = FileError(operation, path: path, code: SystemCalls.error)
    failure = error
    return error
  }

  private func flush() throws {
    guard !buffer.isEmpty else { return }
    try buffer.withUnsafeBytes { try writeThrough($0) }
    buffer.removeAll(keepingCapacity: true)
  }

  private func writeThrough(_ bytes: UnsafeRawBufferPointer) throws {
    guard let start = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      // Darwin refuses single writes of 2 GiB and more.
      let written = SystemCalls.write(descriptor, start + done, min(bytes.count - done, 1 << 30))
      if written < 0 {
        if SystemCalls.error == SystemError.interrupted { continue }
        throw fail(.write)
      }
      done += written
    }
  }

  private func closeDescriptor() throws {
    let open = descriptor
    descriptor = -1
    // An interrupted close has closed on Linux; a second one could close another thread's file.
    guard SystemCalls.close(open) == 0 || SystemCalls.error == SystemError.interrupted else { throw fail(.write) }
  }

  private func synchroniseFolder() throws {
    let folder = SystemCalls.openToRead(Self.folder(of: destination))
    guard folder >= 0 else { throw fail(.replace) }
    defer { SystemCalls.close(folder) }
    // File systems that cannot fsync a folder answer EINVAL; the rename has happened.
    guard SystemCalls.synchronise(folder) == 0 || SystemCalls.error == SystemError.invalid else { throw fail(.replace) }
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func openSibling(
    of destination: String, askedFor path: String
  ) throws -> (descriptor: Int32, name: String) {
    var attempt = 0
    while true {
      let name = "\(folder(of: destination))/.lightmeter-\(SystemCalls.processNumber)-\(attempt).partial"
      let descriptor = SystemCalls.create(name)
      if descriptor >= 0 { return (descriptor, name) }
      guard SystemCalls.error == SystemError.exists && attempt < 10_000 else {
        throw FileError(.create, path: path, code: SystemCalls.error)
      }
      attempt += 1
    }
  }
}
