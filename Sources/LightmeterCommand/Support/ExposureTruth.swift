internal import LightmeterEvaluation
internal import LightmeterExperiments
internal import LightmeterFeedback
internal import LightmeterModels

/// The true exposure of every pair of a simulated world, as `simulate --truth` writes it, against a model's.
struct ExposureTruth: ExposureEstimate {
  private let itemCount: Int
  private var values: [Float]

  /// Reads `user,item,…,exposure`; every pair of the model must be listed.
  init(path: String, model: StoredModel) throws {
    let format = TableFormat(columns: [.user: .name("user"), .item: .name("item"), .rating: .name("exposure")])
    let request = LogRequest(
      path: path, options: ReadOptions(format: format, requiresRankable: false), rule: .everyRow)
    let log = try LoadedLog.load(request, users: model.users, items: model.items).interactions
    itemCount = model.items.count
    values = [Float](repeating: .nan, count: model.users.count * itemCount)
    for row in 0..<log.count {
      let (user, item) = (Int(log.userColumn[row]), Int(log.itemColumn[row]))
      guard user < model.users.count, item < itemCount, let exposure = log.ratings?[row] else { continue }
      values[user * itemCount + item] = exposure
    }
    let missing = values.count { $0.isNaN }
    guard missing == 0 else {
      throw ReadError(
        .badLine, file: path, problem: "lacks the exposure of \(missing) of the model's pairs",
        remedy: "write it with `lightmeter simulate --truth` from the world the model was trained on")
    }
  }

  func exposures(user: Int, items: Range<Int>, into exposures: inout [Float]) {
    for (k, item) in items.enumerated() { exposures[k] = values[user * itemCount + item] }
  }

  /// Correlation, error and calibration of a model's exposure against this truth.
  func quality(of exposure: StoredExposure, model: StoredModel) -> ExposureQuality {
    ExposureQuality(of: exposure, against: self, userCount: model.users.count, itemCount: itemCount)
  }

  /// The quality in words and a calibration table.
  static func text(_ quality: ExposureQuality) -> String {
    let table = TableValue(
      columns: [TableValue.Column("estimated exposure"), TableValue.Column("true mean"), TableValue.Column("pairs")],
      rows: quality.calibration.filter { $0.pairs > 0 }.map { bin in
        [
          .number(bin.meanEstimate, places: 3), .number(bin.meanTruth, places: 3), TableValue.Cell("\(bin.pairs)"),
        ]
      })
    let correlation = quality.correlation.map { NumberText.fixed($0, places: 3) } ?? "undefined"
    return "exposure against the truth, all \(quality.pairs) pairs: mean per-user correlation \(correlation) "
      + "(\(quality.constantUsers) users constant), RMSE \(NumberText.fixed(quality.rootMeanSquaredError, places: 3)), "
      + "log-loss \(NumberText.fixed(quality.logLoss, places: 3))\n\(table.plain())"
  }
}
