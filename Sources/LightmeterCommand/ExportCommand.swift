internal import ArgumentParser
internal import LightmeterExperiments
internal import LightmeterFeedback
internal import LightmeterModels

/// `lightmeter export`: a model in the files of other programs.
struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Factors, ids and lists in the files of NumPy, safetensors, Faiss and RecBole.",
    discussion: """
      lightmeter export model.lightmeter --format npz -o model.npz
      lightmeter export model.lightmeter --format csv -o lists.csv --count 50
      lightmeter export model.lightmeter --format faiss -o vectors

      npz, safetensors and csv write one file; npy, faiss and recbole a folder. csv has the typed columns user:text, \
      rank:integer, item:text, relevance:real, exposure:real, the last two empty where the model has none. docs/export.md \
      names every array and shows how to score with them.
      """)

  @Argument(help: "The model file.") var model: String
  @Option(help: "npy, npz, safetensors, csv, faiss or recbole.") var format: ModelExport.Format
  @Option(name: [.short, .long], help: "The file or folder to write.") var output: String
  @Option(parsing: .unconditional, help: "Items per list, with csv.") var count = 20
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard count > 0 else { throw ValidationError("--count \(count): at least 1") }
  }

  func run() async throws {
    try await ExitStatus.guarding {
      threads.apply()
      try InputKind.check(output: output, isNone: [model])
      let stored = try InputKind.model(model)
      let users = Double(stored.users.count)
      let line = ProgressLine("exporting", unit: "users")
      let files = try ModelExport(stored).write(format, to: output, count: count) { line.show(Double($0), of: users) }
      line.finish()
      for file in files { Terminal.emit(file) }
    }
  }
}
