internal import LightmeterEvaluation
internal import LightmeterKernels
internal import LightmeterModels

/// How far rows of a table went from where they were.
public struct Movement: Sendable, Hashable, Codable {
  /// Median over rows of |new − old| over the root mean square length of the old rows.
  public var median: Double
  /// The largest.
  public var largest: Double

  init(of old: Table<Float>, to new: Table<Float>) {
    var squares = 0.0
    let moved = (0..<old.rows).map { row -> Double in
      var gaps = 0.0
      for column in 0..<old.width where column != old.fixedColumn {
        let before = Double(old.values[row * old.stride + column])
        let gap = Double(new.values[row * new.stride + column]) - before
        gaps += gap * gap
        squares += before * before
      }
      return gaps.squareRoot()
    }
    // Against the typical length of a row: rows that decay has brought to nothing have none of their own.
    let length = (squares / Double(max(old.rows, 1))).squareRoot()
    let ratios = moved.map { length > 0 ? $0 / length : 0 }.sorted()
    (median, largest) = (ratios.isEmpty ? 0 : ratios[ratios.count / 2], ratios.last ?? 0)
  }
}

/// What an update changed; kept in the manifest as the model's provenance.
///
/// - Stability: experimental
public struct UpdateReport: Sendable, Hashable, Codable {
  /// XXH64 of the parent's file.
  public var parent: String
  /// Users that the parent did not know.
  public var usersAdded: Int
  /// Items that the parent did not know.
  public var itemsAdded: Int
  /// New users whose row was folded in; the others started at random values.
  public var usersFolded: Int
  /// New items likewise.
  public var itemsFolded: Int
  /// Clicks trained on, replayed ones included.
  public var clicks: Int
  /// Old clicks among them, of the parent's history or of a log that was replayed.
  public var replayed: Int
  /// Passes over the stream.
  public var epochs: Int
  /// How far the known users' rows went.
  public var usersMoved: Movement
  /// How far the known items' rows went.
  public var itemsMoved: Movement
  /// NDCG@20 on held-out new clicks with new rows folded in and nothing trained; nil where nothing was held out.
  public var before: Double?
  /// The same after training.
  public var after: Double?
  /// Mean difference over users with its 95 % interval.
  public var difference: Difference?

  /// A paired difference.
  public struct Difference: Sendable, Hashable, Codable {
    /// Mean.
    public var mean: Double
    /// Lower end.
    public var low: Double
    /// Upper end.
    public var high: Double
  }

  init(
    parent: String, usersAdded: Int, itemsAdded: Int, usersFolded: Int, itemsFolded: Int, clicks: Int, replayed: Int,
    epochs: Int, usersMoved: Movement, itemsMoved: Movement
  ) {
    (self.parent, self.usersAdded, self.itemsAdded) = (parent, usersAdded, itemsAdded)
    (self.usersFolded, self.itemsFolded, self.clicks) = (usersFolded, itemsFolded, clicks)
    (self.replayed, self.epochs) = (replayed, epochs)
    (self.usersMoved, self.itemsMoved) = (usersMoved, itemsMoved)
  }

  mutating func compare(_ before: EvaluationResult?, _ after: EvaluationResult?) {
    guard let old = before?.value(.ndcg, cutoff: 20), let new = after?.value(.ndcg, cutoff: 20) else { return }
    (self.before, self.after) = (old.mean, new.mean)
    difference = (try? PairedComparison(from: old, to: new)).map {
      Difference(mean: $0.difference.mean, low: $0.difference.low, high: $0.difference.high)
    }
  }

  /// Whether the update made things better or worse on the held-out new clicks: one sentence.
  public var verdict: String {
    guard let before, let after else { return "Nothing was held out, so nothing is known of better or worse." }
    func text(_ value: Double) -> String { NumberText.fixed(value, places: 4) }
    var sentence = "NDCG@20 on held-out new clicks: \(text(before)) before, \(text(after)) after"
    guard let difference else { return sentence + "; too few test users for an interval." }
    sentence += ", difference \(text(difference.mean)) [\(text(difference.low)), \(text(difference.high))]"
    if difference.high < 0 { return sentence + ". The update MADE THINGS WORSE: keep the old model." }
    if difference.low > 0 { return sentence + ". The update helps." }
    return sentence + (difference.mean < 0 ? ". No clear difference, and rather worse." : ". No clear difference.")
  }

  /// Whether the held-out new clicks are ranked worse after the update, beyond chance.
  public var isWorse: Bool { (difference?.high ?? 0) < 0 }

  var results: [ModelManifest.Result] {
    [("before the update", before), ("after the update", after)].compactMap { title, value in
      value.map { ModelManifest.Result(method: title, metric: "NDCG@20", mean: $0, low: nil, high: nil) }
    }
  }
}

/// Why a model was not continued.
public enum UpdateError: Error, Equatable, CustomStringConvertible {
  /// The file says nothing of its training.
  case noManifest
  /// The file holds no history.
  case noHistory
  /// The method cannot go on from its file.
  case impossible(String)

  /// One sentence.
  public var description: String {
    switch self {
    case .noManifest: "this model file does not say how it was trained, so training cannot go on; train anew"
    case .noHistory:
      "this model was saved without the users' history, so its click counts cannot be extended; give the old "
        + "log by --replay-log, or train anew on both logs"
    case .impossible(let reason): "this model cannot be continued: \(reason); train anew on both logs"
    }
  }
}

extension UpdateReport {
  /// XXH64 of a whole file, hexadecimal.
  public static func digest(ofFile path: String) throws -> String {
    let file = try MappedFile(path)
    var hash = XXH64()
    file.withBytes(0..<file.count) { hash.update($0) }
    return StudyDataset.hex(hash.finish())
  }
}
