/// What of the Biif paper can be made again: studies shipped with the library.
///
/// - Stability: experimental
public enum Reproduction: String, Sendable, CaseIterable {
  /// Table 1, Yahoo! R3.
  case table1
  /// Table 2, Coat.
  case table2
  /// Figure 1, four optimisations of the same losses on both.
  case figure1
  /// Figure 2, exposure against the truth during training, on semi-synthetic data.
  case figure2
  /// Figure 3, every method on semi-synthetic data.
  case figure3
  /// Section 3.2, seconds per epoch.
  case times

  /// The study file.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  private var bytes: [UInt8] {
    switch self {
    case .table1: PackageResources.table1_yaml
    case .table2: PackageResources.table2_yaml
    case .figure1: PackageResources.figure1_yaml
    case .figure2: PackageResources.figure2_yaml
    case .figure3: PackageResources.figure3_yaml
    case .times: PackageResources.times_yaml
    }
  }

  /// The study, checked.
  public func study() throws -> Study { try Study(text: text, file: "\(rawValue).yaml (shipped)") }

  /// What the paper has wrong, one sentence or two each.
  static func errata() throws -> [String] {
    guard case .list(let list) = try StudyYAML.parse(PackageResources.errata_yaml).tree else { return [] }
    return list.compactMap { if case .text(let text) = $0 { text } else { nil } }
  }
}
