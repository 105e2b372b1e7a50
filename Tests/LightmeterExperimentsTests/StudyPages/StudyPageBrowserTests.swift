import Foundation
import TestSupport
import Testing

@testable import LightmeterExperiments

/// Pages as a browser shows them: light and dark, wide, on a phone, and on paper.
///
/// Skipped, and said so, where no Chromium is on the path; LIGHTMETER_BROWSER names another one.
@Suite(.enabled(if: Browser.found != nil, "no Chromium on the path and no LIGHTMETER_BROWSER"))
struct StudyPageBrowserTests {
  /// The verdicts of the checks within frames of a page.
  private func verdicts(_ html: String, widths: [Int], scheme: Browser.Scheme) throws -> [String] {
    let browser = try #require(Browser.found)
    let folder = try ScratchFolder()
    try folder.write("page.html", Browser.checked(html))
    // What holds on paper is asked of a screen as wide as the paper.
    let onPaper = html.replacing("@media print{", with: "@media all{")
    try folder.write("paper.html", Browser.checked(onPaper))
    let frames = widths.map { (file: "page.html", width: $0) } + [(file: "paper.html", width: 700)]
    try folder.write("stand.html", Browser.stand(frames))
    let dom = try browser.run(
      ["--dump-dom", "--virtual-time-budget=20000", "--window-size=1200,1000", "file://" + folder.path("stand.html")],
      scheme: scheme)
    return dom.matches(of: /(?s)<pre class="verdict">(.*?)<\/pre>/).map { String($0.output.1) }
  }

  @Test(arguments: [(1, Browser.Scheme.light), (1, .dark), (2, .light), (4, .light), (7, .light)])
  func nothingOverlapsIsCutOffOrFaint(place: Int, scheme: Browser.Scheme) throws {
    let found = try verdicts(StudyPageTests.page(place).html(), widths: [1000, 390], scheme: scheme)
    #expect(found.count == 3, "\(found.count) of 3 frames answered")
    for verdict in found {
      let isDark = verdict.contains("dark true") && verdict.contains("rgb(20, 23, 27)")
      #expect(isDark == (scheme == .dark), "\(verdict)")
      #expect(verdict.contains("wrong 0"), "\(StudyPageTests.cases[place].name): \(verdict)")
      let texts = verdict.firstMatch(of: /texts (\d+)/).flatMap { Int($0.output.1) }
      #expect(try #require(texts) > 20, "the pictures have no text: \(verdict)")
    }
  }

  @Test func theCheckSeesWhatIsWrong() throws {
    let bad = """
      <!DOCTYPE html><html><head></head><body style="background:#fff"><div style="width:2000px">wide</div>
      <svg viewBox="0 0 100 30" width="100" height="30"><text x="5" y="20">one</text><text x="10" y="20">two</text>
      <text x="90" y="20" fill="#eee">outside</text></svg></body></html>
      """
    let found = try verdicts(bad, widths: [390], scheme: .light)
    let verdict = try #require(found.first)
    for word in ["the page is", "'one' on 'two'", "'outside' leaves its drawing", "'outside' is too faint"] {
      #expect(verdict.contains(word), "\(verdict)")
    }
  }

  /// A blank picture of this size packs into a few kilobytes.
  @Test(arguments: [Browser.Scheme.light, .dark]) func thePageIsNotBlank(scheme: Browser.Scheme) throws {
    let browser = try #require(Browser.found)
    let folder = try ScratchFolder()
    try folder.write("page.html", StudyPageTests.page(1).html())
    _ = try browser.run(
      [
        "--screenshot=" + folder.path("page.png"), "--window-size=1000,3000", "file://" + folder.path("page.html"),
      ], scheme: scheme)
    let picture = try Data(contentsOf: folder.url.appending(path: "page.png"))
    #expect(picture.count > 60_000, "\(picture.count) bytes")
  }

  @Test func thePageCanBePrinted() throws {
    let browser = try #require(Browser.found)
    let folder = try ScratchFolder()
    try folder.write("page.html", StudyPageTests.page(1).html())
    _ = try browser.run(
      ["--print-to-pdf=" + folder.path("page.pdf"), "file://" + folder.path("page.html")], scheme: .dark)
    let paper = try Data(contentsOf: folder.url.appending(path: "page.pdf"))
    #expect(paper.starts(with: Data("%PDF".utf8)) && paper.count > 60_000, "\(paper.count) bytes")
  }
}
