#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
internal import ArgumentParser
internal import LightmeterExperiments
internal import LightmeterKernels

/// What a command prints: text for people, JSON for machines.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case text, json }

/// Where commands print; only this room does.
enum Terminal {
  /// Results, on standard output.
  static func emit(_ text: String) { StandardStream.output.write(text + "\n") }
  /// Remarks and progress, on standard error.
  static func note(_ text: String) { StandardStream.errors.write(text + "\n") }
  /// Results without an end of line.
  static func write(_ text: String) { StandardStream.output.write(text) }
  /// Puts a line in the place of the last one, on a terminal at standard error.
  static func redraw(_ line: String) { StandardStream.errors.write("\r\u{1B}[2K" + line.prefix(width)) }
  /// A value as JSON, on standard output.
  static func emit(json value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    emit(String(decoding: try encoder.encode(value), as: UTF8.self))
  }
  /// Columns of printed text.
  static let width = 98

  /// Breaks long lines between words; each line starts with the bullet and goes on `indent` columns in.
  static func wrapped(_ text: String, bullet: String = "", indent: Int = 2) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
      var (out, column, isEmpty) = (bullet, bullet.count, true)
      for word in line.split(separator: " ", omittingEmptySubsequences: false) {
        if !isEmpty, column + 1 + word.count > width {
          out += "\n" + String(repeating: " ", count: indent) + word
          column = indent + word.count
        } else {
          out += (isEmpty ? "" : " ") + word
          column += word.count + (isEmpty ? 0 : 1)
        }
        isEmpty = false
      }
      return out
    }.joined(separator: "\n")
  }
  /// Whether standard error is a terminal.
  static var isInteractive: Bool { StandardStream.errors.isTerminal }
}

/// Progress with rate and time left: one redrawn line on a terminal, a plain line now and then in a log.
final class ProgressLine {
  private let title: String
  private let unit: String
  private let start = ContinuousClock().now
  private var last: ContinuousClock.Instant?
  private var drawn = false

  init(_ title: String, unit: String) { (self.title, self.unit) = (title, unit) }

  /// Shows that `done` of `total` is done; `detail` is appended.
  func show(_ done: Double, of total: Double?, detail: String = "") {
    let now = ContinuousClock().now
    let pause: Duration = Terminal.isInteractive ? .milliseconds(100) : .seconds(5)
    // Short work in a log needs no line at all: the first comes after the first pause.
    if now - (last ?? start) < pause { return }
    last = now
    let seconds = (now - start) / .seconds(1)
    var line = "\(title): "
    if let total, total > 0 { line += "\(Int(100 * done / total)) % " }
    if seconds > 0.2 {
      line += "\(ProgressLine.compact(done / seconds)) \(unit)/s"
      if let total, done > 0 { line += ", \(ProgressLine.duration(seconds * (total - done) / done)) left" }
    }
    if !detail.isEmpty { line += "  \(detail)" }
    draw(line)
  }

  private func draw(_ line: String) {
    if Terminal.isInteractive {
      Terminal.redraw(String(line.prefix(79)))
      drawn = true
    } else {
      Terminal.note(line)
    }
  }

  /// Clears the redrawn line.
  func finish() {
    if drawn { Terminal.redraw("") }
    drawn = false
  }

  static func compact(_ value: Double) -> String {
    switch value {
    case 1e9...: NumberText.fixed(value / 1e9, places: 1) + " G"
    case 1e6...: NumberText.fixed(value / 1e6, places: 1) + " M"
    case 1e3...: NumberText.fixed(value / 1e3, places: 1) + " k"
    default: NumberText.fixed(value, places: 1) + " "
    }
  }

  static func duration(_ seconds: Double) -> String {
    let whole = Int(max(seconds, 0).rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
