internal import LightmeterEvaluation
internal import LightmeterFeedback
internal import LightmeterModels
internal import LightmeterTraining

extension Study {
  /// What every output of a study says whose settings come from the test; nil for others.
  public var stamp: String? {
    guard chosenOnTest else { return nil }
    return "CHOSEN ON THE TEST: settings of this study were found by looking at the test, so its figures are no "
      + "comparison of methods and must not be quoted as one."
  }

  /// Everything that can be wrong with a study before its data are read.
  func checkWhole() throws(StudyError) {
    if name.isEmpty || name.hasPrefix(".") || name.contains("/") {
      throw .badValue(at: "name", value: "'\(name)'", allowed: "a name for files: no slash, no dot in front")
    }
    try checkLabels()
    for (place, method) in methods.enumerated() { try checkSearch(method, at: "methods[\(place)]") }
    try checkTuning()
    for (place, set) in data.enumerated() {
      let name = data.count == 1 ? "data" : "data[\(place)]"
      try checkData(set, at: name)
      for (place, method) in methods.enumerated() { try checkNeeds(method, of: set, at: "methods[\(place)]") }
    }
    try checkMetrics()
  }

  private func checkLabels() throws(StudyError) {
    let labels = methods.map(\.label)
    for (k, label) in labels.enumerated() where labels[..<k].contains(label) {
      throw .badValue(at: "methods[\(k)].label", value: "'\(label)'", allowed: "a label of its own")
    }
    for control in controls where !labels.contains(control) {
      throw .badValue(at: "controls", value: "'\(control)'", allowed: labels.joined(separator: ", "))
    }
    let sets = data.map(\.label)
    for (k, label) in sets.enumerated() where sets[..<k].contains(label) {
      throw .badValue(at: "data[\(k)].label", value: "'\(label)'", allowed: "a label of its own")
    }
    for (k, method) in methods.enumerated() {
      for member in method.members ?? [] where !labels.contains(member) {
        throw .badValue(
          at: "methods[\(k)].selectAmong", value: "'\(member)'", allowed: labels.joined(separator: ", "))
      }
    }
  }

  private func checkSearch(_ method: StudyMethod, at place: String) throws(StudyError) {
    if method.members != nil, tuning.metric?.readsSlice != true {
      throw .badValue(
        at: "tuning.metric", value: "'\(tuning.name)'",
        allowed: "\(SliceMeasure.names) where a row is selected on the slice")
    }
    if method.grid.count > tuning.configurations {
      throw .badValue(
        at: "\(place).search", value: "\(method.grid.count) configurations",
        allowed: "at most \(tuning.configurations), the budget of every method (tuning.configurations)")
    }
    if method.grid.count > 1, tuning.metric == nil {
      throw .badValue(
        at: "\(place).search", value: "\(method.grid.count) configurations",
        allowed: "one, because tuning.metric is none and nothing can choose")
    }
  }

  private func checkTuning() throws(StudyError) {
    if tuning.metric?.readsTest == true, !chosenOnTest {
      throw .badValue(
        at: "tuning.metric", value: "'\(tuning.name)'",
        allowed: "a choice without the test; a study that tunes on it says `chosenOnTest: true` and is stamped so")
    }
    let longest = methods.compactMap(\.epochs).max() ?? 0
    if let last = tuning.checkpoints.last, longest > 0, last > max(longest, tuning.epochs ?? 0) {
      throw .badValue(
        at: "tuning.checkpoints", value: "\(last)", allowed: "epochs that a run has; the longest has \(longest)")
    }
  }

  private func checkData(_ set: StudyData, at place: String) throws(StudyError) {
    let isTuned = methods.contains { self.isTuned($0) }
    if tuning.metric?.readsSlice == true, set.slice == 0 {
      throw .badValue(
        at: "\(place).slice", value: "0", allowed: "a share above 0 where tuning.metric reads random traffic")
    }
    if case .snipsDCG = tuning.metric, set.hyperValidation == 0, isTuned {
      throw .badValue(at: "\(place).hyperValidation", value: "0", allowed: "a share above 0 where SNIPS chooses")
    }
    for preset in set.testPresets(of: scoring.presets) where !set.supports(preset) {
      throw .badValue(
        at: "protocol.presets", value: "'\(preset.name)'",
        allowed:
          "a protocol for \(set.kind.isRated ? "rated test items" : "full ranking"), which \(set.label) is tested by")
    }
  }

  private func checkNeeds(_ method: StudyMethod, of set: StudyData, at place: String) throws(StudyError) {
    guard method.members == nil else { return }
    let needsSlice: Bool
    let needsWorld: Bool
    switch (try? method.recipe.validated())?.pointwise.exposure {
    case .calibrated: (needsSlice, needsWorld) = (true, false)
    case .known: (needsSlice, needsWorld) = (false, true)
    default: (needsSlice, needsWorld) = (false, false)
    }
    if (needsSlice || method.recipe.method == "slice-means" || method.validation == .slice), set.slice == 0 {
      throw .badValue(at: place, value: "'\(method.label)'", allowed: "data with a slice, which \(set.label) is not")
    }
    if needsWorld, set.world == nil {
      throw .badValue(
        at: place, value: "'\(method.label)'", allowed: "a world that knows its exposure, not \(set.label)")
    }
  }

  private func checkMetrics() throws(StudyError) {
    for (key, names) in [("metrics", report.metrics), ("paired", report.paired)] {
      for name in names {
        for set in data where !metricNames(of: set).contains(name) {
          throw .badValue(
            at: "report.\(key)", value: "'\(name)'", allowed: metricNames(of: set).joined(separator: ", "))
        }
      }
    }
    if case .test(let name) = tuning.metric {
      for set in data where !metricNames(of: set).contains(name) {
        throw .badValue(
          at: "tuning.metric", value: "'\(name)'",
          allowed: "test: and one of " + metricNames(of: set).joined(separator: ", "))
      }
    }
  }

  /// Names of the metrics of the first protocol on a data set.
  func metricNames(of set: StudyData) -> [String] {
    if set.world != nil, !set.drawsLabels {
      return (scoring.cutoffs ?? [20]).flatMap { cutoff in
        [RankingMetric.dcg.name(cutoff: cutoff), RankingMetric.ndcg.name(cutoff: cutoff)]
      }
    }
    guard let preset = scoring.presets.first else { return [] }
    return preset.metrics.flatMap { metric in
      metric.hasCutoff ? preset.cutoffs.map { metric.name(cutoff: $0) } : [metric.name(cutoff: nil)]
    }
  }
}

extension StudyData.Kind {
  /// Whether the test is a list of rated items instead of a ranking of the catalogue.
  var isRated: Bool { self == .coat || self == .yahooR3 }

  /// Why it may not be there.
  var licence: String { self == .yahooR3 ? ", whose licence (Yahoo! Webscope R3) every user must hold" : "" }
}

extension StudyData {
  /// The protocols that this test is scored by; none in worlds whose metric is the true relevance.
  func testPresets(of presets: [ProtocolPreset]) -> [ProtocolPreset] { world != nil && !drawsLabels ? [] : presets }

  func supports(_ preset: ProtocolPreset) -> Bool {
    if kind.isRated { return preset.candidates != .catalogue }
    return preset.candidates != .ratedItems && !preset.labels.needsRatings
  }
}

extension StudyMethod {
  /// Epochs of the recipe; nil for rows that do not train.
  var epochs: Int? {
    guard members == nil, let plan = try? recipe.validated(), plan.entry.isTrained else { return nil }
    return plan.pointwise.epochs
  }
}
