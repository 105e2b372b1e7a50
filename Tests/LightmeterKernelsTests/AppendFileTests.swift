import LightmeterKernels
import TestSupport
import Testing

@Suite struct AppendFileTests {
  private func text(_ path: String) throws -> String { String(decoding: try bytes(at: path), as: UTF8.self) }

  private func write(_ content: String, to path: String) throws {
    let file = try AtomicFile(path)
    try file.write(content)
    try file.commit()
  }

  @Test func rowsFollowTheHeaderAcrossOpenings() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/log.csv"
      for row in ["1\n", "2\n"] {
        let file = try AppendFile(path, header: "h\n")
        try file.append(Array(row.utf8))
        try file.synchronise()
        #expect(file.byteCount == (try bytes(at: path)).count)
      }
      #expect(try text(path) == "h\n1\n2\n")
    }
  }

  @Test(arguments: [
    ("h\n1\n2", "h\n1\n", 1), ("h\n1\n", "h\n1\n", 0), ("h", "h\n", 1), ("", "h\n", 0), ("h\n\n\nx,", "h\n\n\n", 2),
  ]) func onlyATornLastLineIsCutOff(before: String, after: String, torn: Int) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/log.csv"
      try write(before, to: path)
      let file = try AppendFile(path, header: "h\n")
      #expect(file.tornBytes == torn)
      #expect(try text(path) == after)
    }
  }

  @Test func aTornLineLongerThanABlockIsFoundToo() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/log.csv"
      try write("h\n1\n" + String(repeating: "x", count: 200_000), to: path)
      let file = try AppendFile(path, header: "h\n")
      #expect(file.tornBytes == 200_000)
      #expect(try file.lastRows(limit: 3) == Array("1\n".utf8), "whole rows only")
      #expect(try file.lastRows(limit: 100) == Array("h\n1\n".utf8))
    }
  }

  @Test func whatIsNotOursOrHeldIsRefused() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/log.csv"
      try write("other\n1\n", to: path)
      #expect(throws: AppendFileError.notALog(path: path)) { try AppendFile(path, header: "h\n") }
      #expect(try text(path) == "other\n1\n", "and left as it is")
      let held = try AppendFile(folder + "/held", header: "h\n")
      #expect(throws: AppendFileError.inUse(path: folder + "/held")) {
        try AppendFile(folder + "/held", header: "h\n")
      }
      withExtendedLifetime(held) {}
      #expect(throws: FileError.self) { try AppendFile(folder + "/none/log", header: "h\n") }
    }
  }
}
