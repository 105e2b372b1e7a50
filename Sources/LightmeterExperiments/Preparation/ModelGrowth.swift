internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterServing
internal import LightmeterTraining
internal import Synchronization

/// A model's tables with rows for new users and items.
///
/// A new row is folded in where its clicks touch anything known (items by the known users who clicked them, users by the
/// known items that they clicked), and drawn from the method's initial distribution elsewhere, or where the model cannot
/// fold in. Exposure: popularity is counted on all clicks; learned tables keep their rows, and new ones get the mean e_u,
/// or popularity for a level of their own; a calibration gives new users and items the numbers of the known ones that are
/// nearest in clicks.
struct ModelGrowth {
  let parent: StoredModel
  let factors: FactorModel
  let plan: Plan
  let seed: UInt64

  struct Grown {
    var start: WarmStart
    var usersFolded = 0
    var itemsFolded = 0
  }

  func grow(users userCount: Int, items itemCount: Int, clicks: FeedbackMatrix, all: FeedbackMatrix) -> Grown {
    let recommender = Recommender(parent)
    let users = extended(factors.users, to: userCount, salt: 0)
    let items = extended(factors.items, to: itemCount, salt: 1)
    var grown = Grown(start: WarmStart(modelTables: [users, items], intercept: factors.intercept, counted: all))
    grown.usersFolded = fold(into: &grown.start.modelTables[0], from: parent.users.count) { user in
      let known = clicks.items(of: user).filter { Int($0) < parent.items.count }.map { parent.items[Int($0)] }
      return known.isEmpty ? nil : try recommender.foldIn(session: known).row
    }
    let clickers = knownClickers(of: clicks, items: itemCount)
    grown.itemsFolded = fold(into: &grown.start.modelTables[1], from: parent.items.count) { item in
      let known = clickers[item - parent.items.count].map { parent.users[Int($0)] }
      return known.isEmpty ? nil : try recommender.foldIn(itemClickedBy: known).row
    }
    growExposure(&grown.start, users: userCount, all: all)
    return grown
  }

  /// The known users who clicked each new item.
  private func knownClickers(of clicks: FeedbackMatrix, items itemCount: Int) -> [[Int32]] {
    var clickers = [[Int32]](repeating: [], count: itemCount - parent.items.count)
    for user in 0..<parent.users.count {
      for item in clicks.items(of: user) where Int(item) >= parent.items.count {
        clickers[Int(item) - parent.items.count].append(Int32(user))
      }
    }
    return clickers
  }

  /// Replaces rows from `first` on by what `make` gives, on all threads.
  private func fold(
    into table: inout Table<Float>, from first: Int, _ make: @Sendable (Int) throws -> [Float]?
  ) -> Int {
    let shards = table.rows - first
    guard shards > 0 else { return 0 }
    let rows = Mutex([[Float]?](repeating: nil, count: shards))
    Threads.run(shards: shards) { shard in
      // A model that cannot fold in leaves its rows as they were drawn; the report counts them.
      guard let row = try? make(first + shard) else { return }
      rows.withLock { $0[shard] = row }
    }
    var folded = 0
    for (place, row) in rows.withLock({ $0 }).enumerated() {
      guard let row else { continue }
      table.values.replaceSubrange((first + place) * table.stride..<(first + place + 1) * table.stride, with: row)
      folded += 1
    }
    return folded
  }

  private func extended(_ table: Table<Float>, to rows: Int, salt: Int) -> Table<Float> {
    var wider = Table<Float>(
      name: table.name, rows: rows, factorWidth: table.factorWidth, extraColumns: table.width - table.factorWidth,
      fixedColumn: table.fixedColumn)
    wider.randomize(deviation: Float(plan.pointwise.initialDeviation), seed: seed, salt: salt)
    wider.values.replaceSubrange(0..<table.values.count, with: table.values)
    return wider
  }

  private func growExposure(_ start: inout WarmStart, users userCount: Int, all: FeedbackMatrix) {
    switch (parent.exposure, plan.pointwise.exposure) {
    case (.blended(let blended)?, _):
      var users = extended(blended.users, to: userCount, salt: 2)
      let mean = blended.users.meanRow
      for user in blended.users.rows..<userCount {
        users.values.replaceSubrange(user * users.stride..<(user + 1) * users.stride, with: mean)
      }
      start.exposureTables = [users, blended.gate]
    case (.perItem(let levels)?, .perItem(let power)):
      let counted = Popularity.exposure(of: all, exponent: power)
      start.exposureTables = PerItemExposure<Float>(start: levels + counted[levels.count...]).tables
    case (.perItem(let levels)?, _) where plan.entry.name == MethodEntry.exposure.name:
      let initial = Float(plan.own["initialExposure"] ?? ExposureMatrixFactorization().initialExposure)
      start.exposure = .perItem(levels + [Float](repeating: initial, count: all.itemCount - levels.count))
    case (.calibrated(let calibrated)?, _): start.exposure = .calibrated(grown(calibrated, all: all))
    default: break
    }
  }

  private func grown(_ old: CalibratedExposure, all: FeedbackMatrix) -> CalibratedExposure {
    let users = nearest(all.userCounts, known: old.userCount)
    let items = nearest(all.itemCounts, known: old.itemCount)
    let relevance = old.relevance
    return CalibratedExposure(
      itemRates: items.map { old.itemRates[$0] }, activities: users.map { old.activities[$0] },
      relevance: relevance.isRegressed
        ? CalibratedRelevance(
          itemEffects: items.map { relevance.itemMeans[$0] }, itemLogits: items.map { relevance.itemLogits[$0] },
          userLogits: users.map { relevance.userLogits[$0] })
        : CalibratedRelevance(userCount: all.userCount, itemMeans: items.map { relevance.itemMeans[$0] }))
  }

  /// Each known index itself; for a new one the known index with the nearest count.
  private func nearest(_ counts: [Int], known: Int) -> [Int] {
    counts.indices.map { index in
      index < known
        ? index : (0..<known).min { abs(counts[$0] - counts[index]) < abs(counts[$1] - counts[index]) } ?? 0
    }
  }
}
