internal import Foundation

/// A page in a headless Chromium that is given real key strokes, over the browser's debugging pipe.
///
/// Events made by a page's own script do not move the focus and activate nothing by themselves; these do.
public final class BrowserKeyboard {
  /// What went wrong between this process and the browser.
  public struct Failure: Error, CustomStringConvertible {
    /// One sentence.
    public let description: String
  }

  private let process = Process()
  private let toBrowser: FileHandle
  private let fromBrowser: FileHandle
  private var unread = Data()
  private var session = ""
  private var calls = 0

  /// Opens a page.
  ///
  /// - Parameters:
  ///   - folder: for the pipes and the browser's profile; may be removed after ``close()``.
  public init(_ browser: Browser, url: String, folder: String) throws {
    let pipes = (into: folder + "/into", out: folder + "/out")
    guard mkfifo(pipes.into, 0o600) == 0, mkfifo(pipes.out, 0o600) == 0 else {
      throw Failure(description: "no pipe can be made in \(folder)")
    }
    // A browser that ends must be an error here, not the end of this process.
    signal(SIGPIPE, SIG_IGN)
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      ["-c", "exec \"$0\" \"$@\" 3<\"\(pipes.into)\" 4>\"\(pipes.out)\"", browser.path] + Browser.flags
      + ["--remote-debugging-pipe", "--user-data-dir=\(folder)/profile", "about:blank"]
    process.standardError = FileHandle.nullDevice
    try process.run()
    guard let into = FileHandle(forWritingAtPath: pipes.into), let out = FileHandle(forReadingAtPath: pipes.out) else {
      throw Failure(description: "the pipes of \(folder) cannot be opened")
    }
    (toBrowser, fromBrowser) = (into, out)
    let target = try call("Target.createTarget", ["url": url])
    let attached = try call("Target.attachToTarget", ["targetId": target["targetId"] ?? "", "flatten": true])
    session = attached["sessionId"] as? String ?? ""
  }

  /// The value of a script, as text.
  public func evaluate(_ script: String) throws -> String {
    let answer = try call("Runtime.evaluate", ["expression": "String(\(script))"])
    if let thrown = answer["exceptionDetails"] { throw Failure(description: "\(thrown)") }
    return (answer["result"] as? [String: Any])?["value"] as? String ?? ""
  }

  /// Waits until a script is true, ten seconds at most.
  public func wait(until script: String) throws {
    for _ in 0..<200 {
      if try evaluate(script) == "true" { return }
      Thread.sleep(forTimeInterval: 0.05)
    }
    throw Failure(description: "it never came to this: \(script)")
  }

  /// Presses a key that writes nothing.
  public func press(_ key: String, code: Int, shift: Bool = false) throws {
    let common: [String: Any] = ["key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": shift ? 8 : 0]
    var down = common
    down["type"] = key == "Enter" ? "keyDown" : "rawKeyDown"
    if key == "Enter" { down["text"] = "\r" }
    _ = try call("Input.dispatchKeyEvent", down)
    var up = common
    up["type"] = "keyUp"
    _ = try call("Input.dispatchKeyEvent", up)
  }

  /// Tab, or Shift-Tab.
  public func tab(back: Bool = false) throws { try press("Tab", code: 9, shift: back) }
  /// Tab, or Shift-Tab, until a script is true; at most two hundred times.
  public func tab(back: Bool = false, until script: String) throws {
    for _ in 0..<200 {
      if try evaluate(script) == "true" { return }
      try tab(back: back)
    }
    throw Failure(description: "the focus never came to this: \(script)")
  }
  /// Enter.
  public func enter() throws { try press("Enter", code: 13) }

  /// Types text where the focus is.
  public func type(_ text: String) throws {
    for letter in text {
      for kind in ["keyDown", "keyUp"] {
        var event: [String: Any] = ["type": kind, "key": String(letter)]
        if kind == "keyDown" { event["text"] = String(letter) }
        _ = try call("Input.dispatchKeyEvent", event)
      }
    }
  }

  /// Ends the browser.
  public func close() {
    session = ""
    _ = try? call("Browser.close", [:])
    process.waitUntilExit()
  }

  private func call(_ method: String, _ parameters: [String: Any]) throws -> [String: Any] {
    calls += 1
    var message: [String: Any] = ["id": calls, "method": method, "params": parameters]
    if !session.isEmpty { message["sessionId"] = session }
    try toBrowser.write(contentsOf: JSONSerialization.data(withJSONObject: message) + [0])
    while true {
      guard let answer = try JSONSerialization.jsonObject(with: nextMessage()) as? [String: Any] else { continue }
      // Events come between the answers.
      guard answer["id"] as? Int == calls else { continue }
      if let error = answer["error"] { throw Failure(description: "\(method): \(error)") }
      return answer["result"] as? [String: Any] ?? [:]
    }
  }

  private func nextMessage() throws -> Data {
    while true {
      if let end = unread.firstIndex(of: 0) {
        let message = Data(unread[..<end])
        unread = Data(unread[(end + 1)...])
        return message
      }
      let more = fromBrowser.availableData
      if more.isEmpty { throw Failure(description: "the browser has ended") }
      unread += more
    }
  }
}
