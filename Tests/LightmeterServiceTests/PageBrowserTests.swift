import LightmeterKernels
import LightmeterModels
import TestSupport
import Testing

@testable import LightmeterService

/// The page's main flows in a browser. There are no sockets in this room: the page's `fetch` is given the service's own
/// answers, recorded before; `.ci/serve` opens the page of a running server.
///
/// Skipped, and said so, where no Chromium is on the path; LIGHTMETER_BROWSER names another one.
@Suite(.enabled(if: Browser.found != nil, "no Chromium on the path and no LIGHTMETER_BROWSER"))
struct PageBrowserTests {
  private static let key = "a-key-of-the-page-test"
  private static let manifest = """
    {"version":"9.9","seed":7,"source":"/secret/clicks.csv","dataDigest":"00ff","positiveRule":"every row is positive",
     "recipe":{"method":"biif"},"data":{"trainingPositives":1,"validationSource":"carved from the log"},
     "card":{"candidates":"all items but training clicks"},"split":"Test: 0.2 of each user's pairs",
     "results":[{"method":"biif","metric":"NDCG@20","mean":0.1234,"low":0.1,"high":0.15}]}
    """

  private static func service(_ keys: AccessKeys = AccessKeys()) -> RecommendationService {
    var model = SmallModel.stored()
    model.manifest = manifest
    return SmallModel.service(model, keys: keys)
  }

  /// All that the page may ask of the small model, answered, by key and path.
  private static func recorded(_ service: RecommendationService, key: String = "") -> JSONValue {
    var paths = ["/v1/model", "/v1/users?limit=1", "/v1/popular?n=10"]
    let items = ["i0", "i1", "i2", "i3", "i%2F4"]
    for prefix in ["", "a", "b", "nobody", "i3", "i"] {
      paths += ["/v1/users?limit=12&prefix=\(prefix)", "/v1/items?limit=12&prefix=\(prefix)"]
    }
    for user in ["a", "b", "nobody"] {
      paths += ["relevance", "click", "explore"].map { "/v1/users/\(user)/recommendations?n=10&mode=\($0)" }
      paths += ["/v1/popular?n=10&user=\(user)", "/v1/users/\(user)?limit=200"]
      paths += items.map { "/v1/users/\(user)/items/\($0)/explanation" }
    }
    paths += items.map { "/v1/items/\($0)/similar?n=8" }
    return .object(
      paths.map { path in
        let answer = service.get(path, key.isEmpty ? [:] : ["x-api-key": key])
        return JSONValue.Member(
          "\(key) \(path)", .members(["status": .integer(answer.status), "body": answer.json]))
      })
  }

  /// The served page whose `fetch` knows the recorded answers, with a script behind it.
  private static func page(_ answers: [JSONValue], script: String) -> String {
    let tables = answers.map { String(decoding: $0.bytes, as: UTF8.self) }.joined(separator: ",")
    let fetching = """
      <script>
      const answers = Object.assign({}, ...[\(tables)]);
      const unknownPaths = [];
      window.fetch = async (path, options) => {
        const key = (options && options.headers && options.headers["X-API-Key"]) || "";
        const found = answers[key + " " + path];
        if (!found) { unknownPaths.push(path); throw new Error("nobody recorded " + path); }
        return {status: found.status, ok: found.status < 400, statusText: "", json: async () => found.body};
      };
      </script>
      """
    let driver = """
      <script>
      (async () => {
        const until = async (what, test) => {
          for (let k = 0; k < 300; k++) { if (test()) return; await new Promise(done => setTimeout(done, 10)); }
          throw new Error("it never came to this: " + what);
        };
        const expect = (what, truth) => { if (!truth) throw new Error("not so: " + what); };
        const seen = id => $(id).getClientRects().length > 0;
        const text = id => $(id).textContent;
        const press = (on, key) => on.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
        const search = (what, id) => {
          if ($("what").value !== what) { $("what").value = what; $("what").dispatchEvent(new Event("change")); }
          $("query").value = id;
          $("query").dispatchEvent(new Event("input"));
          $("search").requestSubmit();
        };
        let said = "done";
        try { \(script) } catch (error) { said = error.message; }
        if (unknownPaths.length) said += "; asked for " + unknownPaths.join(" and ");
        const line = document.createElement("pre");
        line.className = "verdict";
        line.textContent = said;
        document.body.append(line);
        parent.postMessage(said, "*");
      })();
      </script></body>
      """
    let whole = String(decoding: PackageResources.page_html, as: UTF8.self)
    return whole.replacing("<head>", with: "<head>" + fetching).replacing("</body>", with: driver)
  }

  /// What the script of a page said in the end.
  private func verdict(
    _ script: String, at fragment: String = "", answers: [JSONValue] = [recorded(service())]
  ) throws -> String {
    try withTemporaryFolder { folder in
      try Self.page(answers, script: script).write(toFile: folder + "/page.html")
      let dom = try #require(Browser.found).run([
        "--dump-dom", "--virtual-time-budget=20000", "file://\(folder)/page.html\(fragment)",
      ])
      let said = dom.firstMatch(of: /(?s)<pre class="verdict">(.*?)<\/pre>/)
      return said.map { String($0.output.1) } ?? "it said nothing"
    }
  }

  @Test func thePageOpensWithAListItsMapItsHistoryAndTheCard() throws {
    let said = try verdict(
      """
      await until("history and card", () => seen("historyBox") && seen("cardBox") && $("near").textContent.includes("i2"));
      expect("the first user of the log", text("listTitle") === "Recommended to a");
      expect("four items, the clicked one left out", document.querySelectorAll("#list tbody tr").length === 4);
      expect("probabilities in per cent", /73\\.1 %.*50\\.0 %/.test(text("list")));
      expect("a point for each item of both lists", document.querySelectorAll("#map .own").length === 4
        && document.querySelectorAll("#map .crowd").length === 4);
      expect("what popularity would have shown begins with i/4", text("crowd").indexOf("i/4") < text("crowd").indexOf("i1"));
      expect("the click", text("history").includes("1 items") && text("history").includes("i0"));
      expect("the list explains its first item", text("itemTitle") === "Why i1 for a");
      expect("never seen or declined", /because it was never seen/.test(text("why")));
      expect("the card", /biif/.test(text("card")) && text("card").includes("0.1000 to 0.1500"));
      expect("no folder of the host", !text("card").includes("secret") && text("card").includes("clicks.csv"));
      expect("no complaint", !seen("notice"));
      """)
    #expect(said == "done")
  }

  @Test func aUserIsLookedUpAndTheAddressRemembersIt() throws {
    let said = try verdict(
      """
      await until("the first list", () => seen("listBox"));
      search("user", "b");
      await until("b's list", () => text("listTitle") === "Recommended to b" && text("list").includes("i0"));
      await until("the suggestion", () => [...$("found").children].some(o => o.value === "b"));
      expect("five items, nothing clicked", document.querySelectorAll("#list tbody tr").length === 5);
      expect("the address", location.hash.includes("user=b"));
      $("mode").value = "explore";
      $("mode").dispatchEvent(new Event("change"));
      await until("the other ranking", () => text("list").includes("hardly shown"));
      expect("the address knows the ranking", location.hash.includes("mode=explore"));
      search("user", "nobody");
      await until("the fallback", () => seen("notice") && text("notice").includes("does not know 'nobody'"));
      expect("corrected for exposure", text("notice").includes("popularity corrected for exposure"));
      await until("a list all the same", () => document.querySelectorAll("#list tbody tr").length === 5);
      expect("no history of nobody", !seen("historyBox"));
      """, at: "#user=a")
    #expect(said == "done")
  }

  @Test func anItemIsExplainedFromTheListFromTheMapAndByItself() throws {
    let said = try verdict(
      """
      await until("the list and its map", () => seen("historyBox") && document.querySelectorAll("#map .own").length === 4);
      document.querySelector("#list button[data-item='i3']").click();
      await until("why i3", () => text("itemTitle") === "Why i3 for a" && text("why").includes("10.0 %"));
      expect("marked in the list", document.querySelector("#list tr[data-row=i3]").classList.contains("picked"));
      expect("the address", location.hash.includes("item=i3"));
      const point = document.querySelector("#map .own[data-item='i/4']");
      point.focus();
      expect("a point takes the focus", document.activeElement === point);
      press(point, "Enter");
      await until("why i/4", () => text("itemTitle") === "Why i/4 for a" && text("near").includes("similarity"));
      document.querySelector("#near button").click();
      await until("a neighbour's page", () => text("itemTitle") !== "Why i/4 for a");
      search("item", "i3");
      await until("i3 again", () => text("itemTitle") === "Why i3 for a" && text("near").includes("i2"));
      expect("all that can be chosen can be reached by the keyboard",
        [...document.querySelectorAll("[data-item],input,select,button")].every(e => e.tabIndex >= 0));
      """, at: "#user=a")
    #expect(said == "done")
  }

  /// By real key strokes alone: Tab reaches everything once, in the order of the page, and shows where it is; Enter acts.
  @Test func theWholePageIsUsedByTheKeyboardAlone() throws {
    try withTemporaryFolder { folder in
      try Self.page([Self.recorded(Self.service())], script: "").write(toFile: folder + "/page.html")
      let page = try BrowserKeyboard(
        #require(Browser.found), url: "file://\(folder)/page.html#user=a", folder: folder)
      defer { page.close() }
      try page.wait(
        until: "document.readyState === 'complete' && document.querySelectorAll('#map .own').length === 4"
          + " && $('near').textContent.includes('similarity')")
      let name =
        "(e => e.id || (e.closest('[id]')?.id + ' ' + (e.dataset.item ?? e.textContent.trim()) + ' ' + (e.getAttribute('class') ?? '')))"
      let wanted = try page.evaluate(
        "[...document.querySelectorAll('a[href],button,input,select,summary,[tabindex]')]"
          + ".filter(e => e.getClientRects().length && e.tabIndex >= 0 && !e.disabled).map(\(name)).join('|')"
      ).split(separator: "|").map(String.init)
      #expect(wanted.count > 12 && Set(wanted).count == wanted.count)
      var reached: [String] = []
      for _ in wanted {
        try page.tab()
        reached.append(try page.evaluate("\(name)(document.activeElement)"))
        let ring = try page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        #expect(ring != "none", "nothing shows that \(reached.last ?? "") has the focus")
      }
      #expect(reached == wanted)
      try page.tab(back: true)
      #expect(try page.evaluate("\(name)(document.activeElement)") == wanted[wanted.count - 2])

      // Back to the search, another user, and the explanation of an item of the list.
      try page.tab(back: true, until: "document.activeElement.id === 'query'")
      _ = try page.evaluate("$('query').select()")
      try page.type("b")
      try page.enter()
      try page.wait(until: "$('listTitle').textContent === 'Recommended to b' && $('list').textContent.includes('i0')")
      try page.tab(until: "document.activeElement.dataset.item === 'i3'")
      try page.enter()
      try page.wait(until: "$('itemTitle').textContent === 'Why i3 for b'")
    }
  }

  @Test func anItemHasAPageOfItsOwn() throws {
    let said = try verdict(
      """
      await until("neighbours", () => seen("itemBox") && text("near").includes("i1"));
      expect("its name alone", text("itemTitle") === "i/4" && text("why") === "");
      expect("no list of nobody", !seen("listBox") && !seen("mapBox") && !seen("historyBox"));
      expect("the form says what it is", $("what").value === "item" && $("query").value === "i/4");
      """, at: "#item=i%2F4")
    #expect(said == "done")
  }

  @Test func aServerWithKeysAsksForOneAndGoesOnWithIt() throws {
    let keys = try AccessKeys(file: nil, environment: ["LIGHTMETER_READ_KEYS": Self.key])
    let service = Self.service(keys)
    let said = try verdict(
      """
      await until("the form", () => seen("key") && document.activeElement === $("keyText"));
      expect("nothing is shown", !seen("listBox") && !seen("cardBox") && text("notice").includes("key"));
      $("keyText").value = "\(Self.key)";
      $("key").requestSubmit();
      await until("the list", () => seen("historyBox") && text("listTitle") === "Recommended to a");
      expect("the form is gone", !seen("key") && !seen("notice"));
      """, answers: [Self.recorded(service), Self.recorded(service, key: Self.key)])
    #expect(said == "done")
  }

  @Test(arguments: [Browser.Scheme.light, .dark]) func nothingOverlapsIsCutOffOrFaint(scheme: Browser.Scheme) throws {
    let script = """
      await until("everything", () => seen("historyBox") && seen("cardBox") && document.querySelector("#map .own.picked"));
      \(Browser.inspection)
      said = inspect();
      """
    let found = try withTemporaryFolder { folder in
      try Self.page([Self.recorded(Self.service())], script: script).write(toFile: folder + "/page.html")
      try Browser.stand([("page.html#user=a", 1000), ("page.html#user=a", 390)]).write(toFile: folder + "/stand.html")
      let dom = try #require(Browser.found).run(
        ["--dump-dom", "--virtual-time-budget=20000", "--window-size=1200,1000", "file://\(folder)/stand.html"],
        scheme: scheme)
      return dom.matches(of: /(?s)<pre class="verdict">(.*?)<\/pre>/).map { String($0.output.1) }
    }
    #expect(found.count == 2, "\(found.count) of 2 frames answered")
    for verdict in found {
      let isDark = verdict.contains("dark true") && verdict.contains("rgb(20, 23, 27)")
      #expect(isDark == (scheme == .dark), "\(verdict)")
      #expect(verdict.contains("wrong 0"), "\(verdict)")
    }
  }
}

extension String {
  /// Writes the text as a file.
  fileprivate func write(toFile path: String) throws {
    let file = try AtomicFile(path)
    try file.write(self)
    try file.commit()
  }
}
