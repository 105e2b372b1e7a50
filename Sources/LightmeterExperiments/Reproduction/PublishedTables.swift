#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The numbers that the Biif paper prints.
struct PublishedTables: Sendable {
  /// A mean of five runs with its standard deviation.
  struct Cell: Sendable, Hashable, Codable {
    let mean: Double
    let sd: Double
  }
  /// How many runs a published mean is of.
  static let runs = 5

  /// By table, method and metric.
  let tables: [Reproduction: [String: [String: Cell]]]
  /// Seconds per epoch on Yahoo! R3 with a GTX 1650, by method.
  let secondsPerEpoch: [String: Double]

  /// Methods in the order of the paper.
  static let methods = ["RelMF", "ExpoMF", "CJMF", "AD", "CEB", "BPR", "UMF", "Biif"]
  /// Metrics in the order of the paper.
  static let metrics = ["DCG@1", "DCG@2", "DCG@3", "MAP@1", "MAP@2", "MAP@3"]

  private struct File: Decodable {
    struct Other: Decodable { let secondsPerEpochYahooGTX1650: [String: Double] }
    let yahoo: [String: [String: Cell]]
    let coat: [String: [String: Cell]]
    let other: Other

    enum CodingKeys: String, CodingKey {
      case yahoo = "Yahoo!R3 (Table 1)"
      case coat = "Coat (Table 2)"
      case other
    }
  }

  init() {
    do {
      let file = try JSONDecoder().decode(File.self, from: Data(PackageResources.published_json))
      tables = [.table1: file.yahoo, .table2: file.coat]
      secondsPerEpoch = file.other.secondsPerEpochYahooGTX1650
    } catch { preconditionFailure("the shipped tables are not readable: \(error)") }
  }
}
