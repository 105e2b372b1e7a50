import Foundation
import LightmeterEvaluation
import LightmeterFeedback
import LightmeterTraining

@testable import LightmeterExperiments

/// Invented results of a study, with everything that its records can hold.
struct StudyPageSample {
  var labels: [String]
  var seeds = 3
  /// Rows whose runs gave no model.
  var failed: Set<Int> = []
  var metrics = ["NDCG@5", "Recall@5"]
  var sets = ["first", "second"]
  var chosenOnTest = false
  /// Seeds of the study that are not done.
  var missingSeeds = 0
  /// Whether the records hold curves, deciles and maps.
  var isRich = true

  static let hostile = "<script>alert('1')</script> & \"q\" ]]> --> | \\ % _ \u{1B}[31m"

  static func labels(_ count: Int) -> [String] {
    PagesSample.longNames.prefix(count).map { $0 }
      + (PagesSample.longNames.count..<max(count, PagesSample.longNames.count)).map { "Method number \($0)" }
  }

  private static let card = ProtocolCard(
    preset: "strict", binarise: "as given", candidates: "all", itemsDropped: "none", usersKept: "all",
    usersKeptCount: 14, usersTotal: 14, emptyUserValue: nil, convention: MetricConvention(), cutoffs: [5],
    userInterval: "bootstrap", run: RunProtocol())

  private func quoted(_ text: String) throws -> String {
    String(decoding: try JSONEncoder().encode(text), as: UTF8.self).replacing("\\/", with: "/")
  }

  var study: Study {
    get throws {
      let methods = try labels.map { "{ method: mf, label: \(try quoted($0)), epochs: 4 }" }.joined(separator: ", ")
      let data = try sets.map {
        "{ kind: clean-world, label: \(try quoted($0)), users: 5, items: 5, calibrationPairs: 500 }"
      }.joined(separator: ", ")
      return try Study(
        text: """
          { name: sample, summary: \(try quoted("Invented: " + (labels.first ?? ""))), data: [\(data)],
            methods: [\(methods)], seeds: \(seeds + missingSeeds), controls: [\(try quoted(labels[0]))],
            chosenOnTest: \(chosenOnTest), trace: true }
          """)
    }
  }

  private func record(_ place: Int, seed: Int) throws -> RunRecord {
    var record = RunRecord(
      key: "\(place)-\(seed)", phase: .final, data: "d", dataDigest: "0", method: labels[place], recipe: Recipe("mf"),
      seed: UInt64(seed))
    record.seconds = 0.5 + Double(place) + 0.1 * Double(seed)
    record.peakBytes = 50_000_000 + place
    guard !failed.contains(place) else {
      record.failure = "the loss became NaN in epoch 2"
      return record
    }
    record.results = [
      StoredResult(
        card: Self.card,
        values: [(RankingMetric.ndcg, 0.4), (.recall, 0.2)].map { metric, base in
          MeasuredValue(
            metric: metric, cutoff: 5, users: (0..<14).map { Int32($0) },
            perUser: (0..<14).map { user in
              base + 0.015 * Double(place) + 0.1 * PagesSample.noise(user) + 0.02 * PagesSample.noise(user * 31 + place)
                + 0.002 * Double(seed)
            }, card: Self.card)
        })
    ]
    if isRich { try enrich(&record, place, seed) }
    return record
  }

  private func enrich(_ record: inout RunRecord, _ place: Int, _ seed: Int) throws {
    record.exposure = RunRecord.Exposure(correlation: 0.5 + 0.02 * Double(place), error: 0.1)
    record.history = (1...4).map { epoch in
      var one = EpochRecord()
      one.epoch = epoch
      one.trainingLoss = 0.7 - 0.05 * Double(epoch) + 0.01 * Double(place + seed)
      one.seconds = 0.1
      return one
    }
    let shift = place + seed
    record.trace = (0...20).map { step -> RunRecord.TracePoint in
      RunRecord.TracePoint(step: step, epoch: nil, correlation: 0.1 + 0.01 * Double(step + shift), error: 0.2)
    }
    record.trace? += (1...4).map { epoch -> RunRecord.TracePoint in
      RunRecord.TracePoint(step: nil, epoch: epoch, correlation: 0.3 + 0.03 * Double(epoch + place), error: 0.2)
    }
    let tenths = (0..<10).map { 0.01 * Double($0 + place + 1) }
    let object: [String: Any] = [
      "cutoff": 5, "recommendedShare": tenths, "contribution": tenths.map { $0 / 10 }, "recall": tenths,
      "clicks": Array(1...10), "userMean": tenths,
    ]
    record.deciles = try JSONDecoder().decode(
      PopularityDeciles.self, from: JSONSerialization.data(withJSONObject: object))
    record.exposureMap = ExposureMap(
      of: SlopedExposure(slope: 0.02 + 0.001 * Float(place)), truth: SlopedExposure(slope: 0.03),
      popularity: SlopedExposure.clicks)
  }

  func parts() throws -> [StudyPart] {
    let study = try study
    return try study.data.map { description in
      let results = StudyResults(
        dataset: try StudyDataset.open(description, folder: "."),
        rows: try labels.indices.map { place in
          StudyRow(
            label: labels[place], records: try (0..<seeds).map { try record(place, seed: $0) },
            choice: StudyChoice(recipe: Recipe("mf"), epoch: 4, score: 0.6), taken: [])
        }, seeds: (0..<seeds).map { UInt64($0) }, controls: study.controls)
      var tuned: [String: [RunRecord]] = [:]
      for label in labels.dropFirst() where isRich {
        var run = RunRecord(
          key: "t", phase: .tune, data: "d", dataDigest: "0", method: label, recipe: Recipe("mf"), seed: 101)
        run.scores = [2, 4].map { RunRecord.Score(epoch: $0, value: 0.5 + 0.01 * Double($0)) }
        tuned[label] = [run]
      }
      return StudyPart(
        results: results, metrics: try metrics.map { ($0, try results.cells($0)) }, chosenRuns: tuned,
        tuningSeconds: [labels[0]: 12])
    }
  }

  func page(_ parts: [StudyPart]) throws -> Page {
    try StudyPage(
      study: study, parts: parts, absent: [], command: "lightmeter experiment report \(labels[0])"
    ).page()
  }
}

/// Exposure that grows with the item's number.
struct SlopedExposure: ExposureEstimate {
  let slope: Float

  /// Item i has i clicks, all users as many as others or one more.
  static let clicks: FeedbackMatrix = {
    var (users, items): ([Int32], [Int32]) = ([], [])
    for item in 0..<20 {
      for user in 0..<item {
        users.append(Int32(user))
        items.append(Int32(item))
      }
    }
    return FeedbackMatrix(userCount: 20, itemCount: 20, users: users, items: items)
  }()

  func exposures(user: Int, items: Range<Int>, into exposures: inout [Float]) {
    for (k, item) in items.enumerated() { exposures[k] = slope * Float(item + 1) }
  }
}
