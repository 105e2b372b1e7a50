#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A study as its file says it: data × protocol × methods × search × seeds. Checked whole before anything runs.
///
/// - Stability: experimental
public struct Study: Sendable {
  /// Its name; also that of the report's files.
  public let name: String
  /// What it asks, in a sentence or two for the head of the report.
  public let summary: String
  /// The data sets, each with a label.
  public let data: [StudyData]
  /// How models are scored.
  public let scoring: StudyScoring
  /// The rows of the tables.
  public let methods: [StudyMethod]
  /// How configurations and epochs are chosen.
  public let tuning: StudyTuning
  /// Seeds of the final runs.
  public let seeds: [UInt64]
  /// Labels of the rows that paired differences are taken from.
  public let controls: [String]
  /// Optional rows that were left out, with the reason, by label: the catalogue has no such method.
  public let absentMethods: [String: String]
  /// What is printed.
  public let report: StudyReportOptions
  /// Whether configurations or settings were found by looking at the test; every output says so.
  public let chosenOnTest: Bool
  /// Whether the exposure is compared with the truth of a world after each of the first steps and each epoch.
  public let trace: Bool

  static let keys = [
    "name", "summary", "data", "protocol", "methods", "search", "tuning", "seeds", "controls", "report", "chosenOnTest",
    "trace",
  ]

  /// Reads and checks a study file.
  ///
  /// - Throws: ``StudyError``, one sentence that names the place.
  public init(file: String) throws {
    let bytes: [UInt8]
    do { bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file))) } catch {
      throw StudyError.file(path: file, reason: "it does not exist or may not be read")
    }
    try self.init(bytes: bytes, file: file)
  }

  /// Checks the text of a study.
  ///
  /// - Parameter file: what mistakes name.
  public init(text: String, file: String = "the study") throws { try self.init(bytes: Array(text.utf8), file: file) }

  private init(bytes: [UInt8], file: String) throws {
    let document: StudyYAML.Document
    do { document = try StudyYAML.parse(bytes) } catch {
      throw StudyError.syntax(file: file, line: error.line, reason: error.reason)
    }
    do { try self.init(tree: document.tree) } catch let error as StudyError {
      throw error.located(in: file, document.lines)
    }
  }

  init(tree: StudyTree) throws {
    let keys = try StudyKeys(tree, at: "study", keys: Study.keys)
    name = try keys.required("name")
    summary = try keys.text("summary") ?? ""
    guard let dataTree = keys.map["data"] else { throw StudyError.missingKey("data", at: "study") }
    if case .list(let list) = dataTree {
      data = try list.enumerated().map { try StudyData(checking: $0.element, at: "data[\($0.offset)]") }
    } else {
      data = [try StudyData(checking: dataTree, at: "data")]
    }
    scoring = try StudyScoring(keys.map["protocol"] ?? .map([:]))
    let tuning = try StudyTuning(keys.map["tuning"] ?? .map([:]))
    self.tuning = tuning
    let shared = try SearchSpace(keys.map["search"] ?? .map([:]), at: "search")
    guard let list = try keys.list("methods"), !list.isEmpty else {
      throw StudyError.missingKey("methods", at: "study")
    }
    var (methods, absent): ([StudyMethod], [String: String]) = ([], [:])
    for (place, tree) in list.enumerated() {
      if let label = StudyMethod.absence(tree) {
        absent[label] = "the catalogue has no such method"
      } else {
        methods.append(try StudyMethod(tree, at: "methods[\(place)]", shared: shared, tuning: tuning))
      }
    }
    (self.methods, absentMethods) = (methods, absent)
    seeds = try Study.seeds(keys, "seeds", standard: [1, 2, 3, 4, 5])
    let labels = methods.map(\.label)
    controls = try keys.texts("controls") ?? [labels.first { $0 == "MF" } ?? labels[0]]
    report = try StudyReportOptions(keys.map["report"] ?? .map([:]))
    chosenOnTest = try keys.flag("chosenOnTest") ?? false
    trace = try keys.flag("trace") ?? false
    try checkWhole()
  }

  static func seeds(_ keys: StudyKeys, _ key: String, standard: [UInt64]) throws -> [UInt64] {
    guard let tree = keys.map[key] else { return standard }
    if case .number = tree { return (1...(try keys.integer(key, in: 1...1000) ?? 1)).map { UInt64($0) } }
    guard let list = try keys.integers(key), !list.isEmpty, Set(list).count == list.count else {
      throw keys.bad(key, "a count, or a list of different seeds")
    }
    return list.map { UInt64($0) }
  }
}
