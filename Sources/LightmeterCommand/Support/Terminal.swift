#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif
internal import ArgumentParser
internal import LightmeterExperiments

/// What a command prints: text for people, JSON for machines.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case text, json }

/// Where commands print; only this room does.
enum Terminal {
  /// Results, on standard output.
  static func emit(_ text: String) { write(text + "\n", to: 1) }
  /// Remarks and progress, on standard error.
  static func note(_ text: String) { write(text + "\n", to: 2) }
  /// A value as JSON, on standard output.
  static func emit(json value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    emit(String(decoding: try encoder.encode(value), as: UTF8.self))
  }
  /// Breaks long lines between words, at 98 columns.
  static func wrapped(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
      var (out, width) = ("", 0)
      for word in line.split(separator: " ", omittingEmptySubsequences: false) {
        if width > 0, width + 1 + word.count > 98 {
          out += "\n  " + word
          width = 2 + word.count
        } else {
          out += (width > 0 ? " " : "") + word
          width += word.count + 1
        }
      }
      return out
    }.joined(separator: "\n")
  }
  /// Whether standard error is a terminal.
  static var isInteractive: Bool { isatty(2) == 1 }

  static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { unsafe in
        #if canImport(Glibc)
          Glibc.write(descriptor, unsafe.baseAddress, unsafe.count)
        #elseif canImport(Musl)
          Musl.write(descriptor, unsafe.baseAddress, unsafe.count)
        #else
          Darwin.write(descriptor, unsafe.baseAddress, unsafe.count)
        #endif
      }
      if written <= 0 { return }
      bytes = bytes.dropFirst(written)
    }
  }
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
      Terminal.write("\r\u{1B}[2K" + String(line.prefix(79)), to: 2)
      drawn = true
    } else {
      Terminal.note(line)
    }
  }

  /// Clears the redrawn line.
  func finish() {
    if drawn { Terminal.write("\r\u{1B}[2K", to: 2) }
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
