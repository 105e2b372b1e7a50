/// A text file that only grows: whole rows are added at its end, under a header line.
///
/// A crash while a row is written leaves at most one torn row at the end. Opening the file again cuts it off, so that
/// every line of the file is whole. One process at a time: opening takes a lock that goes with the process.
///
///     let file = try AppendFile("clicks.csv", header: "user,item\n")
///     try file.append(Array("u1,i7\n".utf8))
///
/// One thread at a time.
///
/// - Throws: ``FileError``; ``AppendFileError`` for a file that another process holds or that is something else.
public final class AppendFile {
  /// The path as given.
  public let path: String
  /// Length of the file.
  public private(set) var byteCount: Int
  /// Bytes of a torn last row that opening cut off.
  public private(set) var tornBytes = 0
  private let descriptor: Int32
  private var isDirty = false

  /// Opens or makes the file at `path` and repairs its end.
  ///
  /// - Parameters:
  ///   - header: first line with its end.
  public init(_ path: String, header: String) throws {
    precondition(header.utf8.last == 10, "AppendFile: a header ends its line")
    self.path = path
    descriptor = SystemCalls.openToAppend(path)
    byteCount = 0
    guard descriptor >= 0 else { throw FileError(.create, path: path, code: SystemCalls.error) }
    guard SystemCalls.lock(descriptor) else { throw AppendFileError.inUse(path: path) }
    guard let facts = SystemCalls.facts(of: descriptor), facts.kind == .file else {
      throw AppendFileError.notALog(path: path)
    }
    byteCount = facts.size
    try repairEnd()
    let first = Array(header.utf8)
    if byteCount == 0 {
      try append(first)
      try synchronise()
      synchroniseFolder()
    } else if try bytes(in: 0..<min(first.count, byteCount)) != first {
      throw AppendFileError.notALog(path: path)
    }
  }

  deinit { if descriptor >= 0 { SystemCalls.close(descriptor) } }

  /// Adds whole rows in one write; after a failure the file is as it was before.
  ///
  /// - Precondition: `rows` ends with an end of line.
  public func append(_ rows: [UInt8]) throws {
    precondition(rows.last == 10, "AppendFile: rows end their line")
    var done = 0
    while done < rows.count {
      let written = rows.withUnsafeBytes { bytes in
        SystemCalls.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
      }
      if written < 0 {
        let code = SystemCalls.error
        if code == SystemError.interrupted { continue }
        _ = SystemCalls.cut(descriptor, to: byteCount)
        throw FileError(.write, path: path, code: code)
      }
      done += written
    }
    byteCount += rows.count
    isDirty = true
  }

  /// Returns when everything added so far is on the disk.
  public func synchronise() throws {
    guard isDirty else { return }
    guard SystemCalls.synchronise(descriptor) == 0 else {
      throw FileError(.write, path: path, code: SystemCalls.error)
    }
    isDirty = false
  }

  /// The last whole rows in at most `limit` bytes, for picking up where an earlier process ended.
  public func lastRows(limit: Int) throws -> [UInt8] {
    let start = max(0, byteCount - limit)
    let tail = try bytes(in: start..<byteCount)
    guard start > 0 else { return tail }
    return tail.firstIndex(of: 10).map { Array(tail[($0 + 1)...]) } ?? []
  }

  private func repairEnd() throws {
    var end = byteCount
    search: while end > 0 {
      let start = max(0, end - (1 << 16))
      let chunk = try bytes(in: start..<end)
      if let newline = chunk.lastIndex(of: 10) {
        end = start + newline + 1
        break search
      }
      end = start
    }
    guard end < byteCount else { return }
    guard SystemCalls.cut(descriptor, to: end) == 0 else {
      throw FileError(.write, path: path, code: SystemCalls.error)
    }
    (tornBytes, byteCount) = (byteCount - end, end)
  }

  private func bytes(in range: Range<Int>) throws -> [UInt8] {
    var content = [UInt8](repeating: 0, count: range.count)
    var done = 0
    while done < range.count {
      let got = content.withUnsafeMutableBytes { bytes in
        SystemCalls.read(
          descriptor, at: range.lowerBound + done, into: UnsafeMutableRawBufferPointer(rebasing: bytes[done...]))
      }
      if got < 0, SystemCalls.error == SystemError.interrupted { continue }
      guard got > 0 else { throw FileError(.read, path: path, code: SystemCalls.error) }
      done += got
    }
    return content
  }

  /// So that the file's name outlives a power cut; file systems that cannot are taken as they are.
  private func synchroniseFolder() {
    let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let opened = SystemCalls.openToRead(folder)
    guard opened >= 0 else { return }
    _ = SystemCalls.synchronise(opened)
    SystemCalls.close(opened)
  }
}

/// Why a file cannot be added to.
public enum AppendFileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Another process adds to it.
  case inUse(path: String)
  /// It is no regular file, or begins with another header.
  case notALog(path: String)

  /// One sentence.
  public var description: String {
    switch self {
    case .inUse(let path): "'\(path)' is held by another process; give each server a folder of its own"
    case .notALog(let path): "'\(path)' is no log of this kind (its first line is another); move it away"
    }
  }
}
