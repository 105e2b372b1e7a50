internal import Foundation
internal import LightmeterKernels
@testable internal import LightmeterModels
internal import TestSupport
internal import Testing

@Suite struct ModelFileContainerTests {
  static let small = ModelContainer(
    manifest: #"{"recipe":{"method":"biif"},"text":"ü \"quoted\" \\ / \n"}"#,
    tensors: [
      "user_factors": .float32(
        [1, -0.0, .infinity, Float(nan: 3, signaling: false), .leastNonzeroMagnitude, 6], shape: [2, 3]),
      "step": .int64([.min], shape: []), "users.index": .int32([-1, 7], shape: [2]),
      "users.ids": .uint8([0, 255, 10], shape: [3]), "none": .float64([], shape: [0, 4]),
      "moments": .float64([.nan, Double(nan: 9, signaling: false), -1.5], shape: [3]),
    ])

  static func content(of container: ModelContainer) throws -> [UInt8] {
    try withTemporaryFolder { folder in
      try container.write(to: folder + "/m.lightmeter")
      return try bytes(at: folder + "/m.lightmeter")
    }
  }

  static func read(_ content: [UInt8], verify: Bool = true) throws -> ModelContainer {
    try ModelContainer(SafetensorsFile(MappedFile(content: content, path: "m.lightmeter")), verify: verify)
  }

  static func isSame(_ a: ModelContainer, _ b: ModelContainer) -> Bool {
    a.manifest == b.manifest && a.tensors.count == b.tensors.count
      && a.tensors.allSatisfy { name, tensor in b.tensors[name].map { $0.isIdentical(to: tensor) } ?? false }
  }

  /// Writes plain safetensors with the given metadata over the small container's own.
  static func content(metadata changes: [String: String?]) throws -> [UInt8] {
    try withTemporaryFolder { folder in
      let (path, changed) = (folder + "/a", folder + "/b")
      try small.write(to: path)
      var metadata = try SafetensorsFile(path).metadata
      for (key, value) in changes { metadata[key] = value }
      try SafetensorsFile.write(small.tensors, metadata: metadata, to: changed)
      return try bytes(at: changed)
    }
  }

  static func expectMalformed(_ error: ModelFileError?, _ what: String) {
    guard case .malformed = error else {
      Issue.record("\(what) gave \(String(describing: error))")
      return
    }
  }

  @Test func `a container comes back bit for bit, NaN payloads and empty tensors too`() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/m.lightmeter"
      try Self.small.write(to: path)
      for verify in [true, false] {
        let back = try ModelContainer.read(path, verify: verify)
        #expect(Self.isSame(back, Self.small))
        #expect(back.path == path)
      }
      #expect(try ModelContainer.manifest(of: path) == Self.small.manifest)
    }
  }

  @Test func `equal content gives equal bytes, whatever the order it was put together in`() throws {
    var other = ModelContainer(manifest: Self.small.manifest)
    for name in Self.small.tensors.keys.sorted().reversed() { other.tensors[name] = Self.small.tensors[name] }
    #expect(try Self.content(of: other) == Self.content(of: Self.small))
    #expect(try Self.content(of: Self.read(Self.content(of: other))) == Self.content(of: Self.small))
  }

  @Test func `the checksums follow the documented definition`() throws {
    let content = try Self.content(
      of: ModelContainer(manifest: "{}", tensors: ["w": .float32([1, 2], shape: [1, 2])]))
    let file = try SafetensorsFile(MappedFile(content: content, path: "m.lightmeter"))
    // By Python: xxh64_hexdigest(b"F32 1,2\n" + bytes of 1 and 2), xxh64_hexdigest(b"{}").
    #expect(
      file.metadata["digest"] == #"{"manifest":"2e1472b57af294d1","tensors":{"w":"b9d8d1e4250a670c"}}"#)
    #expect(file.metadata["format"] == "lightmeter" && file.metadata["format_version"] == "2")
  }

  @Test func `an altered byte anywhere is refused, unless it means the same`() throws {
    let content = try Self.content(of: Self.small)
    var harmless = 0
    for k in content.indices {
      for mask: UInt8 in [1 << (k % 8), 0xFF] {
        var altered = content
        altered[k] ^= mask
        do {
          let read = try Self.read(altered)
          #expect(Self.isSame(read, Self.small), "byte \(k) ^ \(mask) was read as something else")
          harmless += 1
        } catch let error as ModelFileError {
          #expect(error.description.contains("m.lightmeter"))
        }
      }
    }
    // Only the header's padding and the case of an escape may change unseen.
    #expect(harmless <= 14)
  }

  @Test func `altered data names its tensor`() throws {
    var content = try Self.content(of: Self.small)
    content[content.count - 1] ^= 1
    #expect(throws: ModelFileError.altered(path: "m.lightmeter", part: "users.ids")) { try Self.read(content) }
    let manifest = try Self.content(metadata: ["manifest": "{}"])
    #expect(throws: ModelFileError.altered(path: "m.lightmeter", part: "manifest")) { try Self.read(manifest) }
    #expect(throws: ModelFileError.altered(path: "m.lightmeter", part: "manifest")) {
      try Self.read(manifest, verify: false)
    }
  }

  @Test func `without verification altered data passes`() throws {
    var content = try Self.content(of: Self.small)
    content[content.count - 1] ^= 1
    #expect(try Self.read(content, verify: false).uint8("users.ids") == [0, 255, 11])
  }

  @Test func `a file cut at any length is refused as cut off`() throws {
    let content = try Self.content(of: Self.small)
    for count in content.indices {
      let error = #expect(throws: ModelFileError.self) { try Self.read(Array(content[..<count]), verify: false) }
      guard case .truncated(_, count, let expected) = error, expected <= content.count else {
        Issue.record("\(count) bytes gave \(String(describing: error))")
        continue
      }
    }
    let longer = #expect(throws: ModelFileError.self) { try Self.read(content + [0]) }
    Self.expectMalformed(longer, "one byte more")
  }

  @Test func `versions: newer is refused with both numbers, nonsense as damage`() throws {
    let newer = ModelFileError.newerVersion(path: "m.lightmeter", found: 3, supported: 2)
    #expect(throws: newer) { try Self.read(Self.content(metadata: ["format_version": "3"])) }
    #expect(
      newer.description
        == "'m.lightmeter' has format version 3, this Lightmeter reads up to 2; update Lightmeter.")
    for version in ["0", "-1", "one", "", "1.0", nil] {
      let error = #expect(throws: ModelFileError.self) {
        try Self.read(Self.content(metadata: ["format_version": version]))
      }
      Self.expectMalformed(error, "version \(version ?? "nil")")
    }
  }

  @Test func `other files are told apart`() throws {
    #expect(
      throws: ModelFileError.notAModel(path: "m.lightmeter", reason: "it is a safetensors file of another program")
    ) {
      try Self.read(Self.content(metadata: ["format": nil]))
    }
    for key in ["manifest", "digest"] {
      let error = #expect(throws: ModelFileError.self) { try Self.read(Self.content(metadata: [key: nil])) }
      Self.expectMalformed(error, "no \(key)")
    }
    let digest = #expect(throws: ModelFileError.self) { try Self.read(Self.content(metadata: ["digest": "[]"])) }
    Self.expectMalformed(digest, "a list for checksums")
    try withTemporaryFolder { folder in
      let none = ModelFileError.notFound(path: folder + "/none")
      #expect(throws: none) { try ModelContainer.read(folder + "/none") }
      #expect(none.description.hasPrefix("There is no model file '\(folder)/none'"))
      let directory = #expect(throws: ModelFileError.self) { try ModelContainer.read(folder) }
      #expect(directory?.description.hasPrefix("Cannot read '\(folder)': Is a directory") == true)
    }
  }

  @Test func `metadata keys, tensors and element types of a later minor version are ignored`() throws {
    #expect(Self.isSame(try Self.read(Self.content(metadata: ["added": "later"])), Self.small))
    // The checksums are Python xxhash's.
    let digest =
      #"{\"manifest\":\"2e1472b57af294d1\",\"tensors\":{\"half\":\"0ee77b527f61a516\"},\"later\":1}"#
    let header =
      #"{"__metadata__":{"format":"lightmeter","format_version":"1","manifest":"{}","digest":"\#(digest)"},"#
      + #""half":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}"#
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    #expect(try Self.read(length + Array(header.utf8) + [0, 0]).tensors.isEmpty)
  }

  @Test func `a tensor without a checksum, or a checksum without its tensor, is an alteration`() throws {
    var more = Self.small.tensors
    more["extra"] = .uint8([1], shape: [1])
    var fewer = Self.small.tensors
    fewer["step"] = nil
    for (tensors, part) in [(more, "extra"), (fewer, "step")] {
      try withTemporaryFolder { folder in
        let path = folder + "/m"
        try Self.small.write(to: path)
        try SafetensorsFile.write(tensors, metadata: SafetensorsFile(path).metadata, to: path)
        #expect(throws: ModelFileError.altered(path: path, part: part)) { try ModelContainer.read(path) }
      }
    }
  }

  @Test func `a failed write leaves the old model`() async throws {
    await #expect(processExitsWith: .success) {
      try withTemporaryFolder { folder in
        let path = folder + "/m.lightmeter"
        try Self.small.write(to: path)
        limitFileSize(to: 100_000)
        let large = ModelContainer(
          manifest: "{}", tensors: ["w": .float32([Float](repeating: 1, count: 50_000), shape: [50_000])])
        let error = #expect(throws: FileError.self) { try large.write(to: path) }
        #expect(error?.path == path)
        #expect(Self.isSame(try ModelContainer.read(path), Self.small))
        #expect(try names(in: folder) == ["m.lightmeter"])
      }
    }
  }

  @Test func `a tensor is given only as what it is`() throws {
    let model = Self.small
    #expect(try model.float32("user_factors", shape: [2, 3]).count == 6)
    #expect(try model.float64("none") == [])
    #expect(try model.int32("users.index", shape: [2]) == [-1, 7])
    #expect(try model.int64("step", shape: []) == [.min])
    #expect(throws: ModelFileError.missingTensor(path: "", tensor: "w")) { try model.float32("w") }
    let type = #expect(throws: ModelFileError.self) { try model.float64("user_factors") }
    #expect(type?.description == "'' holds the tensor 'user_factors' as F32 [2, 3] where F64 of any shape is needed.")
    let shape = #expect(throws: ModelFileError.self) { try model.float32("user_factors", shape: [3, 2]) }
    #expect(shape?.description == "'' holds the tensor 'user_factors' as F32 [2, 3] where F32 [3, 2] is needed.")
  }
}
