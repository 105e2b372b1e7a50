import Foundation
import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterServing
import TestSupport
import Testing

@testable import LightmeterExperiments

/// What Swift alone can say of exports; `.ci/exports` opens them with the programs that they are for.
@Suite struct ModelExportTests {
  private static func model(_ biases: BiasTerms, itemNames: [String]? = nil) -> StoredModel {
    var backbone = MatrixFactorization<Float>(
      userCount: 4, itemCount: 6, dimension: 3, biases: biases, intercept: -0.5, deviation: 1, seed: 2)
    // Biases start at 0; these must be told from factors.
    for (side, fixed) in [(0, backbone.tables[1].fixedColumn), (1, backbone.tables[0].fixedColumn)] {
      guard let fixed else { continue }
      for row in 0..<backbone.tables[side].rows {
        backbone.tables[side].values[row * backbone.tables[side].stride + fixed] = Float(row + 1) / 8
      }
    }
    var (users, items) = (IdentifierTable(), IdentifierTable())
    for user in 0..<4 { _ = users.intern("u\(user)") }
    for item in 0..<6 { _ = items.intern(itemNames?[item] ?? "i\(item)") }
    return StoredModel(
      scorer: .factors(backbone.factorModel), exposure: .perItem([1, 0.5, 0.4, 0.3, 0.2, 0.1]), users: users,
      items: items, popularity: [1, 0.5, 0.4, 0.3, 0.2, 0.1],
      seen: FeedbackMatrix(userCount: 4, itemCount: 6, users: [0, 0, 1], items: [1, 2, 5]), manifest: "{}")
  }

  private static func scores(_ model: StoredModel) -> [Float] {
    (0..<model.users.count).flatMap { user in
      var scores = [Float](repeating: 0, count: model.items.count)
      model.scorer.scores(user: user, items: 0..<model.items.count, into: &scores)
      return scores
    }
  }

  @Test(arguments: BiasTerms.allCases) func factorsAndBiasesGiveTheScores(biases: BiasTerms) throws {
    let model = Self.model(biases)
    guard case .factors(let factors) = model.scorer else { return }
    let parts = FactorArrays(factors)
    #expect(parts.dimension == 3)
    #expect((parts.userBiases.contains { $0 != 0 }) == (biases == .userAndItem))
    #expect((parts.itemBiases.contains { $0 != 0 }) == (biases != .none))
    for (place, score) in Self.scores(model).enumerated() {
      let (user, item) = (place / 6, place % 6)
      let product = (0..<3).reduce(Float(0)) {
        $0 + parts.userFactors[user * 3 + $1] * parts.itemFactors[item * 3 + $1]
      }
      #expect(abs(parts.intercept + parts.userBiases[user] + parts.itemBiases[item] + product - score) < 1e-5)
    }
  }

  @Test func popularityIsAllBias() {
    let parts = FactorArrays(FactorModel(itemScores: [3, 1, 2], userCount: 2))
    #expect(parts.dimension == 0 && parts.itemBiases == [3, 1, 2] && parts.innerProductItems == [3, 1, 2])
  }

  /// The identity behind indexes that only know distances: |q − v|² = Φ² + |q|² − 2 q·v.
  @Test func theNearestVectorHasTheLargestInnerProduct() throws {
    guard case .factors(let factors) = Self.model(.userAndItem).scorer else { return }
    let parts = FactorArrays(factors)
    let (queries, vectors) = (parts.distanceUsers, parts.distanceItems)
    for user in 0..<4 {
      for item in 0..<6 {
        var (distance, square, product): (Float, Float, Float) = (0, 0, parts.itemBiases[item])
        for k in 0..<5 {
          let (q, v) = (queries[user * 5 + k], vectors[item * 5 + k])
          distance += (q - v) * (q - v)
          square += q * q
        }
        for k in 0..<3 { product += parts.userFactors[user * 3 + k] * parts.itemFactors[item * 3 + k] }
        #expect(abs((Float(parts.largestSquare) + square - distance) / 2 - product) < 1e-5)
      }
    }
  }

  @Test func anArrayHasNumPysHeader() throws {
    try withTemporaryFolder { folder in
      try NumpyArray([1, 2, 3, 4, 5, 6], shape: [2, 3]).write(path: folder + "/a.npy")
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/a.npy")))
      #expect(bytes.prefix(8) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
      #expect(bytes.count == 128 + 24 || bytes.count == 64 + 24)
      #expect(
        String(decoding: bytes, as: UTF8.self).contains("'descr': '<f4', 'fortran_order': False, 'shape': (2, 3,)"))
      #expect(bytes.suffix(24).elementsEqual([0, 0, 128, 63] + bytes.suffix(20)))
    }
    #expect(String(decoding: NumpyArray(["ab", "é"]).header, as: UTF8.self).contains("<U2"))
  }

  @Test func theChecksumIsThatOfZip() {
    var sum = CRC32()
    sum.update(Array("123456789".utf8))
    #expect(sum.value == 0xCBF4_3926, "the check value of the standard")
  }

  @Test func everyFormatIsWrittenAndWrittenAgain() throws {
    let model = Self.model(.userAndItem)
    try withTemporaryFolder { folder in
      for format in ModelExport.Format.allCases {
        let place = folder + "/" + format.rawValue
        let files = try ModelExport(model).write(format, to: place, count: 2)
        #expect(files.allSatisfy { FileManager.default.fileExists(atPath: $0) })
        let first = try files.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        _ = try ModelExport(model).write(format, to: place, count: 2)
        let second = try files.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        #expect(second == first, "\(format)")
      }
      let lists = try String(contentsOfFile: folder + "/csv", encoding: .utf8).split(separator: "\n")
      #expect(lists[0] == "user,rank,item,relevance,exposure" && lists.count == 9)
      let tensors = try SafetensorsFile(folder + "/safetensors")
      #expect(tensors.entries["user_factors"]?.shape == [4, 3])
      #expect(tensors.metadata["lightmeter"]?.contains("user_factors[u] @ item_factors[i]") == true)
      let pairs = try String(contentsOfFile: folder + "/recbole/recbole.inter", encoding: .utf8)
      #expect(pairs == "user_id:token\titem_id:token\nu0\ti1\nu0\ti2\nu1\ti5\n")
    }
  }

  @Test func whatAFormatCannotHoldIsRefused() throws {
    try withTemporaryFolder { folder in
      let odd = ModelExport(Self.model(.none, itemNames: ["a", "b\nc", "d\te", "f", "g", "h"]))
      for format in [ModelExport.Format.npy, .faiss, .recbole] {
        #expect(throws: ExportError.self) { try odd.write(format, to: folder + "/odd") }
      }
      let archive = try odd.write(.npz, to: folder + "/odd.npz")
      #expect(archive.count == 1)
      var ensemble = Self.model(.none)
      guard case .factors(let factors) = ensemble.scorer else { return }
      ensemble.scorer = .ensemble(EnsembleModel(members: [factors, factors]))
      #expect(throws: ExportError.self) { try ModelExport(ensemble).write(.npz, to: folder + "/e.npz") }
      let lists = try ModelExport(ensemble).write(.csv, to: folder + "/e.csv")
      #expect(lists.count == 1)
    }
  }
}
