internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterObjectives

extension Recommender {
  /// The row of an item that is not in the model, from the users who clicked it.
  ///
  /// The mirror image of ``foldIn(session:declined:sample:)``: users and exposure are held still. A user who did not click
  /// the item weighs as often as training would have drawn it for that user, k · (clicks of the user) / items. Its
  /// exposure is that of the known item with the nearest number of clicks (the first of several).
  ///
  /// - Parameters:
  ///   - users: raw ids; the order does not matter, repeats count once, unknown ids are named in the answer.
  ///   - sample: how many users without a click take part where training draws pairs.
  /// - Throws: ``Problem/noFoldIn(_:)``; ``Problem/noHistory`` where the users' activity is needed and was not saved.
  /// - Stability: experimental
  public func foldIn(itemClickedBy users: some Sequence<String>, sample: Int = foldInSample) throws(Problem)
    -> FoldedRow
  {
    let (members, objective) = try foldable()
    let clicks = known(users, in: model.users)
    let sides = members.map {
      FoldInSide(own: $0.items, other: $0.users, intercept: $0.intercept, objective: objective, isOfItem: true)
    }
    let side = sides[0]
    let solutions: [FoldInSide.Solution]
    switch objective.loss {
    case .leastSquares(let confidence):
      let gram = cache.userGram { side.gram() }
      guard let solved = side.solveLeastSquares(clicked: clicks.rows, confidence: confidence, gram: gram) else {
        throw .noFoldIn("the item's system is not positive definite; train with a larger regularization")
      }
      solutions = [solved]
    case .triples: solutions = [side.solve(side.problem(try triplesOfItem(side, clicks.rows, sample: sample)))]
    case .imputedSquares(let weight):
      let pairs = try imputed(side, clicks.rows, imputationWeight: weight)
      solutions = sides.map { $0.solve($0.problem(pairs)) }
    default:
      let pairs = try pairsOfItem(side, clicks.rows, sample: sample)
      solutions = sides.map { side in side.solve(side.problem(pairs)) { cache.meanItem { members[0].items.meanRow } } }
    }
    return FoldedRow(solutions, unknown: clicks.unknown)
  }

  private func pairsOfItem(_ side: FoldInSide, _ clicks: [Int32], sample: Int) throws(Problem) -> FoldInSide.Pairs {
    var pairs = FoldInSide.Pairs()
    for user in clicks { pairs.append(user, feedback: 1, weight: 1, exposure: 1) }
    switch side.objective.unclicked {
    case .listed: break
    case .all:
      for user in side.sample(excluding: Set(clicks), limit: nil) {
        pairs.append(user, feedback: 0, weight: 1, exposure: 1)
      }
    case .drawn(let perClick):
      guard let seen = model.seen else { throw .noHistory }
      let others = side.sample(excluding: Set(clicks), limit: sample)
      // As if the item stood in the catalogue.
      let scale = Double(side.other.rows - clicks.count) / Double(max(others.count, 1)) / Double(model.items.count + 1)
      for user in others {
        let own = Double(seen.range(of: Int(user)).count * perClick)
        pairs.append(user, feedback: 0, weight: own * scale, exposure: 1)
      }
    }
    guard side.objective.estimator?.usesExposure == true, let exposure = model.exposure else { return pairs }
    if case .constant(let value) = exposure {
      for k in pairs.rows.indices { pairs.exposures[k] = Double(value) }
      return pairs
    }
    let like = try itemLike(clicks: clicks.count)
    var column = [Float](repeating: 1, count: pairs.rows.count)
    exposure.exposures(users: pairs.rows, items: [Int32](repeating: like, count: column.count), into: &column)
    for k in column.indices where !(k < clicks.count && side.objective.listsImpressions) {
      let least: Float = k < clicks.count ? CalibratedExposure.range.lowerBound : 0
      pairs.exposures[k] = Double(max(column[k], least))
    }
    return pairs
  }

  /// The known item with the nearest number of clicks.
  private func itemLike(clicks: Int) throws(Problem) -> Int32 {
    guard let seen = model.seen else { throw .noHistory }
    let counts = cache.itemCounts { seen.itemCounts }
    return Int32(counts.indices.min { abs(counts[$0] - clicks) < abs(counts[$1] - clicks) } ?? 0)
  }

  /// The item against what its users did not click, and below what other users clicked.
  private func triplesOfItem(_ side: FoldInSide, _ clicks: [Int32], sample: Int) throws(Problem) -> FoldInSide.Pairs {
    guard let seen = model.seen else { throw .noHistory }
    guard case .factors(let factors) = model.scorer, case .drawn(let perClick) = side.objective.unclicked else {
      return FoldInSide.Pairs()
    }
    var pairs = FoldInSide.Pairs(shifts: [])
    var score: [Float] = [0]
    func scored(_ user: Int32, _ item: Int) -> Double {
      factors.scores(user: Int(user), items: item..<item + 1, into: &score)
      return Double(score[0])
    }
    let draws = max(16, sample / max(clicks.count, 1) / 2)
    for user in clicks {
      let key = SeededGenerator.key(seed: 1, stream: .negatives, epoch: -1, shard: Int(user))
      var (drawn, attempt): (Int, UInt64) = (0, 0)
      // A draw that hits a click is dropped, as in training; twice as many attempts as draws are enough to end.
      while drawn < draws, attempt < UInt64(2 * draws) {
        let bits = SeededGenerator.hash(key, attempt).multipliedFullWidth(by: UInt64(factors.itemCount))
        attempt += 1
        if seen.contains(user: Int(user), item: Int32(bits.high)) { continue }
        pairs.append(
          user, feedback: 1, weight: Double(perClick) / Double(draws), exposure: 1,
          shift: scored(user, Int(bits.high)))
        drawn += 1
      }
    }
    let others = side.sample(excluding: Set(clicks), limit: sample / 2)
    let scale = Double(side.other.rows - clicks.count) / Double(max(others.count, 1))
    for user in others {
      let own = seen.range(of: Int(user))
      if own.isEmpty { continue }
      let key = SeededGenerator.key(seed: 2, stream: .negatives, epoch: -1, shard: Int(user))
      let place = SeededGenerator.hash(key, 0).multipliedFullWidth(by: UInt64(own.count)).high
      let weight = Double(perClick * own.count) / Double(max(factors.itemCount + 1 - own.count, 1)) * scale
      pairs.append(
        user, feedback: 0, weight: weight, exposure: 1,
        shift: scored(user, Int(seen.items[own.lowerBound + Int(place)])))
    }
    return pairs
  }
}
