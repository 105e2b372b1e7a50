internal import Foundation
internal import LightmeterKernels
internal import TestSupport
internal import Testing

@Suite struct AtomicFileTests {
  @Test func `what is written in pieces of any size arrives in order, under the asked path only`() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/scores.csv"
      let file = try AtomicFile(path, capacity: 10)
      let long = (0..<40).map { UInt8($0) }
      try file.write("a,b\n")
      try file.write(byte: 0x21)
      try file.write(long)
      try file.write([Int32(-2)])
      try file.write("héllo, a text longer than the buffer")
      #expect(try !names(in: folder).contains("scores.csv"))
      try file.commit()
      let text = "héllo, a text longer than the buffer"
      let expected = Array("a,b\n!".utf8) + long + [0xFE, 0xFF, 0xFF, 0xFF] + Array(text.utf8)
      #expect(try bytes(at: path) == expected)
      #expect(file.byteCount == expected.count)
      #expect(try names(in: folder) == ["scores.csv"])
    }
  }

  @Test func `without a commit the old file stays and nothing else is left`() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/model"
      try Data("old".utf8).write(to: URL(fileURLWithPath: path))
      do {
        let file = try AtomicFile(path, capacity: 2)
        try file.write("something new")
        #expect(try names(in: folder).count == 2)
      }
      #expect(try bytes(at: path) == Array("old".utf8))
      #expect(try names(in: folder) == ["model"])
    }
  }

  @Test func `two writers of one path do not meet, and the last commit stays`() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/model"
      let first = try AtomicFile(path)
      let second = try AtomicFile(path)
      try first.write("first")
      try second.write("second")
      try second.commit()
      try first.commit()
      #expect(try bytes(at: path) == Array("first".utf8))
      #expect(try names(in: folder) == ["model"])
    }
  }

  @Test func `a replaced file keeps its permissions and a link keeps pointing`() throws {
    try withTemporaryFolder { folder in
      let (target, link) = (folder + "/target", folder + "/link")
      try Data("old".utf8).write(to: URL(fileURLWithPath: target))
      try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: target)
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "target")
      let file = try AtomicFile(link)
      try file.write("new")
      try file.commit()
      #expect(try bytes(at: target) == Array("new".utf8))
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "target")
      #expect(try FileManager.default.attributesOfItem(atPath: target)[.posixPermissions] as? Int == 0o640)
    }
  }

  @Test func `errors name the path, the reason and the way out`() throws {
    try withTemporaryFolder { folder in
      let lost = #expect(throws: FileError.self) { try AtomicFile(folder + "/none/model") }
      #expect(
        lost?.description
          == "Cannot create '\(folder)/none/model': No such file or directory; make the folder first.")
      #expect(lost?.isNotFound == true)
      let taken = #expect(throws: FileError.self) { try AtomicFile(folder) }
      #expect(taken?.description == "Cannot create '\(folder)': Is a directory; give a file's path, not a folder's.")
    }
  }

  @Test func `a commit that cannot replace the path fails, again and again, and cleans up`() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/model"
      do {
        let file = try AtomicFile(path)
        try file.write("new")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let first = #expect(throws: FileError.self) { try file.commit() }
        #expect(first?.operation == .replace)
        #expect(throws: FileError.self) { try file.commit() }
        #expect(throws: FileError.self) { try file.write("more") }
      }
      #expect(try names(in: folder) == ["model"])
    }
  }

  // A pipe of its own: broken code would replace a device of the machine by a file.
  @Test func `a pipe is written directly and stays a pipe`() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/pipe"
      #expect(mkfifo(path, 0o600) == 0)
      let reader = open(path, O_RDONLY | O_NONBLOCK)
      defer { close(reader) }
      let file = try AtomicFile(path)
      try file.write("through")
      try file.commit()
      var text = [UInt8](repeating: 0, count: 20)
      #expect(read(reader, &text, text.count) == 7)
      #expect(text.prefix(7).elementsEqual("through".utf8))
      var status = stat()
      #expect(stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
      #expect(try names(in: folder) == ["pipe"])
    }
  }

  @Test func `a write that hits the limit on file size leaves the old file`() async throws {
    await #expect(processExitsWith: .success) {
      try withTemporaryFolder { folder in
        let path = folder + "/model"
        try Data("old".utf8).write(to: URL(fileURLWithPath: path))
        limitFileSize(to: 100_000)
        do {
          let file = try AtomicFile(path)
          let error = #expect(throws: FileError.self) { try file.write([UInt8](repeating: 1, count: 200_000)) }
          #expect(error?.code == EFBIG)
          #expect(throws: FileError.self) { try file.commit() }
        }
        #expect(try bytes(at: path) == Array("old".utf8))
        #expect(try names(in: folder) == ["model"])
      }
    }
  }
}

@Suite struct MappedFileTests {
  @Test(arguments: [true, false]) func `bytes come back at any alignment, mapped or read`(mapping: Bool) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/numbers"
      let file = try AtomicFile(path)
      try file.write(byte: 7)
      try file.write([1.5, -0.0, Double(nan: 5, signaling: false)])
      try file.commit()
      let mapped = try MappedFile(path, mapping: mapping)
      #expect(mapped.count == 25)
      #expect(mapped.isMapped == mapping)
      let numbers = mapped.array(of: Double.self, in: 1..<25)
      #expect(numbers.map(\.bitPattern) == [1.5, -0.0, Double(nan: 5, signaling: false)].map(\.bitPattern))
      #expect(mapped.withBytes(0..<1) { $0.unsafeLoad(fromByteOffset: 0, as: UInt8.self) } == 7)
      #expect(mapped.withBytes(25..<25) { $0.byteCount } == 0)
    }
  }

  @Test func `bytes stay when the file is replaced`() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/text"
      for text in ["old", "new"] {
        let before = try? MappedFile(path)
        let file = try AtomicFile(path)
        try file.write(text)
        try file.commit()
        if let before { #expect(before.array(of: UInt8.self, in: 0..<3) == Array("old".utf8)) }
      }
      #expect(try MappedFile(path).array(of: UInt8.self, in: 0..<3) == Array("new".utf8))
    }
  }

  @Test func `an empty file, a missing one and a folder`() throws {
    try withTemporaryFolder { folder in
      try AtomicFile(folder + "/empty").commit()
      #expect(try MappedFile(folder + "/empty").count == 0)
      let missing = #expect(throws: FileError.self) { try MappedFile(folder + "/none") }
      #expect(missing?.isNotFound == true)
      let directory = #expect(throws: FileError.self) { try MappedFile(folder) }
      #expect(directory?.code == EISDIR)
    }
  }

  @Test func `a pipe is read to its end`() throws {
    let pipe = Pipe()
    pipe.fileHandleForWriting.write(Data("through a pipe".utf8))
    try pipe.fileHandleForWriting.close()
    let file = try MappedFile("/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)")
    #expect(file.array(of: UInt8.self, in: 0..<file.count) == Array("through a pipe".utf8))
  }
}
