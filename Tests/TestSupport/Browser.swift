internal import Foundation

/// A headless Chromium, for looking at pages as readers do.
public struct Browser: Sendable {
  let path: String

  /// The browser that LIGHTMETER_BROWSER names, or the first of the usual names on the path; nil if there is none.
  public static let found: Browser? = {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["LIGHTMETER_BROWSER"] { return path.isEmpty ? nil : Browser(path: path) }
    for folder in (environment["PATH"] ?? "").split(separator: ":") {
      for name in ["chromium", "chromium-browser", "google-chrome", "chrome-headless-shell"] {
        let path = "\(folder)/\(name)"
        if FileManager.default.isExecutableFile(atPath: path) { return Browser(path: path) }
      }
    }
    return nil
  }()

  /// The colours that the reader prefers.
  public enum Scheme: String, Sendable { case dark = "0", light = "1" }

  /// How every browser here is started.
  static let flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]

  /// What the browser writes to its output.
  public func run(_ arguments: [String], scheme: Scheme = .light) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments =
      Browser.flags + ["--blink-settings=preferredColorScheme=\(scheme.rawValue)"] + arguments
    let (output, errors) = (Pipe(), FileHandle.nullDevice)
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  /// A page that holds others in frames of given widths and shows what the check within each of them says.
  ///
  /// A frame has the width of a phone, which a window of the browser does not go down to.
  public static func stand(_ frames: [(file: String, width: Int)]) -> String {
    let cells = frames.map { frame in
      "<iframe src=\"\(frame.file)\" style=\"width:\(frame.width)px;height:900px;border:0\"></iframe>"
    }
    return """
      <!DOCTYPE html><html><head><meta charset="utf-8"><script>
      window.addEventListener("message", e => {
        const line = document.createElement("pre"); line.className = "verdict"; line.textContent = e.data;
        document.body.appendChild(line);
      });
      </script></head><body>\(cells.joined())</body></html>
      """
  }

  /// The page with a script that looks for what a reader would stumble over; its own policy, which forbids scripts, is cut.
  public static func checked(_ html: String) -> String {
    let open = html.replacing(/<meta http-equiv="Content-Security-Policy"[^>]*>/, with: "")
    return open.replacing("</body>", with: "<script>\(check)</script></body>")
  }

  private static let check = inspection + "window.addEventListener('load', () => parent.postMessage(inspect(), '*'));"

  /// A function `inspect()` that names what a reader of a page would stumble over: width, overlaps, contrast, cut-off text.
  public static let inspection = """
    function inspect() {
      const wrong = [];
      const root = document.documentElement;
      if (root.scrollWidth > window.innerWidth + 1) wrong.push("the page is " + root.scrollWidth + " wide");
      let texts = 0;
      const rgb = s => (s.match(/[\\d.]+/g) || []).slice(0, 3).map(Number);
      const light = c => { const v = rgb(c).map(x => { x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4 });
        return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
      const page = light(getComputedStyle(document.body).backgroundColor);
      const contrast = c => { const l = light(c); return (Math.max(l, page) + .05) / (Math.min(l, page) + .05); };
      for (const svg of document.querySelectorAll("svg")) {
        const frame = svg.getBoundingClientRect();
        if (frame.width === 0) continue;
        const boxes = [...svg.querySelectorAll("text")].map(t => ({
          text: t.textContent, box: t.getBoundingClientRect(), fill: getComputedStyle(t).fill }));
        texts += boxes.length;
        for (const a of boxes) {
          if (a.box.left < frame.left - 1 || a.box.right > frame.right + 1 || a.box.bottom > frame.bottom + 1)
            wrong.push("'" + a.text + "' leaves its drawing");
          if (contrast(a.fill) < 4.5) wrong.push("'" + a.text + "' is too faint: " + contrast(a.fill).toFixed(1));
        }
        for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
          const a = boxes[i].box, b = boxes[j].box;
          const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
          const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
          // A line's box is taller than its letters.
          if (x > 1 && y > 5) wrong.push("'" + boxes[i].text + "' on '" + boxes[j].text + "'");
        }
      }
      for (const e of document.querySelectorAll("p,li,h1,h2,h3,figcaption,dd,td,th")) {
        if (e.getClientRects().length && contrast(getComputedStyle(e).color) < 4.5) wrong.push("faint: " + e.textContent);
        if (!e.closest(".scroll,pre") && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && e.tagName !== "TH")
          wrong.push("cut off: " + e.textContent.slice(0, 60));
      }
      return "width " + window.innerWidth + "; dark " + matchMedia("(prefers-color-scheme: dark)").matches
        + "; background " + getComputedStyle(document.body).backgroundColor + "; texts " + texts + "; wrong "
        + wrong.length + "\\n" + wrong.slice(0, 20).join("\\n");
    }
    """
}
