internal import CZlib
internal import LightmeterKernels

/// Bytes of a file, a pipe or standard input in blocks, uncompressed on the way where they are gzip.
///
/// Blocks are read, not mapped: a pipe works the same and a file that shrinks meanwhile is an end, not a crash.
final class ByteSource {
  /// Name for messages.
  let name: String
  /// Size of a regular file.
  let totalBytes: Int64?
  /// Bytes taken so far, as they came.
  private(set) var bytesRead: Int64 = 0
  /// Whether the bytes are gzip; known after the first read.
  private(set) var isCompressed = false

  private let descriptor: InputDescriptor
  private let closes: Bool
  private let input: UnsafeMutablePointer<UInt8>
  private let inputCapacity = 1 << 18
  private var inputStart = 0
  private var inputEnd = 0
  private var endOfInput = false
  private let stream: UnsafeMutablePointer<z_stream>
  private var memberOpen = false
  private var begun = false

  /// Opens a path; "-" is standard input.
  convenience init(path: String) throws(ReadError) {
    if path == "-" {
      try self.init(descriptor: 0, name: "standard input", closes: false)
      return
    }
    let descriptor: InputDescriptor
    do { descriptor = try InputDescriptor(path: path) } catch {
      throw ReadError(
        .noInput, file: path, problem: "cannot be opened: \(error.reason)",
        remedy: "check the path, or give - to read standard input")
    }
    try self.init(descriptor, name: path, closes: true)
  }

  /// Reads an open descriptor, which is closed at the end only if `closes`.
  convenience init(descriptor: Int32, name: String, closes: Bool) throws(ReadError) {
    try self.init(InputDescriptor(number: descriptor), name: name, closes: closes)
  }

  private init(_ descriptor: InputDescriptor, name: String, closes: Bool) throws(ReadError) {
    self.descriptor = descriptor
    self.closes = closes
    self.name = name
    totalBytes = descriptor.fileSize.map { Int64($0) }
    input = .allocate(capacity: inputCapacity)
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    if descriptor.isFolder {
      throw ReadError(.noInput, file: name, problem: "is a folder", remedy: "name a file in it")
    }
  }

  deinit {
    if memberOpen { inflateEnd(stream) }
    stream.deallocate()
    input.deallocate()
    if closes { descriptor.close() }
  }

  /// Fills part of `target`; 0 at the end.
  func read(into target: UnsafeMutablePointer<UInt8>, capacity: Int) throws(ReadError) -> Int {
    if !begun {
      begun = true
      try begin()
    }
    if isCompressed { return try inflateInto(target, capacity) }
    if inputStart < inputEnd {
      let count = min(capacity, inputEnd - inputStart)
      target.update(from: input + inputStart, count: count)
      inputStart += count
      return count
    }
    return endOfInput ? 0 : try readRaw(target, capacity)
  }

  /// Takes enough bytes to know what the file is.
  private func begin() throws(ReadError) {
    while inputEnd < 6 {
      let count = try readRaw(input + inputEnd, inputCapacity - inputEnd)
      if count == 0 { break }
      inputEnd += count
    }
    let start = (0..<min(6, inputEnd)).map { input[$0] }
    if start.starts(with: [0x1F, 0x8B]) {
      isCompressed = true
      return
    }
    let kinds: [([UInt8], String, String)] = [
      ([0x50, 0x4B, 0x03, 0x04], "a zip archive", "unpack it with unzip and give the file inside"),
      ([0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd", "pipe it through zstd -dc and read -"),
      ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "compressed with xz", "pipe it through xz -dc and read -"),
      ([0x42, 0x5A, 0x68, 0x39], "compressed with bzip2", "pipe it through bzip2 -dc and read -"),
      ([0x50, 0x41, 0x52, 0x31], "a Parquet file", "write it as CSV and read that"),
      ([0xFF, 0xFE], "UTF-16 text", "convert it with iconv -f UTF-16 -t UTF-8"),
      ([0xFE, 0xFF], "UTF-16 text", "convert it with iconv -f UTF-16 -t UTF-8"),
    ]
    for (magic, what, remedy) in kinds where start.starts(with: magic) {
      throw ReadError(.damaged, file: name, problem: "is \(what), not delimited text", remedy: remedy)
    }
  }

  private func readRaw(_ target: UnsafeMutablePointer<UInt8>, _ capacity: Int) throws(ReadError) -> Int {
    do {
      let count = try descriptor.read(into: target, capacity: capacity, name: name)
      bytesRead += Int64(count)
      endOfInput = count == 0
      return count
    } catch {
      throw ReadError(
        .inputOutput, file: name, problem: "could not be read after \(bytesRead) bytes: \(error.reason)",
        remedy: "check the disk or the program that writes the pipe, and run again")
    }
  }
}

// MARK: - gzip

extension ByteSource {
  private func inflateInto(_ target: UnsafeMutablePointer<UInt8>, _ capacity: Int) throws(ReadError) -> Int {
    stream.pointee.next_out = target
    stream.pointee.avail_out = UInt32(capacity)
    while stream.pointee.avail_out > 0 {
      if inputStart == inputEnd && !endOfInput {
        inputStart = 0
        inputEnd = try readRaw(input, inputCapacity)
      }
      if !memberOpen {
        guard try nextMember() else { break }
      }
      if inputStart == inputEnd { throw truncated() }
      stream.pointee.next_in = input + inputStart
      stream.pointee.avail_in = UInt32(inputEnd - inputStart)
      let status = inflate(stream, Z_NO_FLUSH)
      inputStart = inputEnd - Int(stream.pointee.avail_in)
      if status == Z_STREAM_END {
        inflateEnd(stream)
        memberOpen = false
      } else if status != Z_OK && status != Z_BUF_ERROR {
        throw ReadError(
          .damaged, file: name,
          problem: "is damaged gzip near compressed byte \(bytesRead - Int64(inputEnd - inputStart))",
          remedy: "test it with gzip -t and take it from its source again; nothing was kept")
      }
    }
    return capacity - Int(stream.pointee.avail_out)
  }

  /// Starts the next of several members; false at a clean end. Zero bytes after a member are padding.
  private func nextMember() throws(ReadError) -> Bool {
    let first = bytesRead == Int64(inputEnd) && inputStart == 0
    while !first {
      while inputStart < inputEnd && input[inputStart] == 0 { inputStart += 1 }
      if inputStart < inputEnd { break }
      if endOfInput { return false }
      inputStart = 0
      inputEnd = try readRaw(input, inputCapacity)
    }
    guard input[inputStart] == 0x1F else {
      throw ReadError(
        .damaged, file: name,
        problem: "has bytes that are no gzip after a complete gzip stream, from compressed byte "
          + "\(bytesRead - Int64(inputEnd - inputStart)) on",
        remedy: "cut them off or compress the whole text again; nothing was kept")
    }
    let (out, room) = (stream.pointee.next_out, stream.pointee.avail_out)
    stream.pointee = z_stream()
    let status = inflateInit2_(stream, 16 + MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(status == Z_OK, "zlib could not start: status \(status), most likely no memory")
    stream.pointee.next_out = out
    stream.pointee.avail_out = room
    memberOpen = true
    return true
  }

  private func truncated() -> ReadError {
    ReadError(
      .damaged, file: name, problem: "is gzip that is cut off after \(bytesRead) compressed bytes",
      remedy: "take it from its source again; nothing was kept")
  }
}
