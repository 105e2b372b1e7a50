#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A text file that appears whole or not at all: written aside in large pieces, synchronised, renamed.
struct AtomicFile: ~Copyable {
  private let path: String
  private let aside: String
  private var descriptor: Int32
  private var buffer: [UInt8] = []
  private(set) var bytes = 0
  private static let capacity = 1 << 20

  /// Opens `path` aside.
  ///
  /// - Throws: ``WorldError/file(path:doing:reason:)``.
  init(path: String) throws {
    self.path = path
    aside = "\(path).\(getpid()).partial"
    descriptor = open(aside, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else {
      throw WorldError.file(path: path, doing: "create", reason: String(cString: strerror(errno)))
    }
    buffer.reserveCapacity(AtomicFile.capacity + 4096)
  }

  deinit {
    if descriptor >= 0 {
      close(descriptor)
      unlink(aside)
    }
  }

  mutating func append(_ text: String) throws {
    buffer.append(contentsOf: text.utf8)
    try flushWhenFull()
  }

  mutating func append(byte: UInt8) { buffer.append(byte) }

  /// A letter and a number, such as `u17`.
  mutating func append(letter: UInt8, number: Int32) {
    buffer.append(letter)
    let start = buffer.count
    var rest = number
    repeat {
      buffer.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    buffer[start...].reverse()
  }

  mutating func endLine() throws {
    buffer.append(UInt8(ascii: "\n"))
    try flushWhenFull()
  }

  private mutating func flushWhenFull() throws {
    if buffer.count >= AtomicFile.capacity { try flush() }
  }

  private mutating func flush() throws {
    while !buffer.isEmpty {
      let written = write(descriptor, buffer, buffer.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw failure("write")
      }
      bytes += written
      if written == buffer.count {
        buffer.removeAll(keepingCapacity: true)
      } else {
        buffer.removeFirst(written)
      }
    }
  }

  /// Makes the file appear under its name; returns its size.
  ///
  /// - Throws: ``WorldError/file(path:doing:reason:)``; nothing is left behind then.
  consuming func finish() throws -> Int {
    try flush()
    guard fsync(descriptor) == 0 else { throw failure("write") }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0, rename(aside, path) == 0 else {
      let error = failure("write")
      unlink(aside)
      throw error
    }
    return bytes
  }

  private func failure(_ doing: String) -> WorldError {
    .file(path: path, doing: doing, reason: String(cString: strerror(errno)))
  }
}
