import Testing

@testable import LightmeterService

@Suite struct ServiceSettingsTests {
  private func settings(
    _ arguments: [String], _ environment: [String: String] = [:], _ file: String = ""
  ) throws -> ServiceSettings {
    try ServiceSettings(arguments: arguments, environment: environment) { _ in file }
  }

  @Test func flagsWinOverTheEnvironmentAndThatOverTheFile() throws {
    let file = "# limits\nport = 1\nmax-items=11\nmax-batch = 12\nfeedback-log-sync = always\n"
    let found = try settings(
      ["m.lightmeter", "--port", "3", "--config=x"], ["LIGHTMETER_PORT": "2", "LIGHTMETER_MAX_ITEMS": "22"], file)
    #expect(found.port == 3 && found.mostItems == 22 && found.largestBatch == 12)
    #expect(found.feedbackLogSync == .always)
    #expect(found.largestBody == 1 << 20, "the default")
    #expect(try settings(["m"], ["LIGHTMETER_CONFIG": "x"], file).port == 1, "the environment may name the file")
  }

  @Test func theModelGivesItsNameUnlessOneIsSet() throws {
    #expect(try settings(["/models/my shop.v2.lightmeter"]).name == "my_shop.v2")
    #expect(try settings(["m", "--name", "shop"]).name == "shop")
    #expect(try settings(["--allow-open", "m"]).allowsOpen)
    #expect(try settings(["--allow-open=false", "--", "--m"]).model == "--m")
  }

  @Test(arguments: [
    ([], "name a model file"), (["a", "b"], "not 2"), (["m", "--prot", "3"], "'--prot' is no flag"),
    (["m", "-p", "3"], "'-p' is no flag"), (["m", "--port"], "--port needs a value"),
    (["m", "--port", "70000"], "--port is '70000'; it must be a whole number from 0 to 65535"),
    (["m", "--port", "1", "--port", "2"], "--port is given twice"),
    (["m", "--allow-open=yes"], "--allow-open is 'yes'; it must be true or false"),
    (["m", "--tls-key", "k"], "--tls-certificate and --tls-key belong together"),
    (["m", "--host", ""], "--host is empty"),
  ]) func whatCannotBeIsNamedWithItsPlace(arguments: [String], sentence: String) {
    #expect { try settings(arguments) } throws: { "\($0)".contains(sentence) }
  }

  @Test func theFileAndTheEnvironmentAreNamedToo() {
    #expect { try settings(["m", "--config", "f"], [:], "port = x") } throws: { "\($0)".contains("'port' in f is 'x'") }
    #expect { try settings(["m", "--config", "f"], [:], "\nprot = 1") } throws: { "\($0)".hasPrefix("f, line 2") }
    #expect { try settings(["m"], ["LIGHTMETER_WATCH": "-1"]) } throws: {
      "\($0)".hasPrefix("LIGHTMETER_WATCH is '-1'")
    }
  }

  @Test func everySettingIsInTheHelp() {
    for setting in Setting.allCases { #expect(ServiceSettings.help.contains("--\(setting.rawValue) ")) }
  }
}
