import Foundation
import LightmeterModels
import Testing

@testable import LightmeterExperiments

/// The studies of the repository's folder `Studies`.
@Suite struct StudiesShippedTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Studies").path()

  /// Digest of everything in a study that numbers depend on; a changed
  /// plan makes the table in docs/results stale.
  @Test(arguments: [
    ("clean-worlds", "7c47be9ebe3a4951"), ("coat-check", "750d7195fad7c594"), ("coat-wide-grid", "9f1727e5f38b5ab3"),
    ("coat", "7a4ce16f09208a18"), ("kuairec-all", "4839891a2e48ecbd"), ("kuairec-methods", "eeef15db49c999ab"),
    ("kuairec-slice-choice", "d38506a4112188e1"),
    ("kuairec-slice", "1ad8ac84e4c66a84"), ("kuairec", "68983e5e51ea2fe0"), ("ml-100k-worlds", "66d9904a22092319"),
  ])
  func theStudiesBehindPublishedTablesKeepTheirPlans(_ name: String, _ digest: String) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(name).yaml")))
    guard case .map(let map) = try StudyYAML.parse(bytes).tree else { throw StudyError.missingKey("name", at: name) }
    let plan = StudyTree.map(map.filter { !["name", "summary", "report", "chosenOnTest"].contains($0.key) })
    var hash = XXH64()
    hash.update(plan.canonical)
    #expect(StudyDataset.hex(hash.finish()) == digest)
  }

  @Test func everyStudyHoldsAndIsNamedLikeItsFile() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder).filter { $0.hasSuffix(".yaml") }
    #expect(files.count >= 9)
    for file in files { #expect(try Study(file: "\(Self.folder)/\(file)").name + ".yaml" == file) }
  }
}
