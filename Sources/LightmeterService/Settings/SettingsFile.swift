internal import LightmeterKernels

/// Settings as the three places write them.
public enum SettingsFile {
  /// The text of a file.
  public static func text(_ path: String) throws -> String {
    let file = try MappedFile(path)
    guard let text = String(validating: file.array(of: UInt8.self, in: 0..<file.count), as: UTF8.self) else {
      throw SettingError("'\(path)' is no UTF-8 text")
    }
    return text
  }

  /// `--name value`, `--name=value`, `--switch`; everything else is a path. Behind `--` all are.
  static func parsed(arguments: [String]) throws -> (paths: [String], flags: [Setting: String]) {
    var (paths, flags): ([String], [Setting: String]) = ([], [:])
    var at = 0
    while at < arguments.count {
      let argument = arguments[at]
      at += 1
      if argument == "--" { return (paths + arguments[at...], flags) }
      guard argument.hasPrefix("-"), argument != "-" else {
        paths.append(argument)
        continue
      }
      let sides = argument.drop { $0 == "-" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard argument.hasPrefix("--"), let setting = Setting(rawValue: String(sides[0])) else {
        throw SettingError("'\(argument)' is no flag; lightmeter-serve --help lists them")
      }
      guard flags[setting] == nil else { throw SettingError("--\(setting.rawValue) is given twice") }
      if sides.count == 2 {
        flags[setting] = String(sides[1])
      } else if setting.isSwitch {
        flags[setting] = "true"
      } else {
        guard at < arguments.count else { throw SettingError("--\(setting.rawValue) needs a value") }
        flags[setting] = arguments[at]
        at += 1
      }
    }
    return (paths, flags)
  }

  static func parsed(environment: [String: String]) -> [Setting: String] {
    var values: [Setting: String] = [:]
    for setting in Setting.allCases { values[setting] = environment[setting.environmentName] }
    return values
  }

  /// Lines of `name = value`; `#` begins a remark.
  static func parsed(text: String, path: String) throws -> [Setting: String] {
    var values: [Setting: String] = [:]
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = trimmed(line)
      if line.isEmpty || line.hasPrefix("#") { continue }
      let sides = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let place = "\(path), line \(number + 1)"
      guard sides.count == 2 else { throw SettingError("\(place): '\(line)' is not 'name = value'") }
      guard let setting = Setting(rawValue: trimmed(sides[0])), setting != .config else {
        throw SettingError("\(place): there is no setting '\(trimmed(sides[0]))' for a file")
      }
      guard values[setting] == nil else { throw SettingError("\(place): '\(setting.rawValue)' is set twice") }
      values[setting] = trimmed(sides[1])
    }
    return values
  }

  static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
