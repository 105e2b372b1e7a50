#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The C library's calls: the one place that imports it.
enum SystemCalls {
  enum Kind { case file, folder, other }

  struct Facts {
    let kind: Kind
    let size: Int
    let permissions: UInt32

    fileprivate init(_ status: stat) {
      kind =
        switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        default: .other
        }
      size = Int(status.st_size)
      permissions = UInt32(status.st_mode & 0o7777)
    }
  }

  /// The number of the last error of this thread.
  static var error: Int32 { errno }

  static func message(of error: Int32) -> String { String(cString: strerror(error)) }

  static func facts(of path: String) -> Facts? {
    var status = stat()
    return stat(path, &status) == 0 ? Facts(status) : nil
  }

  static func facts(of descriptor: Int32) -> Facts? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Facts(status) : nil
  }

  static func openToRead(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }
  static func openToWrite(_ path: String) -> Int32 { open(path, O_WRONLY | O_CLOEXEC) }
  /// Opens a file for reading and for writing at its end; makes it where there is none.
  static func openToAppend(_ path: String) -> Int32 { open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o640) }
  /// Takes the file for this process until it is closed; false where another one has it.
  static func lock(_ descriptor: Int32) -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }
  /// Cuts the file to a length.
  static func cut(_ descriptor: Int32, to length: Int) -> Int32 { ftruncate(descriptor, off_t(length)) }
  static func read(_ descriptor: Int32, at offset: Int, into bytes: UnsafeMutableRawBufferPointer) -> Int {
    pread(descriptor, bytes.baseAddress, bytes.count, off_t(offset))
  }
  /// Makes a file that must not exist yet.
  static func create(_ path: String) -> Int32 { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }

  @discardableResult
  static func close(_ descriptor: Int32) -> Int32 { platformClose(descriptor) }
  static func read(_ descriptor: Int32, into bytes: UnsafeMutableRawBufferPointer) -> Int {
    platformRead(descriptor, bytes.baseAddress, bytes.count)
  }
  /// The first place of a byte in a range, or nil.
  static func position(of byte: UInt8, in base: UnsafePointer<UInt8>, _ range: Range<Int>) -> Int? {
    guard let found = memchr(base + range.lowerBound, Int32(byte), range.count) else { return nil }
    return UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - base
  }
  static func write(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    platformWrite(descriptor, bytes, count)
  }

  static func synchronise(_ descriptor: Int32) -> Int32 {
    #if canImport(Darwin)
      // Darwin's fsync stops at the drive's cache.
      if fcntl(descriptor, F_FULLFSYNC) == 0 { return 0 }
    #endif
    return fsync(descriptor)
  }

  static func setPermissions(_ descriptor: Int32, _ permissions: UInt32) {
    _ = fchmod(descriptor, mode_t(permissions))
  }

  static func rename(_ path: String, to new: String) -> Int32 { platformRename(path, new) }
  static func remove(_ path: String) { _ = unlink(path) }

  /// The path behind links; nil where there is none.
  static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  static var processNumber: Int32 { getpid() }
  /// Signal 0 is sent to nobody; it only asks whether somebody is there.
  static func isRunning(_ process: Int32) -> Bool { kill(process, 0) == 0 || errno == EPERM }

  /// A file's pages, read-only; nil where the system does not map it.
  static func map(_ descriptor: Int32, count: Int) -> UnsafeMutableRawPointer? {
    guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else { return nil }
    return start
  }

  static func unmap(_ bytes: UnsafeMutableRawBufferPointer) { _ = munmap(bytes.baseAddress, bytes.count) }

  static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// The most memory this process has held, bytes.
  static var peakBytes: Int {
    var usage = rusage()
    // RUSAGE_SELF, which every system spells in a type of its own.
    guard getrusage(0, &usage) == 0 else { return 0 }
    #if canImport(Darwin)
      return usage.ru_maxrss
    #else
      return usage.ru_maxrss * 1024
    #endif
  }

  /// Bytes of memory in the machine; nil where the system does not tell.
  static var physicalMemory: Int? {
    let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    return pages > 0 && size > 0 ? pages * size : nil
  }

  /// Runs another program in the place of this one; comes back only where the system refuses.
  static func execute(_ path: String, _ arguments: [String]) {
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    pointers.append(nil)
    _ = execv(path, pointers)
    for pointer in pointers { free(pointer) }
  }

  static func exit(_ status: Int32) -> Never { platformExit(status) }

  static func isExecutable(_ path: String) -> Bool { facts(of: path)?.kind == .file && access(path, X_OK) == 0 }

  /// Lets this process open as many files as the system allows it at most; how many that is.
  static func raiseOpenFileLimit() -> Int {
    var limit = rlimit()
    #if canImport(Glibc)
      let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let kind = RLIMIT_NOFILE
    #endif
    guard getrlimit(kind, &limit) == 0 else { return 0 }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(kind, &limit)
    return getrlimit(kind, &limit) == 0 ? Int(clamping: limit.rlim_cur) : 0
  }

  static func setEnvironment(_ name: String, _ value: String) { _ = setenv(name, value, 1) }

  static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  static var coreCount: Int { sysconf(Int32(_SC_NPROCESSORS_ONLN)) }
}

/// Numbers of the errors that this room tells apart.
enum SystemError {
  static let noEntry = ENOENT
  static let notAFolder = ENOTDIR
  static let isAFolder = EISDIR
  static let exists = EEXIST
  static let interrupted = EINTR
  static let invalid = EINVAL
  static let noAccess = EACCES
  static let notPermitted = EPERM
  static let readOnly = EROFS
  static let noSpace = ENOSPC
  static let quota = EDQUOT
  static let tooBig = EFBIG
}

// Calls whose names the enumeration hides.
private func platformClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func platformRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(descriptor, bytes, count)
}
private func platformWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
private func platformExit(_ status: Int32) -> Never { exit(status) }
private func platformRename(_ path: String, _ new: String) -> Int32 { rename(path, new) }

/// Standard output and standard error, written without a buffer: what a log shows is there at once.
public enum StandardStream: Int32, Sendable {
  case output = 1
  case errors = 2

  /// Whether somebody looks at it on a terminal.
  public var isTerminal: Bool { SystemCalls.isTerminal(rawValue) }

  /// Writes all of `text`; what cannot be written, as to a closed pipe, is dropped.
  public func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      guard let start = bytes.baseAddress else { return }
      var done = 0
      while done < bytes.count {
        let written = SystemCalls.write(rawValue, start + done, bytes.count - done)
        if written < 0 && SystemCalls.error == SystemError.interrupted { continue }
        if written <= 0 { return }
        done += written
      }
    }
  }
}
